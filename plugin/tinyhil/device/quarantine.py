"""Boards that nobody gets until they are returned: notes beside the locks of probes and ports.

So a board in quarantine is out of reach for all users of its host, and of others through it. A
board that labgrid hands out has its tag for that instead, see `far.coordinator`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from tinyhil.device import lock_file
from tinyhil.device.lock import Thing, lock_folder
from tinyhil.ground import locking
from tinyhil.ground.errors import BenchError, QuarantinedError
from tinyhil.ground.text import shown

_PREFIX = "quarantine-"
_REASON, _NAME = 600, 150
"""Characters of a note: it is whole in its file in any script, see `lock_file`."""


@dataclass(frozen=True)
class Note:
    """A board in quarantine."""

    station: str
    """Its name on the bench."""
    reason: str
    since: str
    """When it began, in UTC."""
    thing: str
    """What is noted: its probe, or its port."""


def keep_out(station: str, probe: str, port: str, reason: str) -> None:
    """Let nobody use a board of this host until `take_back`.

    Args:
        station: its name.
        probe: id of its probe; empty if it has none.
        port: its port.
        reason: for everybody to see.

    Raises:
        BenchError: it can't be noted.
    """
    thing = _things(probe, port)[0]
    name = f"{_PREFIX}{thing.file}"
    noted = {
        "station": shown(station, _NAME),
        "thing": shown(f"{thing.kind} {thing.name}", _NAME),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "reason": shown(reason, _REASON) or "no reason was given",
    }
    with _written(station):
        handle = _locked(name)
        lock_file.sign(handle, dict(noted))
        locking.release(handle)
        if lock_file.said(lock_folder(), name) != noted:
            raise OSError(0, "it was not written; the disk may be full")


@contextmanager
def _written(station: str) -> Iterator[None]:
    """Tell that a note can't be written."""
    try:
        yield
    except OSError as error:
        raise BenchError(
            f"the quarantine of '{station}' can't be noted in {lock_folder()}: {error.strerror}",
            hint="the folder must be writable for all users of the boards, as /tmp is",
            board=station,
        ) from error


def _locked(name: str) -> int:
    handle = lock_file.locked(lock_folder(), name)
    if isinstance(handle, dict):
        raise BlockingIOError(0, "another process writes it")
    return handle


def check(station: str, probe: str, port: str) -> None:
    """Refuse a board in quarantine; the arguments are as of `keep_out`.

    Raises:
        QuarantinedError: it is; says why.
    """
    for thing in _things(probe, port):
        note = _read(f"{_PREFIX}{thing.file}")
        if note:
            raise QuarantinedError(
                f"station '{station}' is in quarantine since {note.since}: {note.reason}",
                hint=f"repair it, try it with `tinyhil doctor --board {station}`, then "
                f"`tinyhil farm return {note.station}` on its host",
                board=station,
            )


def notes() -> list[Note]:
    """All boards of this host that are in quarantine."""
    return [note for _, note in _notes()]


def take_back(station: str) -> bool:
    """End the quarantine of a board of this host; says whether there was one.

    Raises:
        BenchError: its note can't be removed.
    """
    found = [name for name, note in _notes() if note.station == shown(station, _NAME)]
    with _written(station):
        for name in found:
            lock_file.let_go(lock_folder(), name, _locked(name))
    return bool(found)


def _notes() -> Iterator[tuple[str, Note]]:
    """Each with the name of its file."""
    with suppress(OSError):
        for name in sorted(path.name for path in lock_folder().glob(f"{_PREFIX}*.lock")):
            note = _read(name)
            if note:
                yield name, note


def _things(probe: str, port: str) -> list[Thing]:
    """What a note may be of; the first one is what it is of."""
    return [*([Thing("probe", probe)] if probe else []), Thing("port", port)]


def _read(name: str) -> Note | None:
    """What a note says; anybody may have written it."""
    said = lock_file.said(lock_folder(), name)
    if not said.get("reason"):
        return None
    values = (said.get(key, "?") for key in ("station", "reason", "since", "thing"))
    return Note(*(shown(str(value), _REASON) for value in values))
