"""A debug access port: one debug port (SW-DP, ADIv5) and one memory access port (AHB-AP).

Register names: Arm Debug Interface Architecture Specification ADIv5.2 (IHI 0031).
"""

from __future__ import annotations

from collections.abc import Sequence

from tinyhil.emulator.cores import ROM_TABLE, CoreFacts
from tinyhil.emulator.gdb import StubFaultError
from tinyhil.emulator.memory import SystemBus

_DP_IDR, _DP_CTRL_STAT, _DP_SELECT, _DP_RDBUFF = 0x0, 0x4, 0x8, 0xC
_DP_ABORT = 0x0
_SELECT_DP_BANK = 0xF
"""Bank of the register at address 4: 0 holds CTRL/STAT, the others of SWD are not needed."""
_STICKY = 0b1011_0010
"""CTRL/STAT: write-data error, sticky error, compare and overrun."""
_STICKY_ERROR = 1 << 5
_POWER_REQUESTS = 1 << 30 | 1 << 28
"""Their acknowledge bits stand one higher each."""

_AP_CSW, _AP_TAR, _AP_DRW, _AP_BD0 = 0x00, 0x04, 0x0C, 0x10
_AP_BASE, _AP_IDR = 0xF8, 0xFC
_CSW_RESET = 0x23000042
_CSW_WRITABLE = 0x7F000017
_CSW_DEVICE_ENABLED = 1 << 6
_CSW_SECURE_ENABLED = 1 << 23
"""On an AHB5-AP: secure memory too can be reached."""
_CSW_INCREMENT = 1 << 4
_INCREMENT_WRAP = 0x1000


class DebugAccessPort:
    """Answers the register accesses that a debug probe makes on the wire."""

    def __init__(self, facts: CoreFacts, bus: SystemBus) -> None:
        self._facts = facts
        self._bus = bus
        self._select = 0
        self._control = 0
        self._csw_fixed = _CSW_DEVICE_ENABLED | (_CSW_SECURE_ENABLED if facts.trustzone else 0)
        self._csw = _CSW_RESET | self._csw_fixed
        self._tar = 0

    def read_dp(self, address: int) -> int:
        """Read a register of the debug port."""
        if address == _DP_IDR:
            return self._facts.dp_idr
        if address == _DP_CTRL_STAT and self._select & _SELECT_DP_BANK == 0:
            return self._control | (self._control & _POWER_REQUESTS) << 1
        return 0

    def write_dp(self, address: int, value: int) -> None:
        """Write a register of the debug port."""
        if address == _DP_ABORT:
            self._control &= ~_STICKY
        elif address == _DP_CTRL_STAT and self._select & _SELECT_DP_BANK == 0:
            requests = value & ~(_STICKY | _POWER_REQUESTS << 1)
            self._control = self._control & _STICKY | requests
        elif address == _DP_SELECT:
            self._select = value

    def read_ap(self, address: int, count: int = 1) -> list[int]:
        """Read a register of the selected access port, `count` times.

        Raises:
            StubFaultError: the bus has nothing there; the sticky error is set.
        """
        register = self._register(address)
        if register is None:
            return [0] * count
        if register == _AP_DRW:
            return self._read_data(count)
        if _AP_BD0 <= register < _AP_BD0 + 16:
            data = self._transfer_in(self._tar & ~0xF | register & 0xC, 4)
            return [int.from_bytes(data, "little")] * count
        value = {
            _AP_CSW: self._csw,
            _AP_TAR: self._tar,
            _AP_BASE: ROM_TABLE | 0b11,
            _AP_IDR: self._facts.ap_idr,
        }.get(register, 0)
        return [value] * count

    def write_ap(self, address: int, values: Sequence[int]) -> None:
        """Write words to a register of the selected access port.

        Raises:
            StubFaultError: the bus has nothing there; the sticky error is set.
        """
        register = self._register(address)
        if register == _AP_CSW:
            csw = values[-1] & _CSW_WRITABLE | self._csw_fixed
            self._csw = csw if csw & 7 <= 2 else csw & ~7 | 2
        elif register == _AP_TAR:
            self._tar = values[-1]
        elif register == _AP_DRW:
            self._write_data(values)
        elif register is not None and _AP_BD0 <= register < _AP_BD0 + 16:
            for value in values:
                self._transfer_out(self._tar & ~0xF | register & 0xC, value.to_bytes(4, "little"))

    def _register(self, address: int) -> int | None:
        """The register's number, of which DP SELECT holds the bank; None on an empty port."""
        port = self._select >> 24
        return None if port else self._select & 0xF0 | address & 0xC

    def _read_data(self, count: int) -> list[int]:
        size = 1 << (self._csw & 7)
        if not self._csw & _CSW_INCREMENT:
            return [self._lanes(self._transfer_in(self._tar, size)) for _ in range(count)]
        data = self._transfer_in(self._tar, size * count)
        words = []
        for offset in range(0, len(data), size):
            words.append(self._lanes(data[offset : offset + size]))
            self._advance(size)
        return words

    def _lanes(self, data: bytes) -> int:
        """Bytes as they lie on the bus: a narrow transfer uses the lanes of its address."""
        shift = 8 * (self._tar & 3) if len(data) < 4 else 0
        return int.from_bytes(data, "little") << shift

    def _write_data(self, values: Sequence[int]) -> None:
        size = 1 << (self._csw & 7)
        start = self._tar
        data = bytearray()
        for value in values:
            shift = 8 * (self._tar & 3) if size < 4 else 0
            data += (value >> shift & (1 << 8 * size) - 1).to_bytes(size, "little")
            if self._csw & _CSW_INCREMENT:
                self._advance(size)
            else:
                self._transfer_out(start, bytes(data))
                data.clear()
        if data:
            self._transfer_out(start, bytes(data))

    def _advance(self, size: int) -> None:
        self._tar = self._tar & -_INCREMENT_WRAP | (self._tar + size) % _INCREMENT_WRAP

    def _transfer_in(self, address: int, size: int) -> bytes:
        try:
            return self._bus.read(address, size)
        except StubFaultError:
            self._control |= _STICKY_ERROR
            raise

    def _transfer_out(self, address: int, data: bytes) -> None:
        try:
            self._bus.write(address, data)
        except StubFaultError:
            self._control |= _STICKY_ERROR
            raise
