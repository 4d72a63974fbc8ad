"""Compares folders with the pinned sums."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tinyhil.data.official import Report, compare, entries
from tinyhil.data.pins import PINS, Source, load_pins, load_sources
from tinyhil.ground.errors import DataError
from tinyhil.ground.progress import Progress


def verify(
    root: Path, name: str, *, pinned: Path = PINS, progress: Progress | None = None
) -> Report:
    """Compare every file of one set below `root` with its pinned sum.

    Hidden files are not looked at; they are never read as data either.

    Args:
        root: the folder that holds ``datasets/`` and ``models/``.
        name: name of a set in ``sources.toml``.
        pinned: the folder of the pinned sums.
        progress: called with the number of files done and their total.

    Raises:
        DataError: no such set, or a file can't be read.
    """
    source, pins = known_source(name, pinned), load_pins(name, pinned)
    folder = root / source.folder
    here = [name for name in entries(folder) if name in pins or not source.others_allowed]
    sums = {}
    for done, entry in enumerate(here, start=1):
        sums[entry] = sum_of(folder / entry) if entry in pins else ""
        if progress:
            progress(done, len(here))
    return compare(name, pins, sums)


def known_source(name: str, pinned: Path) -> Source:
    """The source of a set.

    Raises:
        DataError: there is no such set; the known ones are named.
    """
    sources = load_sources(pinned)
    if name not in sources:
        raise DataError(
            f"no data set '{name}'; known: {', '.join(sources)}", hint="choose one of them"
        )
    return sources[name]


def sum_of(path: Path) -> str:
    """SHA-256 of a file; empty when it is not a regular file.

    Raises:
        DataError: it can't be read.
    """
    if not path.is_file():
        return ""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read: {error.strerror}", hint="check its permissions"
        ) from error
