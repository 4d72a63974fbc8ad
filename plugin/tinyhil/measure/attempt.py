"""The asking of one measure: on a board that may have to be brought back, and of whose answers only
those may stay that are known to be its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

from tinyhil.catalog.measure import MeasureName
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import TinyhilError, WriteError
from tinyhil.ground.progress import Progress
from tinyhil.measure.job import Conversation
from tinyhil.measure.kinds import Measure, Told
from tinyhil.measure.ladder import Ladder
from tinyhil.record import Entry, Record
from tinyhil.record.recovery import as_details
from tinyhil.record.rows import Rows, plain

Bar = Callable[[], AbstractContextManager[Progress]]
"""Opens a progress bar."""

_RECOVER_S = 10.0
"""How long a session may take to get in step again after a fault of the link."""


class Attempt:
    """A measure that is being made: its rows, and what happened while they came.

    Args:
        talk: with the device.
        record: of the run, where the rows are kept.
        ladder: brings the board back when it fails.
        name: of the measure.
        out_of_step: whether a fault of the link has ended the one before.

    Raises:
        ConfigError: the rows that are there already are damaged.
    """

    def __init__(
        self,
        talk: Conversation,
        record: Record,
        ladder: Ladder,
        name: MeasureName,
        *,
        out_of_step: bool,
    ) -> None:
        self._talk = talk
        self._record = record
        self._ladder = ladder
        self._file = f"{talk.job.task.name}-{name}"
        self._out_of_step = out_of_step
        self._boots: dict[str, int] = {}
        """How often the device has booted meanwhile, by reason."""
        self.rows = self._rows_there()
        """What is there already, and what comes."""

    def distrust(self) -> None:
        """Begin without the rows that an earlier session has kept: they may be somebody else's.

        Raises:
            WriteError: they can't be dropped.
        """
        self._record.drop(self._file, 0)
        self.rows = self._rows_there()

    def ask(self, measure: Measure, bar: Bar) -> Told:
        """Ask what the measure asks; after a fault, on a board that has been brought back, what was
        not told yet. At the end who answered is seen to be who was flashed.

        Args:
            measure: of this name.
            bar: shows how far it has come.

        Raises:
            TinyhilError: nothing has helped.
        """
        self._ladder.begin()
        # Those too count that the board begins with while it is brought back.
        guard, before = self._talk.guard, self._talk.guard.restarts
        while True:
            try:
                told, resets = self._ask(measure, bar)
            except TinyhilError as error:
                if not self._recovered(error):
                    raise
            else:
                boots = {"restarts": guard.restarts - before, "resets_on_purpose": resets}
                self._boots = {name: count for name, count in boots.items() if count}
                return told

    def take_details(self) -> dict[str, Any]:
        """For the line's details, what happened: how many rows there were already, how often the
        device has booted, and what was done, since this was asked last, to bring it back."""
        resumed = {"resumed": len(self.rows.done)} if self.rows.done else {}
        return {**resumed, **self._boots, **as_details(self._ladder.take())}

    def failed(self, line: Entry) -> Entry:
        """The line of the measure when it has failed, with what was tried; if the device is now
        another one, or did not hold its image, the rows since it last proved who it is are dropped.

        Raises:
            WriteError: they can't be.
        """
        tried = as_details(self._ladder.take())
        if not self._ladder.doubtful:
            return replace(line, samples=len(self.rows.all), details=tried)
        details = {"dropped_rows": self._drop_doubtful(), **tried}
        return replace(line, samples=self.rows.confirmed, details=details)

    def cut_short(self) -> None:
        """Leave rows only that a resumed run may go on with."""
        if self._ladder.doubtful:
            with suppress(WriteError):
                self._drop_doubtful()

    def _ask(self, measure: Measure, bar: Bar) -> tuple[Told, int]:
        """As `ask`, with the board as it is; returns also how often it was reset on purpose."""
        self._talk.guard.on_proof = self.rows.confirm
        if self._out_of_step:
            self._talk.session.synchronize(Deadline.after(_RECOVER_S))
            self._out_of_step = False
        with bar() as progress:
            told = measure.ask(self._talk, self.rows, progress)
        return told, self._talk.confirm()

    def _recovered(self, error: TinyhilError) -> bool:
        """Bring the board back; says whether the measure can go on behind its last row.

        The rows since the device last proved who it is go, where somebody else may have answered.

        Raises:
            WriteError: the run can't be written.
        """
        job, rows = self._talk.job, self.rows
        proven = rows.confirmed
        got_further = len(plain(rows.all)) > len(plain(rows.done))
        try:
            if not self._ladder.recover(error, got_further=got_further):
                return False
        finally:
            if self._ladder.doubtful:  # Whoever proves itself now may be another one.
                rows.confirmed = proven
        if self._ladder.doubtful:
            self._drop_doubtful()
        self.rows = self._rows_there(rows.confirmed)
        self._record.begin(job.facts, job.contents)
        return True

    def _rows_there(self, confirmed: int | None = None) -> Rows:
        there = self._record.rows(self._file)
        return Rows(partial(self._record.keep, self._file), there, confirmed)

    def _drop_doubtful(self) -> int:
        """Drop the rows since the device last proved who it is; returns how many those were.

        Raises:
            WriteError: they can't be.
        """
        self._ladder.doubtful = False
        return self._record.drop(self._file, self.rows.confirmed)
