"""Starts and stops QEMU as a board: empty and halted, its serial port a pty."""

from __future__ import annotations

import os
import re
import shutil
import socket
import tty
import weakref
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tinyhil.board import Board, EmulatorFacts
from tinyhil.deadline import Deadline
from tinyhil.emulator.cores import core_facts
from tinyhil.emulator.gdb import StubLostError
from tinyhil.emulator.process import TiedProcess
from tinyhil.emulator.qmp import QmpClient
from tinyhil.emulator.registry import publish
from tinyhil.emulator.runtime import GDB_SOCKET, QMP_SOCKET, claim
from tinyhil.errors import BenchError, ConfigError

QEMU = "qemu-system-arm"
_DYING_S = 1.0
_NOISE = re.compile(r"s\d\d=|\s*$|.* warning: nic .* has no peer")
"""Of what QEMU says at its end: floating-point registers, blank lines, an unplugged network."""


class EmulatedBoard:
    """A board that QEMU plays; a context manager that leaves nothing behind.

    It stands as a physical board does: powered, empty, its core halted. Firmware goes in through
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
    ) -> None:
        """Made by `start`; `cleanup` ends the process and removes all traces."""
        self.board = board
        self.probe_uid = probe_uid
        """Unique id of its debug probe; never a part of another probe's."""
        self.serial_url = serial_url
        """Its UART0, for ``serial.serial_for_url``."""
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
        return _died(self.board, self.process, "has ended")

    def stop(self) -> None:
        """End QEMU and remove all traces; harmless when done already."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(board: Board, *, deadline: Deadline) -> EmulatedBoard:
    """Start a board.

    Raises:
        ConfigError: the board is none that QEMU, or the virtual probe, can play.
        BenchError: QEMU is missing, or does not come up before `deadline`.
    """
    if board.emulator is None:
        raise ConfigError(
            f"board '{board.name}' has no [emulator] facts",
            hint="choose an emulated board; 'tinyhil boards' lists them",
        )
    core_facts(board.core)
    program = shutil.which(QEMU)
    if program is None:
        raise BenchError(
            f"the program '{QEMU}' is not installed",
            hint=f"on Debian: apt install {QEMU}; then check with 'tinyhil doctor'",
            board=board.name,
        )
    with ExitStack() as cleanup:
        folder, lock = claim(board.name)
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        # We keep one end of the serial line open for as long as the board lives: it then does
        # not matter when, or how often, a client opens and closes it.
        line, far_end = os.openpty()
        cleanup.callback(os.close, far_end)
        tty.setraw(far_end)
        serial_url = os.ttyname(far_end)
        process = _launch(program, board.emulator, folder, inherited=(lock, line))
        cleanup.callback(process.stop)
        _await_ready(board, process, folder, deadline)
        publish(folder, board, serial_url, process.pid)
        return EmulatedBoard(board, folder.name, serial_url, process, cleanup.pop_all())


def _launch(
    program: str, facts: EmulatorFacts, folder: Path, inherited: tuple[int, int]
) -> TiedProcess:
    """Run QEMU, empty and halted; descriptors that only it shall have are closed here.

    The sockets are made here and listen from the start, so that nobody waits for their appearance.

    Args:
        program: path of QEMU.
        facts: of the board.
        folder: runtime folder; the sockets lie there.
        inherited: the lock of `folder`, and QEMU's end of the serial line.
    """
    lock, line = inherited
    with ExitStack() as handed_over:
        for descriptor in inherited:
            handed_over.callback(os.close, descriptor)
        gdb = handed_over.enter_context(_listen(folder / GDB_SOCKET))
        qmp = handed_over.enter_context(_listen(folder / QMP_SOCKET))
        command = [
            *(program, "-machine", facts.machine, "-S"),
            *("-icount", f"shift={facts.icount_shift},sleep=on"),
            *("-no-user-config", "-nodefaults", "-display", "none", "-monitor", "none"),
            *("-add-fd", f"fd={line},set=1"),
            *("-chardev", "serial,id=uart0,path=/dev/fdset/1", "-serial", "chardev:uart0"),
            *("-chardev", f"socket,id=qmp,fd={qmp.fileno()},server=on,wait=off"),
            *("-mon", "chardev=qmp,mode=control"),
            *("-chardev", f"socket,id=gdb,fd={gdb.fileno()},server=on,wait=off"),
            *("-gdb", "chardev:gdb"),
        ]
        try:
            return TiedProcess(command, folder, (lock, line, gdb.fileno(), qmp.fileno()))
        except OSError as error:
            raise BenchError(
                f"'{program}' can't be started: {error}", hint="check it with 'tinyhil doctor'"
            ) from error


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


def _await_ready(board: Board, process: TiedProcess, folder: Path, deadline: Deadline) -> None:
    """Return when QEMU answers, which it does once the machine is built."""
    try:
        QmpClient(folder / QMP_SOCKET, deadline).close()
    except StubLostError as error:
        process.exited.wait(deadline.within(_DYING_S).remaining())
        raise _died(board, process, "did not start") from error


def _died(board: Board, process: TiedProcess, what: str) -> BenchError:
    said = "\n".join(line for line in process.last_words.splitlines() if not _NOISE.match(line))
    return BenchError(
        f"the emulator of '{board.name}' {what}; {QEMU} said: {said or '(nothing)'}",
        hint="a fault inside a fault ends it: look at the firmware; then start the board again",
        board=board.name,
    )
