"""A link whose every frame and line of text is seen, and lost where a test wants it to be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from cobs import cobs

from tinyhil.device.links import Link
from tinyhil.ground.deadline import Deadline

KINDS = {
    0x01: "START",
    0x02: "DATA",
    0x03: "PING",
    0x04: "LEAVE",
    0x11: "STATUS",
    0x12: "RESULT",
    0x13: "REFUSED",
}
_TEXT_BEGINS = 0x20
"""Frames of these tests begin with a smaller byte, see COBS; a line of text never does."""


@dataclass(frozen=True)
class Unit:
    """A frame, or a command or line of text, that has passed or was lost."""

    kind: str
    """As in `KINDS`; else "text"."""
    nth: int
    """How many of its kind there were before."""
    raw: bytes
    """As on the wire."""

    @property
    def body(self) -> bytes:
        """Of a frame, its CRC left off."""
        return bytes(cobs.decode(self.raw.rstrip(b"\0")))[:-4]


Lose = Callable[[Unit], bool]
"""Says of a unit whether it is lost."""


def never(_: Unit) -> bool:
    """Loses nothing."""
    return False


def the(kind: str, *nth: int) -> Lose:
    """Loses the ones of a kind with these numbers, from 0."""
    return lambda unit: unit.kind == kind and unit.nth in nth


def the_line(start: bytes, after: bytes = b"") -> Lose:
    """Loses the first line of text that begins so, behind one that begins as `after` says."""
    awaited = [after, start] if after else [start]

    def lose(unit: Unit) -> bool:
        if unit.kind == "text" and awaited and unit.raw.startswith(awaited[0]):
            awaited.pop(0)
            return not awaited
        return False

    return lose


def when(chosen: Lose, do: Callable[[], None]) -> Lose:
    """Does something as a unit passes, which is not lost."""

    def pass_on(unit: Unit) -> bool:
        if chosen(unit):
            do()
        return False

    return pass_on


class WatchedLink:
    """A `Link` around another one.

    Args:
        link: the other one.
        lose: says of every unit, as it passes, whether it is lost.
    """

    def __init__(self, link: Link, lose: Lose = never) -> None:
        self.lose = lose
        self.units: list[Unit] = []
        """Both ways, in their order."""
        self.sent = bytearray()
        self.bauds: list[int] = []
        self._link = link
        self._held = b""
        self._counts: Counter[str] = Counter()

    def write(self, data: bytes, deadline: Deadline) -> None:
        """See `Link.write`."""
        self.sent += data
        for raw in re.findall(rb"[^\0]*\0|[^\0]+", data):
            if not self._is_lost(raw):
                self._link.write(raw, deadline)

    def read(self, deadline: Deadline) -> bytes:
        """See `Link.read`."""
        while True:
            passed = self._pass(self._link.read(deadline))
            if passed:
                return passed

    def poll(self) -> bytes:
        """See `Link.poll`."""
        return self._pass(self._link.poll())

    def set_baud(self, baud: int) -> None:
        """See `Link.set_baud`."""
        self.bauds.append(baud)
        self._link.set_baud(baud)

    def close(self) -> None:
        """See `Link.close`."""
        self._link.close()

    def frames(self, kind: str) -> list[Unit]:
        """Those of a kind until now."""
        return [unit for unit in self.units if unit.kind == kind]

    def _pass(self, data: bytes) -> bytes:
        """What of it, and of what came before, is whole and not lost."""
        self._held += data
        passed = b""
        while self._held:
            end = b"\n" if self._held[0] >= _TEXT_BEGINS or self._held[0] in b"\r\n" else b"\0"
            raw, found, rest = self._held.partition(end)
            if not found:
                break
            self._held = rest
            passed += b"" if self._is_lost(raw + end) else raw + end
        return passed

    def _is_lost(self, raw: bytes) -> bool:
        kind = _kind(raw)
        unit = Unit(kind, self._counts[kind], raw)
        self._counts[kind] += 1
        self.units.append(unit)
        return self.lose(unit)


def _kind(raw: bytes) -> str:
    if not raw.endswith(b"\0"):
        return "text"
    try:
        return KINDS.get(cobs.decode(raw[:-1])[0], "text")
    except (cobs.DecodeError, IndexError):
        return "text"
