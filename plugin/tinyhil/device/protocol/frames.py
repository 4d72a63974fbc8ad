"""Frames, without I/O: bytes to checked frames and back. Their text: firmware/FRAMES.md."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from cobs import cobs

from tinyhil.device.info import Identity
from tinyhil.device.protocol.lines import Damaged

VERSION: Final = 2
"""What this host speaks, and a device announces in ``m-hil-frames-N``."""

PIECE_BYTES: Final = 1024
"""Of the stream of queries, at most, in one DATA frame."""

MAX_BODY_BYTES: Final = 8192
"""Longest body from a device that is accepted."""

_MAX_WIRE_BYTES = MAX_BODY_BYTES + 4 + (MAX_BODY_BYTES + 4) // 254 + 1
_START, _DATA, _PING, _LEAVE = 1, 2, 3, 4
_STATUS, _RESULT, _REFUSED = 0x11, 0x12, 0x13

ACKNOWLEDGES, GAP, ANSWERS_PING, ANSWERS_START = range(4)
"""Why a STATUS came."""


@dataclass(frozen=True)
class Status:
    """STATUS: how far the device has come."""

    turn: int
    """Of the frame that it answers."""
    why: int
    """`ACKNOWLEDGES`, `GAP`, `ANSWERS_PING` or `ANSWERS_START`."""
    expected: int
    """Sequence number of the next DATA frame, modulo 2^16."""
    answered: int
    """Queries of the session that have been answered."""
    identity: Identity | None = None
    """Who has started the session; where this answers START."""


@dataclass(frozen=True)
class Result:
    """RESULT: the answer to one query."""

    expected: int
    number: int
    """Of the query in its session, from 0."""
    crc: int
    """CRC-32 of the device's input buffer."""
    start: int
    """Ticks since boot, when the first inference began."""
    end: int
    """Ticks since boot, when the last one ended."""
    thousandths: tuple[int, ...]
    """Of the results."""
    output: bytes
    """The model's raw output, int8; empty unless asked for."""
    laps: tuple[int, ...]
    """Ticks of each inference; empty unless asked for."""


@dataclass(frozen=True)
class Refused:
    """REFUSED: a query that the device can't do."""

    number: int
    reason: int


Frame = Status | Result | Refused

REASONS: Final = {1: "its size", 2: "how much it keeps", 3: "its count", 4: "its flags"}
"""What a device may refuse a query for."""


def start(session: int) -> bytes:
    """The frame that opens a session, even after a part of another frame."""
    return b"\0" + encode(struct.pack("<BI", _START, session), 0)


def data(session: int, turn: int, sequence: int, piece: bytes) -> bytes:
    """The frame that carries a piece of the stream of queries."""
    return encode(struct.pack("<BBH", _DATA, turn, sequence) + piece, session)


def ping(session: int, turn: int) -> bytes:
    """The frame that asks for a STATUS."""
    return encode(struct.pack("<BB", _PING, turn), session)


def leave() -> bytes:
    """The frame that brings a device back to text, in any session."""
    return b"\0" + encode(bytes([_LEAVE]), 0)


def encode(body: bytes, session: int) -> bytes:
    """A body as it is on the wire, its end included."""
    stuffed: bytes = cobs.encode(body + _crc(body, session).to_bytes(4, "little"))
    return stuffed + b"\0"


class FrameReader:
    """Cuts a byte stream into the frames of one session; memory stays bounded."""

    def __init__(self, session: int) -> None:
        self._session = session
        self._held = bytearray()
        self._skipping = False

    @property
    def held(self) -> bytes:
        """Bytes of the frame that has not ended yet; for messages."""
        return bytes(self._held)

    def feed(self, received: bytes) -> list[Frame | Damaged]:
        """Take bytes as they come; return the frames that they complete, damaged ones too."""
        frames: list[Frame | Damaged] = []
        *ended, rest = received.split(b"\0")
        for part in ended:
            frames.extend(self._extend(part))
            if self._held:
                frames.append(decode(bytes(self._held), self._session))
            self._held.clear()
            self._skipping = False
        frames.extend(self._extend(rest))
        return frames

    def _extend(self, part: bytes) -> list[Damaged]:
        """Append to the frame at hand; report it once when it gets too long."""
        if self._skipping:
            return []
        self._held += part
        if len(self._held) <= _MAX_WIRE_BYTES:
            return []
        raw = bytes(self._held[:_MAX_WIRE_BYTES])
        self._held.clear()
        self._skipping = True
        return [Damaged(raw, f"frame longer than {_MAX_WIRE_BYTES} bytes")]


def decode(raw: bytes, session: int) -> Frame | Damaged:
    """The frame in `raw`, which is what was between two ends."""
    try:
        checked = cobs.decode(raw)
    except cobs.DecodeError:
        return Damaged(raw, "frame that is not COBS")
    body, crc = checked[:-4], int.from_bytes(checked[-4:], "little")
    if not 1 <= len(body) <= MAX_BODY_BYTES or _crc(body, session) != crc:
        return Damaged(raw, "frame with a wrong CRC")
    parse = _PARSERS.get(body[0])
    try:
        if parse is not None:
            return parse(body)
    except struct.error:
        pass
    return Damaged(raw, "frame of unknown kind or length")


def _crc(body: bytes, session: int) -> int:
    return zlib.crc32(body, zlib.crc32(session.to_bytes(4, "little")))


_STATUS_HEAD = struct.Struct("<xBBHI")
_IDENTITY = struct.Struct("<8s20s")


def _status(body: bytes) -> Status:
    status = Status(*_STATUS_HEAD.unpack_from(body))
    if status.why != ANSWERS_START:
        _STATUS_HEAD.unpack(body)  # Nothing may follow.
        return status
    token, build_id = _IDENTITY.unpack(body[_STATUS_HEAD.size :])
    return replace(status, identity=Identity(build_id.hex(), token.hex()))


_RESULT_HEAD = struct.Struct("<xHIIQQBHH")


def _result(body: bytes) -> Result:
    expected, number, crc, start, end, results, outputs, laps = _RESULT_HEAD.unpack_from(body)
    rest = struct.unpack(f"<{results}i{outputs}s{laps}I", body[_RESULT_HEAD.size :])
    thousandths, output, ticks = rest[:results], rest[results], rest[results + 1 :]
    return Result(expected, number, crc, start, end, thousandths, output, ticks)


def _refused(body: bytes) -> Refused:
    return Refused(*struct.unpack("<xIB", body))


_PARSERS: dict[int, Callable[[bytes], Frame]] = {
    _STATUS: _status,
    _RESULT: _result,
    _REFUSED: _refused,
}
