"""Each way of writing that firmware of the field has: the right figures, and still strict."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinyhil.benchmarks import foreign
from tinyhil.catalog import metrics
from tinyhil.catalog.bench import firmware_of
from tinyhil.catalog.rules import Rules
from tinyhil.catalog.task import Window, load_tasks
from tinyhil.data.material import Sample
from tinyhil.device.links import Link
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.protocol import LineReader, Listener, UnknownLineError
from tinyhil.device.queries.text import TextQueries
from tinyhil.device.session import Session
from tinyhil.emulator.foreign import ZOO, ForeignDevice, Manner, PacedDevice
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import ConfigError, LinkError
from tinyhil.measure import measures as measure
from tinyhil.measure.audit import Rules as AuditRules
from tinyhil.record.rows import Row

TASK = load_tasks()["kws01"].model_copy(update={"classes": ("a", "b", "c")})
SAMPLES = tuple(Sample(f"s{i}.bin", i % 3, bytes([i]) * 76) for i in range(6))
INPUTS = measure.performance_inputs(TASK, SAMPLES)
RULES = Rules(queries=10, single_stream_s=0.0, window_s=10.0, warm_up=1)
INFER_US = 54_321


def scores(data: bytes) -> Sequence[float]:
    """Three scores of the sum 1 that any byte changes; the first byte gives the class."""
    low = hashlib.sha256(data).digest()[0] / 1024
    return [1 - 2 * low if index == data[0] % 3 else low for index in range(3)]


def ignore(*_: object) -> None:
    """Progress and raw answers of no interest."""


@pytest.mark.parametrize("manner", ZOO, ids=lambda manner: manner.name.replace(" ", "-"))
def test_each_way_of_writing_gives_the_right_figures(manner: Manner) -> None:
    rows: list[Row] = []
    with (
        ForeignDevice("kws01", scores, infer_us=INFER_US, manner=manner) as device,
        closing(SerialLink(device.port, 115200)) as link,
    ):
        session = Session(link)
        session.synchronize(Deadline.after(60))
        info = session.identify(Deadline.after(60))
        queries = TextQueries(session, read_back=1.0)
        found = measure.accuracy(queries, TASK, SAMPLES, ignore, ignore)
        timed = measure.single_stream(queries, info, INPUTS, RULES, rows.append, ignore)
        rate = measure.throughput(queries, INPUTS, RULES, ignore, ignore)
    assert info.vendor == "elsewhere"
    tick_s = float(1 / manner.tick_hz)
    batch = min(row.get("count", 1) for row in rows if not row.get("bracket"))
    assert (batch > 1) == (100 * tick_s > INFER_US * 1e-6)
    wanted = [manner.read(scores(sample.data)) for sample in SAMPLES]
    assert np.array_equal(found.scores, wanted)
    assert np.allclose(timed.times_s, INFER_US * 1e-6, atol=tick_s)
    assert timed.resolution_s * batch == pytest.approx(tick_s)
    assert metrics.throughput(rate.windows) == pytest.approx(1e6 / INFER_US, rel=2e-3)
    # What the clock wraps in is asked for again, and an answer with a line as never before.
    healed = ["ClockError"] * bool(manner.wraps_us) + ["LinkError"] * bool(manner.seldom)
    assert set(queries.healed) <= set(healed)
    assert queries.healed.get("ClockError", 0) >= bool(manner.wraps_us)


_BY_NAME = {manner.name: manner for manner in ZOO}
AUDITED = (
    ("performance", "no scores behind many inferences"),
    ("count", "a clock of 10 ms"),
    ("clock", "a clock of 32 bits of 168 MHz"),
)
"""The rest is run by `benchmarks.foreign`."""


@pytest.mark.parametrize(("audit", "name"), AUDITED)
def test_audits_have_nothing_against_a_way_of_writing(audit: str, name: str) -> None:
    rules = AuditRules(pairs=14, clock_s=30.0, window_s=1.0, runs=5)
    assert not foreign.objections(_BY_NAME[name], audit, rules)


def test_an_input_that_the_engine_overwrites_is_named() -> None:
    manner = replace(_BY_NAME["as the reference firmware"], overwrites_input=True)
    rules = AuditRules(window_s=1.0)
    (objection,) = foreign.objections(manner, "performance", rules)
    assert (
        "in 10 of 10 performance runs the answer is not that of an accuracy run" in objection.seen
    )
    assert "loaded once and overwritten by the engine; copy it before each" in objection.hint


@pytest.mark.parametrize(
    "name", ["echo with a line end", "lines end in LF", "scores of seventeen digits"]
)
def test_a_wire_that_breaks_gives_the_right_scores_or_an_error(name: str) -> None:
    for seed in (1, 2):
        outcome = foreign.run(_BY_NAME[name], seed)
        assert outcome.verdict in ("equal", "error"), outcome


def learnt(manner: Manner, *lines: bytes) -> Listener:
    """A listener that has heard these lines twice."""
    listener, reader = Listener(), LineReader()
    listener.begin()
    for _ in range(3):
        for line in reader.feed(b"".join(line + manner.end.encode() for line in lines)):
            listener.take(line, "infer 1 0%")
    listener.end()
    return listener


DAMAGED = [
    ("as the reference firmware", b"m-lap-us-12\n34\r\n", "a line end that is another one"),
    ("as the reference firmware", b"m-lap-us-12 \r\n", "a digit that became a blank"),
    ("as the reference firmware", b"34\r\n", "a piece of a line"),
    ("lines end in LF", b"34\n", "a piece of a line"),
    ("as the reference firmware", b"m-results-[0.99,0.010]\r\n", "a lost digit of a score"),
    ("as the reference firmware", b"m-results-[0.9900.010]\r\n", "a lost comma"),
    ("as the reference firmware", b"xm-lap-us-12\r\n", "a byte too many"),
]


@pytest.mark.parametrize(
    ("name", "damaged"), [one[:2] for one in DAMAGED], ids=[one[2] for one in DAMAGED]
)
def test_what_has_been_learnt_tells_damage_from_another_way_of_writing(
    name: str, damaged: bytes
) -> None:
    manner = _BY_NAME[name]
    listener = learnt(manner, b"m-lap-us-1234", b"m-results-[0.990,0.010]", b"m-ready")
    reader = LineReader()
    reader.feed(b"m-ready" + manner.end.encode())
    lines = reader.feed(damaged)
    with pytest.raises(UnknownLineError):
        [listener.take(line, "infer 1 0%") for line in lines]


def test_a_line_that_comes_again_the_same_is_the_firmwares_own() -> None:
    listener = learnt(_BY_NAME["lines end in LF"], b"m-infer-done", b"m-ready")
    reader = LineReader()
    reader.feed(b"m-ready\n")
    (line,) = reader.feed(b"watchdog fed, 17 times\n")
    with pytest.raises(UnknownLineError):
        listener.take(line, "infer 1 0%")
    assert listener.take(line, "infer 1 0%") is None
    assert listener.take(line, "infer 1 0%") is None, "and from now on"


UNKNOWN: dict[str, tuple[dict[str, Any], str]] = {
    "a mark behind scores": ({"score": "{:.3f}?"}, r"'m-results-\[0\.\d+\?,.*\[0\.984,0\.016\]'"),
    "semicolons": (
        {"comma": ";"},
        r"'m-results-\[0\.\d+;.*commas between.*a line as 'm-results-\[0\.984,",
    ),
    "stamps of milliseconds": (
        {"added": {"m-lap-us": ".5"}},
        r"'m-lap-us-\d+\.5'.*'m-lap-us-12345",
    ),
    "a sum behind a stamp": (
        {"added": {"m-lap-us": "*4F"}},
        r"'m-lap-us-\d+\*4F'.*'m-lap-us-12345",
    ),
    "bytes as 0x00": (
        {"row": "0x{:02x}"},
        r"'m-buffer-0x00.* 'db print.*print a line as 'm-buffer-00-ff",
    ),
    "no number of inferences": (
        {"left_out": "m-infer-start"},
        r"without a line as 'm-infer-start-1'.*this firmware printed 'm-warmup-start-0'",
    ),
    "no end of an answer": ({"left_out": "m-ready"}, r"this firmware printed last: .*'e-\[Unknown"),
}


def read_back(link: Link) -> None:
    """A window, its bytes and scores read back."""
    session = Session(link)
    session.synchronize(Deadline.after(1))
    list(TextQueries(session, read_back=1.0).each(TASK.input.windows(bytes(490))))


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_form_that_could_mean_something_else_is_named_and_the_cable_is_not_blamed_first(
    name: str,
) -> None:
    changed, told = UNKNOWN[name]
    manner = replace(_BY_NAME["as the reference firmware"], **changed)
    with (
        ForeignDevice("kws01", scores, manner=manner) as device,
        closing(SerialLink(device.port, 115200)) as link,
        pytest.raises(LinkError, match=f"(?s){told}") as raised,
    ):
        read_back(link)
    assert not raised.value.hint.startswith("check the")


def test_images_are_named_by_task(tmp_path: Path) -> None:
    bench, image = tmp_path / "bench.toml", tmp_path / "kws.elf"
    bench.write_text('schema = 1\n[firmware]\nkws01 = "kws.elf"\n')
    with pytest.raises(ConfigError, match=r"firmware\.kws01.*is not a file"):
        firmware_of(bench, ["kws01"])
    image.touch()
    assert firmware_of(bench, ["kws01", "ic01"]) == {"kws01": image}
    with pytest.raises(ConfigError, match=r"firmware\.kws01.*unknown task"):
        firmware_of(bench, ["ic01"])


@pytest.mark.parametrize(
    ("buffer_bytes", "ahead", "behind"), [(256, 8, 250), (128, 8, 120), (1, 1, 0)]
)
def test_commands_are_sent_ahead_where_the_device_hears_them(
    buffer_bytes: int, ahead: int, behind: int
) -> None:
    """A device that polls its receiver holds a byte, others a buffer that an interrupt fills."""
    windows = [Window(bytes([n]) + bytes(range(245)) * 2, 0) for n in range(9)]
    device = PacedDevice(
        "kws01", scores, infer_us=10_000, baud=921_600, latency_ms=1,
        polled=buffer_bytes == 1, buffer_bytes=buffer_bytes,
    )  # fmt: skip
    with device, closing(SerialLink(device.port, 115200)) as link:
        session = Session(link)
        session.synchronize(Deadline.after(60))
        session.identify(Deadline.after(60))
        queries = TextQueries(session)
        answers = list(queries.each(windows[:4]))
        lost = device.lost
        assert (session.ahead, session.behind) == (ahead, behind)
        assert (lost > 0) == (buffer_bytes < 256), "the trial is what loses bytes"
        answers += queries.each(windows[4:])
        left = next(iter(queries.each(windows)))  # And what has begun then is set aside.
        (again,) = queries.each(windows[:1])
        assert device.lost == lost, "and no sample does"
        assert not queries.healed
        device.buffer_bytes = 40
        answers += queries.each(windows)
        assert session.behind == 0, "given up at the first loss"
    official = _BY_NAME["as the reference firmware"]
    wanted = [official.read(scores(window.data)) for window in windows]
    assert [answer.scores for answer in answers] == wanted * 2, "never a wrong figure"
    assert left.scores == again.scores == wanted[0]
