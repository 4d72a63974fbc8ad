"""Debug registers of an ARMv7-M or ARMv8-M core, translated to run control of a `Machine`.

Names and bits: Architecture Reference Manuals of ARMv7-M (chapter C1) and ARMv8-M (chapter B12).
"""

from __future__ import annotations

from tinyhil.emulator.breakpoints import AlgorithmReturn, BreakpointUnit
from tinyhil.emulator.cores import CoreFacts
from tinyhil.emulator.machine import Machine

AIRCR = 0xE000ED0C
DFSR = 0xE000ED30
DHCSR = 0xE000EDF0
DCRSR = 0xE000EDF4
DCRDR = 0xE000EDF8
DEMCR = 0xE000EDFC

_VECTKEY = 0x05FA
_VECTRESET_OR_SYSRESETREQ = 1 << 0 | 1 << 2

_DFSR_HALTED = 1 << 0
_DFSR_BKPT = 1 << 1
_DFSR_VCATCH = 1 << 3

_DBGKEY = 0xA05F
_C_DEBUGEN = 1 << 0
_C_HALT = 1 << 1
_C_STEP = 1 << 2
_C_MASKINTS = 1 << 3
_S_REGRDY = 1 << 16
_S_HALT = 1 << 17
_S_LOCKUP = 1 << 19
_S_RETIRE_ST = 1 << 24
_S_RESET_ST = 1 << 25

_WIRE_S = 1e-3
"""How long reading DHCSR of a running core may take, as over USB: a debugger reads it until the
core stops, and would else take the processor from the emulator that it waits for."""

_REGWNR = 1 << 16
_VC_CORERESET = 1 << 0
_XPSR_T = 1 << 24
_NO_CODE = 0xE0000000
"""From here on nothing is executed: the core's own registers, and a maker's."""

_SELECTORS = {
    **{number: (f"r{number}",) for number in range(13)},
    13: ("sp",),
    14: ("lr",),
    15: ("pc",),
    16: ("xpsr",),
    17: ("msp", "sp"),  # QEMU 7.2 shows no banked stack pointers; in main code `sp` is `msp`
    18: ("psp",),
    26: ("msp_s", "sp"),
    33: ("fpscr",),
    36: ("vpr",),
}
"""Names in the gdb stub of the registers that DCRSR selects; the first that exists counts."""
_SELECT_S0 = 64


class CoreDebug:
    """The core's debug registers.

    A register that this QEMU does not show (on 7.2: PSP, CONTROL and the interrupt masks) reads 0.
    """

    def __init__(self, machine: Machine, facts: CoreFacts) -> None:
        """Take over a machine as it is: halted or running."""
        self._machine = machine
        self._breakpoints = BreakpointUnit(machine, facts)
        self._returns = AlgorithmReturn(machine)
        self._constants = facts.constants()
        self._control = 0 if machine.running else _C_DEBUGEN | _C_HALT
        self._demcr = self._dfsr = self._dcrdr = 0
        self._locked_up = False
        self._held_in_reset = False
        self._was_reset = False

    def read(self, address: int) -> int | None:
        """A debug register's word; None if `address` is not one of them."""
        if address in self._constants:
            return self._constants[address]
        if address == DHCSR:
            return self._read_dhcsr()
        if address == DFSR:
            self._notice_trap()
            return self._dfsr
        if address == DEMCR:
            return self._demcr
        if address == DCRDR:
            return self._dcrdr
        return self._breakpoints.read(address)

    def write(self, address: int, value: int) -> None:
        """Write a register of the private peripheral bus.

        QEMU lets no debugger write registers that are not for debugging (NVIC, VTOR …): such a
        write is lost.
        """
        if address == DHCSR and value >> 16 == _DBGKEY:
            self._write_dhcsr(value & 0xF)
        elif address == DFSR:
            self._dfsr &= ~value
        elif address == DEMCR:
            self._demcr = value
        elif address == DCRDR:
            self._dcrdr = value
        elif address == DCRSR and not self._machine.running:
            self._transfer_register(value)
        elif address == AIRCR and value >> 16 == _VECTKEY and value & _VECTRESET_OR_SYSRESETREQ:
            self.assert_reset()
            self.release_reset()
        else:
            self._breakpoints.write(address, value)

    def assert_reset(self) -> None:
        """Reset the core and hold it there."""
        self._machine.reset()
        self._returns.disarm()
        self._held_in_reset = True
        self._locked_up = False

    def release_reset(self) -> None:
        """Let go: the core runs, or halts before its first instruction if that is to be caught."""
        self._held_in_reset = False
        self._was_reset = True
        if self._demcr & _VC_CORERESET and self._control & _C_DEBUGEN:
            self._control |= _C_HALT
            self._dfsr |= _DFSR_VCATCH
        else:
            self._control &= ~_C_HALT
            self._resume()

    def _notice_trap(self) -> bool:
        """Whether the core runs; if a breakpoint has stopped it, note why."""
        running = self._machine.running
        if self._machine.trapped:
            self._machine.trapped = False
            self._returns.disarm()
            self._control |= _C_HALT
            self._dfsr |= _DFSR_BKPT
        return running

    def _read_dhcsr(self) -> int:
        self._machine.await_stop(_WIRE_S)
        if self._notice_trap():
            state = _S_RETIRE_ST
        elif self._held_in_reset:
            state = _S_RESET_ST
        elif self._locked_up:
            state = _S_LOCKUP
        else:
            state = _S_HALT
        if self._was_reset:
            state |= _S_RESET_ST
            self._was_reset = False
        return state | _S_REGRDY | self._control

    def _write_dhcsr(self, control: int) -> None:
        running = self._notice_trap()
        self._control = control
        if self._held_in_reset:
            return
        if control & _C_DEBUGEN and control & _C_HALT:
            self._machine.halt()
            self._notice_trap()
            self._returns.disarm()
            self._locked_up = False
            self._dfsr |= _DFSR_HALTED
        elif running or self._locked_up:
            return
        elif control & _C_DEBUGEN and control & _C_STEP:
            self._machine.step(interrupts=not control & _C_MASKINTS)
            self._control |= _C_HALT
            self._dfsr |= _DFSR_HALTED
        else:
            self._resume()

    def _resume(self) -> None:
        # A blank vector table leaves the Thumb bit clear, or, of erased flash, points to where no
        # code can be: the core would lock up at once. Real silicon then waits for a debugger, but
        # QEMU ends itself; so the lockup is played here.
        with self._machine.paused() as stub:
            self._locked_up = (
                not stub.read_register("xpsr") & _XPSR_T or stub.read_register("pc") >= _NO_CODE
            )
            if not self._locked_up:
                self._returns.arm(stub)
        if not self._locked_up:
            self._machine.resume()

    def _transfer_register(self, request: int) -> None:
        """DCRSR: move a core register to DCRDR, or from it."""
        selector = request & 0x7F
        if selector >= _SELECT_S0:
            self._transfer_single(selector - _SELECT_S0, write=bool(request & _REGWNR))
            return
        with self._machine.paused() as stub:
            names = (name for name in _SELECTORS.get(selector, ()) if stub.has_register(name))
            name = next(names, None)
            if request & _REGWNR:
                if name:
                    stub.write_register(name, self._dcrdr)
            else:
                self._dcrdr = stub.read_register(name) if name else 0

    def _transfer_single(self, number: int, *, write: bool) -> None:
        """One of s0 to s31, which the stub shows as halves of d0 to d15."""
        name, shift = f"d{number // 2}", 32 * (number % 2)
        with self._machine.paused() as stub:
            double = stub.read_register(name) if stub.has_register(name) else 0
            if write and stub.has_register(name):
                double = double & ~(0xFFFFFFFF << shift) | self._dcrdr << shift
                stub.write_register(name, double)
            elif not write:
                self._dcrdr = double >> shift & 0xFFFFFFFF
