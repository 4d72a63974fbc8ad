"""Debuggers of others on the emulated B-L475E-IOT01A: pyOCD's own commands, its gdb server, gdb."""

from __future__ import annotations

import re
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial

from tinyhil.benchmarks.faults_probe import debugging, held, image_of
from tinyhil.catalog.board import Board
from tinyhil.catalog.task import Task
from tinyhil.emulator.qemu import EmulatedBoard
from tinyhil.flash import flash
from tinyhil.ground.deadline import Deadline
from tinyhil.image.build import Firmware

from ..processes import child, pyocd

pytestmark = pytest.mark.long

FLASH = 0x0800_0000
JUMPS_TO_ITSELF = b"\xfe\xe7"
_LISTENING = r"GDB server .*port (\d+)"
_GDBS = ("gdb-multiarch", "arm-none-eabi-gdb")


class Gdb:
    """A debugger at the far end of pyOCD's gdb server: packets of the remote protocol."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._file = self._socket.makefile("rb")

    def ask(self, command: str) -> str:
        """The answer to one packet."""
        self._socket.sendall(f"${command}#{sum(command.encode()) & 0xFF:02x}".encode())
        while self._file.read(1) != b"$":
            pass
        text = b""
        while (byte := self._file.read(1)) != b"#":
            assert byte, "the server has gone"
            text += byte
        self._file.read(2)
        self._socket.sendall(b"+")
        return text.decode()


@contextmanager
def served(uid: str) -> Iterator[int]:
    """Port of a `pyocd gdbserver` for the board."""
    command = [sys.executable, "-m", "pyocd", "gdbserver", "--uid", uid, "--no-config"]
    with child([*command, "--port", "0", "--telnet-port", "0"]) as server:
        assert server.stderr is not None
        lines = iter(server.stderr.readline, "")
        yield next(int(found[1]) for line in lines if (found := re.search(_LISTENING, line)))


def test_pyocds_command_line_lists_flashes_resets_and_serves_a_debugger(
    l475: EmulatedBoard, board: Board, tmp_path: Path
) -> None:
    listed = pyocd("list")
    assert l475.probe_uid in listed
    assert "stm32l475xg" in listed
    image, chosen = (
        image_of(board, 2, loop=JUMPS_TO_ITSELF),
        ("--uid", l475.probe_uid, "--no-config"),
    )
    (tmp_path / "made.bin").write_bytes(image.segments[0].data)
    pyocd("flash", *chosen, "--base-address", hex(FLASH), str(tmp_path / "made.bin"))
    assert held(l475, image)
    pyocd("reset", *chosen)
    with debugging(l475) as target:
        assert target.read_core_register("pc") == image.entry & ~1
    with served(l475.probe_uid) as port:
        gdb = Gdb(port)
        assert gdb.ask("?")[:3] in ("T05", "T02", "S05")
        assert bytes.fromhex(gdb.ask(f"m{FLASH:x},8")) == image.segments[0].data[:8]
        assert gdb.ask(f"Z1,{image.entry & ~1:x},2") == "OK"
        assert gdb.ask("c").startswith("T05"), "it jumps to itself, onto the breakpoint"
        assert struct.unpack_from("<16I", bytes.fromhex(gdb.ask("g")))[15] == image.entry & ~1
        assert gdb.ask(f"z1,{image.entry & ~1:x},2") == "OK"
        assert gdb.ask("D") == "OK"


@pytest.fixture
def gdb() -> str:
    """A gdb that knows Arm; skips without one."""
    found = next(filter(None, map(shutil.which, _GDBS)), None)
    if found is None:
        pytest.skip(f"NOT TESTED: there is no gdb for Arm ({' or '.join(_GDBS)})")
    return found


def test_a_real_gdb_loads_the_firmware_breaks_steps_and_lets_it_go(
    l475: EmulatedBoard,
    board: Board,
    kws01: Task,
    firmware_of: Callable[[Board, Task], Firmware],
    gdb: str,
) -> None:
    image = firmware_of(board, kws01).image
    flash(image_of(board, 2), board, l475.probe_uid, Deadline.after(60))  # which sleeps
    asked = (
        *("load", "compare-sections", "monitor reset halt", "maintenance flush register-cache"),
        *("info registers pc", "hbreak hil_poll", "continue", "backtrace", "stepi", "finish"),
        *("delete", "set var {int} &hil_arena = 42", "x/1dw &hil_arena", "detach"),
    )
    with served(l475.probe_uid) as port:
        commands = (f"target extended-remote 127.0.0.1:{port}", *asked)
        done = subprocess.run(
            [gdb, "-nx", "-batch", *(w for one in commands for w in ("-ex", one)), image.path],
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert held(l475, image)
    assert said.count(": matched.") >= 2, said
    assert "MIS-MATCHED" not in said
    assert f"{image.entry & ~1:#x} <reset_handler>" in said
    assert re.search(r"Breakpoint 1, .* in hil_poll \(\)", said), said
    assert re.search(r"#1 .* in tinyhil_run \(\)\n#2 .* in main \(\)", said), said
    assert re.search(r"<hil_arena>:\s+42", said), said
    assert "detached" in said
    with serial.serial_for_url(l475.serial_url, timeout=60) as wire:
        wire.write(b"%name%")
        assert b"m-name-dut-[tinyhil]" in wire.read_until(b"[tinyhil]")
