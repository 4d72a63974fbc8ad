"""Frames as in firmware/FRAMES.md, written a second time, independent of the host's own code."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from cobs import cobs

START, DATA, PING, LEAVE = 1, 2, 3, 4
STATUS, RESULT, REFUSED = 0x11, 0x12, 0x13
ACKNOWLEDGES, GAP, ANSWERS_PING, ANSWERS_START = range(4)
TIMED, OUTPUT, LAPS = 1, 2, 4


def frame(body: bytes, session: int) -> bytes:
    """A frame as it is on the wire."""
    sum_ = zlib.crc32(struct.pack("<I", session) + body)
    return bytes(cobs.encode(body + struct.pack("<I", sum_))) + b"\0"


def body(raw: bytes, session: int) -> bytes:
    """The body of a frame, which must be whole."""
    assert raw.endswith(b"\0"), f"no whole frame: {raw!r}"
    decoded = bytes(cobs.decode(raw[:-1]))
    whole, found = decoded[:-4], int.from_bytes(decoded[-4:], "little")
    assert found == zlib.crc32(struct.pack("<I", session) + whole), f"a damaged frame: {raw!r}"
    return whole


def query(data: bytes, flags: int = 0, keep: int = 0, timed: tuple[int, int] = (0, 1)) -> bytes:
    """A query as it stands in the stream; `timed` are warm-up and count, if the flags say so."""
    head = struct.pack("<BHH", flags, len(data), keep)
    return head + (struct.pack("<HI", *timed) if flags & TIMED else b"") + data[keep:]


@dataclass(frozen=True)
class Status:
    """STATUS."""

    turn: int
    why: int
    expected: int
    answered: int
    who: bytes = field(default=b"", compare=False)
    """Token and build id, in an answer to START."""


@dataclass(frozen=True)
class Result:
    """RESULT."""

    expected: int
    number: int
    crc: int
    start: int
    end: int
    thousandths: tuple[int, ...]
    output: bytes
    laps: tuple[int, ...]


@dataclass(frozen=True)
class Refused:
    """REFUSED."""

    number: int
    reason: int


def answer(whole: bytes) -> Status | Result | Refused:
    """What a body from the device says."""
    if whole[0] == STATUS:
        turn, why, expected, answered = struct.unpack_from("<BBHI", whole, 1)
        return Status(turn, why, expected, answered, whole[9:])
    if whole[0] == REFUSED:
        return Refused(*struct.unpack("<IB", whole[1:]))
    assert whole[0] == RESULT
    expected, number, crc, start, end = struct.unpack_from("<HIIQQ", whole, 1)
    results, outputs, laps = struct.unpack_from("<BHH", whole, 27)
    rest = struct.unpack(f"<{results}i{outputs}s{laps}I", whole[32:])
    output, ticks = rest[results], rest[results + 1 :]
    return Result(expected, number, crc, start, end, rest[:results], output, ticks)


class Host:
    """The host's half of a session, which does only what it is told.

    Args:
        write: sends bytes.
        read_frame: waits for the bytes of one frame, and the 0x00 behind it.
        session: a number that was never used before.
    """

    def __init__(
        self, write: Callable[[bytes], object], read_frame: Callable[[], bytes], session: int
    ) -> None:
        self.write = write
        self.read_frame = read_frame
        self.session = session

    def start(self) -> Status | Result | Refused:
        """START, and its answer."""
        self.write(frame(struct.pack("<BI", START, self.session), 0))
        return self.read()

    def data(self, sequence: int, stream: bytes, turn: int = 0) -> None:
        """DATA."""
        self.write(self.framed(sequence, stream, turn))

    def framed(self, sequence: int, stream: bytes, turn: int = 0) -> bytes:
        """DATA as it is on the wire."""
        return frame(struct.pack("<BBH", DATA, turn, sequence) + stream, self.session)

    def ping(self, turn: int = 0) -> Status | Result | Refused:
        """PING, and what comes next."""
        self.write(frame(struct.pack("<BB", PING, turn), self.session))
        return self.read()

    def read(self) -> Status | Result | Refused:
        """The next frame of the device."""
        return answer(body(self.read_frame(), self.session))

    def result(self) -> Result:
        """The next RESULT; no STATUS but those that acknowledge may come before."""
        while True:
            found = self.read()
            if isinstance(found, Result):
                return found
            assert isinstance(found, Status), found
            assert found.why == ACKNOWLEDGES, found
