"""SEGGER RTT through pyOCD: bytes into a running board's memory and out of it, by its debug probe.

The layout of the control block is pyOCD's (`pyocd.debug.rtt`); its channels are not used: they
trust the board's counts, and move an odd number of bytes in up to five accesses, each of which
costs a round trip to the probe.
"""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from ctypes import sizeof
from dataclasses import dataclass

from pyocd.core.target import Target
from pyocd.debug.rtt import SEGGER_RTT_BUFFER_DOWN, SEGGER_RTT_BUFFER_UP, SEGGER_RTT_CB

from tinyhil.catalog.board import Board
from tinyhil.flash._pyocd_errors import Warnings, let_go, translated
from tinyhil.flash._pyocd_observer import attach
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import DeviceError, LinkError, LinkTimeoutError

_ID = b"SEGGER RTT"
_MOST_CHANNELS = 16
"""Up, and down; SEGGER's own firmware has three each."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.0005, 0.01
"""Between two looks at the board: doubled each time, so that a board that works is left alone."""

_HELD_BYTES = 1 << 16
"""Taken out of the board at most while it does not take what we send."""

_RESET_HINT = "the device was reset, or left frames; see the raw log"


@dataclass(frozen=True)
class _Ring:
    """A channel's buffer; a byte of it always stays empty."""

    name: str
    start: int
    size: int
    offsets: int
    """Address of the offsets: where is written next, then where is read next."""

    def require(self, write: int, read: int) -> None:
        """Refuse offsets that lie outside.

        Raises:
            DeviceError: names the offset.
        """
        for offset in (write, read):
            if offset >= self.size:
                raise DeviceError(
                    f"an offset of the RTT {self.name} channel is {offset:#x}, its buffer has "
                    f"{self.size} bytes",
                    hint="the firmware's memory is damaged; reset the device, check its firmware",
                )

    def pieces(self, offset: int, count: int) -> Iterator[tuple[int, int]]:
        """Address and size of the one or two parts that hold `count` bytes from `offset` on."""
        first = min(count, self.size - offset)
        yield self.start + offset, first
        if first < count:
            yield self.start, count - first


@dataclass(frozen=True)
class _Offsets:
    """Where both channels are at one moment."""

    up_write: int
    up_read: int
    down_write: int
    down_read: int


class RttLink:
    """A `Link` through the debug probe: RTT's first channel up and first channel down.

    The core keeps running. The device's memory is touched only by `write`, `read` and
    `poll`, and within the channels alone.

    Args:
        board: facts of the board.
        probe_uid: exact id of its probe.
        control_block: address of the firmware's RTT control block.

    Raises:
        BenchError: the probe is missing, taken or dead.
        DeviceError: there is no control block, or it makes no sense.
    """

    def __init__(self, board: Board, probe_uid: str, control_block: int) -> None:
        self._board = board
        self._probe_uid = probe_uid
        self._received = b""
        self._looked = 0.0
        self._written = (0, b"")  # an address, and what we wrote last before it
        with ExitStack() as undo:
            self._warnings = undo.enter_context(Warnings())
            self._session = attach(board, probe_uid, self._warnings, undo, "upload")
            with translated("finding RTT", board.name, probe_uid, self._warnings, "upload"):
                self._target = self._session.target
                self._up, self._down = _find_rings(self._target, board, control_block)
            undo.pop_all()

    def write(self, data: bytes, deadline: Deadline) -> None:
        """See `Link.write`."""
        sent, pause_s = 0, _FIRST_PAUSE_S
        while True:
            count = self._exchange("sending", data[sent:])
            sent += count
            if sent == len(data):
                return
            if deadline.expired:
                raise LinkTimeoutError(
                    f"the device took {sent} of {len(data)} bytes from its RTT channel in "
                    f"{deadline.seconds:.3g} s",
                    hint="check that the firmware runs; see the raw log",
                )
            pause_s = _pause(_FIRST_PAUSE_S if count else pause_s, deadline)

    def read(self, deadline: Deadline) -> bytes:
        """See `Link.read`."""
        pause_s = _FIRST_PAUSE_S
        if self._is_up_to_date:
            pause_s = _pause(pause_s, deadline)
        while not (data := self._receive()):
            if deadline.expired:
                raise LinkTimeoutError(
                    f"nothing came from the RTT channel in {deadline.seconds:.3g} s",
                    hint="check that the firmware runs; see the raw log",
                )
            pause_s = _pause(pause_s, deadline)
        return data

    def poll(self) -> bytes:
        """See `Link.poll`; `write` looks too, and directly after it there is nothing new."""
        return b"" if self._is_up_to_date else self._receive()

    def set_baud(self, baud: int) -> None:
        """See `Link.set_baud`."""
        raise LinkError(
            f"a debug probe has no baud rate, so {baud} can't be set",
            hint="set 'flash.frequency_hz' in the board's file for a faster or slower probe",
        )

    def close(self) -> None:
        """See `Link.close`."""
        let_go(self._session)
        self._warnings.close()

    @property
    def _is_up_to_date(self) -> bool:
        """Whether there was nothing a moment ago."""
        return not self._received and time.monotonic() - self._looked < _FIRST_PAUSE_S

    def _receive(self) -> bytes:
        """What `write` has taken, else what a look finds."""
        if not self._received:
            self._exchange("receiving", b"")
        data, self._received = self._received, b""
        return data

    def _exchange(self, doing: str, data: bytes) -> int:
        """Take what the device has put up, and put down as much of `data` as fits.

        Both in one burst of accesses, with no others in between: a device may wait until
        what it says is taken before it takes what is sent, and a look at one channel shows the
        other too.

        Returns:
            How much of `data` fitted.
        """
        with translated(doing, self._board.name, self._probe_uid, self._warnings, None, LinkError):
            self._session.probe.lock()
            try:
                at = self._look()
                if len(self._received) < _HELD_BYTES:
                    self._received += self._take(at)
                return self._put(at, data)
            finally:
                self._session.probe.unlock()
                self._looked = time.monotonic()

    def _look(self) -> _Offsets:
        """Read both channels' offsets, which lie so near to each other that one access does."""
        first = self._up.offsets
        words = self._target.read_memory_block32(first, (self._down.offsets - first) // 4 + 2)
        *_, start, size, down_write, down_read = words
        if (start, size) != (self._down.start, self._down.size):
            raise LinkError("the device has closed its RTT channel", hint=_RESET_HINT)
        self._up.require(words[0], words[1])
        self._down.require(down_write, down_read)
        return _Offsets(words[0], words[1], down_write, down_read)

    def _take(self, at: _Offsets) -> bytes:
        """Take out all that the channel up holds."""
        ring, count = self._up, (at.up_write - at.up_read) % self._up.size
        if not count:
            return b""
        pieces = ring.pieces(at.up_read, count)
        data = b"".join(_load(self._target, address, size) for address, size in pieces)
        self._target.write32(ring.offsets + 4, at.up_write)
        return data

    def _put(self, at: _Offsets, data: bytes) -> int:
        """Put as much into the channel down as it has room for; returns how much."""
        ring = self._down
        room = (at.down_read - at.down_write - 1) % ring.size
        count = min(len(data), room)
        if count < len(data):
            # More will follow: from a whole word on.
            count = max(0, count - (ring.start + at.down_write + count) % 4)
        if not count:
            return 0
        done = 0
        for address, size in ring.pieces(at.down_write, count):
            spare = min(room - count + 1, ring.start + ring.size - address - size)
            self._store(address, data[done : done + size], spare)
            done += size
        self._target.write32(ring.offsets, (at.down_write + count) % ring.size)
        return count

    def _store(self, address: int, data: bytes, spare: int) -> None:
        """Write bytes of the channel down.

        As whole words if that is possible: the first may begin with bytes that we wrote before,
        the last may reach into `spare` bytes that nobody reads yet.
        """
        written_to, written = self._written
        self._written = address + len(data), data[-3:]
        begun = address % 4
        if begun and written_to == address and len(written) >= begun:
            address -= begun
            data = written[-begun:] + data
            self._written = self._written[0], data[-3:]
        missing = -len(data) % 4
        if address % 4 == 0 and missing <= spare:
            data += bytes(missing)
            self._target.write_memory_block32(address, struct.unpack(f"<{len(data) // 4}I", data))
        else:
            self._target.write_memory_block8(address, data)


def _find_rings(target: Target, board: Board, address: int) -> tuple[_Ring, _Ring]:
    """Read the control block: the first channel up and the first channel down.

    Raises:
        DeviceError: there is none, or it does not have these channels within the board's RAM.
    """
    header = SEGGER_RTT_CB.from_buffer_copy(_load(target, address, sizeof(SEGGER_RTT_CB)))
    ups, downs = header.MaxNumUpBuffers, header.MaxNumDownBuffers
    if header.acID != _ID or not (1 <= ups <= _MOST_CHANNELS and 1 <= downs <= _MOST_CHANNELS):
        raise DeviceError(
            f"there is no RTT control block at {address:#010x} with channels both ways",
            hint="the firmware has not booted, or has no RTT: use --hil-link serial",
        )
    up = address + sizeof(SEGGER_RTT_CB)
    down = up + ups * sizeof(SEGGER_RTT_BUFFER_UP)
    return (
        _ring("up", target, board, up),
        _ring("down", target, board, down),
    )


def _ring(name: str, target: Target, board: Board, address: int) -> _Ring:
    kind = SEGGER_RTT_BUFFER_UP if name == "up" else SEGGER_RTT_BUFFER_DOWN
    found = kind.from_buffer_copy(_load(target, address, sizeof(kind)))
    ring = _Ring(name, found.pBuffer, found.SizeOfBuffer, address + kind.WrOff.offset)
    end = ring.start + ring.size
    in_ram = any(
        memory.kind == "ram" and memory.start <= ring.start and end <= memory.end
        for memory in board.memory
    )
    if ring.size < 2 or not in_ram:
        raise DeviceError(
            f"the buffer of the RTT {name} channel is said to be {ring.size} bytes at "
            f"{ring.start:#010x}, which is not RAM of '{board.name}'",
            hint="the firmware has not opened the channel, or was built for another board",
        )
    return ring


def _load(target: Target, address: int, count: int) -> bytes:
    """Read bytes as the whole words that they lie in."""
    before = address % 4
    words: Sequence[int] = target.read_memory_block32(address - before, (before + count + 3) // 4)
    return struct.pack(f"<{len(words)}I", *words)[before : before + count]


def _pause(seconds: float, deadline: Deadline) -> float:
    """Wait, though not beyond the deadline; returns how long to wait the next time."""
    threading.Event().wait(min(seconds, deadline.remaining()))
    return min(2 * seconds, _LONGEST_PAUSE_S)
