"""Queries in, frames out; frames in, answers out: the host's half of the sliding window, no I/O.

It keeps the wire busy (more is sent while the device infers), never sends more than the device
can hold, and repeats what was lost. The protocol's text: firmware/FRAMES.md.
"""

from __future__ import annotations

import struct
import zlib
from collections import deque
from dataclasses import dataclass

from tinyhil.device.protocol import frames
from tinyhil.device.protocol.frames import Frame, Result, Status

_TIMED, _OUTPUT, _LAPS = 1, 2, 4
# Of a piece without a zero, on which stuffing costs most.
_OVERHEAD = len(frames.data(1, 1, 0x0101, b"\1" * frames.PIECE_BYTES)) - frames.PIECE_BYTES


@dataclass(frozen=True)
class Query:
    """One `count` of inferences of one input."""

    data: bytes
    """The whole input."""
    keep: int = 0
    """How many of its first bytes are the last ones of the query before."""
    count: int = 1
    warm_up: int = 0
    timed: bool = False
    """Whether interrupts are off and the times mean something; else `count` must be 1."""
    laps: bool = False
    """Whether the time of each inference is wanted."""
    output: bool = False
    """Whether the model's raw output is wanted."""

    def record(self, keep: int) -> bytes:
        """As it is in the stream of queries."""
        flags = _TIMED * self.timed | _OUTPUT * self.output | _LAPS * self.laps
        head = struct.pack("<BHH", flags, len(self.data), keep)
        if self.timed:
            head += struct.pack("<HI", self.warm_up, self.count)
        return head + self.data[keep:]


class LostAnswerError(Exception):
    """An answer will not come any more: start a new session from the first query without one."""


class BrokenAnswerError(Exception):
    """An answer that passed its CRC does not belong to its query; the text says why."""


class Pipeline:
    """One session's queries on their way.

    Args:
        session: its number.
        queue_bytes: what the device holds while it is busy, in bytes on the wire.
    """

    def __init__(self, session: int, queue_bytes: int) -> None:
        self.session = session
        self.repeated = 0
        """DATA frames sent again."""
        self.sent = 0
        """DATA frames sent in all."""
        self._queue_bytes = queue_bytes
        self._turn = 0
        self._stream = bytearray()
        self._pieces: deque[bytes] = deque()  # cut off the stream and not acknowledged
        self._base = 0  # sequence number of the first of them
        self._cursor = 0  # how many of them have been sent since the last turn
        self._reached = 0  # how many of them have ever been sent
        self._flying = 0  # bytes on the wire of those
        self._asked = 0  # sequence number of the first piece not sent when the device was asked
        self._waiting: deque[Query] = deque()  # without an answer
        self._pushed = 0
        self._answered = 0

    @property
    def unanswered(self) -> tuple[Query, ...]:
        """Queries that were pushed and have no answer yet, in order."""
        return tuple(self._waiting)

    @property
    def answered(self) -> int:
        """How many queries have been answered."""
        return self._answered

    @property
    def unanswered_frames(self) -> int:
        """DATA frames' worth of what has been cut off the stream for queries without an answer."""
        size = sum(len(query.data) - query.keep for query in self._waiting) - len(self._stream)
        return max(0, -(-size // frames.PIECE_BYTES))

    @property
    def progress(self) -> int:
        """Grows with each acknowledged frame and each answer."""
        return self._base + self._answered

    @property
    def timed(self) -> bool:
        """Whether the device is timing, or going to, so that nothing may be sent."""
        return bool(self._waiting) and self._waiting[0].timed

    @property
    def wants_more(self) -> bool:
        """Whether the next frame would not be full."""
        return len(self._stream) < frames.PIECE_BYTES

    @property
    def idle(self) -> bool:
        """Whether all has been sent, acknowledged and answered."""
        return not (self._stream or self._pieces or self._waiting)

    def push(self, query: Query) -> None:
        """Append a query."""
        # The first query of a session has nothing to keep.
        self._stream += query.record(query.keep if self._pushed else 0)
        self._waiting.append(query)
        self._pushed += 1

    def next_frame(self) -> bytes | None:
        """The next frame to send; None while the device could not hold it, or nothing is left."""
        if self._cursor == len(self._pieces):
            if not self._stream:
                return None
            self._pieces.append(bytes(self._stream[: frames.PIECE_BYTES]))
            del self._stream[: frames.PIECE_BYTES]
        piece = self._pieces[self._cursor]
        if self._flying and self._flying + len(piece) + _OVERHEAD > self._queue_bytes:
            return None
        self._flying += len(piece) + _OVERHEAD
        sequence = self._base + self._cursor & 0xFFFF
        self._cursor += 1
        self._reached = max(self._reached, self._cursor)
        self.sent += 1
        return frames.data(self.session, self._turn, sequence, piece)

    def ping(self) -> bytes:
        """The frame that asks how far the device has come with what was sent before."""
        self._asked = self._base + self._cursor
        return frames.ping(self.session, self._turn)

    def receive(self, frame: Frame) -> tuple[Query, Result] | None:
        """Take a frame of this session; return the answer that it carries, with its query.

        Raises:
            LostAnswerError: an answer before this frame got lost.
            BrokenAnswerError: an answer does not belong to its query, or a query was refused.
        """
        match frame:
            case Status():
                self._acknowledge(frame.expected)
                lost = frame.why == frames.ANSWERS_PING and self._base < self._asked
                if frame.turn == self._turn and (lost or frame.why == frames.GAP):
                    self._go_back()
                if frame.answered > self._answered:
                    raise LostAnswerError
                return None
            case Result():
                self._acknowledge(frame.expected)
                return self._match(frame)
        reason = frames.REASONS.get(frame.reason, f"reason {frame.reason}")
        raise BrokenAnswerError(f"the device refuses query {frame.number} because of {reason}")

    def _acknowledge(self, expected: int) -> None:
        """Forget what has arrived; an old acknowledgement that comes late changes nothing."""
        count = expected - self._base & 0xFFFF
        if count > self._reached:
            return
        for _ in range(count):
            size = len(self._pieces.popleft()) + _OVERHEAD
            if self._cursor:
                self._flying -= size
                self._cursor -= 1
        self._base += count
        self._reached -= count

    def _go_back(self) -> None:
        """Send again what the device has not received, if there is anything."""
        if self._cursor:
            self.repeated += self._cursor
            self._cursor = self._flying = 0
            self._turn = self._turn + 1 & 0xFF

    def _match(self, result: Result) -> tuple[Query, Result] | None:
        if result.number < self._answered:
            return None  # A repeated frame.
        if result.number > self._answered:
            raise LostAnswerError
        if not self._waiting:
            raise BrokenAnswerError(f"answer {result.number} came without a query")
        query = self._waiting[0]
        wanted = zlib.crc32(query.data)
        if result.crc != wanted:
            raise BrokenAnswerError(
                f"answer {result.number} was made from an input buffer with the CRC-32 "
                f"{result.crc:08x}, the sample has {wanted:08x}"
            )
        self._waiting.popleft()
        self._answered += 1
        return query, result
