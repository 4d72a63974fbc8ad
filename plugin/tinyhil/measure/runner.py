"""Runs the measures of one job: each at most once, recorded as soon as it is made.

This is where the stages meet: session → measure → metrics → verdict → record.
"""

from __future__ import annotations

import math
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from tinyhil.catalog.facts import Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.verdict import Verdict, judge
from tinyhil.ground.errors import DataError, IdentityError, LinkError, TinyhilError, WriteError
from tinyhil.ground.progress import Progress
from tinyhil.measure.attempt import Attempt
from tinyhil.measure.job import NO_IMAGE, Conversation, Job
from tinyhil.measure.kinds import MEASURES, Finding
from tinyhil.measure.ladder import Ladder
from tinyhil.measure.memory import largest
from tinyhil.record import Entry, Record
from tinyhil.record.entry import objected, restored
from tinyhil.record.rows import Rows
from tinyhil.record.schema import Line


@dataclass(frozen=True)
class Outcome:
    """A finished measure: its line in the record, and what it found, for pictures."""

    job: Job
    entry: Entry
    finding: Finding


Finished = dict[MeasureName, Outcome]
"""Measures that are finished."""


class Reporter(Protocol):
    """Is told how the measures go."""

    def bar(self, title: str) -> AbstractContextManager[Progress]:
        """Open a progress bar."""
        ...

    def notice(self, text: str) -> None:
        """Say something at once, such as how long it will take."""
        ...

    def made(self, entry: Entry) -> None:
        """A measure has ended, with or without an error, and is in the record."""
        ...

    def judged(self, verdict: Verdict, outcome: Outcome) -> str:
        """A test has asked for the verdict on a metric; returns `Verdict.since`."""
        ...


class Measurement:
    """The measures of one job over one synchronized session.

    Args:
        talk: with the device that holds the job's image.
        record: of the run.
        reporter: is told how it goes.
        ladder: brings the board back when it fails.
        finished: what an earlier session has measured of the job; those that are made are added.
    """

    def __init__(
        self,
        talk: Conversation,
        record: Record,
        reporter: Reporter,
        ladder: Ladder,
        finished: Finished | None = None,
    ) -> None:
        self.job = talk.job
        self.record = record
        self._talk = talk
        self._ladder = ladder
        # The board was brought back before anything is asked: what an earlier session has kept of
        # a measure that it did not finish may be somebody else's.
        self._distrusts, ladder.doubtful = ladder.doubtful, False
        self._reporter = reporter
        self._out_of_step = False
        self._finished: Finished = {} if finished is None else finished
        self._failed: dict[MeasureName, TinyhilError] = {}

    def outcome(self, metric: Metric) -> Outcome:
        """The measure that yields `metric`, made now unless it was made before.

        Raises:
            TinyhilError: the measure failed, now or before.
        """
        name = next(name for name in MEASURES if metric in name.metrics)
        if name in self._failed:
            raise self._failed[name]
        if name not in self._finished:
            try:
                self._finished[name] = self._make(name)
            except TinyhilError as error:
                self._failed[name] = error
                raise
        return self._finished[name]

    def judge(self, metric: Metric) -> Verdict:
        """The verdict on one metric, which the report shows with its measure's pictures.

        Raises:
            TinyhilError: as `outcome`.
        """
        if self.job.image is None and metric in MeasureName.MEMORY.metrics:
            return Verdict(metric, math.nan, None, "not judged", NO_IMAGE)
        outcome = self.outcome(metric)
        why = "this task, or a quick run, has none"
        if self.job.material.data.kind == "random":
            why = "random inputs have no right answers"
        undefined = Verdict(metric, math.nan, None, "not judged", why)
        verdicts = {verdict.metric: verdict for verdict in outcome.entry.verdicts}
        verdict = verdicts.get(metric, undefined)
        return replace(verdict, since=self._reporter.judged(verdict, outcome))

    def _make(self, name: MeasureName) -> Outcome:
        job, measure = self.job, MEASURES[name]
        attempt = Attempt(
            self._talk, self.record, self._ladder, name, out_of_step=self._out_of_step
        )
        finished = self.record.finished(job.task.name, name)
        if finished is not None:
            return self._restore(name, finished, attempt.rows)
        self._refuse_if_lost()
        if self._distrusts:
            attempt.distrust()
        clock = time.monotonic()
        blank = Entry(job.subject, name, 0, {}, (), {}, datetime.now(UTC), 0.0)
        title = f"{job.dut.station} {job.task.name}: {measure.title}"
        try:
            told = attempt.ask(measure, partial(self._reporter.bar, title))
            finding = measure.find(self._talk, attempt.rows.all, told)
            entry = replace(
                self._judged(blank, finding),
                details={**finding.details, **attempt.take_details()},
                seconds=time.monotonic() - clock,
            )
            self.record.append(entry)
            self._reporter.made(entry)
        except TinyhilError as error:
            self._out_of_step = isinstance(error, LinkError)
            job.dut.locate(error, name)
            self._fail(replace(blank, seconds=time.monotonic() - clock, error=str(error)), attempt)
            raise
        except BaseException:  # Ctrl-C while the board was brought back: the run may be resumed.
            attempt.cut_short()
            raise
        self._out_of_step = False
        return Outcome(job, entry, finding)

    def _refuse_if_lost(self) -> None:
        """Ask nothing of a board that is out of use, or that another one has taken the place of.

        Raises:
            QuarantinedError, IdentityError: it is.
        """
        self.job.dut.refuse_if_out_of_use()
        for error in self._failed.values():
            if isinstance(error, IdentityError):
                raise error

    def _judged(self, entry: Entry, finding: Finding) -> Entry:
        """An entry with what was found, and the verdicts on it."""
        verdicts = judge(
            finding.metrics,
            self.job.limits,
            unjudged=self._unjudged(finding),
            errors=finding.errors,
            unknown=finding.unknown,
            objected=objected(finding.details),
        )
        explained = tuple(map(self._explained, verdicts))
        return replace(entry, samples=finding.samples, metrics=finding.metrics, verdicts=explained)

    def _fail(self, failed: Entry, attempt: Attempt) -> None:
        # Where the record can't be written, the first error says so.
        with suppress(WriteError):
            failed = attempt.failed(failed)
            self.record.append(failed)
        self._reporter.made(failed)

    def _explained(self, verdict: Verdict) -> Verdict:
        """A missed limit of memory names what takes the most of it."""
        image = self.job.image
        if verdict or image is None or verdict.metric not in MeasureName.MEMORY.metrics:
            return verdict
        symbols = largest(image, self.job.dut.board, verdict.metric)
        return replace(verdict, reason=f"{verdict.reason}; largest symbols: {symbols or 'unknown'}")

    def _restore(self, name: MeasureName, line: Line, rows: Rows) -> Outcome:
        """A measure that an earlier part of a resumed run has finished."""
        find, details = MEASURES[name].find, line.details
        finding = find(self._talk, rows.all, details) if rows.all else None
        if finding is None or dict(finding.metrics) != line.metrics:
            raise DataError(
                f"the record's figures of {self.job.task.name} {name} are not those of its rows",
                hint="`tinyhil verify` with the run's folder tells more; start a new run",
                board=self.job.dut.station,
                stage=name,
            )
        entry = restored(
            line,
            self.job.subject,
            self.job.limits,
            self._unjudged(finding),
            finding.errors,
            finding.unknown,
        )
        self._reporter.made(entry)
        return Outcome(self.job, entry, finding)

    def _unjudged(self, finding: Finding) -> str | None:
        return "a quick run is never judged" if self.job.quick else finding.unjudged
