"""Runs the measures of one job: each at most once, recorded as soon as it is made.

This is where the stages meet: session → measure → metrics → verdict → record.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from tinyhil.catalog.facts import Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.verdict import Verdict, judge
from tinyhil.device.info import DeviceInfo
from tinyhil.device.proof import ProbeProof
from tinyhil.device.queries.opening import Tap
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import (
    DataError,
    IdentityError,
    LinkError,
    TinyhilError,
    WriteError,
)
from tinyhil.ground.progress import Progress
from tinyhil.measure.identify import identify
from tinyhil.measure.job import NO_IMAGE, Conversation, Job
from tinyhil.measure.kinds import MEASURES, Finding, Measure, Told
from tinyhil.measure.ladder import Ladder
from tinyhil.measure.memory import largest
from tinyhil.record import Entry, Record
from tinyhil.record.entry import objected, restored
from tinyhil.record.recovery import as_details
from tinyhil.record.rows import Rows, plain
from tinyhil.record.schema import Line

_RECOVER_S = 10.0
"""How long a session may take to get in step again after a fault of the link."""


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
        session: synchronized.
        job: what is to be measured.
        record: of the run.
        reporter: is told how it goes.
        tap: wraps the links that are opened on the way.
        probed: whether the board has a debug probe, which the port is tied to.
        ladder: brings the board back when it fails; None: a fault ends its measure.
        finished: what an earlier session has measured of the job; those that are made are added.

    Raises:
        DeviceError: the device runs something else than the job's image.
        LinkError: see `Session`.
    """

    def __init__(
        self,
        session: Session,
        job: Job,
        record: Record,
        reporter: Reporter,
        tap: Tap,
        *,
        probed: bool = True,
        ladder: Ladder | None = None,
        finished: Finished | None = None,
    ) -> None:
        self.job = job
        self.record = record
        self._ladder = ladder or Ladder(job.dut, job.image, reporter.notice, on=False)
        probed = probed and job.dut.proven
        proof = ProbeProof(job.dut, job.image) if probed and job.image else None
        self._talk = Conversation(
            job, session, self._identified(session, proof), tap, proof, reporter.notice, record.raw
        )
        # The board was brought back before anything is asked: what an earlier session has kept of
        # a measure that it did not finish may be somebody else's.
        self._distrusts, self._ladder.doubtful = self._ladder.doubtful, False
        self._lost: IdentityError | None = None
        self._reporter = reporter
        self._out_of_step = False
        self._finished: Finished = {} if finished is None else finished
        self._failed: dict[MeasureName, TinyhilError] = {}
        self._rows: Rows
        """Of the measure that is being made, and what guards it: restarts in the attempts before,
        and those that the guard had counted when this attempt began."""
        self._restarts = self._counted = 0

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
        file = f"{job.task.name}-{name}"
        self._rows = self._rows_of(file)
        finished = self.record.finished(job.task.name, name)
        if finished is not None:
            return self._restore(name, finished, self._rows)
        job.dut.refuse_if_out_of_use()
        if self._lost:
            raise self._lost
        if self._distrusts:
            self.record.drop(file, 0)
            self._rows = self._rows_of(file)
        started, clock = datetime.now(UTC), time.monotonic()
        blank = Entry(job.subject, name, 0, {}, (), {}, started, 0.0)
        try:
            told, boots = self._asked(measure, file)
            rows = self._rows
            finding = measure.find(self._talk, rows.all, told)
            entry = replace(
                blank,
                samples=finding.samples,
                metrics=finding.metrics,
                verdicts=tuple(
                    self._explained(verdict)
                    for verdict in judge(
                        finding.metrics,
                        job.limits,
                        unjudged=self._unjudged(finding),
                        errors=finding.errors,
                        unknown=finding.unknown,
                        objected=objected(finding.details),
                    )
                ),
                details={
                    **_with_resumed(finding.details, rows),
                    **boots,
                    **as_details(self._ladder.take()),
                },
                seconds=time.monotonic() - clock,
            )
            self._note(entry)
        except TinyhilError as error:
            self._out_of_step = isinstance(error, LinkError)
            job.dut.locate(error, name)
            failed = replace(blank, seconds=time.monotonic() - clock, error=str(error))
            # Where the record can't be written, the first error says so.
            with suppress(WriteError):
                failed = self._kept(failed, file, error)
                self.record.append(failed)
            self._reporter.made(failed)
            raise
        except BaseException:  # Ctrl-C while the board was brought back: the run may be resumed.
            if self._ladder.doubtful:
                with suppress(WriteError):
                    self._drop_doubtful(file)
            raise
        return Outcome(job, entry, finding)

    def _explained(self, verdict: Verdict) -> Verdict:
        """A missed limit of memory names what takes the most of it."""
        image = self.job.image
        if verdict or image is None or verdict.metric not in MeasureName.MEMORY.metrics:
            return verdict
        symbols = largest(image, self.job.dut.board, verdict.metric)
        return replace(verdict, reason=f"{verdict.reason}; largest symbols: {symbols or 'unknown'}")

    def _rows_of(self, file: str, confirmed: int | None = None) -> Rows:
        return Rows(partial(self.record.keep, file), self.record.rows(file), confirmed)

    def _identified(self, session: Session, proof: ProbeProof | None) -> DeviceInfo:
        """Who answers; see `identify`."""
        while True:
            try:
                return identify(session, self.job, proof)
            except TinyhilError as error:
                if not self._ladder.recover(error):
                    raise

    def _asked(self, measure: Measure, file: str) -> tuple[Told, dict[str, int]]:
        """Ask what a measure asks; after a fault, on a board that has been brought back, what was
        not told yet. Returns as `_ask`."""
        self._ladder.begin()
        self._restarts = 0
        while True:
            try:
                return self._ask(measure, self._rows)
            except TinyhilError as error:
                if not self._recovered(error, file):
                    raise

    def _recovered(self, error: TinyhilError, file: str) -> bool:
        """Bring the board back; says whether the measure can go on behind its last row.

        The rows since the device last proved who it is go, where somebody else may have answered.

        Raises:
            WriteError: the run can't be written.
        """
        guard, rows = self._talk.guard, self._rows
        proven = rows.confirmed
        got_further = len(plain(rows.all)) > len(plain(rows.done))
        try:
            if not self._ladder.recover(error, got_further=got_further):
                return False
        finally:
            if self._ladder.doubtful:  # Whoever proves itself now may be another one.
                rows.confirmed = proven
        # Those too that the board has begun with in the meantime.
        self._restarts += guard.restarts - self._counted
        if self._ladder.doubtful:
            self._drop_doubtful(file)
        self._rows = self._rows_of(file, rows.confirmed)
        self.record.begin(self.job.facts, self.job.contents)
        return True

    def _ask(self, measure: Measure, rows: Rows) -> tuple[Told, dict[str, int]]:
        """Ask what a measure asks, and see at its end that who answered is who was flashed.

        Returns:
            What the measure told, and how often the device has booted in that time, by reason.
        """
        job, talk, guard = self.job, self._talk, self._talk.guard
        guard.on_proof, self._counted = rows.confirm, guard.restarts
        if self._out_of_step:
            talk.session.synchronize(Deadline.after(_RECOVER_S))
            self._out_of_step = False
        with self._reporter.bar(f"{job.dut.station} {job.task.name}: {measure.title}") as progress:
            told = measure.ask(talk, rows, progress)
        resets = talk.confirm()
        restarts = self._restarts + guard.restarts - self._counted
        boots = {"restarts": restarts, "resets_on_purpose": resets}
        return told, {name: count for name, count in boots.items() if count}

    def _kept(self, failed: Entry, file: str, error: TinyhilError) -> Entry:
        """The line of a measure that failed, with what was tried; if the device is now another one,
        or did not hold its image, the rows since it last proved who it is are dropped.

        Raises:
            WriteError: they can't be.
        """
        rows, tried = self._rows, as_details(self._ladder.take())
        if isinstance(error, IdentityError):
            self._lost = error
        if not self._ladder.doubtful:
            return replace(failed, samples=len(rows.all), details=tried)
        dropped = self._drop_doubtful(file)
        details = {"dropped_rows": dropped, **tried}
        return replace(failed, samples=rows.confirmed, details=details)

    def _drop_doubtful(self, file: str) -> int:
        """Drop the rows since the device last proved who it is; returns how many those were.

        Raises:
            WriteError: they can't be.
        """
        self._ladder.doubtful = False
        return self.record.drop(file, self._rows.confirmed)

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

    def _note(self, entry: Entry) -> None:
        self.record.append(entry)
        self._reporter.made(entry)


def _with_resumed(details: Mapping[str, Any], rows: Rows) -> dict[str, Any]:
    """The details of a measure, and how many rows earlier parts of the run had, if any."""
    own = {name: value for name, value in details.items() if name != "resumed"}
    return {**own, "resumed": len(rows.done)} if rows.done else own
