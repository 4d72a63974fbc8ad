"""Starts and stops QEMU as a board: empty and halted, its serial port a pty."""

from __future__ import annotations

import os
import re
import shutil
import socket
import tty
import weakref
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Self

from tinyhil.catalog.board import Board, EmulatorFacts
from tinyhil.emulator import devices
from tinyhil.emulator.cores import core_facts
from tinyhil.emulator.gdb import StubLostError
from tinyhil.emulator.process import TiedProcess
from tinyhil.emulator.program import QEMU, find_qemu
from tinyhil.emulator.qmp import QmpClient
from tinyhil.emulator.registry import publish
from tinyhil.emulator.runtime import GDB_SOCKET, PIN_FILE, QMP_SOCKET, claim
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, ConfigError
from tinyhil.ground.interrupts import unbroken

_DYING_S = 1.0
_NOISE = re.compile(r"s\d\d=|\s*$|.* warning: nic .* has no peer")
"""Of what QEMU says at its end: floating-point registers, blank lines, an unplugged network."""


class EmulatedBoard:
    """A board that QEMU plays; a context manager that leaves nothing behind.

    It starts as a physical board does: powered, empty, its core halted. Firmware goes in through
    the debug probe, and anyone may open the serial port. A core lockup (a fault inside a fault)
    ends QEMU, and so the board: see `alive` and `death`.
    """

    def __init__(
        self,
        board: Board,
        probe_uid: str,
        serial_url: str,
        process: TiedProcess,
        cleanup: ExitStack,
        *,
        pin: Path,
        program: Path,
    ) -> None:
        """Made by `start`; `cleanup` ends the process and removes all traces."""
        self.board = board
        self.probe_uid = probe_uid
        """Unique id of its debug probe; never a part of another probe's."""
        self.serial_url = serial_url
        """Its UART0, for ``serial.serial_for_url``."""
        self.pin = pin
        """Grows by what firmware in energy mode tells, see ``firmware/ports/cmsdk/pin.h``."""
        self.program = program
        """QEMU."""
        self.process = process
        self._finalizer = weakref.finalize(self, cleanup.close)

    @property
    def pid(self) -> int:
        """Process id of QEMU."""
        return self.process.pid

    def alive(self) -> bool:
        """Whether QEMU still runs."""
        return self.process.alive

    def death(self) -> BenchError:
        """The error to raise when the board has died under us; quotes QEMU's last words."""
        return BenchError(
            f"the emulator of '{self.board.name}' has ended; {_said(self.process)}",
            hint="a fault in a fault handler ends it: check the firmware, then start it again",
            board=self.board.name,
        )

    def stop(self) -> None:
        """End QEMU and remove all traces; harmless when done already."""
        with unbroken():
            self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def start(board: Board, *, deadline: Deadline, plugins: Sequence[str] = ()) -> EmulatedBoard:
    """Start a board.

    Args:
        board: which.
        deadline: when it must be up.
        plugins: to be loaded too, as QEMU's option ``-plugin`` takes them.

    Raises:
        ConfigError: QEMU, or the virtual probe, can't play this board.
        BenchError: QEMU is missing, or does not come up before `deadline`.
    """
    if board.emulator is None:
        raise ConfigError(
            f"board '{board.name}' has no [emulator] facts",
            hint="choose an emulated board; 'tinyhil boards' lists them",
        )
    core_facts(board.core)
    command = _command(str(find_qemu(board.emulator.qemu, board.name)), board.emulator)
    command += [word for plugin in plugins for word in ("-plugin", plugin)]
    try:
        loading = devices.Loading(board.emulator, board.name)
        with ExitStack() as cleanup, closing(loading):
            return _start(board, command, loading, cleanup, deadline)
    except OSError as error:
        raise BenchError(
            f"the emulator of '{board.name}' can't be started: {error}",
            hint="the machine has run out of processes, ptys or memory",
            board=board.name,
        ) from error


def _start(
    board: Board,
    command: list[str],
    loading: devices.Loading,
    cleanup: ExitStack,
    deadline: Deadline,
) -> EmulatedBoard:
    """Make folder, serial line and sockets, and run QEMU with them; `cleanup` undoes it all.

    The sockets listen before QEMU runs, so that nobody has to wait for them to appear.
    """
    with unbroken(), ExitStack() as handed_over:  # what only QEMU must have open
        folder, lock = claim(board.name)
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        handed_over.callback(os.close, lock)
        line, far_end = _serial_line()
        cleanup.callback(os.close, far_end)
        handed_over.callback(os.close, line)
        gdb = handed_over.enter_context(_listen(folder / GDB_SOCKET)).fileno()
        qmp = handed_over.enter_context(_listen(folder / QMP_SOCKET)).fileno()
        arguments = [
            *("-add-fd", f"fd={line},set=1"),
            *("-chardev", "serial,id=uart0,path=/dev/fdset/1", "-serial", "chardev:uart0"),
            *("-chardev", f"file,id=pin,path={folder / PIN_FILE}", "-serial", "chardev:pin"),
            *("-chardev", f"socket,id=qmp,fd={qmp},server=on,wait=off"),
            *("-mon", "chardev=qmp,mode=control"),
            *("-chardev", f"socket,id=gdb,fd={gdb},server=on,wait=off", "-gdb", "chardev:gdb"),
        ]
        handed_over.callback(loading.handed_over)
        process = TiedProcess(
            [*command, *loading.arguments, *arguments],
            folder,
            (lock, line, gdb, qmp, *loading.inherited),
        )
        cleanup.callback(process.stop)
    _await_ready(board, process, loading, folder, deadline)
    serial_url = os.ttyname(far_end)
    publish(folder, board, serial_url, process.pid)
    with unbroken():  # by Ctrl-C, after which nobody would clean up
        pin = folder / PIN_FILE
        return EmulatedBoard(
            *(board, folder.name, serial_url, process, cleanup.pop_all()),
            pin=pin,
            program=Path(command[0]),
        )


def _command(program: str, facts: EmulatorFacts) -> list[str]:
    """QEMU, empty and halted (``-S``), without what it would do by default."""
    return [
        *(program, "-machine", facts.machine, "-S"),
        *("-icount", f"shift={facts.icount_shift},sleep=on"),
        *("-no-user-config", "-nodefaults", "-display", "none", "-monitor", "none"),
    ]


def _serial_line() -> tuple[int, int]:
    """A pty: QEMU's end, and the end that clients open by its name.

    We keep one descriptor of the clients' end open for as long as the board lives: then it does
    not matter when, or how often, a client opens and closes it.
    """
    line, far_end = os.openpty()
    tty.setraw(far_end)
    return line, far_end


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        listener.listen(1)
    except OSError as error:
        listener.close()
        raise BenchError(
            f"no socket at {path}: {error}",
            hint="set XDG_RUNTIME_DIR to a folder that you own and whose path is short",
        ) from error
    return listener


def _await_ready(
    board: Board, process: TiedProcess, loading: devices.Loading, folder: Path, deadline: Deadline
) -> None:
    """Return when QEMU answers, which it does once the machine is built, and has all devices."""
    try:
        QmpClient(folder / QMP_SOCKET, deadline).close()
        if not loading.done(deadline):
            raise StubLostError("its devices are not in place")
    except StubLostError as error:
        process.exited.wait(deadline.within(_DYING_S).remaining())
        raise BenchError(
            f"the emulator of '{board.name}' did not start; {_said(process)}",
            hint="check 'emulator.machine' in the board's file, and QEMU with 'tinyhil doctor'",
            board=board.name,
        ) from error


def _said(process: TiedProcess) -> str:
    lines = [line for line in process.last_words.splitlines() if not _NOISE.match(line)]
    return f"{QEMU} said: " + ("\n".join(lines) or "(nothing)")
