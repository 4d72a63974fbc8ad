"""The emulated machine as a debugger sees it: runs or is halted, has memory and registers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tinyhil.emulator.gdb import ANSWER_S, GdbClient, StubFaultError, StubLostError
from tinyhil.emulator.qmp import QmpClient
from tinyhil.emulator.runtime import GDB_SOCKET, QMP_SOCKET
from tinyhil.ground.deadline import Deadline

_WAKE_AT = 0x5FFF_F000
"""A register of our devices that ends a core's sleep: `devices/qemu.c`."""
_SLEEPS = (b"\x20\xbf", b"\x30\xbf")
"""The instructions WFE and WFI."""


class Machine:
    """Run control and memory of one QEMU, over gdb stub (all but reset) and QMP (reset).

    Every method raises `StubLostError` when QEMU dies or stops answering.
    """

    def __init__(self, folder: Path, *, can_wake: bool = False) -> None:
        """Attach to the QEMU whose sockets lie in `folder`; it continues as it was.

        Args:
            folder: the board's.
            can_wake: devices of ours are loaded, which can end a core's sleep. Without them, a core
                that was halted asleep sleeps on when it is resumed, even elsewhere.
        """
        self._can_wake = can_wake
        self.trapped = False
        """Set when the machine stopped by itself, at a breakpoint; the reader clears it."""
        self._folder = folder
        self._held = 0
        self._owed = False
        """The machine is paused for an access, and continues after it."""
        # Asked first, because a gdb connection pauses the machine.
        with self._qmp() as qmp:
            status = qmp.execute("query-status", Deadline.after(ANSWER_S))
        self._gdb = GdbClient(folder / GDB_SOCKET)
        try:
            if status.get("running"):
                self._gdb.resume()
        except StubLostError:
            self._gdb.close()
            raise

    def close(self) -> None:
        """Detach; the machine stays as it is, halted or running."""
        try:
            # A write that failed late has nobody any more who could be told.
            with suppress(StubLostError, StubFaultError):
                self._held = 1
                self.release()
        finally:
            self._gdb.close()

    @property
    def running(self) -> bool:
        """Whether it runs at this moment."""
        if self._owed:
            self._settle()
        elif self._gdb.running and self._gdb.stopped():
            self.trapped = True
        return self._owed or self._gdb.running

    def await_stop(self, patience_s: float) -> None:
        """Give a machine that runs so long to come to a breakpoint."""
        if self._gdb.running and not self._owed and self._gdb.stopped(patience_s):
            self.trapped = True

    def halt(self) -> None:
        """Stop it; the core does not sleep any more then."""
        ran = self.running
        self._pause()
        self._settle()
        self._owed = False
        if ran and self._can_wake:
            self._gdb.write_physical(_WAKE_AT, bytes(4))

    def resume(self) -> None:
        """Let the halted machine run."""
        self._owed = False
        self._gdb.resume()

    def step(self, *, interrupts: bool) -> None:
        """Execute one instruction of the halted machine."""
        address = self._gdb.read_register("pc")
        if self._gdb.read(address, 2) in _SLEEPS:
            # Halting debug wakes a core up at once, but QEMU's would sleep forever.
            self._gdb.write_register("pc", address + 2)
        else:
            self._gdb.step(interrupts=interrupts)

    def reset(self) -> None:
        """Reset it; it is halted then, before its first instruction."""
        self.halt()
        with self._qmp() as qmp:
            qmp.reset(Deadline.after(ANSWER_S))
        self.trapped = False

    @contextmanager
    def paused(self) -> Iterator[GdbClient]:
        """The stub, for accesses at any time.

        A running machine is paused during that time. Its own time is too, so that the firmware
        can't tell: the analogue of the bus cycles that a debug port steals.
        """
        self.hold()
        try:
            self._pause()
            yield self._gdb
        finally:
            self.release()

    def hold(self) -> None:
        """From the next access on, a running machine stays paused until `release`.

        So a burst of accesses costs one pause; may be nested.
        """
        self._held += 1

    def release(self) -> None:
        """End a `hold`."""
        self._held -= 1
        if self._held:
            return
        self._settle()
        if self._owed:
            self.resume()
        else:
            self._gdb.finish()

    def _pause(self) -> None:
        if self._gdb.running:
            self._gdb.interrupt()
            self._owed = True

    def _settle(self) -> None:
        """Wait until the machine has paused; one that a breakpoint stopped first does not go on."""
        if self._owed and self._gdb.settle():
            self.trapped = True
            self._owed = False

    @contextmanager
    def _qmp(self) -> Iterator[QmpClient]:
        """A connection for one moment: an open one is sent an event at each pause."""
        qmp = QmpClient(self._folder / QMP_SOCKET, Deadline.after(ANSWER_S))
        try:
            yield qmp
        finally:
            qmp.close()
