"""A device's clock that begins anew while it times: the right figure, or an error that says so.

Time is played, for the device and for its host, see `tinyhil.emulator.cheats`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pytest

from tinyhil.catalog import metrics
from tinyhil.catalog.rules import Rules
from tinyhil.catalog.task import load_tasks
from tinyhil.data.material import Sample
from tinyhil.device.inference import Wrapped
from tinyhil.device.links import Link
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.queries.clock import WrapError
from tinyhil.device.queries.text import TextQueries
from tinyhil.device.session import Session
from tinyhil.device.wraps import Period, Stamp, between
from tinyhil.emulator.cheats import HonestDevice
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.tree import Unreadable
from tinyhil.judge.verify.answers import Device
from tinyhil.judge.verify.clocks import check_clocks
from tinyhil.judge.verify.conversation import Heard, _sent
from tinyhil.judge.verify.findings import Findings
from tinyhil.judge.verify.framed import Frames
from tinyhil.judge.verify.matching import Matching, claims
from tinyhil.judge.verify.text import Text
from tinyhil.judge.verify.transfers import Transfer
from tinyhil.measure import measures as measure
from tinyhil.measure.audit.answers import Answer
from tinyhil.measure.audit.lives import Lives
from tinyhil.publish.submission.recompute import clock_problems, windows
from tinyhil.publish.submission.session_log import Inference, read_log
from tinyhil.record.rows import Row

TASK = load_tasks()["kws01"].model_copy(update={"classes": ("a", "b", "c")})
SAMPLES = tuple(Sample(f"s{i}.bin", i % 3, bytes([i]) * 76) for i in range(3))
INPUTS = measure.performance_inputs(TASK, SAMPLES)
RULES = Rules(queries=12, single_stream_s=0.0, window_s=10.0, warm_up=1)
PERIOD_US = 2**32 // 168


def ignore(*_: object) -> None:
    """Progress of no interest."""


@dataclass
class Narrow(HonestDevice):
    """Its counter is full after some time; it takes its time for a command, as a slow wire does."""

    period_us: int = PERIOD_US
    tells: bool = True
    """Whether it knows 'timestamp'."""

    def clock_us(self) -> int:
        return super().clock_us() % self.period_us

    def hear(self, command: str) -> None:
        super().hear(command)
        self.world.pass_s(0.02)

    def _answer(self, command: str) -> list[str]:
        if command == "timestamp" and not self.tells:
            return ["e-[Unknown command: timestamp]"]
        return super()._answer(command)


@dataclass
class Kept:
    """A link whose raw log is read again as it is written."""

    link: SerialLink
    now: Callable[[], float]
    text: Text

    def write(self, data: bytes, deadline: Deadline) -> None:
        self.text.now_s = self.now()
        _sent(Transfer(1, self.now(), True, data), self.text, Frames("raw/x.log", Findings()))
        self.link.write(data, deadline)

    def read(self, deadline: Deadline) -> bytes:
        data = self.link.read(deadline)
        self.text.now_s = self.now()
        self.text.came(1, data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self.link, name)


def checked(text: Text, rows: Sequence[Row]) -> list[str]:
    """What a check of a throughput has against its rows and its log."""
    findings = Findings()
    heard = Heard(tuple(text.answers), Device(), (), 0, (), 0, text.period)
    matching = Matching(heard, 10**6, findings)
    made = (claim for n, row in enumerate(rows) for claim in claims("throughput", "x", n, row))
    matching.match("x", made)
    check_clocks(heard, matching.used, 10**6, findings)
    assert len(matching.used) == len(rows) or findings.all
    return [str(finding) for finding in findings.all]


def test_a_check_of_the_run_counts_the_periods_again() -> None:
    rows: list[Row] = []
    device = Narrow("kws01", infer_us=3_000_000)
    text = Text("raw/x.log", Findings())
    with device, closing(SerialLink(device.port, 115200)) as link:
        session = Session(cast(Link, Kept(link, device.world.now, text)))
        session.watch(None, device.world.now)
        session.synchronize(Deadline.after(60))
        measure.throughput(TextQueries(session), INPUTS, RULES, rows.append, ignore)
    (place,) = [n for n, row in enumerate(rows) if "wrapped" in row][:1]
    whole = rows[place]
    times, period_us, error_us = whole["wrapped"]
    assert not checked(text, rows)

    def told(**changed: Any) -> str:
        found = checked(text, [*rows[:place], {**whole, **changed}, *rows[place + 1 :]])
        return " ".join(found)

    printed_us = whole["end_us"] - times * period_us
    assert "one that begins anew after 25.5" in told(end_us=printed_us, wrapped=None)
    more = told(end_us=printed_us + 3 * period_us, wrapped=[3, period_us, error_us])
    assert f"{times} times, and its row has 3" in more
    other = told(end_us=printed_us + times * 30_000_000, wrapped=[times, 30_000_000, error_us])
    assert "its row has 30.000 s" in other
    text.period = Period()
    assert "which no log shows" in told()


@contextmanager
def asked(device: Narrow) -> Iterator[tuple[Session, TextQueries]]:
    with device, closing(SerialLink(device.port, 115200)) as link:
        session = Session(link)
        session.watch(None, device.world.now)
        session.synchronize(Deadline.after(60))
        yield session, TextQueries(session)


@pytest.mark.parametrize("seconds", [0.9, 3.0, 9.0, 40.0])
def test_throughput_is_right_with_a_window_that_is_longer_than_the_period(seconds: float) -> None:
    """0.9 s: the ordinary wrap, once in a while; 40 s: each inference is longer than the period."""
    rows: list[Row] = []
    with asked(Narrow("kws01", infer_us=round(seconds * 1e6))) as (_, queries):
        found = measure.throughput(queries, INPUTS, RULES, rows.append, ignore)
    assert metrics.throughput(found.windows) == pytest.approx(1 / seconds, rel=0.012)
    assert all(count >= 10 and took_s >= 10.0 for count, took_s in found.windows)
    wrapped = [row["wrapped"] for row in rows if "wrapped" in row]
    assert bool(wrapped) or seconds < 1.0
    for _, period_us, error_us in wrapped:
        assert abs(period_us - PERIOD_US) <= error_us < 100_000


@pytest.mark.parametrize("seconds", [3.0, 20.0, 40.0])
def test_latency_is_right_with_an_inference_that_is_longer_than_the_period(seconds: float) -> None:
    rows: list[Row] = []
    with asked(Narrow("kws01", infer_us=round(seconds * 1e6))) as (session, queries):
        info = session.identify(Deadline.after(60))
        found = measure.single_stream(queries, info, INPUTS, RULES, rows.append, ignore)
    assert np.allclose(found.times_s, seconds, rtol=0.08, atol=0.05)
    assert found.resolution_s < 0.1
    assert seconds < PERIOD_US * 1e-6 or all("wrapped" in row for row in rows)


def test_a_clock_that_can_not_be_decided_is_refused_with_its_cause() -> None:
    slow = Narrow("kws01", infer_us=3_000_000, tells=False)
    with asked(slow) as (_, queries), pytest.raises(WrapError) as raised:
        measure.throughput(queries, INPUTS, RULES, ignore, ignore)
    assert re.search(
        r"'infer \d+' took .* s by the host's clock, and the device's went from .* s to .* s: its "
        r"counter is full after (\d+)\.\d to (\d+)\.\d s, it seems",
        raised.value.message,
    )
    assert "a counter of 64 bits" in raised.value.hint
    narrow = Narrow("kws01", infer_us=3_000_000, period_us=65_536)
    with (
        asked(narrow) as (_, queries),
        pytest.raises(WrapError, match=r"full after 0\.06\d s and"),
    ):
        measure.throughput(queries, INPUTS, RULES, ignore, ignore)


def test_an_honest_clock_is_never_watched() -> None:
    device = Narrow("kws01", infer_us=3_000_000, period_us=2**62)
    with asked(device) as (_, queries):
        measure.throughput(queries, INPUTS, RULES, ignore, ignore)
    assert "timestamp" not in device.commands


def test_a_period_is_known_by_two_stamps_that_follow_each_other() -> None:
    seen = Period().above(20_000_000).seen(Stamp(25_560_000, 1.0, 1.01), Stamp(5_000, 1.01, 1.02))
    assert seen.known
    assert abs(seen.us - 25_565_000) <= seen.error_us < 15_000
    assert not Period(3e7).seen(Stamp(1000, 1.0, 1.01), Stamp(5, 1.01, 1.02)).known, "set back"
    assert Period(9.0).seen(Stamp(10, 0.0, 0.1), Stamp(90, 0.1, 0.2)) == Period(90)


def test_lives_go_on_across_a_time_with_a_wrap() -> None:
    """Stamps of 3 s, 30 s and 3 s, each right after the other; 26 s are the period."""
    stamps: Sequence[tuple[float, float, int]] = ((20.0, 23.0, 0), (23.0, 53.0, 2), (1.0, 4.0, 0))
    answers, host_s = [], 100.0
    for start_s, end_s, times in stamps:
        took_s = end_s - start_s
        wrapped = Wrapped(times, 26_000_000, 1000)
        answers.append(
            Answer("query", 0, "s", (), 1, 0, round(start_s * 1e6), round(end_s * 1e6),
                   wrapped, (), host_s, host_s + took_s)
        )  # fmt: skip
        host_s += took_s
    lives = Lives.of(answers)
    assert lives.explained
    assert (lives.wraps, lives.inside, len(lives.each)) == (2, 2, 2)
    assert lives.figures()["wraps"]["inside"] == 2


@pytest.mark.parametrize(
    ("first_s", "warm_up", "middle"), [(0.0, 0, 30.0), (30.0, 0, 30.0), (30.0, 10, 15.0)]
)
def test_the_hosts_time_of_an_answer(first_s: float, warm_up: int, middle: float) -> None:
    """Of lines that come as they are printed, or all at the end."""
    least_s, most_s = between(0.0, first_s, 30.0, count=10, warm_up=warm_up)
    assert least_s < middle < most_s < middle * 1.05 + 0.3


def logged(*stamps: tuple[float, float, float, float]) -> list[Inference]:
    """A log of the official runner: times of lines, and stamps, of each inference in seconds."""
    lines = []
    for start_s, end_s, first_s, last_s in stamps:
        lines += [
            f"{start_s:.3f} dut: m-infer-start-11",
            f"{start_s:.3f} dut: m-lap-us-{round(first_s * 1e6)}",
            f"{end_s:.3f} dut: m-lap-us-{round(last_s * 1e6)}",
            f"{end_s:.3f} dut: m-infer-done",
            f"{end_s:.3f} dut: m-results-[0.5,0.5]",
        ]
    return list(read_log(enumerate(lines, start=1)).inferences)


def test_a_submitted_log_whose_stamps_leave_a_period_out_is_named() -> None:
    good, other = (2.0, 35.1, 20.0, 53.0), (40.0, 73.1, 5.0, 12.4)
    ((line, text),) = clock_problems(logged(other, (80.0, 92.0, 13.0, 25.0)))
    assert (line, text) == (1, "7.400 s by its time stamps, 33.100 s by the log's own times")
    assert not list(clock_problems(logged(good, (40.0, 73.1, 58.0, 91.0))))
    with pytest.raises(Unreadable, match="run backwards, as those of a counter do that is full"):
        windows(logged((2.0, 35.1, 20.0, 3.0)))
