"""The wire between a debug probe and an emulated chip: Serial Wire Debug, transfer by transfer.

Acknowledgements, sticky errors and the switch from JTAG: ADIv5.2 (IHI 0031), chapters B4 and B5.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from tinyhil.emulator.dap import DebugAccessPort
from tinyhil.emulator.gdb import StubFaultError
from tinyhil.emulator.usb.trouble import Trouble, Upset

OK, WAIT, FAULT, NO_ACK, PROTOCOL_ERROR = 1, 2, 4, 7, 8
"""As a probe reports them: the acknowledgement, none (the line floats), or a parity error."""

AP, READ, ADDRESS = 0x01, 0x02, 0x0C
"""Of a transfer's request."""

_DPIDR = READ
_ALWAYS_ANSWERED = (_DPIDR, READ | 0x4, 0x0)
"""Reads of DPIDR and CTRL/STAT and writes of ABORT, whatever errors stick."""

_LINE_RESET_ONES = 50
_TO_SWD, _TO_JTAG, _SWITCH_BITS = 0xE79E, 0xE73C, 16


class UnpluggedError(Exception):
    """The probe was pulled out of its port."""


class SwdWire:
    """One chip's end, as it is after power-on: it speaks JTAG."""

    def __init__(self, port: DebugAccessPort, trouble: Trouble) -> None:
        self._port = port
        self._trouble = trouble
        self.wait_retries = 100
        """How often the probe repeats a transfer that is answered with WAIT."""
        self._swd = False
        self._line_reset = True
        """Until DPIDR is read, nothing else is answered."""
        self._ones = 0
        self._switch: list[int] | None = None
        """Bits that have followed a line reset, until they are as many as a switch has."""

    def sequence(self, bits: int, count: int) -> None:
        """Clock out `count` bits, the lowest first, outside of any transfer."""
        for place in range(count):
            self._clock(bits >> place & 1)

    def _clock(self, bit: int) -> None:
        if self._switch is not None:
            self._switch.append(bit)
            if len(self._switch) == _SWITCH_BITS:
                code = sum(one << place for place, one in enumerate(self._switch))
                self._swd = self._swd if code not in (_TO_SWD, _TO_JTAG) else code == _TO_SWD
                self._switch = None
        elif not bit and self._ones >= _LINE_RESET_ONES:
            self._switch = [bit]
        self._ones = self._ones + 1 if bit else 0
        self._line_reset = self._line_reset or self._ones >= _LINE_RESET_ONES

    def transfer(self, request: int, values: Sequence[int], count: int) -> tuple[int, list[int]]:
        """Do one request `count` times.

        Args:
            request: register and direction.
            values: to write, one for each time; empty for a read.
            count: times.

        Returns:
            The last acknowledgement, and what was read, or one value for each write that was done.

        Raises:
            UnpluggedError: on purpose.
            StubLostError: QEMU has died.
        """
        done: list[int] = []
        while len(done) < count:
            if not self._answers(request):
                return NO_ACK, done
            clear = self._trouble.clear(count - len(done))
            if clear:
                ack, got = self._do(request, values[len(done) :][:clear], clear)
            else:
                ack, got = self._upset(self._trouble.take(), request, values[len(done) :][:1])
            done += got
            if ack != OK:
                return ack, done
        return OK, done

    def finish(self) -> int:
        """The acknowledgement of the read with which a probe ends a packet: did all writes work?"""
        return FAULT if self._port.faulty else OK

    def _answers(self, request: int) -> bool:
        if request & (AP | READ | ADDRESS) == _DPIDR:
            self._line_reset = False
        return self._swd and not self._line_reset

    def _do(self, request: int, values: Sequence[int], count: int) -> tuple[int, list[int]]:
        register = request & (AP | READ | ADDRESS)
        if self._port.faulty and register not in _ALWAYS_ANSWERED:
            return FAULT, []
        address = request & ADDRESS
        try:
            if request & AP and request & READ:
                return OK, self._port.read_ap(address, count)
            if request & AP:
                self._port.write_ap(address, values)
            elif request & READ:
                return OK, [self._port.read_dp(address) for _ in range(count)]
            else:
                for value in values:
                    self._port.write_dp(address, value)
        except StubFaultError:
            # A posted read fails at the next transfer, which is part of the same for the host.
            return (FAULT, []) if request & READ else (OK, list(values))
        return OK, list(values)

    def _upset(self, upset: Upset, request: int, values: Sequence[int]) -> tuple[int, list[int]]:
        """One transfer that something happens to."""
        if upset.kind == "unplug":
            raise UnpluggedError
        if upset.kind == "wait" and upset.number > self.wait_retries:
            return WAIT, []
        if upset.kind == "fault" or (upset.kind == "parity" and not request & READ):
            self._port.note_fault()
            return FAULT, []
        if upset.kind == "slow":
            time.sleep(upset.hold_s)
        if upset.kind == "wrong-write" and values:
            values = [values[0] ^ _even_bits(upset.number)]
        ack, got = self._do(request, values, 1)
        if upset.kind == "parity":
            return PROTOCOL_ERROR, []
        if upset.kind == "wrong-read" and request & READ and got:
            got = [got[0] ^ _even_bits(upset.number)]
        return ack, got


def _even_bits(number: int) -> int:
    """Two different bits of a word, which its parity does not show."""
    first = number % 32
    return 1 << first | 1 << (first + 1 + number // 32 % 31) % 32
