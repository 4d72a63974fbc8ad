"""The firmware of a CMSIS-DAP v2 probe: packets in, packets out.

Commands and answers: Arm's CMSIS-DAP, "Firmware" and "Commands and Responses", version 2.1.
SWD alone; no SWO, no UART.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import ExitStack, suppress

from tinyhil.emulator.cores import core_facts
from tinyhil.emulator.cortex_m import CoreDebug
from tinyhil.emulator.dap import DebugAccessPort
from tinyhil.emulator.gdb import StubFaultError, StubLostError
from tinyhil.emulator.machine import Machine
from tinyhil.emulator.memory import SystemBus
from tinyhil.emulator.registry import RunningBoard
from tinyhil.emulator.usb.trouble import trouble_of
from tinyhil.emulator.usb.wire import AP, FAULT, OK, READ, SwdWire

PACKET_BYTES = 512
_PACKETS = 4
"""That may be on their way at once."""

_DONE, _ERROR, _INVALID = 0x00, 0xFF, 0xFF
_SWD_PORT = 1
_CAPABLE_SWD, _CAPABLE_ATOMIC = 1 << 0, 1 << 4
_NRESET = 1 << 7
_MATCH_VALUE, _MATCH_MASK = 1 << 4, 1 << 5
_MISMATCH = 1 << 4
_WORD = 0xFFFFFFFF
_QUEUE, _EXECUTE = 0x7E, 0x7F


class Packet:
    """Bytes that are taken one after the other; past the end there are zeros, as in a buffer."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, form: str) -> int:
        """The next little-endian number, by its `struct` letter."""
        size = struct.calcsize(f"<{form}")
        chunk = self._data[self._at : self._at + size].ljust(size, b"\0")
        self._at += size
        return int(struct.unpack(f"<{form}", chunk)[0])

    def words(self, count: int) -> list[int]:
        """The next words."""
        return [self.take("I") for _ in range(count)]


class Probe:
    """One probe that is plugged in and open."""

    def __init__(self, board: RunningBoard) -> None:
        self._board = board
        self._trouble = trouble_of(board.probe_uid)
        self._attached = ExitStack()
        self._machine: Machine | None = None
        self._core: CoreDebug | None = None
        self._port: DebugAccessPort | None = None
        self._wire: SwdWire | None = None
        self._queued = b""
        self._match_mask = 0
        self._match_retries = 0
        self._wait_retries = 100
        self._reset_held = False
        self._commands: dict[int, Callable[[Packet], bytes]] = {
            0x00: self._info,
            0x01: lambda packet: self._fixed(packet, "BB"),  # lamps
            0x02: self._connect,
            0x03: self._disconnect,
            0x04: self._transfer_configure,
            0x05: self._transfer,
            0x06: self._transfer_block,
            0x08: self._write_abort,
            0x09: lambda packet: self._fixed(packet, "H"),  # a delay, which nothing here needs
            0x0A: lambda _: bytes([_DONE, 0]),  # no sequence of the device's own
            0x10: self._pins,
            0x11: lambda packet: self._fixed(packet, "I"),  # the wire's clock
            0x12: self._swj_sequence,
            0x13: lambda packet: self._fixed(packet, "B"),
            0x1D: self._swd_sequence,
        }

    def close(self) -> None:
        """Let go of the board, which runs on."""
        self._machine = self._core = self._port = self._wire = None
        with suppress(StubLostError):
            self._attached.close()

    def answer(self, packet: bytes) -> bytes | None:
        """Answer one packet; None to one that is queued, or that is answered by another.

        Raises:
            UnpluggedError: on purpose.
            StubLostError: QEMU has died.
        """
        if packet[0] == _QUEUE:
            self._queued += packet
            return None
        if packet[0] == 0x07:  # aborts a transfer: there is none that still runs
            return None
        answer, self._queued = self._each(packet), b""
        return answer

    def queued_answer(self) -> bytes | None:
        """What the packets that were queued before the latest one are answered with."""
        queued, self._queued = self._queued, b""
        return self._each(bytes([_EXECUTE]) + queued[1:]) if queued else None

    def _each(self, data: bytes) -> bytes:
        """One command, or several in one packet."""
        packet = Packet(data)
        if data[0] != _EXECUTE:
            return self._one(packet)
        packet.take("B")
        count = packet.take("B")
        return bytes([_EXECUTE, count]) + b"".join(self._one(packet) for _ in range(count))

    def _one(self, packet: Packet) -> bytes:
        command = packet.take("B")
        if command not in self._commands:
            return bytes([_INVALID])
        return bytes([command]) + self._commands[command](packet)

    @staticmethod
    def _fixed(packet: Packet, form: str) -> bytes:
        """Takes arguments that change nothing here."""
        for letter in form:
            packet.take(letter)
        return bytes([_DONE])

    def _info(self, packet: Packet) -> bytes:
        texts = {
            0x01: "tinyhil",
            0x02: "emulated CMSIS-DAP",
            0x03: self._board.probe_uid,
            0x04: "2.1.1",  # of the protocol
            0x06: self._board.target,  # name of the chip
            0x08: self._board.title,  # name of the board
            0x09: "1.0",  # of this firmware
        }
        numbers = {
            0xF0: bytes([_CAPABLE_SWD | _CAPABLE_ATOMIC]),
            0xFE: bytes([_PACKETS]),
            0xFF: struct.pack("<H", PACKET_BYTES),
        }
        number = packet.take("B")
        text = texts.get(number)
        value = text.encode()[:60] + b"\0" if text else numbers.get(number, b"")
        return bytes([len(value)]) + value

    def _connect(self, packet: Packet) -> bytes:
        if packet.take("B") not in (0, _SWD_PORT):
            return bytes([0])
        self._attach()
        return bytes([_SWD_PORT])

    def _attach(self) -> None:
        """Have the board within reach from now on.

        Raises:
            StubLostError: QEMU is dead or silent, which to a host is a probe that is gone.
        """
        if self._wire is not None:
            return
        facts = core_facts(self._board.core)
        machine = Machine(self._board.folder, can_wake=bool(self._board.devices))
        self._attached.callback(machine.close)
        core = CoreDebug(machine, facts)
        bus = SystemBus(machine, core, facts, flash_controller=self._board.flash_controller)
        self._machine, self._core = machine, core
        self._port = DebugAccessPort(facts, bus)
        self._wire = SwdWire(self._port, self._trouble)
        self._wire.wait_retries = self._wait_retries
        machine.hold()

    def _disconnect(self, _: Packet) -> bytes:
        self.close()
        return bytes([_DONE])

    def _transfer_configure(self, packet: Packet) -> bytes:
        packet.take("B")  # idle cycles
        self._wait_retries, self._match_retries = packet.take("H"), packet.take("H")
        if self._wire:
            self._wire.wait_retries = self._wait_retries
        return bytes([_DONE])

    def _transfer(self, packet: Packet) -> bytes:
        packet.take("B")  # index of the chip, which only JTAG has
        read: list[int] = []
        done, ack = 0, OK
        for _ in range(packet.take("B")):
            request = packet.take("B")
            given = [] if request & READ and not request & _MATCH_VALUE else packet.words(1)
            if ack != OK:
                continue  # the rest is taken, not done
            if request & _MATCH_MASK:
                self._match_mask = given[0]
            elif request & _MATCH_VALUE:
                ack = self._match(request, given[0])
            else:
                ack, got = self._do(request, given, 1)
                read += got if request & READ else []
            done += ack == OK
        return bytes([done, self._end(ack)]) + struct.pack(f"<{len(read)}I", *read)

    def _transfer_block(self, packet: Packet) -> bytes:
        packet.take("B")
        count, request = packet.take("H"), packet.take("B")
        given = [] if request & READ else packet.words(count)
        ack, done = self._do(request, given, count)
        ack = self._end(ack)
        data = struct.pack(f"<{len(done)}I", *done) if request & READ else b""
        return struct.pack("<HB", len(done), ack) + data

    def _do(self, request: int, given: list[int], count: int) -> tuple[int, list[int]]:
        if self._wire is None:
            return 0x07, []
        return self._wire.transfer(request, given, count)

    def _match(self, request: int, wanted: int) -> int:
        """Read until the bits of the mask are as wanted."""
        for _ in range(self._match_retries + 1):
            ack, got = self._do(request & (AP | READ | 0x0C), [], 1)
            if ack != OK:
                return ack
            if got[0] & self._match_mask == wanted:
                return OK
        return OK | _MISMATCH

    def _end(self, ack: int) -> int:
        """Let the board run on after a packet's transfers; a write that failed late shows now."""
        if self._machine and self._port and self._wire:
            try:
                self._machine.release()
            except StubFaultError:
                self._port.note_fault()
            finally:
                self._machine.hold()
            if ack == OK and self._wire.finish() != OK:
                return FAULT
        return ack

    def _write_abort(self, packet: Packet) -> bytes:
        packet.take("B")
        value = packet.take("I")
        if self._port is None:
            return bytes([_ERROR])
        self._port.write_dp(0, value)
        return bytes([_DONE])

    def _pins(self, packet: Packet) -> bytes:
        output, chosen = packet.take("B"), packet.take("B")
        packet.take("I")  # how long to wait for the pins
        # The line is there before SWD is: a debugger that connects under reset pulls it first.
        if chosen & _NRESET:
            self._attach()
            assert self._core is not None
            held = not output & _NRESET
            if held and not self._reset_held:
                self._core.assert_reset()
            elif self._reset_held and not held:
                self._core.release_reset()
            self._reset_held = held
            self._end(OK)
        return bytes([0 if self._reset_held else _NRESET])

    def _swj_sequence(self, packet: Packet) -> bytes:
        count = packet.take("B") or 256
        self._send(packet, count)
        return bytes([_DONE])

    def _swd_sequence(self, packet: Packet) -> bytes:
        seen = b""
        for _ in range(packet.take("B")):
            info = packet.take("B")
            count = info & 0x3F or 64
            if info & 0x80:  # nobody drives the line, which is pulled up
                seen += ((1 << count) - 1).to_bytes((count + 7) // 8, "little")
            else:
                self._send(packet, count)
        return bytes([_DONE]) + seen

    def _send(self, packet: Packet, count: int) -> None:
        bits = sum(packet.take("B") << 8 * place for place in range((count + 7) // 8))
        if self._wire:
            self._wire.sequence(bits, count)
