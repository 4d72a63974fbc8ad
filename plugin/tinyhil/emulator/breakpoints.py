"""The breakpoint unit (FPB) of a Cortex-M core, played by breakpoints of the gdb stub."""

from __future__ import annotations

from tinyhil.emulator.cores import FPB, CoreFacts
from tinyhil.emulator.gdb import GdbClient, StubFaultError
from tinyhil.emulator.machine import Machine

BKPT = 0xBE
"""Upper byte of the instruction BKPT."""

_EXCEPTION_RETURN = 0xF0000000
"""From here on LR holds no address."""
_CTRL = FPB
_COMP0 = FPB + 8
_CTRL_KEY = 1 << 1


class BreakpointUnit:
    """FP_CTRL and the instruction comparators FP_COMPn."""

    def __init__(self, machine: Machine, facts: CoreFacts) -> None:
        self._machine = machine
        self._revision = facts.fpb_revision
        self._comparators = [0] * facts.breakpoints
        self._enabled = False

    def read(self, address: int) -> int | None:
        """A register's word; None if `address` is not one of them."""
        if address == _CTRL:
            return (self._revision - 1) << 28 | len(self._comparators) << 4 | self._enabled
        index = self._index(address)
        return None if index is None else self._comparators[index]

    def write(self, address: int, value: int) -> None:
        """Write a register; does nothing if `address` is not one of them."""
        index = self._index(address)
        before = self._addresses()
        if address == _CTRL and value & _CTRL_KEY:
            self._enabled = bool(value & 1)
        elif index is not None:
            self._comparators[index] = value
        after = self._addresses()
        if before != after:
            with self._machine.paused() as stub:
                for gone in before - after:
                    stub.breakpoint(gone, insert=False)
                for new in after - before:
                    stub.breakpoint(new, insert=True)

    def _index(self, address: int) -> int | None:
        index, odd = divmod(address - _COMP0, 4)
        return index if odd == 0 and 0 <= index < len(self._comparators) else None

    def _addresses(self) -> set[int]:
        """Where the core is to stop at this moment."""
        if not self._enabled:
            return set()
        return {self._address(value) for value in self._comparators if value & 1}

    def _address(self, comparator: int) -> int:
        if self._revision == 2:
            return comparator & ~1
        upper_halfword = comparator >> 30 == 2
        return comparator & 0x1FFFFFFC | (2 if upper_halfword else 0)


class AlgorithmReturn:
    """Where the code that a debugger has started returns to, if that is a BKPT.

    So do flash algorithms. QEMU runs into a BKPT without telling its gdb stub, so the stub has a
    breakpoint there for as long as the algorithm runs, and no longer.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._at: int | None = None

    def arm(self, stub: GdbClient) -> None:
        """The halted core is about to run."""
        back = stub.read_register("lr")
        if not back & 1 or back >= _EXCEPTION_RETURN:
            return
        stub.finish()  # else a write before may be taken for what fails now
        try:
            returns = stub.read(back & ~1, 2)[1] == BKPT
        except StubFaultError:
            return
        if returns:
            self._at = back & ~1
            stub.breakpoint(self._at, insert=True)

    def disarm(self) -> None:
        """The core has stopped."""
        if self._at is not None:
            at, self._at = self._at, None
            with self._machine.paused() as stub:
                stub.breakpoint(at, insert=False)
