"""The same firmware gated against itself: what a protocol times beside inferences is no change."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import pytest

from tinyhil.catalog import metrics
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.rules import Rules
from tinyhil.catalog.task import Window
from tinyhil.catalog.verdict import judge
from tinyhil.device.inference import Inference
from tinyhil.device.info import DeviceInfo
from tinyhil.emulator.foreign import OFFICIAL, Manner
from tinyhil.judge.gate.compare import Gate
from tinyhil.judge.gate.figures import read, write
from tinyhil.judge.gate.reading import Measured, load
from tinyhil.measure import measures
from tinyhil.record import Configuration, Entry, ImageSizes, JobFacts, KeptSums, Record, Subject

from .gate_runs import EMULATED, SILICON

_RULES = Rules()
_INPUTS = tuple((f"sample_{n}.bin", bytes([n])) for n in range(5))
_FOREIGN = DeviceInfo("elsewhere", "", "kws01", None)
_CHARACTER_NS = 87_000
"""At 115,200 baud."""


@dataclass
class Printing:
    """A device that prints its first time stamp, character by character, inside the time."""

    manner: Manner
    infer_ns: int
    host: random.Random
    """When the host asks, which is never the same."""
    now_ns: int
    healed: Mapping[str, int] = field(default_factory=dict)
    _extra_ns: int = 0

    def watch(self, heard: object, now: object, *, alone: bool = False) -> None:
        pass

    def each(self, windows: Iterable[Window], *, output: bool = False) -> Iterator[Inference]:
        raise NotImplementedError

    def load(self, data: bytes) -> None:
        self._extra_ns = 1000 * data[0]

    def infer(self, count: int, warm_up: int, *, expected_s: float | None, laps: bool) -> Inference:
        del expected_s, laps
        each_ns = self.infer_ns + self._extra_ns
        self.now_ns += self.host.randrange(30_000_000) + warm_up * each_ns
        start_us = self.manner.stamp_us(self.now_ns // 1000)
        self.now_ns += len(f"m-lap-us-{start_us}\r\n") * _CHARACTER_NS + count * each_ns
        return Inference(count, start_us, self.manner.stamp_us(self.now_ns // 1000), ())


def measured(folder: Path, subject: Subject, queries: Printing) -> tuple[Measured, ...]:
    """The figures of one session, as a gate reads them from its run."""
    record = Record.start(folder, Configuration(station=subject.station, board=subject.board))
    record.begin(
        JobFacts(
            subject=subject, image=ImageSizes(text=1, data=0, bss=0), samples=5, build_id=None,
            limits={}, instruction_s=32e-9 if subject.emulated else None,
            kept=KeptSums(board="b0" * 32, task="7a" * 32, labels="1a" * 32),
        )
    )  # fmt: skip
    name = f"{subject.task}-single_stream"
    single = measures.single_stream(
        queries, _FOREIGN, _INPUTS, _RULES, lambda row: record.keep(name, row), lambda *_: None
    )
    times = single.times_s
    found: dict[Metric, float] = {
        "latency_p50_s": metrics.percentile(times, 50),
        "latency_p90_s": metrics.percentile(times, 90),
        "latency_p99_s": metrics.percentile(times, 99),
    }
    if subject.emulated:
        found["instructions"] = round(float(times.mean()) / 32e-9)
    details = {
        "clock": single.clock, "tick_hz": single.tick_hz, "inputs": 5,
        "device_s": float(times.sum()),
        "resolution_s": single.resolution_s, "bracket_s": single.bracket_s,
    }  # fmt: skip
    _append(record, subject, MeasureName.SINGLE_STREAM, len(times), found, details)
    name = f"{subject.task}-throughput"
    rate = measures.throughput(
        queries, _INPUTS, _RULES, lambda row: record.keep(name, row), lambda *_: None,
        by_text=True,
    )  # fmt: skip
    windows = [{"inferences": count, "device_s": s} for count, s in rate.windows]
    given: dict[Metric, float] = {"throughput_ips": metrics.throughput(rate.windows)}
    told = {
        "windows": windows, "resolution_s": rate.resolution_s, "bracket_s": rate.bracket_s
    }  # fmt: skip
    _append(record, subject, MeasureName.THROUGHPUT, 0, given, told)
    return load(record.folder)


def _append(
    record: Record,
    subject: Subject,
    measure: MeasureName,
    samples: int,
    found: Mapping[Metric, float],
    details: Mapping[str, object],
) -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    record.append(Entry(subject, measure, samples, found, judge(found, {}), details, now, 1.0))


def sessions(
    folder: Path, subject: Subject, manner: Manner, count: int, infer_ns: int = 60_000_000
) -> Iterator[tuple[Measured, ...]]:
    """Sessions of one firmware; each begins when the device has run for another time."""
    for number in range(count):
        host = random.Random(number)  # noqa: S311 - no secret
        now_ns = 10 ** (9 + number % 4) + host.randrange(10**9)
        queries = Printing(manner, infer_ns, host, now_ns)
        yield measured(folder / f"{infer_ns}-{number}", subject, queries)


@pytest.mark.parametrize(
    ("subject", "hz", "count", "slower"),
    [(EMULATED, 10**6, 6, 1.01), (EMULATED, 32_768, 2, 1.01), (SILICON, 10**6, 3, 1.03)],
    ids=["emulated", "emulated, 32768 Hz", "silicon"],
)
def test_a_firmware_is_never_a_regression_of_itself_and_a_slower_one_always_is(
    tmp_path: Path, subject: Subject, hz: int, count: int, slower: float
) -> None:
    manner = replace(OFFICIAL, tick_hz=Fraction(hz))
    runs = list(sessions(tmp_path, subject, manner, count))
    for baseline, candidate in combinations(runs, 2):
        for one in Gate(baseline).compare(candidate):
            assert one.status == "same", str(one)
    (worse,) = sessions(tmp_path, subject, manner, 1, round(60_000_000 * slower))
    for one in Gate(runs[0]).compare(worse):
        assert one.status == "worse", str(one)


def test_what_a_baseline_keeps_of_a_clock_and_a_bracket_is_read_again(tmp_path: Path) -> None:
    (run,) = sessions(tmp_path, EMULATED, OFFICIAL, 1)
    write(tmp_path / "baseline.json", [one.line for one in run])
    latency = next(line.latency for line in read(tmp_path / "baseline.json") if line.latency)
    assert latency.bracket_s == pytest.approx(19 * _CHARACTER_NS * 1e-9, rel=0.1)
    assert latency.digit_s == pytest.approx(_CHARACTER_NS * 1e-9, rel=0.1)
