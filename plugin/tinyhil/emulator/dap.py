"""A debug access port: one debug port (SW-DP, ADIv5) and one memory access port (AHB-AP).

Register names: Arm Debug Interface Architecture Specification ADIv5.2 (IHI 0031).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

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

    def note_fault(self) -> None:
        """The bus has refused a write: the sticky error is set."""
        self._control |= _STICKY_ERROR

    @property
    def faulty(self) -> bool:
        """Whether the sticky error is set, so that all but a few accesses answer FAULT."""
        return bool(self._control & _STICKY_ERROR)

    def _register(self, address: int) -> int | None:
        """The register's number, of which DP SELECT holds the bank; None on an empty port."""
        port = self._select >> 24
        return None if port else self._select & 0xF0 | address & 0xC

    def _read_data(self, count: int) -> list[int]:
        size = 1 << (self._csw & 7)
        words: list[int] = []
        for length in self._bursts(size, count):
            data = self._transfer_in(self._tar, length)
            if size == 4:
                words += struct.unpack(f"<{length // 4}I", data)
                self._advance(length)
                continue
            for offset in range(0, length, size):
                # A narrow transfer uses the lanes of its address.
                shift = 8 * (self._tar & 3)
                words.append(int.from_bytes(data[offset : offset + size], "little") << shift)
                self._advance(size)
        return words

    def _write_data(self, values: Sequence[int]) -> None:
        size = 1 << (self._csw & 7)
        first = 0
        for length in self._bursts(size, len(values)):
            burst = values[first : first + length // size]
            first += len(burst)
            start = self._tar
            if size == 4:
                data = struct.pack(f"<{len(burst)}I", *burst)
                self._advance(length)
            else:
                data = b""
                for value in burst:
                    data += (value >> 8 * (self._tar & 3)).to_bytes(8, "little")[:size]
                    self._advance(size)
            self._transfer_out(start, data)

    def _bursts(self, size: int, count: int) -> Iterator[int]:
        """Bytes of each access of the bus that `count` transfers from TAR on come to."""
        if not self._csw & _CSW_INCREMENT:
            yield from [size] * count
            return
        left = size * count
        while left:
            length = min(left, _INCREMENT_WRAP - self._tar % _INCREMENT_WRAP)
            yield length
            left -= length

    def _advance(self, size: int) -> None:
        if self._csw & _CSW_INCREMENT:
            self._tar = self._tar & -_INCREMENT_WRAP | (self._tar + size) % _INCREMENT_WRAP

    def _transfer_in(self, address: int, size: int) -> bytes:
        try:
            return self._bus.read(address, size)
        except StubFaultError:
            self.note_fault()
            raise

    def _transfer_out(self, address: int, data: bytes) -> None:
        try:
            self._bus.write(address, data)
        except StubFaultError:
            self.note_fault()
            raise
