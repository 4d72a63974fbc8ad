"""Boards that nobody gets until they are returned: notes beside the locks of probes and ports.

So a board in quarantine is out of reach for all users of its host, and of others through it. A
board that labgrid hands out has its tag for that instead, see `far.coordinator`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from tinyhil.device import lock_file
from tinyhil.device.lock import Thing, lock_folder
from tinyhil.ground import locking
from tinyhil.ground.errors import BenchError, QuarantinedError
from tinyhil.ground.text import shown

_PREFIX = "quarantine-"
_REASON = 600


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
    try:
        handle = lock_file.locked(lock_folder(), name)
        if isinstance(handle, dict):
            raise BlockingIOError(0, "another process writes it")
        since = datetime.now(UTC).isoformat(timespec="seconds")
        noted = {"station": station, "thing": f"{thing.kind} {thing.name}", "since": since}
        lock_file.sign(handle, {**noted, "reason": shown(reason, _REASON)})
        locking.release(handle)
    except OSError as error:
        raise BenchError(
            f"the quarantine of '{station}' can't be noted in {lock_folder()}: {error.strerror}",
            hint="the folder must be writable for all users of the boards, as /tmp is",
            board=station,
        ) from error


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
    with suppress(OSError):
        names = sorted(path.name for path in lock_folder().glob(f"{_PREFIX}*.lock"))
        return [note for note in map(_read, names) if note]
    return []


def take_back(station: str) -> bool:
    """End the quarantine of a board of this host; says whether there was one.

    Raises:
        BenchError: its note can't be removed.
    """
    found = False
    for path in sorted(lock_folder().glob(f"{_PREFIX}*.lock")):
        note = _read(path.name)
        if note is None or note.station != station:
            continue
        handle = lock_file.locked(lock_folder(), path.name)
        if isinstance(handle, int):
            lock_file.let_go(lock_folder(), path.name, handle)
            found = True
    return found


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
