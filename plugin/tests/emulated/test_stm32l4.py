"""The emulated B-L475E-IOT01A: a real flash algorithm against a real flash controller, through
stock pyOCD's own CMSIS-DAP driver. One board for all tests of the file, in their order."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from pyocd.probe.pydapaccess import DAPAccessIntf
from pyocd.probe.pydapaccess.dap_access_cmsis_dap import DAPAccessCMSISDAP

from tinyhil.benchmarks.faults_probe import STATES, attempt, debugging, held, image_of, try_state
from tinyhil.catalog.bench import stations
from tinyhil.catalog.board import Board, load_boards
from tinyhil.device.faults import PROBE_KINDS, ProbeFaults, ProbeKind, Spec, parse_spec
from tinyhil.device.faults.probe import faulty_probe
from tinyhil.emulator import devices
from tinyhil.emulator.qemu import EmulatedBoard, start
from tinyhil.emulator.usb.backend import EmulatedDevice, usb_boards
from tinyhil.emulator.usb.trouble import sabotage
from tinyhil.flash import flash, open_flasher
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, ConfigError
from tinyhil.image.elf import Segment

FLASH = 0x0800_0000
KEYR, SR, CR = 0x4002_2008, 0x4002_2010, 0x4002_2014
PG, PER, STRT, LOCK = 1 << 0, 1 << 1, 1 << 16, 1 << 31
EOP, PROGERR, WRPERR, PGAERR, SIZERR, PGSERR = (1 << bit for bit in (0, 3, 4, 5, 6, 7))
BSY = 1 << 16
ERASED = 0xFFFF_FFFF
PAGE_200 = FLASH + 200 * 2048


def unlock(target: Any) -> None:
    """Open the flash controller."""
    target.write32(KEYR, 0x4567_0123)
    target.write32(KEYR, 0xCDEF_89AB)


def status(target: Any) -> int:
    """Errors since the last time, once the controller is no longer busy."""
    while (word := int(target.read32(SR))) & BSY:
        pass
    target.write32(SR, word)
    return word


def test_flash_is_erased_and_changes_through_its_controller_alone(l475: EmulatedBoard) -> None:
    with debugging(l475) as target:
        assert target.read32(CR) & LOCK
        for address in (PAGE_200, PAGE_200 - FLASH):  # flash, and where it is seen again
            target.write32(address, 0)
            assert target.read32(address) == ERASED
        assert status(target) == PGSERR
        target.write32(CR, PER | 200 << 3 | STRT)
        assert target.read32(CR) & LOCK, "a locked controller takes nothing"


def test_flash_takes_double_words_into_erased_ones(l475: EmulatedBoard) -> None:
    with debugging(l475) as target:
        unlock(target)
        target.write32(CR, PG)
        target.write32(PAGE_200, 0x1122_3344)
        assert target.read32(PAGE_200) == ERASED, "half of a double word is nothing"
        target.write32(PAGE_200 + 4, 0x5566_7788)
        assert status(target) == 0
        assert target.read_memory_block32(PAGE_200, 2) == [0x1122_3344, 0x5566_7788]
        target.write_memory_block32(PAGE_200, [0x1122_3344, 0])
        assert status(target) == PROGERR
        target.write_memory_block32(PAGE_200, [0, 0])
        assert status(target) == 0, "zeros may be written over anything"
        target.write16(PAGE_200 + 8, 0)
        assert status(target) == SIZERR
        target.write32(PAGE_200 + 12, 0)
        assert status(target) == PGAERR
        target.write32(CR, PER | 200 << 3 | STRT)
        assert status(target) == 0
        assert target.read_memory_block32(PAGE_200, 4) == [ERASED] * 4
        target.write32(CR, LOCK)
        assert target.read32(CR) & LOCK


def test_a_wrong_key_shuts_the_controller_until_the_next_reset(l475: EmulatedBoard) -> None:
    with debugging(l475) as target:
        target.write32(KEYR, 0xDEAD_BEEF)
        unlock(target)
        assert target.read32(CR) & LOCK
        target.reset_and_halt()
        unlock(target)
        assert not target.read32(CR) & LOCK


def test_stock_pyocd_programs_what_differs_and_it_is_read_back(
    l475: EmulatedBoard, board: Board
) -> None:
    image = image_of(board, 1, 6000)
    first = flash(image, board, l475.probe_uid, Deadline.after(60))
    assert (first.image_bytes, first.programmed_bytes) == (6000, 6000)
    assert held(l475, image)
    data = image.segments[0].data[:-1] + bytes([image.segments[0].data[-1] ^ 1])
    other = image_of(board, 1, 6000)
    object.__setattr__(other, "segments", (Segment(FLASH, data),))
    second = flash(other, board, l475.probe_uid, Deadline.after(60))
    assert second.programmed_bytes == 6000 - 4096, "the other 4 KiB are as they were"
    assert held(l475, other)
    assert flash(other, board, l475.probe_uid, Deadline.after(60)).skipped


def test_a_core_that_is_halted_asleep_runs_what_its_debugger_wants(l475: EmulatedBoard) -> None:
    """Without a reset in between: so does `pyocd flash` by default."""
    code, sleeps = 0x2000_0000, "30bf fde7"
    with debugging(l475) as target:
        target.write_memory_block8(code, bytes.fromhex(f"{sleeps} 2a20 00be"))
        target.write_core_register("xpsr", 0x0100_0000)
        target.write_core_register("pc", code)
        deadline = Deadline.after(60)
        while target.read_core_register("pc") == code:
            assert not deadline.expired, "it must come past the instruction that sleeps"
            target.resume()
            target.halt()
        target.write_core_register("pc", code + 4)
        target.set_breakpoint(code + 6)
        target.resume()
        deadline = Deadline.after(60)
        while not target.is_halted():
            assert not deadline.expired
        assert (target.read_core_register("r0"), target.read_core_register("pc")) == (42, code + 6)


@pytest.mark.parametrize(
    ("kinds", "verdicts"),
    [
        (("probe-unplug",), ("error",)),
        pytest.param(("probe-slow",), ("held",), marks=pytest.mark.long),
        pytest.param(
            ("probe-fault", "probe-parity", "probe-wait"),
            ("held", "error"),
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_probe_that_fails_is_named_or_healed_and_the_next_run_succeeds(
    l475: EmulatedBoard, board: Board, kinds: tuple[ProbeKind, ...], verdicts: tuple[str, ...]
) -> None:
    image = image_of(board, 10 + len(kinds[0]), 600)
    faults = ProbeFaults(Spec(5, 200, (), kinds, hold_ms=5))
    sabotage(l475.probe_uid, faults)
    found, text, _ = attempt(l475, board, image)
    sabotage(l475.probe_uid, None)
    assert found in verdicts, text
    assert faults.faults
    if "probe-unplug" in kinds:
        assert "no such device" in text
        assert "plugged in" in text
    assert attempt(l475, board, image)[0] == "held"


def test_a_board_that_hangs_is_a_probe_that_is_gone_until_it_goes_on(
    l475: EmulatedBoard, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("gdb", "machine"):
        monkeypatch.setattr(f"tinyhil.emulator.{module}.ANSWER_S", 0.3)
    os.kill(l475.pid, signal.SIGSTOP)
    try:
        for _ in range(4):  # More than QEMU's socket lets wait for it.
            verdict, text, _ = attempt(l475, board, image_of(board, 3, 600))
            assert (verdict, "no such device" in text) == ("error", True), text
    finally:
        os.kill(l475.pid, signal.SIGCONT)
    monkeypatch.undo()
    assert attempt(l475, board, image_of(board, 3, 600))[0] == "held"


def test_a_probe_that_fails_at_being_closed_or_opened_is_given_back(
    l475: EmulatedBoard, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyOCD takes the one for closed, and forgets the interface of the other."""

    def fail(*_: object) -> None:
        monkeypatch.undo()
        raise DAPAccessIntf.TransferTimeoutError

    image = image_of(board, 4, 600)
    with open_flasher(board, l475.probe_uid, Deadline.after(60)) as flasher:
        flasher.flash(image, Deadline.after(60))
        monkeypatch.setattr(DAPAccessCMSISDAP, "close", fail)
    assert attempt(l475, board, image)[0] == "held"
    monkeypatch.setattr(DAPAccessCMSISDAP, "_read_protocol_version", fail)
    assert attempt(l475, board, image)[0] == "held", "it is opened again"


def test_another_chip_is_refused_before_it_is_touched(l475: EmulatedBoard, board: Board) -> None:
    assert board.flash.part is not None
    part = board.flash.part.model_copy(update={"value": 0x435})
    for update in (
        {"flash": board.flash.model_copy(update={"part": part})},
        {"core": "cortex-m0"},
    ):
        before = held(l475, image_of(board, 11, 600))
        with pytest.raises(BenchError, match="behind this probe") as caught:
            flash(
                image_of(board, 1),
                board.model_copy(update=update),
                l475.probe_uid,
                Deadline.after(60),
            )
        assert "wired to another board" in caught.value.hint
        assert held(l475, image_of(board, 11, 600)) == before


def transfer(device: EmulatedDevice, *requests: int) -> tuple[int, int]:
    """Reads by one DAP_Transfer: how many were done, and the last acknowledgement."""
    device.write(bytes([0x05, 0, len(requests), *requests]))
    answer = device.read(5000)
    return answer[1], answer[2]


def test_the_probe_speaks_packets_as_the_specification_has_them(l475: EmulatedBoard) -> None:
    (running,) = [found for found in usb_boards() if found.probe_uid == l475.probe_uid]
    device, other = EmulatedDevice(running, 1), EmulatedDevice(running, 2)

    def ask(*packet: int) -> bytes:
        device.write(bytes(packet))
        return device.read(5000)

    device.claim()
    try:
        with pytest.raises(OSError, match="another debugger"):
            other.claim()
        assert ask(0x00, 0xF0) == b"\x00\x01\x11", "SWD, and several commands in a packet"
        assert ask(0x00, 0x03)[2:-1].decode() == l475.probe_uid
        assert ask(0x14) == b"\xff", "no JTAG"
        assert ask(0x02, 2) == b"\x02\x00"
        assert ask(0x02, 1) == b"\x02\x01"
        ask(0x04, 0, 100, 0, 0, 0)
        assert transfer(device, 0x02) == (0, 7), "the chip speaks JTAG: no acknowledgement"
        ones = [0xFF] * 7
        assert ask(0x12, 56, *ones) == b"\x12\x00"
        assert ask(0x12, 16, 0x9E, 0xE7) == b"\x12\x00"
        assert ask(0x12, 56, *ones) == b"\x12\x00"
        assert transfer(device, 0x06) == (0, 7), "after a line reset DPIDR comes first"
        assert transfer(device, 0x02, 0x06) == (2, 1)
        assert ask(0x7F, 2, 0x00, 0xFE, 0x09, 1, 0)[:2] == b"\x7f\x02"
        device.write(bytes([0x7E, 1, 0x00, 0xFE]))
        assert ask(0x03) == b"\x7f\x01\x00\x01\x04", "what was queued is answered first"
        assert device.read(5000) == b"\x03\x00"
        with pytest.raises(OSError, match="timeout"):
            device.read(1)
    finally:
        device.release()


def test_a_locked_chip_is_named_and_can_be_flashed_once_it_is_unlocked(board: Board) -> None:
    verdict, text = try_state(board, STATES[0])
    assert verdict == "named", text
    assert "locked against reading" in text
    assert "unlock" in text


def test_devices_that_do_not_fit_the_running_qemu_are_an_error_not_a_crash(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in Path(devices.__file__).parent.glob("*.[ch]"):
        text = path.read_text()
        if path.name == "qemu.h":  # as if QEMU had put a member in front
            assert "    void *read, *write;" in text
            text = text.replace("    void *read, *write;", "    void *read, *write, *new_one;")
        (tmp_path / path.name).write_text(text)
    monkeypatch.setattr(devices, "_HERE", tmp_path)
    monkeypatch.setattr(devices, "user_cache", lambda: tmp_path / "cache")
    with pytest.raises(BenchError, match="do not fit this QEMU") as caught:
        start(board, deadline=Deadline.after(60))
    assert caught.value.hint


def test_options_and_names_of_devices_are_checked(board: Board) -> None:
    assert board.emulator is not None
    for update, told in (
        ({"devices": "stm32l5"}, r"no devices 'stm32l5'; known: stm32l4"),
        ({"device_options": {"wear": 1}}, "no option 'wear'"),
    ):
        facts = board.emulator.model_copy(update=update)
        wrong = board.model_copy(update={"emulator": facts})
        with pytest.raises((BenchError, ConfigError), match=told):
            start(wrong, deadline=Deadline.after(60))


def test_on_a_desk_the_board_is_not_emulated(tmp_path: Path) -> None:
    bench = tmp_path / "bench.toml"
    bench.write_text(
        'schema = 1\n[stations.desk]\nboard = "b-l475e-iot01a"\nprobe = "1"\nport = "loop://"\n'
    )
    found = stations(load_boards(), bench)
    assert found["b-l475e-iot01a"].board.emulated
    assert not found["desk"].board.emulated
    assert found["desk"].board.flash.part == found["b-l475e-iot01a"].board.flash.part


def test_faults_of_a_probe_are_the_same_however_transfers_are_grouped() -> None:
    def seen(group: int) -> list[str]:
        faults = ProbeFaults(Spec(7, 50, (), PROBE_KINDS, first=30, limit=20))
        left = 2000
        while left:
            passed = faults.clear(min(group, left))
            if not passed:
                faults.take()
            left -= passed or 1
        return [str(fault) for fault in faults.faults]

    assert seen(1) == seen(7) == seen(500)
    assert len(seen(1)) == 20
    assert seen(1)[0].split("transfer ")[1].split(":")[0] >= "30"


def test_faults_of_a_probe_are_asked_for_in_the_same_text(mps2: Board) -> None:
    spec = parse_spec("kinds=drop+probe-wait,seed=3")
    assert (spec.kinds, spec.probe) == (("drop",), ("probe-wait",))
    assert parse_spec(str(spec)) == spec
    with (
        pytest.raises(ConfigError, match="'probe-wait' can't be done to the probe of 'mps2-an386'"),
        faulty_probe(spec, mps2, "mps2-an386.00000000"),
    ):
        pass


def test_a_microbit_is_programmed_by_its_own_algorithm(reachable: None) -> None:
    del reachable
    board = load_boards()["microbit"]
    image = image_of(board, 3, 1500)
    with start(board, deadline=Deadline.after(60)) as emulated:
        with debugging(emulated) as target:
            before = target.read32(0x3_F000)
            target.write32(0x3_F000, before ^ 0x1234)
            assert target.read32(0x3_F000) == before, "no effect without the controller"
        result = flash(image, board, emulated.probe_uid, Deadline.after(60))
        assert result.programmed_bytes == 1500
        assert held(emulated, image)
