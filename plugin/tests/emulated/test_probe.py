"""The virtual probe: stock pyOCD debugs an emulated board through it, as it does a real one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import serial
from pyocd.core import exceptions
from pyocd.core.session import Session
from pyocd.core.target import Target
from pyocd.probe.aggregator import DebugProbeAggregator

from tinyhil.catalog.board import Board, load_boards
from tinyhil.emulator.gdb import GdbClient, connected
from tinyhil.emulator.qemu import EmulatedBoard, start
from tinyhil.emulator.registry import running_boards
from tinyhil.emulator.runtime import GDB_SOCKET
from tinyhil.flash import flash
from tinyhil.ground.deadline import Deadline
from tinyhil.image.elf import Image

from ..processes import child, pyocd

TIMER0_RELOAD = 0x4000_0008
NOWHERE = 0xDDDD_DDDC


@contextmanager
def debugging(
    emulated: EmulatedBoard, mode: str = "halt", *, resume: bool = True
) -> Iterator[Target]:
    """pyOCD's target, reached as pyOCD's users reach it; `resume`: in the end the core goes on."""
    probe = DebugProbeAggregator.get_probe_with_id(emulated.probe_uid)
    options = {"no_config": True, "connect_mode": mode, "resume_on_disconnect": resume}
    with Session(probe, options=options) as session:
        yield session.target


def halted(each: EmulatedBoard) -> AbstractContextManager[Target]:
    """The target of a board without firmware, which stays halted: it would run to the end of its
    memory, fault there without a handler, and end QEMU in the middle of the next test."""
    return debugging(each, resume=False)


@pytest.fixture
def running(emulated: EmulatedBoard, echo_image: Image) -> EmulatedBoard:
    """An emulated board that runs the echo firmware."""
    flash(echo_image, emulated.board, emulated.probe_uid, Deadline.after(60))
    return emulated


def first(board: Board, kind: str) -> int:
    """Where the board's first memory of a kind begins."""
    return next(memory.start for memory in board.memory if memory.kind == kind)


def echoes(emulated: EmulatedBoard) -> bool:
    """Whether the firmware runs (after which it only echoes)."""
    with serial.serial_for_url(emulated.serial_url, timeout=60) as port:
        port.write(b"E.")
        return port.read_until(b".")[-1:] == b"."


def test_halt_step_and_resume(running: EmulatedBoard) -> None:
    with debugging(running, "attach") as target:
        assert target.get_state() is Target.State.RUNNING
        target.halt()
        assert target.get_state() is Target.State.HALTED
        stayed = target.read_core_register("pc")
        assert target.read_core_register("pc") == stayed
        target.step()
        assert target.get_state() is Target.State.HALTED
        assert target.read_core_register("pc") != stayed
        target.resume()
        assert target.get_state() is Target.State.RUNNING
    assert echoes(running)


def test_stepping_goes_past_an_instruction_that_sleeps(each: EmulatedBoard) -> None:
    code = first(each.board, "flash") + 0x100
    with halted(each) as target:
        target.write_memory_block8(code, bytes.fromhex("00bf 30bf 20bf 00bf"))
        target.write_core_register("xpsr", 0x0100_0000)
        target.write_core_register("pc", code)
        seen = []
        for _ in range(4):
            target.step()
            seen.append(target.read_core_register("pc"))
        assert seen == [code + 2, code + 4, code + 6, code + 8]


@pytest.mark.parametrize("kind", [Target.BreakpointType.HW, Target.BreakpointType.SW])
def test_a_breakpoint_stops_the_core_where_it_stands(
    running: EmulatedBoard, echo_image: Image, kind: Target.BreakpointType
) -> None:
    address = echo_image.symbol("timed_loop").address & ~1
    with serial.serial_for_url(running.serial_url, timeout=60) as port:
        with debugging(running) as target:
            before = target.read_memory_block8(address, 16)
            assert target.set_breakpoint(address, kind)
            target.resume()
            port.write(b"T")
            deadline = Deadline.after(60)
            while target.get_state() is Target.State.RUNNING:
                assert not deadline.expired
            assert target.get_halt_reason() is Target.HaltReason.BREAKPOINT
            assert target.read_core_register("pc") == address
            target.remove_breakpoint(address)
            target.step()
            assert target.read_memory_block8(address, 16) == before
        assert b"ticks" in port.readline()


def test_core_registers_are_read_and_written(each: EmulatedBoard) -> None:
    written = {f"r{number}": 0x1111_1111 * number for number in range(13)}
    written |= {"sp": 0x2000_1000, "lr": 0x101, "pc": 0x100}
    floats = each.board.core != "cortex-m3"
    written |= {"s0": 0x3F80_0000, "s31": 0x4000_0000} if floats else {}
    with halted(each) as target:
        for name, value in written.items():
            target.write_core_register_raw(name, value)
        assert {name: target.read_core_register_raw(name) for name in written} == written
        assert not floats or target.read_core_register_raw("s30") == 0


def test_memory_is_read_and_written_in_every_width_and_alignment(each: EmulatedBoard) -> None:
    pattern = bytes(range(1, 256)) * 40
    ram = first(each.board, "ram")
    with halted(each) as target:
        target.write_memory_block8(ram + 1, pattern)
        assert bytes(target.read_memory_block8(ram + 1, len(pattern))) == pattern
        target.write8(ram + 3, 0xAA)
        target.write16(ram + 6, 0xBBCC)
        assert target.read8(ram + 3) == 0xAA
        assert target.read16(ram + 6) == 0xBBCC
        assert target.read32(ram) == 0xAA02_0100
        assert target.read32(ram + 4) == 0xBBCC_0504


def test_all_memory_of_the_boards_file_is_there(each: EmulatedBoard) -> None:
    edges = [address for memory in each.board.memory for address in (memory.start, memory.end - 4)]
    with halted(each) as target:
        for address in edges:
            target.write32(address, address ^ 0x5A5A_A5A5)
        assert [target.read32(address) ^ 0x5A5A_A5A5 for address in edges] == edges


def test_memory_of_a_running_core_is_accessed_without_stopping_it(running: EmulatedBoard) -> None:
    with debugging(running, "attach") as target:
        target.write32(0x2100_0000, 0x1234_5678)
        assert target.read32(0x2100_0000) == 0x1234_5678
        assert target.get_state() is Target.State.RUNNING
        assert echoes(running)


def test_a_running_core_stands_still_while_its_probe_is_locked(
    running: EmulatedBoard, echo_image: Image
) -> None:
    counter = echo_image.symbol("counter").address
    with (
        debugging(running, "attach") as target,
        serial.serial_for_url(running.serial_url, timeout=60) as port,
    ):
        port.write(b"C")
        for _ in range(10):
            target.session.probe.lock()
            held = [target.read32(counter) for _ in range(3)]
            assert target.get_state() is Target.State.RUNNING
            target.session.probe.unlock()
            assert held == held[:1] * 3
            deadline = Deadline.after(60)
            while target.read32(counter) == held[0]:
                assert not deadline.expired
        target.session.probe.lock()
        target.read32(counter)
        target.halt()
        target.session.probe.unlock()
        assert target.get_state() is Target.State.HALTED
        stopped = target.read32(counter)
        assert target.read32(counter) == stopped


def test_a_breakpoint_between_two_accesses_is_not_run_over(
    running: EmulatedBoard, echo_image: Image
) -> None:
    address = echo_image.symbol("timed_loop").address & ~1
    with serial.serial_for_url(running.serial_url, timeout=60) as port:
        with debugging(running) as target:
            target.set_breakpoint(address, Target.BreakpointType.HW)
            for _ in range(20):
                target.resume()
                port.write(b"T")
                deadline = Deadline.after(60)
                while target.get_state() is Target.State.RUNNING:
                    target.write32(0x2100_0000, target.read32(0x2100_0000) + 1)
                    assert not deadline.expired
                assert target.read_core_register("pc") == address
                target.step()
        assert port.read_until(b"\n").startswith(b"ticks")


def test_a_write_reaches_the_peripherals(emulated: EmulatedBoard) -> None:
    with debugging(emulated) as target:
        target.write32(TIMER0_RELOAD, 0x1234)
        assert target.read32(TIMER0_RELOAD) == 0x1234


@pytest.mark.parametrize(
    ("name", "register"), [("mps2-an505", 0x5000_0008), ("mps3-an547", 0x5930_3010)]
)
@pytest.mark.usefixtures("reachable")
def test_a_write_to_a_secure_peripheral_is_refused_and_not_lost(name: str, register: int) -> None:
    with (
        start(load_boards()[name], deadline=Deadline.after(60)) as secure,
        debugging(secure) as target,
    ):
        with pytest.raises(exceptions.TransferFaultError):
            target.write32(register, 0x10)
        assert target.read32(register) == 0


def test_an_access_to_nowhere_faults_and_the_next_one_works(emulated: EmulatedBoard) -> None:
    with debugging(emulated) as target:
        with pytest.raises(exceptions.TransferFaultError):
            target.read32(NOWHERE)
        with pytest.raises(exceptions.TransferFaultError):
            target.write32(NOWHERE, 0)
        assert target.read32(0xE000_ED00) == 0x410F_C240


def test_locked_writes_are_done_in_order_and_a_fault_among_them_is_told_at_the_end(
    running: EmulatedBoard,
) -> None:
    with debugging(running, "attach") as target:
        probe = target.session.probe
        probe.lock()
        target.write32(0x2100_0000, 1)
        target.write32(NOWHERE, 0)
        target.write32(0x2100_0004, 2)
        with pytest.raises(exceptions.TransferFaultError, match=f"{NOWHERE:#x}"):
            probe.unlock()
        assert target.read_memory_block32(0x2100_0000, 2) == [1, 2]
        assert target.get_state() is Target.State.RUNNING
        probe.lock()
        target.halt()
        target.write32(0x2100_0000, 3)
        target.resume()
        assert target.get_state() is Target.State.RUNNING
        probe.unlock()
        assert target.read32(0x2100_0000) == 3


def test_a_fault_on_the_bus_sets_the_sticky_error_until_it_is_cleared(
    emulated: EmulatedBoard,
) -> None:
    abort, control_status, select = 0x0, 0x4, 0x8
    address, data = 0x4, 0xC
    sticky_error = 1 << 5
    probe = DebugProbeAggregator.get_probe_with_id(emulated.probe_uid)
    Session(probe, options={"no_config": True})
    probe.open()
    try:
        probe.write_dp(select, 0)
        probe.write_ap(address, NOWHERE)
        with pytest.raises(exceptions.TransferFaultError):
            probe.read_ap(data)
        assert probe.read_dp(control_status) & sticky_error
        probe.write_dp(abort, 1 << 2)
        assert not probe.read_dp(control_status) & sticky_error
    finally:
        probe.close()


def test_reset_can_be_caught_before_the_first_instruction(
    running: EmulatedBoard, echo_image: Image
) -> None:
    with debugging(running) as target:
        target.write_core_register("r7", 7)
        target.reset_and_halt()
        assert target.get_state() is Target.State.HALTED
        assert target.read_core_register("pc") == echo_image.entry & ~1
        assert target.read_core_register("r7") == 0
        target.reset()
        assert target.get_state() is Target.State.RUNNING
    assert echoes(running)


def test_a_core_without_firmware_locks_up_and_can_be_halted(each: EmulatedBoard) -> None:
    with halted(each) as target:
        target.write_memory_block32(first(each.board, "flash"), [0, 0])
        target.reset()
        assert target.get_state() is Target.State.LOCKUP
        target.halt()
        assert target.get_state() is Target.State.HALTED
    assert each.alive()


def test_a_second_debugger_is_refused_at_once(emulated: EmulatedBoard) -> None:
    with (
        debugging(emulated) as target,
        pytest.raises(exceptions.ProbeError, match="in use by another debugger"),
        debugging(emulated),
    ):
        pass
    with debugging(emulated) as target:
        assert target.is_halted()


def test_a_debugger_that_was_killed_leaves_neither_lock_nor_breakpoint(
    running: EmulatedBoard, echo_image: Image
) -> None:
    address = echo_image.symbol("timed_loop").address & ~1
    script = f"""
from pyocd.core.session import Session
from pyocd.probe.aggregator import DebugProbeAggregator
session = Session(DebugProbeAggregator.get_probe_with_id({running.probe_uid!r}))
session.open()
session.target.set_breakpoint({address})
session.target.resume()
print("set", flush=True)
input()
"""
    with child([sys.executable, "-c", script]) as debugger:
        assert debugger.stdout is not None
        assert debugger.stdout.readline() == "set\n"
        debugger.kill()
    with (
        debugging(running, "attach"),
        serial.serial_for_url(running.serial_url, timeout=60) as port,
    ):
        port.write(b"T")
        assert b"ticks" in port.read_until(b"\n")


def test_a_debugger_that_was_lost_inside_a_packet_does_not_spoil_the_next_one(
    emulated: EmulatedBoard,
) -> None:
    (folder,) = (one.folder for one in running_boards() if one.probe_uid == emulated.probe_uid)
    for cut in (b"$M0,4:00", b"$m0,1#", b"$m0,1#4", b"$m}", b"$m0*"):
        lost = connected(folder / GDB_SOCKET, 5)
        lost.sendall(cut)
        lost.close()
        client = GdbClient(folder / GDB_SOCKET)
        assert len(client.read(0, 4)) == 4, cut
        client.close()


def test_the_death_of_the_board_is_a_disconnected_probe(emulated: EmulatedBoard) -> None:
    with debugging(emulated) as target:
        os.kill(emulated.pid, signal.SIGKILL)
        assert emulated.process.exited.wait(10)
        with pytest.raises(exceptions.ProbeDisconnected):
            target.read32(0)


def test_a_board_that_hangs_does_not_hang_its_debugger(
    emulated: EmulatedBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinyhil.emulator.gdb.ANSWER_S", 0.3)
    monkeypatch.setattr("tinyhil.emulator.machine.ANSWER_S", 0.3)
    with debugging(emulated) as target:
        os.kill(emulated.pid, signal.SIGSTOP)
        with pytest.raises(exceptions.ProbeDisconnected, match="does not answer"):
            target.read32(0)
    for _ in range(4):  # More than QEMU's socket lets wait for it.
        with pytest.raises(exceptions.ProbeError, match="can't be reached"), debugging(emulated):
            pass
    emulated.stop()
    assert not emulated.alive()


def test_a_cortex_m3_is_debugged_too(
    mps2: Board, emulated: EmulatedBoard, echo_image: Image
) -> None:
    assert mps2.emulator is not None
    facts = mps2.emulator.model_copy(update={"machine": "mps2-an385"})
    board = mps2.model_copy(
        update={"name": "mps2-an385", "core": "cortex-m3", "emulator": facts},
    )
    with start(board, deadline=Deadline.after(60)) as other:
        flash(echo_image, board, other.probe_uid, Deadline.after(60))
        with debugging(other) as target:
            assert target.cores[0].name == "Cortex-M3"
            assert target.set_breakpoint(0x100, Target.BreakpointType.HW)
        assert echoes(other)
    assert emulated.alive()


def test_pyocd_lists_flashes_and_resets_from_another_process(
    emulated: EmulatedBoard, echo_image: Image
) -> None:
    listed = pyocd("list")
    assert emulated.probe_uid in listed
    assert "tinyhil_mps2_an386" in listed
    with serial.serial_for_url(emulated.serial_url, timeout=60) as port:
        pyocd("flash", "--uid", emulated.probe_uid, str(echo_image.path))
        assert port.readline() == b"hello c0ffee00\r\n"
        pyocd("reset", "--uid", emulated.probe_uid)
        assert port.readline() == b"hello c0ffee00\r\n"


def test_pyocd_commander_halts_steps_and_breaks(running: EmulatedBoard, echo_image: Image) -> None:
    said = pyocd(
        *("commander", "--uid", running.probe_uid),
        *("-c", "reset halt", "-c", "reg pc", "-c", "step", "-c", "status"),
        *("-c", f"break {echo_image.entry & ~1:#x}", "-c", "reset", "-c", "sleep 100"),
        *("-c", "status", "-c", "read32 0xe000ed00", "-c", "go"),
    )
    assert f"pc = {echo_image.entry & ~1:#010x}" in said
    assert "Halted" in said
    assert "410fc240" in said


@pytest.mark.usefixtures("runtime")
def test_without_boards_the_plugin_is_silent_and_cheap() -> None:
    assert "No available debug probes" in pyocd("list")
    loaded = subprocess.run(
        [
            *(sys.executable, "-c"),
            "import sys; from pyocd.probe.aggregator import PROBE_CLASSES;"
            "print(PROBE_CLASSES['tinyhil'].get_all_connected_probes(), 'pydantic' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout == "[] False\n"
