"""Bytes to lines: bounded, and a bad byte invalidates its message instead of changing it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tinyhil.device.protocol.messages import BEGIN

MAX_LINE_BYTES = 16384
"""Longest line that is accepted; the longest official one is far shorter."""

NOT_TEXT = "line with bytes that are not printable ASCII"

MAX_GAP_BYTES = 16
"""Line ends in a row that are told apart."""

_RUNS = re.compile(rb"[\r\n]+|[^\r\n]+")
_TEXT = frozenset((*range(0x20, 0x7F), *b"\t\x1b\0"))
"""With the tab, and with what colours a terminal and ends a string: firmware prints those too."""
_SIGNALS = b"\x07\x11\x13"
"""A bell, and XON and XOFF of the flow control: some firmware sends them behind a line."""


@dataclass(frozen=True)
class Line:
    """A whole line of ASCII text, not empty, without its line end. Before a message any byte may
    stand, decoded as Latin-1."""

    text: str
    gap: bytes = b""
    """All CR and LF between the line before and this one: firmware of the field ends its lines in
    LF, CR LF, LF CR, CR CR LF or CR."""

    @property
    def shown(self) -> str:
        """For people."""
        return self.text


@dataclass(frozen=True)
class Damaged:
    """A line, or a frame, that can't be accepted."""

    raw: bytes
    """Bounded: at most what the reader keeps."""
    reason: str
    gap: bytes = b""
    """As of `Line`."""

    @property
    def shown(self) -> bytes:
        """For people."""
        return self.raw


class LineReader:
    """Cuts a byte stream into lines, at any CR or LF; blank lines are none."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._gap = b""
        self._skipping = False

    @property
    def held(self) -> bytes:
        """Bytes of the line that has not ended yet; for messages."""
        return bytes(self._held)

    @property
    def ended(self) -> bool:
        """Whether the last line end has come whole, if lines end in LF, or CR LF."""
        return self._gap.endswith(b"\n")

    def feed(self, data: bytes) -> list[Line | Damaged]:
        """Take bytes as they come; return the lines that they complete.

        A line that exceeds `MAX_LINE_BYTES` is returned as damaged at once, not when it ends, so
        that an endless one is noticed; its rest is dropped. Memory stays bounded.
        """
        lines: list[Line | Damaged] = []
        for run in _RUNS.finditer(data):
            part = run[0]
            if part[0] not in b"\r\n":
                lines.extend(self._extend(part))
                continue
            if self._held:
                lines.append(_check(bytes(self._held), self._gap))
            if self._held or self._skipping:
                self._gap = b""
            self._held.clear()
            self._skipping = False
            self._gap = (self._gap + part)[:MAX_GAP_BYTES]
        return lines

    def _extend(self, part: bytes) -> list[Line | Damaged]:
        """Append to the line at hand; report it once when it gets too long."""
        if self._skipping:
            return []
        self._held += part
        if len(self._held) <= MAX_LINE_BYTES:
            return []
        raw = bytes(self._held[:MAX_LINE_BYTES])
        self._held.clear()
        self._skipping = True
        return [Damaged(raw, f"line longer than {MAX_LINE_BYTES} bytes", self._gap)]


def _check(raw: bytes, gap: bytes) -> Line | Damaged:
    bare = raw.rstrip(_SIGNALS)
    if _TEXT.issuperset(bare):
        return Line(raw.decode("ascii"), gap)
    text = raw.decode("latin-1")
    begin = BEGIN.search(text)
    if begin and _TEXT.issuperset(bare[begin.start() :]):
        return Line(text, gap)  # Whether it writes such text before a message is to be learnt.
    return Damaged(raw, NOT_TEXT, gap)
