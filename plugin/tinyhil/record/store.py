"""The store of runs: what gate, results, report, submission, verify and resume read runs through.

Everything in a run is read strictly and in bounds; what is wrong is always said as file, line, key.
A run that was killed may end in a torn line; that line is left out, and the run says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.rules import Rules
from tinyhil.ground.errors import ConfigError
from tinyhil.record.description import Description, read_description
from tinyhil.record.reading import Model, TornLineError, list_files, read_objects, read_plain
from tinyhil.record.schema import LINES, RAW, RUN, Line


@dataclass(frozen=True)
class Run:
    """A run's folder and its record."""

    folder: Path
    description: Description
    lines: tuple[Line, ...]
    torn: bool
    """Whether the record ends in a line that is not complete."""

    @property
    def name(self) -> str:
        """Of the folder."""
        return self.folder.name

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader must be told."""
        return (f"{self.folder}: the record's torn last line is left out",) if self.torn else ()

    def is_short(self, line: Line) -> bool:
        """Whether a line is only a quick look: of a quick run, or shorter than the rules ask."""
        return self.description.configuration.quick or shorter_than_asked(line)

    def rows(self, task: str, measure: MeasureName, kind: type[Model]) -> tuple[Model, ...]:
        """The raw answers of one measure, in the order they came; without those that only prove
        them, and without a torn last one.

        Raises:
            ConfigError: the file is missing or empty, or holds something else.
        """
        path = self.folder / RAW / f"{task}-{measure}.jsonl"
        rows = tuple(read_plain(path, kind))
        if not rows:
            raise ConfigError(
                f"{path}: has no row", hint="the file was altered or torn; measure again"
            )
        return rows


def find_runs(path: Path) -> tuple[Path, ...]:
    """A run's folder itself, or those in a folder of runs, oldest first; none elsewhere."""
    if (path / LINES).is_file():
        return (path,)
    try:
        with os.scandir(path) as entries:
            # What begins with a dot is on its way out: `publish.prune`.
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except OSError:
        return ()
    found = (os.path.isfile(f"{path}/{name}/{LINES}") for name in names)  # noqa: PTH113 - thousands
    return tuple(path / name for name in compress(names, found))


def find_bare(path: Path) -> tuple[Path, ...]:
    """Runs in a folder of runs that came to no measure: they have no record; oldest first."""
    found = (file.parent for file in path.glob(f"[!.]*/{RUN}"))
    return tuple(sorted(filter(is_bare, found)))


def is_bare(folder: Path) -> bool:
    """Whether a folder is that of a run without a record."""
    return (folder / RUN).is_file() and not (folder / LINES).exists()


def read_run(folder: Path) -> Run:
    """Read a run's record.

    Raises:
        ConfigError: the folder holds what no run does, or its description or a line is missing, of
            another schema, or damaged; the text names file, line and key.
    """
    list_files(folder)  # Refuses links, and what would never end.
    description, lines, torn = read_description(folder), [], False
    try:
        for _, line in record_lines(folder):
            lines.append(line)
    except TornLineError:
        torn = True
    return Run(folder, description, tuple(lines), torn)


def record_lines(folder: Path) -> Iterator[tuple[int, Line]]:
    """Number and content of each line of a run's record.

    Raises:
        TornLineError: the last line is torn; all before it were given.
        ConfigError: as `read_run`; all lines before the wrong one were given.
    """
    return read_objects(folder / LINES, Line, versioned=True)


def shorter_than_asked(line: Line) -> bool:
    """Whether a finished measure is shorter than the rules of the benchmark ask."""
    rules, details = Rules(), line.details
    if line.failed:
        return False
    if line.measure is MeasureName.SINGLE_STREAM:
        return line.samples < rules.queries or details["device_s"] < rules.single_stream_s
    if line.measure is MeasureName.THROUGHPUT:
        return any(
            window["inferences"] < rules.window_inferences or window["device_s"] < rules.window_s
            for window in details["windows"]
        )
    return False
