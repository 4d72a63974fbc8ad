"""What the debug port's bus reaches: the core's debug registers, memory and peripherals."""

from __future__ import annotations

from tinyhil.emulator.breakpoints import BKPT
from tinyhil.emulator.cores import CoreFacts
from tinyhil.emulator.cortex_m import CoreDebug
from tinyhil.emulator.gdb import StubFaultError
from tinyhil.emulator.machine import Machine

_PRIVATE_PERIPHERALS = 0xE0000000
_PERIPHERALS = range(0x40000000, 0x60000000)
_CODE = range(0x20000000)
"""Where flash is, and where a chip shows it again."""


class SystemBus:
    """Reads and writes at any time; `StubFaultError` where there is nothing.

    QEMU hides secure peripherals from a debugger's writes, so on a core with TrustZone a write to
    any peripheral faults too: better than one that is lost.
    """

    def __init__(
        self,
        machine: Machine,
        core: CoreDebug,
        facts: CoreFacts,
        *,
        flash_controller: bool = False,
    ) -> None:
        """Reach the machine; behind a flash controller, writes to flash are for it to judge."""
        self._machine = machine
        self._core = core
        self._trustzone = facts.trustzone
        self._flash_controller = flash_controller
        self._planted: set[int] = set()

    def read(self, address: int, size: int) -> bytes:
        """Read `size` bytes."""
        if address < _PRIVATE_PERIPHERALS:
            with self._machine.paused() as stub:
                return stub.read(address, size)
        first = address & ~3
        words = (self._read_private(word) for word in range(first, address + size, 4))
        data = b"".join(word.to_bytes(4, "little") for word in words)
        return data[address - first :][:size]

    def write(self, address: int, data: bytes) -> None:
        """Write bytes."""
        if address >= _PRIVATE_PERIPHERALS:
            for offset in range(0, len(data), 4):
                word = int.from_bytes(data[offset : offset + 4], "little")
                self._core.write(address + offset, word)
            return
        if address in _PERIPHERALS and self._trustzone:
            raise StubFaultError(
                f"QEMU does not let a debugger write the peripheral at {address:#010x}"
            )
        with self._machine.paused() as stub:
            if address in _PERIPHERALS or (self._flash_controller and address in _CODE):
                stub.write_physical(address, data)
            else:
                stub.write(address, data)
        if len(data) == 2:
            self._track_software_breakpoint(address, data)

    def _read_private(self, address: int) -> int:
        value = self._core.read(address)
        if value is not None:
            return value
        with self._machine.paused() as stub:
            return int.from_bytes(stub.read(address, 4), "little")

    def _track_software_breakpoint(self, address: int, instruction: bytes) -> None:
        """A debugger writes BKPT over an instruction, later the instruction back over BKPT.

        QEMU runs into a BKPT without telling its gdb stub, so the stub gets a breakpoint there.
        """
        planted = instruction[1] == BKPT
        if planted == (address in self._planted):
            return
        with self._machine.paused() as stub:
            stub.breakpoint(address, insert=planted)
        self._planted ^= {address}
