"""Sessions and measures with a firmware that speaks the official protocol alone, sound or broken.

Each fault of the device must end in an error of the right class, within its deadline, that says
what happened; and what was measured before must be kept.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import serial

from tinyhil.catalog.rules import Rules
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.data.material import Sample
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.queries.text import TextQueries
from tinyhil.device.session import Session
from tinyhil.emulator.foreign import Fault, ForeignDevice, Kind
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import (
    BenchError,
    DeviceError,
    LinkError,
    LinkTimeoutError,
    TinyhilError,
)
from tinyhil.measure import measures as measure

SAMPLES = tuple(Sample(f"s{i}.bin", i % 3, bytes([i]) * 100) for i in range(6))


def scores(data: bytes) -> list[float]:
    """A device that knows each sample's class by its bytes; any change of one shows."""
    trace = zlib.crc32(data) % 90 / 1000
    return [(0.9 if index == data[0] % 3 else 0.05) + trace for index in range(3)]


def device(*faults: Fault, infer_us: int = 50_000) -> ForeignDevice:
    return ForeignDevice("kws01", scores, infer_us=infer_us, faults=faults)


def open_session(port: str) -> Session:
    session = Session(SerialLink(port, 115200))
    session.synchronize(Deadline.after(60))
    return session


TASK = load_tasks()["kws01"].model_copy(update={"classes": ("a", "b", "c")})
INPUTS = measure.performance_inputs(TASK, SAMPLES)


def ignore(*_: object) -> None:
    """Progress and raw answers of no interest."""


def accuracy(
    queries: TextQueries, task: Task = TASK, keep: measure.Keep = ignore
) -> measure.Accuracy:
    return measure.accuracy(queries, task, SAMPLES, keep, ignore)


def ask(port: str, read_back: float = 0.0, *, answer_s: float = 20.0) -> TextQueries:
    return TextQueries(open_session(port), read_back=read_back, answer_s=answer_s)


def test_a_foreign_firmware_is_recognised_by_its_own_error_line() -> None:
    with device() as dut:
        info = open_session(dut.port).identify(Deadline.after(60))
    assert (info.vendor, info.task, info.extension) == ("elsewhere", "kws01", None)
    assert dut.commands.count("hil info") == 1


def test_a_sample_reaches_the_device_whole() -> None:
    with device() as dut:
        session = open_session(dut.port)
        sample = bytes(range(256)) * 2
        session.load(sample, Deadline.after(60))
        assert session.read_back(Deadline.after(60)) == sample


def test_accuracy_is_measured_on_a_foreign_firmware() -> None:
    with device() as dut:
        result = accuracy(ask(dut.port))
    assert np.array_equal(np.argmax(result.scores, axis=1), result.labels)


def test_single_stream_asks_a_foreign_firmware_for_one_inference_at_a_time() -> None:
    with device() as dut:
        session = open_session(dut.port)
        info = session.identify(Deadline.after(60))
        rules = Rules(queries=20, single_stream_s=1.5, warm_up=1)
        result = measure.single_stream(TextQueries(session), info, INPUTS, rules, ignore, ignore)
        timed = [command for command in dut.commands if command == "infer 1 0"]
    assert result.clock == "time stamps"
    assert np.allclose(result.times_s, 0.05)
    assert result.times_s.sum() >= 1.5, "20 queries take 1 s: the rule of time asks for more"
    assert len(timed) == len(result.times_s) + 7, "one an input for the pace, 2 to learn"


def test_throughput_windows_last_as_long_as_the_rules_ask() -> None:
    with device() as dut:
        result = measure.throughput(ask(dut.port), INPUTS, Rules(), ignore, ignore)
    assert len(result.windows) == 5
    assert all(count >= 10 and seconds >= 10.0 for count, seconds in result.windows)


FAULTS: list[tuple[Kind, type[TinyhilError], str]] = [
    ("error", DeviceError, r"Out of order <b>today</b>"),
    ("noise", LinkError, r"not printable ASCII.*m-lap-us-1\\xff23"),
    ("endless-line", LinkError, r"longer than 16384"),
    ("endless-lines", LinkError, r"more than 8192 lines"),
    ("silence", LinkTimeoutError, r"not fully answered in [0-9.]+ s"),
    ("unplugged", LinkError, r"is gone"),
    ("lost-digits", LinkError, r"without a line as 'm-load-done'"),
]


@pytest.mark.parametrize(("kind", "error", "text"), FAULTS)
def test_a_fault_in_the_middle_of_an_upload_is_an_error_within_the_deadline(
    kind: Kind, error: type[TinyhilError], text: str
) -> None:
    with device(Fault(kind, "db 01", nth=2)) as dut:
        session = open_session(dut.port)
        deadline = Deadline.after(1 if kind == "silence" else 60)
        with pytest.raises(error, match=text) as caught:
            session.load(SAMPLES[1].data, deadline)
        assert deadline.expired == (kind == "silence")
    assert caught.value.hint


def test_a_port_that_went_away_leaves_its_name_to_no_other_device() -> None:
    with device(Fault("unplugged", "name")) as dut:
        session = open_session(dut.port)
        with pytest.raises(LinkError, match="is gone"):
            session.identify(Deadline.after(60))
        session.link.close()
        with device() as other:
            assert other.port != dut.port
            with pytest.raises(BenchError, match="cannot be opened"):
                SerialLink(dut.port, 115200)


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_device_that_was_unplugged_answers_no_command_that_was_sent_ahead() -> None:
    with device(Fault("unplugged", "name")) as dut, serial.Serial(dut.port, timeout=60) as port:
        port.write(b"name%profile%")
        with pytest.raises(serial.SerialException):
            port.read(1)


def test_a_clock_that_runs_backwards_is_refused() -> None:
    with device(Fault("backwards", "infer")) as dut:
        queries = ask(dut.port)
        queries.load(SAMPLES[0].data)
        with pytest.raises(DeviceError, match="backwards"):
            queries.infer(1, 0, expected_s=None, laps=False)


def test_a_clock_that_stands_still_is_refused() -> None:
    with device(infer_us=0) as dut, pytest.raises(DeviceError, match="no time"):
        measure.throughput(ask(dut.port), INPUTS, Rules(), ignore, ignore)


def test_scores_for_another_model_are_refused() -> None:
    twelve = load_tasks()["kws01"]
    with device() as dut, pytest.raises(DeviceError, match=r"s0\.bin: 3 results.*has 12"):
        accuracy(ask(dut.port), twelve)


@pytest.mark.parametrize(("kind", "error", "text"), FAULTS)
def test_what_was_measured_before_a_lasting_fault_is_kept(
    kind: Kind, error: type[TinyhilError], text: str
) -> None:
    kept: list[Mapping[str, Any]] = []
    with device(Fault(kind, "db 03", lasting=True)) as dut:
        queries = ask(dut.port, answer_s=1.0 if kind == "silence" else 20.0)
        with pytest.raises(error, match=text):
            accuracy(queries, TASK, kept.append)
    names = [row["sample"] for row in kept]
    # A port that goes takes along what was not read yet: the next sample is under way by then.
    assert names == ["s0.bin", "s1.bin", "s2.bin"][: len(names)]
    assert len(names) >= (2 if kind == "unplugged" else 3)


@pytest.mark.parametrize(("command", "nth"), [("db 03", 2), ("db load", 3), ("infer", 4)])
@pytest.mark.parametrize("kind", ["error", "noise", "lost-digits", "restart"])
def test_a_fault_that_passes_is_healed_by_asking_again(kind: Kind, command: str, nth: int) -> None:
    with device(Fault(kind, command, nth)) as dut:
        queries = ask(dut.port)
        result = accuracy(queries)
    assert np.array_equal(np.argmax(result.scores, axis=1), result.labels)
    assert sum(queries.healed.values()) == 1


def test_a_device_that_starts_anew_is_named() -> None:
    expected = pytest.raises(LinkError, match="the device restarted while 'infer 1 0")
    with device(Fault("restart", "infer", lasting=True)) as dut, expected:
        accuracy(ask(dut.port))


@pytest.mark.parametrize(
    ("kind", "command", "nth"), [("changed-digit", "db 03", 2), ("changed-score", "infer", 4)]
)
def test_what_text_can_not_show_is_seen_by_reading_back(kind: Kind, command: str, nth: int) -> None:
    fault = Fault(kind, command, nth)
    with device() as dut:
        clean = accuracy(ask(dut.port))
    with device(fault) as dut:
        fooled = accuracy(ask(dut.port))
    with device(fault) as dut:
        queries = ask(dut.port, read_back=1.0)
        seen = accuracy(queries)
    assert not np.array_equal(fooled.scores, clean.scores), "nothing in the answers shows it"
    assert np.array_equal(seen.scores, clean.scores)
    assert queries.healed == {"LinkError": 1}


def test_a_difference_in_a_share_of_the_samples_is_an_error() -> None:
    expected = pytest.raises(
        LinkError, match=r"only a share of 0\.01 of the other samples was checked"
    )
    with device(Fault("changed-digit", "db 00", lasting=True)) as dut, expected:
        accuracy(ask(dut.port, read_back=0.01))


def test_lines_of_an_earlier_life_do_not_disturb_the_session() -> None:
    with device() as dut:
        link = SerialLink(dut.port, 115200)
        for stale in (b"name%", b"profile%", b"timestamp%", b"name%"):
            link.write(stale, Deadline.after(1))
        session = Session(link)
        session.synchronize(Deadline.after(60))
        assert session.identify(Deadline.after(60)).vendor == "elsewhere"
