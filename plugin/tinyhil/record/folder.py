"""A run's folder, open for writing by this process alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tinyhil.catalog.measure import MeasureName
from tinyhil.ground import locking
from tinyhil.ground.files import append, cut_lines, lock, unwritable
from tinyhil.record.configuration import Configuration
from tinyhil.record.description import Description, JobFacts, Part, Where
from tinyhil.record.entry import Entry
from tinyhil.record.kept import keep
from tinyhil.record.reading import read_rows
from tinyhil.record.schema import LINES, RAW, TESTS, EndedTest, Line

Row = dict[str, Any]


class Record:
    """A run's folder, open for appending; `start` and `resume.resume` make one.

    Args:
        folder: of the run.
        description: what is in its ``run.json``.
        descriptor: of the folder, locked; see `files.lock`.
        lines: of its ``record.jsonl``.
    """

    def __init__(
        self, folder: Path, description: Description, descriptor: int, lines: tuple[Line, ...] = ()
    ) -> None:
        self.folder = folder
        self.raw = folder / RAW
        self.run = description.run
        self._description = description
        self._descriptor = descriptor
        self._begun: set[str] = set()
        """Tasks, in this process."""
        self._finished = {(line.task, line.measure): line for line in lines if not line.failed}

    @classmethod
    def start(
        cls,
        runs: Path,
        configuration: Configuration,
        board_at: Where | None = None,
        rerun_of: Sequence[str] = (),
    ) -> Record:
        """Make the folder of a new run.

        Args:
            runs: folder of all runs.
            configuration: what the run is asked to do.
            board_at: where its board is, if that is to be told.
            rerun_of: names of the runs whose tests it goes on with.

        Raises:
            WriteError: it can't be made.
        """
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        try:
            runs.mkdir(parents=True, exist_ok=True)
            folder = _new_folder(runs, f"{stamp}_{configuration.station}")
            descriptor = lock(folder)
            (folder / RAW).mkdir()
        except OSError as error:
            raise unwritable(runs, error) from error
        part = new_part(board_at=board_at)
        description = Description(run=folder.name, configuration=configuration, parts=(part,),
                                  rerun_of=tuple(rerun_of))  # fmt: skip
        description.write(folder)
        return cls(folder, description, descriptor)

    def begin(self, facts: JobFacts, contents: Iterable[bytes] = ()) -> None:
        """Note what a task is measured with, before it is; and what is there if it begins anew.

        Args:
            facts: of the task.
            contents: what is to be kept, see `kept`.

        Raises:
            ConfigError: a resumed run's task was measured with something else.
            WriteError: it can't be written.
        """
        description, task = self._description, facts.subject.task
        if task in self._begun:
            rows = {path.stem: len(self.rows(path.stem)) for path in self.raw.glob("*.jsonl")}
            at = description.parts[-1].board_at
            description = description.with_part(new_part(rows, board_at=at))
        self._begun.add(task)
        self._description = description.with_job(facts)
        for content in contents:
            keep(self.folder, content)
        self._description.write(self.folder)

    def append(self, entry: Entry) -> None:
        """Write one measurement; it survives the process, and the machine's power, from here on.

        Raises:
            WriteError: it can't be written.
        """
        append(self.folder / LINES, _line(entry.as_json(self.run)), lasting=True)

    def tested(self, test: EndedTest) -> None:
        """Note that a test has ended.

        Raises:
            WriteError: it can't be written.
        """
        append(self.folder / TESTS, _line(test.model_dump(mode="json")))

    def keep(self, name: str, row: Mapping[str, Any]) -> None:
        """Write one raw answer of the device to ``raw/<name>.jsonl``.

        Raises:
            WriteError: it can't be written.
        """
        append(self.raw / f"{name}.jsonl", _line(row))

    def rows(self, name: str) -> tuple[Row, ...]:
        """The raw answers in ``raw/<name>.jsonl``, in the order they came.

        Raises:
            ConfigError: the file is damaged.
        """
        path = self.raw / f"{name}.jsonl"
        return tuple(row for _, row in read_rows(path)) if path.exists() else ()

    def drop(self, name: str, kept: int) -> int:
        """Cut ``raw/<name>.jsonl`` off after its first `kept` rows; the raw log keeps all.

        Returns:
            How many rows were dropped.

        Raises:
            BenchError: it can't be written.
        """
        return cut_lines(self.raw / f"{name}.jsonl", kept)

    def finished(self, task: str, measure: MeasureName) -> Line | None:
        """The line of a measure that an earlier part of this run has finished."""
        return self._finished.get((task, measure))

    def close(self) -> None:
        """Let other processes write to the folder."""
        locking.release(self._descriptor)


def new_part(
    rows: Mapping[str, int] | None = None,
    cut: Mapping[str, int] | None = None,
    board_at: Where | None = None,
) -> Part:
    """This process as a part of a run, see `Part`."""
    return Part(
        started=datetime.now(UTC).isoformat(timespec="milliseconds"),
        tinyhil=version("pytest-tinyhil"),
        rows=dict(rows or {}),
        cut=dict(cut or {}),
        board_at=board_at,
    )


def _new_folder(runs: Path, name: str) -> Path:
    """A folder that did not exist: two runs of one board may start within a second."""
    for number in range(1, 1000):
        folder = runs / (name if number == 1 else f"{name}.{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(0, "a thousand runs of this second exist")


def _line(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, allow_nan=False) + "\n").encode()
