"""Every emulated board keeps what the reference firmware and the virtual probe promise."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import numpy as np
import psutil
import pytest
import serial
from pyocd.core.session import Session as Debugger
from pyocd.core.target import Target
from pyocd.coresight.core_ids import CortexMExtension
from pyocd.coresight.cortex_m import CortexM
from pyocd.probe.aggregator import DebugProbeAggregator

from tinyhil.catalog.bench import stations
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.task import Task
from tinyhil.data.material import Material
from tinyhil.device.dut import Dut, attached
from tinyhil.device.links.serial import open_link
from tinyhil.device.queries.framed import FramedQueries
from tinyhil.device.session import Session
from tinyhil.emulator.registry import running_boards
from tinyhil.flash import FlashResult, load_flasher
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.paths import SUITES
from tinyhil.image.build import Firmware

from .processes import pyocd
from .terminal import await_boot

EMULATED = [board for board in load_boards().values() if not board.on_desks]


@pytest.fixture(scope="module", params=EMULATED, ids=lambda board: board.name)
def board_type(request: pytest.FixtureRequest) -> Board:
    """Each emulated board in turn."""
    found: Board = request.param
    return found


@pytest.fixture(scope="module")
def built(
    board_type: Board, kws01: Task, firmware_of: Callable[[Board, Task], Firmware]
) -> Firmware:
    """The reference firmware for the board, with the stand-in model."""
    return firmware_of(board_type, kws01)


def powered(board: Board) -> AbstractContextManager[Dut]:
    """An emulated board of our own."""
    return attached(stations({board.name: board}, None)[board.name])


def flashed(dut: Dut, built: Firmware) -> FlashResult:
    """Program the board and let it boot."""
    deadline = Deadline.after(60)
    with load_flasher("pyocd")(dut.board, dut.probe_uid, deadline) as flasher:
        result: FlashResult = flasher.flash(built.image, deadline)
        flasher.reset()
    await_boot(dut)
    return result


@pytest.fixture(scope="module")
def live(board_type: Board, built: Firmware) -> Iterator[Dut]:
    """The board, running the reference firmware."""
    with powered(board_type) as dut:
        flashed(dut, built)
        yield dut


@pytest.fixture
def core(live: Dut) -> Iterator[CortexM]:
    """The board's core behind its probe, attached to while it runs."""
    probe = DebugProbeAggregator.get_probe_with_id(live.probe_uid)
    options = {"no_config": True, "connect_mode": "attach"}
    with Debugger(probe, options=options) as debugger:
        yield debugger.target.cores[0]
        debugger.target.reset()


def ticks(session: Session, sample: bytes) -> tuple[int, ...]:
    """Times of four inferences."""
    info = session.identify(Deadline.after(60))
    with FramedQueries(session, info) as queries:
        queries.load(sample)
        return queries.infer(4, 0, expected_s=None, laps=True).laps


def test_outputs_equal_the_oracle(live_session: Session, stand_in: Material) -> None:
    oracle = np.load(SUITES / "standin" / "kws01_oracle.npz")
    deadline = Deadline.after(60)
    for sample, expected in zip(stand_in.data.samples[:8], oracle["outputs"], strict=False):
        live_session.load(sample.data, deadline)
        scores = live_session.infer(1, 0, deadline).scores
        assert np.array_equal(np.rint(np.array(scores) * 256) - 128, expected), sample.name


def test_the_same_inferences_take_the_same_ticks_in_every_run_and_launch(
    live_session: Session, live: Dut, built: Firmware, stand_in: Material
) -> None:
    sample = stand_in.data.samples[3].data
    seen = {ticks(live_session, sample) for _ in range(4)}
    with powered(live.board) as other:
        flashed(other, built)
        link = open_link(other)
        session = Session(link)
        session.synchronize(Deadline.after(60))
        seen.add(ticks(session, sample))
        link.close()
    assert len(seen) == 1


def test_the_text_protocol_is_answered(live: Dut) -> None:
    with serial.serial_for_url(live.serial_url, timeout=60) as port:
        port.write(b"%")
        port.read_until(b"m-ready\r\n")
        port.write(b"name%")
        assert port.read_until(b"m-ready\r\n") == b"m-name-dut-[tinyhil]\r\nm-ready\r\n"
        port.write(b"db load 4%db 01zz%nonsense%")
        assert [port.readline() for _ in range(6)] == [
            *(b"m-[Expecting 4 bytes]\r\n", b"m-ready\r\n"),
            *(b"e-[Invalid hex digit 'zz']\r\n", b"m-ready\r\n"),
            *(b"e-[Unknown command: nonsense]\r\n", b"m-ready\r\n"),
        ]


def test_bytes_that_arrive_while_it_infers_are_kept_and_cost_no_time(live: Dut) -> None:
    with serial.serial_for_url(live.serial_url, timeout=60) as port:

        def ask(*commands: bytes) -> bytes:
            port.write(b"".join(commands))
            return [port.read_until(b"m-ready\r\n") for _ in commands][-1]

        ask(b"%")
        quiet = [ask(b"infer 4 0%"), ask(b"hil laps 0 4%")]
        meanwhile = ask(b"infer 4 0%", *[b"nonsense%"] * 20, b"name%")
        assert meanwhile == b"m-name-dut-[tinyhil]\r\nm-ready\r\n"
        assert ask(b"hil laps 0 4%") == quiet[1]


def test_an_idle_device_sleeps_and_its_clock_goes_right(live: Dut) -> None:
    (pid,) = [board.pid for board in running_boards() if board.probe_uid == live.probe_uid]
    with serial.serial_for_url(live.serial_url, timeout=60) as port:
        port.write(b"%")
        port.read_until(b"m-ready\r\n")

        def asked() -> tuple[float, float]:
            """How long an answer took, and by how much the device's clock is ahead of ours."""
            asked_s = time.monotonic()
            port.write(b"timestamp%")
            line = port.read_until(b"m-ready\r\n").removeprefix(b"m-lap-us-")
            answered_s = time.monotonic()
            return answered_s - asked_s, int(line.split()[0]) * 1e-6 - answered_s

        def offset_s() -> float:
            """As the fastest of some answers tells it: this machine may be busy."""
            return min(asked() for _ in range(20))[1]

        busy_percent, gained_s = 100.0, 1.0
        # Emulated time follows the host's while the core sleeps; another board's `clock_hz` would
        # gain or lose a fifth of a second each time. A busy machine holds the emulator back.
        for _ in range(6):
            before_s = offset_s()
            busy_percent = min(busy_percent, psutil.Process(pid).cpu_percent(interval=1.0))
            gained_s = min(gained_s, abs(offset_s() - before_s))
            if gained_s < 0.15:
                break
    assert busy_percent < 10
    assert gained_s < 0.15


def test_flashing_the_same_image_again_finds_it_there(live: Dut, built: Firmware) -> None:
    assert flashed(live, built).skipped


def macros(board: Board) -> dict[str, str]:
    """What the compiler takes the core for: its predefined macros."""
    defined = subprocess.run(
        [f"{board.toolchain.prefix}gcc", *board.toolchain.flags, "-dM", "-E", "-xc", os.devnull],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return {words[1]: words[-1] for words in map(str.split, defined.splitlines())}


def test_boards_file_and_compiler_agree_with_the_core(core: CortexM, live: Dut) -> None:
    assert core.name.lower() == live.board.core
    single, double = 1 << 2, 1 << 3
    known = macros(live.board)
    floating_point = int(known.get("__ARM_FP", "0"), 0)
    assert bool(floating_point & single) == (CortexMExtension.FPU in core.extensions)
    assert bool(floating_point & double) == (CortexMExtension.FPU_DP in core.extensions)
    assert ("__ARM_FEATURE_MVE" in known) == (CortexMExtension.MVE in core.extensions)
    # A core with TrustZone boots in secure state, and the firmware leaves it there.
    secure = core.get_security_state() is Target.SecurityState.SECURE
    assert ("__ARM_FEATURE_CMSE" in known) == (CortexMExtension.SEC in core.extensions) == secure


@pytest.mark.parametrize("kind", [Target.BreakpointType.HW, Target.BreakpointType.SW])
def test_a_breakpoint_in_the_firmware_stops_it_and_it_goes_on(
    core: CortexM, live: Dut, built: Firmware, kind: Target.BreakpointType
) -> None:
    address = built.image.symbol("hil_commands_run").address & ~1
    with serial.serial_for_url(live.serial_url, timeout=60) as port:
        port.write(b"%")
        port.read_until(b"m-ready\r\n")
        core.halt()
        assert core.set_breakpoint(address, kind)
        core.resume()
        port.write(b"name%")
        deadline = Deadline.after(60)
        while core.get_state() is Target.State.RUNNING:
            assert not deadline.expired
        assert core.get_halt_reason() is Target.HaltReason.BREAKPOINT
        assert core.read_core_register("pc") == address
        core.remove_breakpoint(address)
        core.step()
        assert core.read_core_register("pc") != address
        core.resume()
        assert port.read_until(b"m-ready\r\n") == b"m-name-dut-[tinyhil]\r\nm-ready\r\n"


def test_reset_can_be_caught_before_the_first_instruction(core: CortexM, built: Firmware) -> None:
    core.reset_and_halt()
    assert core.get_state() is Target.State.HALTED
    assert core.read_core_register("pc") == built.image.entry & ~1
    assert core.read_core_register("sp") == built.image.symbol("__stack_top").address


def test_pyocds_own_command_flashes_and_debugs(live: Dut, built: Firmware) -> None:
    main = built.image.symbol("main").address & ~1
    with serial.serial_for_url(live.serial_url, timeout=60) as port:
        pyocd("flash", "--uid", live.probe_uid, str(built.image.path))
        assert b"m-init-done\r\n" in port.read_until(b"m-init-done\r\n")
    said = pyocd(
        *("commander", "--uid", live.probe_uid),
        *("-c", "reset halt", "-c", "reg pc", "-c", f"break {main:#x}", "-c", "go"),
        *("-c", "sleep 100", "-c", "status", "-c", "reg pc", "-c", f"rmbreak {main:#x}"),
        *("-c", "step", "-c", "reset"),
    )
    assert f"pc = {built.image.entry & ~1:#010x}" in said
    assert f"pc = {main:#010x}" in said


def test_pyocds_own_command_lists_every_board_that_runs() -> None:
    with ExitStack() as boards:
        running = [boards.enter_context(powered(board)) for board in EMULATED]
        listed = pyocd("list")
    for dut in running:
        assert dut.probe_uid in listed
        assert dut.board.title in listed
        assert dut.board.flash.target in listed
