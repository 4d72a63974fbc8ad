"""What the host has sent, taken apart: frames with pieces of samples, and commands with them."""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from cobs import cobs

from tinyhil.device.protocol import frames

_START, _DATA = 1, 2
_TIMED = 1
_DATA_HEAD = struct.Struct("<BBH")
QUERY_HEAD, TIMED_HEAD = struct.Struct("<BHH"), struct.Struct("<HI")
RECENT = 0x4000
"""Pieces that may be sent again."""
_LOAD = re.compile(rb"db load ([0-9]{1,9})%")
_PIECE = re.compile(rb"db ((?:[0-9a-f]{2})+)%")


@dataclass(frozen=True)
class Piece:
    """A DATA frame with the next piece of its session's stream, or with one that it had before."""

    turn: int
    sequence: int
    size: int


@dataclass(frozen=True)
class Start:
    """The frame that begins a session."""

    session: int


Part = Piece | Start | bytes
"""Of a transfer of frames, each with the end of a frame behind it."""


@dataclass(frozen=True)
class Query:
    """What the head of a query says, and the SHA-256 of its input."""

    flags: int
    size: int
    keep: int
    warm_up: int | None
    count: int | None
    digest: bytes
    end: int
    """Bytes of the session's stream up to its end."""


@dataclass
class Loaded:
    """An upload by commands."""

    last: int
    """Line of its last piece."""
    digest: bytes


@dataclass
class Sent:
    """Takes transfers in their order, and tells afterwards what they carried."""

    transfers: dict[int, tuple[Part, ...]] = field(default_factory=dict)
    """Of frames, by line of the log."""
    streams: list[bytearray] = field(default_factory=list)
    """Of queries, one a session."""
    loads: dict[int, Loaded] = field(default_factory=dict)
    """By line of the first piece."""
    inputs: dict[bytes, bytes] = field(default_factory=dict)
    """By SHA-256."""

    def __post_init__(self) -> None:
        self._session: int | None = None
        self._pieces = 0
        self._recent: dict[int, bytes] = {}
        self._announced = 0
        self._loading: bytearray | None = None
        self._first = 0

    def saw(self, line: int, data: bytes) -> None:
        """The host has sent this at once."""
        if b"\0" in data:
            self._loading = None
            self._frames(line, data)
        else:
            self._command(line, data)

    def queries(self, number: int) -> Iterator[Query]:
        """The whole queries at the start of a session's stream."""
        stream, place, data = bytes(self.streams[number]), 0, b""
        while place + QUERY_HEAD.size <= len(stream):
            flags, size, keep = QUERY_HEAD.unpack_from(stream, place)
            place += QUERY_HEAD.size
            warm_up = count = None
            if flags & _TIMED:
                if place + TIMED_HEAD.size > len(stream):
                    return
                warm_up, count = TIMED_HEAD.unpack_from(stream, place)
                place += TIMED_HEAD.size
            new = stream[place : place + size - min(keep, size)]
            if keep > min(size, len(data)) or len(new) < size - keep:
                return
            place += len(new)
            data = data[len(data) - keep :] + new
            digest = hashlib.sha256(data).digest()
            self.inputs.setdefault(digest, data)
            yield Query(flags, size, keep, warm_up, count, digest, place)

    def _frames(self, line: int, data: bytes) -> None:
        *ended, rest = data.split(b"\0")
        parts = tuple(self._part(raw) for raw in ended)
        if not rest and any(not isinstance(part, bytes) for part in parts):
            self.transfers[line] = parts

    def _part(self, raw: bytes) -> Part:
        body = _opened(raw, 0)
        if body and len(body) == 5 and body[0] == _START:
            self._session = int.from_bytes(body[1:], "little")
            self._pieces = 0
            self._recent.clear()
            self.streams.append(bytearray())
            return Start(self._session)
        body = _opened(raw, self._session) if self._session is not None and raw else None
        if not body or len(body) <= _DATA_HEAD.size or body[0] != _DATA:
            return raw
        _, turn, sequence = _DATA_HEAD.unpack_from(body)
        piece = body[_DATA_HEAD.size :]
        assert self._session is not None
        if frames.data(self._session, turn, sequence, piece) != raw + b"\0":
            return raw
        if sequence == self._pieces & 0xFFFF:
            self._recent[sequence] = piece
            self._recent.pop(self._pieces - RECENT & 0xFFFF, None)
            self._pieces += 1
            self.streams[-1] += piece
        elif self._recent.get(sequence) != piece:
            return raw
        return Piece(turn, sequence, len(piece))

    def _command(self, line: int, data: bytes) -> None:
        piece, load = _PIECE.fullmatch(data), _LOAD.fullmatch(data)
        if load:
            self._announced, self._loading = int(load[1]), bytearray()
        elif not piece or self._loading is None:
            self._loading = None
        else:
            if not self._loading:
                self._first = line
            self._loading += bytes.fromhex(piece[1].decode())
            if len(self._loading) == self._announced:
                whole = bytes(self._loading)
                digest = hashlib.sha256(whole).digest()
                self.inputs.setdefault(digest, whole)
                self.loads[self._first] = Loaded(line, digest)
            if len(self._loading) >= self._announced:
                self._loading = None


def piece_of(data: bytes) -> int | None:
    """Bytes of a sample in a command; None of another one."""
    piece = _PIECE.fullmatch(data)
    return len(piece[1]) // 2 if piece else None


def _opened(raw: bytes, session: int) -> bytes | None:
    """The body of a frame of this session, or None."""
    try:
        checked: bytes = cobs.decode(raw)
    except cobs.DecodeError:
        return None
    body, crc = checked[:-4], int.from_bytes(checked[-4:], "little")
    summed = zlib.crc32(body, zlib.crc32(session.to_bytes(4, "little")))
    return body if summed == crc and body else None
