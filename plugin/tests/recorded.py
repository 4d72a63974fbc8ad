"""Recorded runs made within a test: real measures of a device at hand, cut short where wanted."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinyhil.catalog.facts import Metric
from tinyhil.catalog.verdict import Verdict
from tinyhil.device.dut import Dut
from tinyhil.device.faults import Injector, parse_spec
from tinyhil.device.links import Link, open_link
from tinyhil.device.raw_log import RecordedLink
from tinyhil.ground.progress import Progress
from tinyhil.measure.identify import converse
from tinyhil.measure.job import Job
from tinyhil.measure.ladder import Ladder, Line
from tinyhil.measure.runner import Measurement, Outcome
from tinyhil.record import Configuration, Entry, Record
from tinyhil.record.resume import resume
from tinyhil.record.seal import seal

METRICS: tuple[Metric, ...] = ("top1", "latency_p90_s", "throughput_ips", "flash_bytes")
"""One of each measure."""


class Killed(BaseException):
    """Ends a run where a kill would: nothing handles it."""


class Silent:
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.notices: list[str] = []

    @contextmanager
    def bar(self, title: str) -> Iterator[Progress]:
        """See `runner.Reporter`."""
        del title
        yield _ignore

    def made(self, entry: Entry) -> None:
        """See `runner.Reporter`."""
        self.entries.append(entry)

    def notice(self, text: str) -> None:
        """See `runner.Reporter`."""
        self.notices.append(text)

    def judged(self, verdict: Verdict, outcome: Outcome) -> str:
        """See `runner.Reporter`."""
        del verdict, outcome
        return ""


def _ignore(done: float, total: float) -> None:
    """Progress of no interest."""
    del done, total


def configuration(job: Job) -> Configuration:
    """Of a run of one job."""
    return Configuration(
        station=job.dut.station,
        board=job.dut.board.name,
        tasks=(job.task.name,),
        link=job.link,
        quick=job.quick,
        all_windows=job.all_windows,
        read_back=job.read_back,
        own_firmware=job.image is not None and job.model_sha256 is None,
    )


def measure(
    runs: Path,
    job: Job,
    metrics: Sequence[Metric] = METRICS,
    *,
    folder: Path | None = None,
    rows: int | None = None,
    faults: str | Injector | None = None,
    ladder: Ladder | None = None,
    reporter: Silent | None = None,
) -> Path:
    """Measure and seal a run.

    Args:
        runs: where the folder of a new run is made.
        job: what is measured.
        metrics: in this order.
        folder: of a run to go on with.
        rows: how many rows are kept before the run is cut short; None: it comes to its end.
        faults: see `tinyhil.device.faults`; in a text, a reset does nothing.
        ladder: brings the device back; None: nothing does.
        reporter: is told of each measure.

    Returns:
        The run's folder.
    """
    if folder is None:
        record = Record.start(runs, configuration(job))
    else:
        record, _ = resume(folder, configuration(job))
    record.begin(job.facts, job.contents)
    try:
        if rows is not None:
            _cut_short(record, rows)
        kept = reporter or Silent()
        if isinstance(faults, str):
            faults = Injector(parse_spec(faults), {"reset": lambda: None})
        with _conversation(record, job, faults, ladder, kept) as measurement:
            for metric in metrics:
                measurement.outcome(metric)
        seal(record.folder, {"tests": "real"})
    except Killed:
        assert rows is not None
    finally:
        record.close()
    return record.folder


@contextmanager
def _conversation(
    record: Record, job: Job, injector: Injector | None, ladder: Ladder | None, reporter: Silent
) -> Iterator[Measurement]:
    def tap(link: Link, name: str) -> Link:
        link = injector.through(link) if injector else link
        return RecordedLink(link, record.raw / f"{job.task.name}-{name}.log")

    line = Line(lambda deadline: tap(open_link(job.link, job.dut, deadline), "serial"))
    ladder = ladder or Ladder(job.dut, job.image, reporter.notice, on=False)
    try:
        ladder.open(line)
        talk = converse(line.session, job, ladder, tap, reporter.notice, record.raw)
        yield Measurement(talk, record, reporter, ladder)
    finally:
        line.close()


def _cut_short(record: Record, rows: int) -> None:
    keep = record.keep
    left = rows

    def keep_some(name: str, row: Mapping[str, Any]) -> None:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        keep(name, row)

    record.keep = keep_some  # type: ignore[method-assign]


def on_desk(dut_board: Any, port: str) -> Dut:
    """A device behind a serial port of its own, without a probe."""
    return Dut("desk", dut_board, "", port, 115_200, 115_200)


@contextmanager
def full_above(size: int) -> Iterator[None]:
    """No file grows above `size` bytes: what is written is cut off there, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
