"""The emulated machine as a debugger sees it: runs or is halted, has memory and registers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinyhil.deadline import Deadline
from tinyhil.emulator.gdb import ANSWER_S, GdbClient
from tinyhil.emulator.qmp import QmpClient
from tinyhil.emulator.runtime import GDB_SOCKET, QMP_SOCKET

_SLEEPS = (b"\x20\xbf", b"\x30\xbf")
"""The instructions WFE and WFI."""


class Machine:
    """Run control and memory of one QEMU, over gdb stub (all but reset) and QMP (reset).

    Every method raises `StubLostError` when QEMU dies or falls silent.
    """

    def __init__(self, folder: Path) -> None:
        """Attach to the QEMU whose sockets lie in `folder`; it goes on as it was."""
        self.trapped = False
        """Set when the machine stopped by itself, at a breakpoint; the reader clears it."""
        self._qmp = QmpClient(folder / QMP_SOCKET, Deadline.after(ANSWER_S))
        try:
            # Asked first, because a gdb connection pauses the machine.
            status = self._qmp.execute("query-status", Deadline.after(ANSWER_S))
            self._gdb = GdbClient(folder / GDB_SOCKET)
        except BaseException:
            self._qmp.close()
            raise
        if status.get("running"):
            self._gdb.resume()

    def close(self) -> None:
        """Detach; the machine stays as it is, halted or running."""
        self._gdb.close()
        self._qmp.close()

    @property
    def running(self) -> bool:
        """Whether it runs at this moment."""
        if self._gdb.running and self._gdb.stopped():
            self.trapped = True
        return self._gdb.running

    def halt(self) -> None:
        """Stop it."""
        if self.running and self._gdb.interrupt():
            self.trapped = True

    def resume(self) -> None:
        """Let the halted machine run."""
        self._gdb.resume()

    def step(self, *, interrupts: bool) -> None:
        """Execute one instruction of the halted machine."""
        address = self._gdb.read_register("pc")
        if self._gdb.read(address, 2) in _SLEEPS:
            # Halting debug wakes a core up at once, but QEMU's would sleep for ever.
            self._gdb.write_register("pc", address + 2)
        else:
            self._gdb.step(interrupts=interrupts)

    def reset(self) -> None:
        """Reset it; it is halted then, before its first instruction."""
        self.halt()
        self._qmp.reset(Deadline.after(ANSWER_S))
        self.trapped = False

    @contextmanager
    def paused(self) -> Iterator[GdbClient]:
        """The stub, for accesses at any time.

        A running machine stands still meanwhile. Its own time does too, so that the firmware
        can't tell: the analogue of the bus cycles that a debug port steals.
        """
        was_running = self.running
        if was_running:
            self.halt()
        try:
            yield self._gdb
        finally:
            if was_running and not self.trapped:
                self._gdb.resume()
