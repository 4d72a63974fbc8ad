"""Replayed devices: the firmware's core as a process, driven by the host as a board is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import serial

from tinyhil.catalog.task import Task, Window, load_tasks
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.queries.framed import FramedQueries
from tinyhil.device.session import Session
from tinyhil.emulator.native import NativeDevice, NativeFacts, replayed_output
from tinyhil.emulator.native_build import build
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, DeviceError, FirmwareError, LinkError

from .replayed import PROGRAMS
from .terminal import Terminal

TASKS = load_tasks()
BOOTED = b"m-init-done\r\nm-ready\r\n"
FAST = 921600


@pytest.fixture(scope="session")
def programs() -> Path:
    """Where the built devices are kept."""
    return PROGRAMS


@contextmanager
def session(device: NativeDevice, baud: int) -> Iterator[Session]:
    link = SerialLink(device.port, baud)
    made = Session(link)
    made.synchronize(Deadline.after(60))
    yield made
    link.close()


@contextmanager
def terminal(device: NativeDevice, baud: int) -> Iterator[serial.Serial]:
    """Behind the banner, or what opening the port left of it."""
    with serial.Serial(device.port, baud, timeout=60) as port:
        port.write(b"here%")
        assert port.read_until(b"[Unknown command: here]\r\nm-ready\r\n").endswith(b"m-ready\r\n")
        yield port


def _await_boot(port: serial.Serial) -> None:
    banner = port.read_until(BOOTED)
    assert b"m-timestamp-mode-performance\r\n" in banner
    assert banner.endswith(BOOTED)


def a_sample(task: Task, seed: int = 0) -> bytes:
    size = task.input.inference_bytes
    random = np.random.default_rng(seed)
    if task.input.encoding == "float32":
        return random.normal(0, 20, size // 4).astype("<f4").tobytes()
    return random.bytes(size)


def results_of(task: Task, sample: bytes) -> list[float]:
    """What the firmware's adapters make of a replayed output."""
    outputs = (replayed_output(task, sample).astype(float) + 128) / 256
    if task.result == "scores":
        return [float(output) for output in outputs]
    return [float(np.mean((np.frombuffer(sample, "<f4") - outputs) ** 2))]


def infer_by_text(device: NativeDevice, baud: int, sample: bytes) -> None:
    task, deadline = device.facts.task, Deadline.after(60)
    with session(device, baud) as made:
        assert made.identify(deadline).task == task.name
        made.load(sample, deadline)
        assert made.read_back(deadline) == sample
        answer = made.infer(3, 1, deadline)
        assert answer.scores == pytest.approx(results_of(task, sample), abs=0.002)
        assert answer.end_us - answer.start_us == 3 * device.facts.infer_us


def infer_by_frames(device: NativeDevice, baud: int, sample: bytes) -> None:
    task = device.facts.task
    with (
        session(device, baud) as made,
        FramedQueries(made, made.identify(Deadline.after(60))) as queries,
    ):
        (answer,) = queries.each([Window(sample, 0)], output=True)
        assert answer.output == replayed_output(task, sample).tobytes()
        queries.load(sample)
        timed = queries.infer(3, 1, expected_s=None, laps=True)
        assert timed.laps == (device.facts.infer_us,) * 3
        assert not queries.healed


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_device_of_every_task_infers_what_it_was_sent(task: Task, programs: Path) -> None:
    facts = NativeFacts(task, paced=False, wait=False, infer_us=1_000_000)
    with NativeDevice(facts, programs) as device:
        infer_by_text(device, facts.baud, a_sample(task))
        infer_by_frames(device, facts.baud, a_sample(task, 1))


@pytest.mark.parametrize("sanitize", [False, True], ids=["plain", "sanitized"])
def test_a_device_on_a_paced_wire_keeps_its_inference_time_to_the_tick(
    sanitize: bool, kws01: Task, programs: Path
) -> None:
    facts = NativeFacts(kws01, baud=FAST, infer_us=12_345, sanitize=sanitize)
    with NativeDevice(facts, programs) as device:
        infer_by_text(device, FAST, a_sample(kws01))
        infer_by_frames(device, FAST, a_sample(kws01, 1))
        assert device.alive(), device.last_words


def test_sixteen_devices_answer_at_once_each_with_its_own(kws01: Task, programs: Path) -> None:
    facts = NativeFacts(kws01, baud=FAST, infer_us=1000)

    def run(number: int) -> None:
        with NativeDevice(facts, programs) as device:
            infer_by_frames(device, FAST, a_sample(kws01, number))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(run, range(16)))


@pytest.mark.parametrize("changed", [0, 27647])
def test_a_changed_byte_shows_in_the_scores(changed: int, programs: Path) -> None:
    task, deadline = TASKS["vww01"], Deadline.after(60)
    sample = a_sample(task)
    other = sample[:changed] + bytes([sample[changed] ^ 1]) + sample[changed + 1 :]
    with (
        NativeDevice(NativeFacts(task, paced=False, wait=False), programs) as device,
        session(device, 115200) as made,
    ):
        made.load(sample, deadline)
        before = made.infer(1, 0, deadline).scores
        made.load(other, deadline)
        assert made.infer(1, 0, deadline).scores != before


def test_a_reset_boots_and_forgets(kws01: Task, programs: Path) -> None:
    with (
        NativeDevice(NativeFacts(kws01), programs) as device,
        terminal(device, 115200) as port,
    ):
        port.write(b"db load 2%db 0102%")
        port.read_until(b"m-load-done\r\nm-ready\r\n")
        device.reset()
        _await_boot(port)
        port.write(b"db print%")
        assert port.read_until(b"m-ready\r\n") == b"m-ready\r\n"


def test_a_reset_ends_a_long_inference_and_none_is_lost(kws01: Task, programs: Path) -> None:
    """Each of many resets boots; one that comes during a boot too, or the device would die."""
    with (
        NativeDevice(NativeFacts(kws01, infer_us=3_600_000_000), programs) as device,
        terminal(device, 115200) as port,
    ):
        port.write(b"infer 1 0%")
        port.read_until(b"m-infer-start-1\r\n")
        for _ in range(50):
            device.reset()
        _await_boot(port)
        assert device.alive()


def test_a_device_that_dies_takes_its_port_along(kws01: Task, programs: Path) -> None:
    with NativeDevice(NativeFacts(kws01), programs) as device:
        with session(device, 115200) as made:
            device.kill()
            assert not device.alive()
            with pytest.raises(LinkError, match="is gone"):
                made.identify(Deadline.after(60))
        device.reset()  # Of no effect, but no error either: who resets can't know.


@pytest.mark.parametrize("paced", [True, False])
def test_a_host_at_another_rate_reads_and_sends_garbage(
    paced: bool, kws01: Task, programs: Path
) -> None:
    with (
        NativeDevice(NativeFacts(kws01, paced=paced), programs) as device,
        terminal(device, 115200) as port,
    ):
        port.timeout = 0.2
        port.baudrate = 57600
        port.write(b"name%")
        assert port.read(200) == b"", "no command was understood"
        port.baudrate = 115200
        port.write(b"%")
        assert port.read_until(b"m-ready\r\n").startswith(b"e-[Unknown command: ")
        port.baudrate = 230400
        device.reset()
        garbage = port.read(200)
        assert len(garbage) >= len(BOOTED), "bytes are damaged, not lost"
        assert b"m-" not in garbage


def test_a_rate_that_is_wrong_by_little_is_understood(kws01: Task, programs: Path) -> None:
    with NativeDevice(NativeFacts(kws01), programs) as device, session(device, 117500) as made:
        assert made.identify(Deadline.after(60)).vendor == "tinyhil"


def test_host_and_device_change_their_rate(kws01: Task, programs: Path) -> None:
    with NativeDevice(NativeFacts(kws01), programs) as device:
        with session(device, 115200) as made:
            with pytest.raises(DeviceError, match="does not run"):
                made.change_baud(4_000_000, Deadline.after(60))
            made.change_baud(2_000_000, Deadline.after(60))
            assert made.identify(Deadline.after(60)).vendor == "tinyhil"
        link = SerialLink(device.port, 115200)
        made = Session(link)
        made.fall_back(115200, Deadline.after(60))
        assert made.identify(Deadline.after(60)).vendor == "tinyhil", "as it booted"
        link.close()


def test_frames_through_a_probe_wait_idly_for_the_uart(kws01: Task, programs: Path) -> None:
    """There is no probe, so nothing comes; the firmware's core polls for it."""
    with (
        NativeDevice(NativeFacts(kws01), programs) as device,
        terminal(device, 115200) as port,
    ):
        port.write(b"hil frames probe%")
        assert b"m-hil-queue-" in port.read_until(b"m-ready\r\n")
        port.write(b"\r")
        assert port.read_until(b"m-ready\r\n") == b"m-ready\r\n"


def test_a_program_is_built_once_for_what_goes_into_it(kws01: Task, programs: Path) -> None:
    first = build(kws01, programs)
    made = first.stat().st_mtime_ns
    assert build(kws01, programs) == first
    assert first.stat().st_mtime_ns == made
    assert build(kws01, programs, sanitize=True) != first


def test_a_missing_compiler_is_named(
    kws01: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchError, match="no program 'cc'"):
        build(kws01, tmp_path)


def test_a_build_that_fails_quotes_the_compiler(kws01: Task, tmp_path: Path) -> None:
    odd = kws01.model_copy(update={"name": 'kws"01'})
    with pytest.raises(FirmwareError, match=r"can't be built:\n.*error") as caught:
        build(odd, tmp_path / "out")
    assert caught.value.hint
    assert not [path for path in (tmp_path / "out").iterdir() if path.suffix != ".lock"]


def test_more_inferences_than_times_are_kept_of_are_run_all_the_same(programs: Path) -> None:
    facts = NativeFacts(TASKS["kws01"], paced=False, wait=False)
    with NativeDevice(facts, programs) as device, terminal(device, facts.baud) as port:
        asked = Terminal(port)
        assert asked.type("infer 1025 0%")[2] == "m-infer-start-1025"
        told = "".join(asked.type("hil laps 0 1024%"))
        assert sum(part.count(",") + 1 for part in told.split("m-hil-laps-")[1:]) == 1024
        assert asked.type("hil laps 0 1025%") == ["e-[Laps kept: 1024]"]
