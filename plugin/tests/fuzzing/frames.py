"""Frames: `FrameReader`, which takes their bodies apart too."""

from __future__ import annotations

import struct
import zlib
from random import Random
from typing import Final

from tinyhil.device.protocol import Damaged, frames
from tinyhil.device.protocol.frames import (
    ANSWERS_START,
    Frame,
    FrameReader,
    Refused,
    Result,
    Status,
)

from . import BrokenReaderError, Target, fed_whole_and_cut, flood
from .mutate import mutated

_SESSION: Final = 0x1234ABCD
_LONGEST_WIRE: Final = 8229
"""A body of 8192 bytes and its CRC, stuffed."""

_WHO: Final = 28
"""Bytes of token and build id, which answer START."""
_HEAD: Final = struct.Struct("<BHIIQQBHH")


def _make(random: Random) -> bytes:
    """One to four frames, most of them whole; those that are not are damaged on the wire, or
    before, so that their CRC is right."""
    made = bytearray()
    for _ in range(1 + int(random.random() * 4)):
        body = _body(random)
        if random.random() < 0.3:
            body = mutated(body, _POOL, random)
        session = _SESSION if random.random() < 0.95 else _SESSION + 1
        frame = frames.encode(body, session)
        made += mutated(frame, _POOL, random) if random.random() < 0.3 else frame
    return bytes(made)


def _body(random: Random) -> bytes:
    """What a device says."""
    draw = random.random()
    if draw < 0.3:
        turn, why = random.randbytes(1)[0], random.randrange(4)
        who = random.randbytes(_WHO) if why == ANSWERS_START else b""
        return struct.pack("<BBBHI", 0x11, turn, why, int(draw * 9999), 7) + who
    if draw < 0.4:
        return struct.pack("<BIB", 0x13, int(draw * 9999), random.randbytes(1)[0])
    if draw < 0.45:
        return random.randbytes(int(random.random() * 40))
    results, outputs = int(random.random() * 13), int(random.random() * 13)
    laps = int(random.random() * (1500 if draw > 0.995 else 5))
    head = _HEAD.pack(0x12, 1, 2, 3, 4, 5, results, outputs, laps)
    return head + random.randbytes(4 * results + outputs + 4 * laps)


_POOL: Final = [frames.encode(_body(Random(n)), _SESSION) for n in range(50)]  # noqa: S311


def _check(data: bytes, random: Random) -> int:
    made = fed_whole_and_cut(lambda: FrameReader(_SESSION), data, random, _LONGEST_WIRE)
    raws = [raw for raw in data.split(b"\0")[:-1] if raw]
    if len(data) <= _LONGEST_WIRE and len(made) != len(raws):
        raise BrokenReaderError(f"makes {len(made)} frames of {len(raws)}")
    believed = 0
    if len(made) == len(raws):
        for frame, raw in zip(made, raws, strict=True):
            believed += _judge(frame, raw)
    return believed


def _judge(frame: Frame | Damaged, raw: bytes) -> bool:
    """Whether a frame was believed; it must be so exactly if it is right."""
    body = unpacked(raw, _SESSION)
    right = body is not None and len(raw) <= _LONGEST_WIRE and _has_its_length(body)
    if isinstance(frame, Damaged):
        if right:
            raise BrokenReaderError(f"does not believe {raw!r:.500}: {frame.reason}")
        if len(frame.raw) > _LONGEST_WIRE:
            raise BrokenReaderError(f"a damaged frame keeps {len(frame.raw)} bytes")
        return False
    if not right or _packed(frame) != body:
        raise BrokenReaderError(f"{raw!r:.500} becomes {frame!r:.500}")
    return True


def unpacked(raw: bytes, session: int) -> bytes | None:
    """The body in what stood between two zeros; None if it is damaged."""
    data, place = bytearray(), 0
    while place < len(raw):
        code = raw[place]
        block = raw[place + 1 : place + code]
        if len(block) != code - 1:
            return None
        data += block
        place += code
        if code != 0xFF and place < len(raw):
            data.append(0)
    body, crc = bytes(data[:-4]), data[-4:]
    if not body or zlib.crc32(struct.pack("<I", session) + body) != int.from_bytes(crc, "little"):
        return None
    return body


def _has_its_length(body: bytes) -> bool:
    match body[0]:
        case 0x11:
            return len(body) == 9 + (_WHO if len(body) > 2 and body[2] == ANSWERS_START else 0)
        case 0x13:
            return len(body) == 6
        case 0x12 if len(body) >= _HEAD.size:
            *_, results, outputs, laps = _HEAD.unpack_from(body)
            return len(body) == _HEAD.size + 4 * int(results) + int(outputs) + 4 * int(laps)
    return False


def _packed(frame: Frame) -> bytes:
    match frame:
        case Status():
            head = struct.pack(
                "<BBBHI", 0x11, frame.turn, frame.why, frame.expected, frame.answered
            )
            who = frame.identity
            return head + (bytes.fromhex(who.token + who.build_id) if who else b"")
        case Refused():
            return struct.pack("<BIB", 0x13, frame.number, frame.reason)
        case Result():
            counts = (len(frame.thousandths), len(frame.output), len(frame.laps))
            head = _HEAD.pack(
                0x12, frame.expected, frame.number, frame.crc, frame.start, frame.end, *counts
            )
            words = struct.pack(f"<{counts[0]}i", *frame.thousandths)
            return head + words + frame.output + struct.pack(f"<{counts[2]}I", *frame.laps)


def _flood() -> None:
    for byte in (0x01, 0x55, 0xFF):
        flood(lambda: FrameReader(_SESSION), byte)


TARGET: Final = Target("frames", 4_000, _make, _check, _flood)
