"""``tinyhil farm status``: every board of the farm, who holds it, and how it did last.

labgrid knows the boards that it hands out; those of this host that are in quarantine without it are
in the notes beside its locks.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tinyhil.device import quarantine
from tinyhil.device.far import coordinator
from tinyhil.device.far.coordinator import Place
from tinyhil.device.quarantine import Note
from tinyhil.ground.answer import Answer
from tinyhil.ground.errors import BenchError, ConfigError
from tinyhil.publish.headings import Heading, headings
from tinyhil.record.description import read_description
from tinyhil.record.store import find_bare, find_runs

Last = tuple[str, str]
"""Name of a run, and the worst of its verdicts."""
Health = Literal["ok", "not exported", "quarantined"]


@dataclass(frozen=True)
class FarmBoard:
    """A board of the farm."""

    place: str
    """labgrid's name of it, or that of the station on this host."""
    board: str
    """Name of its type."""
    host: str
    """That it is plugged into; empty where its exporter does not say."""
    holder: str
    """Host, user and process that hold it; empty: it is free."""
    reserved: bool
    """Whether somebody waits for it, or has got it by a reservation."""
    health: Health
    """``not exported``: no exporter offers it now."""
    quarantine: str
    """Why nobody gets it; empty: it is in use."""
    last_run: str | None
    """Name of the newest run in the folder of runs."""
    last_verdict: str | None
    """The worst of that run: ``error``, ``fail``, ``not judged``, ``pass``; or ``nothing``: it came
    to no measure."""


@dataclass(frozen=True)
class FarmStatus(Answer):
    """The farm; the exit status is 1 if a board is not ``ok``."""

    boards: tuple[FarmBoard, ...]
    """By place."""
    missing: str = ""
    """Why the places of labgrid are not in here; empty: they are."""


def status(runs: Path) -> FarmStatus:
    """Ask labgrid, and look into a folder of runs.

    Raises:
        BenchError: labgrid's coordinator does not answer, and nothing is known without it.
    """
    kept, latest = quarantine.notes(), _latest(runs)
    missing = ""
    try:
        places = coordinator.places()
    except BenchError as error:
        if not kept:
            error.message = f"no board of this host is in quarantine, and {error.message}"
            raise
        places, missing = (), error.message
    rows = [_row(place, latest.get(place.name)) for place in places]
    noted = (_noted(note, latest.get(note.station)) for note in kept)
    return FarmStatus((*rows, *noted), missing)


def _row(place: Place, run: Last | None) -> FarmBoard:
    facts = place.board or {}
    health: Health = "ok" if place.board else "not exported"
    return FarmBoard(
        place=place.name,
        board=place.type or place.quarantined,
        host=str(facts.get("host", "")),
        holder=place.holder,
        reserved=bool(place.reservation),
        health="quarantined" if place.quarantined else health,
        quarantine=place.comment if place.quarantined else "",
        last_run=run[0] if run else None,
        last_verdict=run[1] if run else None,
    )


def _noted(note: Note, run: Last | None) -> FarmBoard:
    return FarmBoard(
        place=note.station,
        board="",
        host=socket.gethostname(),
        holder="",
        reserved=False,
        health="quarantined",
        quarantine=f"{note.reason} (since {note.since})",
        last_run=run[0] if run else None,
        last_verdict=run[1] if run else None,
    )


def _latest(runs: Path) -> Mapping[str, Last]:
    """The newest run of each station; one that came to no measure has gone wrong before."""
    found = [
        (one.folder.name, one.worst, one.station)
        for one in headings(find_runs(runs))
        if isinstance(one, Heading)
    ]
    for folder in find_bare(runs):
        with suppress(ConfigError):
            station = read_description(folder).configuration.station
            found.append((folder.name, "nothing", station))
    return {station: (name, worst) for name, worst, station in sorted(found)}
