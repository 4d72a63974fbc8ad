"""Whole conversations: `Pipeline` against a device after firmware/FRAMES.md, over a bad wire.

Both ends and the wire's faults are without I/O, and time is a number, so that a conversation with
dozens of faults takes a millisecond or two. Whatever the wire does, every query must get its own
answer, in order; on a good wire nothing is sent twice, nor more than the device can hold.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from random import Random
from typing import Final

from tinyhil.device.faults import WIRE_KINDS, Kind, Spec
from tinyhil.device.faults.stream import Piece, Stream
from tinyhil.device.protocol import Damaged, frames
from tinyhil.device.protocol.frames import FrameReader, Result, Status
from tinyhil.device.protocol.pipeline import BrokenAnswerError, LostAnswerError, Pipeline, Query

from . import BrokenReaderError, Target
from .frames import unpacked

_TWO_FRAMES_BYTES: Final = 2 * len(frames.data(1, 1, 0x0101, b"\1" * frames.PIECE_BYTES))
_PATIENCE: Final = 2000
"""Rounds without a step forward; one in which nothing comes is the host's cue to ask."""


class Device:
    """Takes the device's part; scores are made from the input, so that a mix-up shows."""

    def __init__(self, queue_bytes: int) -> None:
        self.overflowed = False
        self._queue_bytes = queue_bytes
        self._queue, self._part = bytearray(), bytearray()
        self._session = self._expected = self._number = self._unacknowledged = 0
        self._gap: tuple[int, int] | None = None
        self._stream = bytearray()
        self._input = b""

    def receive(self, data: bytes) -> None:
        """Bytes from the wire, as far as the queue holds them."""
        room = self._queue_bytes - len(self._queue)
        self.overflowed |= len(data) > room
        self._queue += data[:room]

    def work(self) -> bytes:
        """Take one frame off the queue; returns what there is to say."""
        part, end, self._queue = self._queue.partition(b"\0")
        self._part += part
        if not end:
            return b""
        raw, self._part = bytes(self._part), bytearray()
        body = unpacked(raw, 0)
        if body and body[0] == 1 and len(body) == 5:
            self._session = int.from_bytes(body[1:], "little")
            self._expected = self._number = self._unacknowledged = 0
            self._gap, self._input = None, b""
            self._stream.clear()
            return self._status(0, frames.ANSWERS_START)
        body = unpacked(raw, self._session) if self._session else None
        if body and body[0] == 3 and len(body) == 2:
            return self._status(body[1], frames.ANSWERS_PING)
        if body and body[0] == 2 and len(body) > 4:
            return self._take(body[1], int.from_bytes(body[2:4], "little"), body[4:])
        return b""

    def _take(self, turn: int, sequence: int, piece: bytes) -> bytes:
        if sequence != self._expected:
            if self._gap == (turn, self._expected):
                return b""
            self._gap = turn, self._expected
            return self._status(turn, frames.GAP)
        self._expected = self._expected + 1 & 0xFFFF
        self._unacknowledged += 1
        said = self._status(turn, frames.ACKNOWLEDGES) if self._unacknowledged == 2 else b""
        self._stream += piece
        while len(self._stream) >= 5:
            flags, size, keep = struct.unpack_from("<BHH", self._stream)
            head = 11 if flags & 1 else 5
            if len(self._stream) < head + size - keep:
                break
            kept = self._input[len(self._input) - keep :]
            self._input = kept + bytes(self._stream[head : head + size - keep])
            del self._stream[: head + size - keep]
            said += self._result()
        return said

    def _result(self) -> bytes:
        crc = zlib.crc32(self._input)
        body = struct.pack(
            "<BHIIQQBHHi", 0x12, self._expected, self._number, crc, 1, 2, 1, 0, 0, score(crc)
        )
        self._number += 1
        self._unacknowledged = 0
        return frames.encode(body, self._session)

    def _status(self, turn: int, why: int) -> bytes:
        self._unacknowledged = 0
        body = struct.pack("<BBBHI", 0x11, turn, why, self._expected, self._number)
        if why == frames.ANSWERS_START:
            body += bytes(28)  # token and build id
        return frames.encode(body, self._session)


def score(crc: int) -> int:
    """What the device answers to an input with this sum."""
    return crc % 1000


class Conversation:
    """The host, the wire and the device."""

    def __init__(self, queries: Sequence[Query], spec: Spec, random: Random) -> None:
        self.answers: list[tuple[Query, Result]] = []
        # A device that holds one frame alone acknowledges none before the host asks.
        self._queue_bytes = _TWO_FRAMES_BYTES + int(random.random() * 3000)
        self.pipeline = Pipeline(0, self._queue_bytes)
        self.device = Device(self._queue_bytes)
        self._queries = queries
        self._random = random
        self._wires = Stream(spec, "out", []), Stream(spec, "in", [])
        self._now = 0.0
        self._session = 0
        self._started = False

    def run(self, *, asking: bool) -> None:
        """Speak until all is answered.

        Raises:
            BrokenReaderError: no end is in sight.
        """
        self._restart(self._queries)
        idle, progress = 0, -1
        while len(self.answers) < len(self._queries):
            try:
                quiet = not self._round()
            except LostAnswerError:
                self._restart(self.pipeline.unanswered)
                continue
            if quiet and asking:
                self._now += self._random.random()
                self._ask()
            idle = 0 if self.pipeline.progress != progress else idle + 1
            progress = self.pipeline.progress
            if idle > _PATIENCE:
                raise BrokenReaderError(f"stands still after {len(self.answers)} answers")

    def _restart(self, queries: Sequence[Query]) -> None:
        self._session += 1
        self.pipeline = Pipeline(self._session, self._queue_bytes)
        self._reader = FrameReader(self._session)
        self._started = False
        for query in queries:
            self.pipeline.push(query)
        self._ask()

    def _ask(self) -> None:
        frame = self.pipeline.ping() if self._started else frames.start(self._session)
        self._wires[0].feed(frame, self._now)

    def _round(self) -> bool:
        """One step of each; says whether the host got anything."""
        while self._started and (sent := self.pipeline.next_frame()):
            self._wires[0].feed(sent, self._now)
        self.device.receive(self._passed(0))
        for _ in range(1 + int(self._random.random() * 3)):
            self._wires[1].feed(self.device.work(), self._now)
        received = self._passed(1)
        for frame in self._reader.feed(received):
            if isinstance(frame, Damaged):
                continue
            if not self._started:
                self._started = isinstance(frame, Status) and frame.why == frames.ANSWERS_START
            elif answer := self.pipeline.receive(frame):
                self.answers.append(answer)
        return bool(received)

    def _passed(self, way: int) -> bytes:
        passed = bytearray()
        while isinstance(entry := self._wires[way].take(self._now), Piece):
            passed += entry.data
        return bytes(passed)


def _make(random: Random) -> bytes:
    """A conversation is made from these bytes."""
    return random.randbytes(8)


def _check(data: bytes, random: Random) -> int:
    random = Random(data)  # noqa: S311
    queries = _queries(random)
    good = random.random() < 0.1
    kinds: tuple[Kind, ...] = tuple(kind for kind in WIRE_KINDS if random.random() < 0.5)
    spec = Spec(
        seed=int(random.random() * 2**32),
        every=int(500 * 2 ** (random.random() * 6)),
        kinds=kinds or WIRE_KINDS,
        hold_ms=1 + int(random.random() * 1500),
        first=2**32 if good else 0,
    )
    talk = Conversation(queries, spec, random)
    try:
        talk.run(asking=not good)
    except BrokenAnswerError as error:
        raise BrokenReaderError(f"with {spec}: {error}") from error
    for asked, (query, result) in zip(queries, talk.answers, strict=True):
        if query is not asked or result.thousandths != (score(zlib.crc32(asked.data)),):
            raise BrokenReaderError(f"with {spec}: an answer to another query")
    if good and (talk.device.overflowed or talk.pipeline.repeated):
        raise BrokenReaderError("overflows the device or repeats on a good wire")
    return len(talk.answers)


def _queries(random: Random) -> list[Query]:
    made: list[Query] = []
    before = b""
    for _ in range(1 + int(random.random() * 30)):
        size = int(random.random() * 3000) if random.random() < 0.9 else 0
        keep = int(random.random() * (min(size, len(before)) + 1))
        fresh = bytes(size - keep) if random.random() < 0.3 else random.randbytes(size - keep)
        timed = random.random() < 0.2
        before = before[len(before) - keep :] + fresh
        made.append(Query(before, keep, timed=timed))
    return made


def _nothing() -> None:
    """A conversation has no endless part."""


TARGET: Final = Target("conversations", 20, _make, _check, _nothing)
