"""Reads a packed log, which may come from anywhere: the lines of the log that it was made of."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import struct
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tinyhil.device.protocol import frames
from tinyhil.device.raw_lines import shown
from tinyhil.ground.errors import ConfigError
from tinyhil.record.packing.sent import QUERY_HEAD, RECENT, TIMED_HEAD
from tinyhil.record.reading import MAX_LINE_BYTES
from tinyhil.record.strict_json import json_object

VERSION = 1
"""Of packed logs."""

_MOST_TIMES = 4096
"""That a log may be longer than its packed form; more is a trap."""
_MORE_BYTES = 64 << 20
_TRANSFER = re.compile(rb"(\d{5,12}\.\d{6}) > (frames|piece):([\x21-\x7e]+)\n")
_PIECES = re.compile(r"d(\d{1,3})\.(\d{1,5})\.(\d{1,5})(?:x(\d{1,5}))?")
_START = re.compile(r"s([0-9a-f]{1,8})")
_PART = re.compile(r"(\d{1,9})\+(\d{1,9})")
_TELLS = re.compile(
    r"sample (?P<sample>[0-9a-f]{64}) (?P<bytes>\d{1,9})"
    r"|input (?P<of>\d{1,9}) (?P<start>\d{1,9}) (?P<size>\d{1,9}) (?P<crc>[0-9a-f]{8})"
    r"|own (?P<own>[A-Za-z0-9+/=]*)"
    r"|query (?P<query>\d{1,9}) (?P<flags>\d{1,3}) (?P<keep>\d{1,5})"
    r"(?: (?P<warm_up>\d{1,5}) (?P<count>\d{1,10}))?"
    r"|rest (?P<rest>[A-Za-z0-9+/=]*)"
    r"|load (?P<load>\d{1,9})"
)
_IS_FRAME_START = 1

Named = tuple[bytes, int]
"""SHA-256 and CRC-32 of an input."""


def named(data: bytes) -> Named:
    """What an input is called."""
    return hashlib.sha256(data).digest(), zlib.crc32(data)


@dataclass
class _Member:
    """What has been told since a head."""

    head: Mapping[str, int | str]
    samples: list[tuple[bytes, bytes | None]] = field(default_factory=list)
    """Their bytes, and the SHA-256 of those that stand for others."""
    inputs: list[bytes] = field(default_factory=list)
    stream: bytearray = field(default_factory=bytearray)
    session: int = 0
    pieces: int = 0
    recent: dict[int, bytes] = field(default_factory=dict)
    load: bytes = b""
    exact: bool = True
    """Whether the bytes of all samples are at hand."""
    whole: hashlib._Hash = field(default_factory=hashlib.sha256)
    count: int = 0
    size: int = 0


class Transcript:
    """The log that was packed.

    Without the bytes of a sample, others of the same number stand for them, so that all else can be
    read; an input of them is called by what the log says of it, see `name`.

    Args:
        packed: the packed log.
        where: names it in errors.
        material: the samples of the data set by SHA-256; None: it is not at hand.
        wrong: takes a line of the log and what is wrong with it.
    """

    def __init__(
        self,
        packed: bytes,
        where: str,
        material: Mapping[str, bytes] | None,
        wrong: Callable[[int | None, str], None],
    ) -> None:
        self._packed = packed
        self._where = where
        self._material = material
        self._wrong = wrong
        self._called: dict[bytes, Named] = {}
        self._member: _Member | None = None
        self._number = 0
        self._left = _MOST_TIMES * len(packed) + _MORE_BYTES
        self.heads: list[str] = []
        """SHA-256 of each log that was packed into this one."""
        self.by_name = 0
        """Inputs whose bytes are not at hand."""
        self.parts: set[bytes] = set()
        """What those of them are called that are parts of a sample: no sum of their own bytes."""

    def name(self, data: bytes) -> Named:
        """What an input of this log is called."""
        own = named(data)
        return self._called.get(own[0], own)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Number and bytes of each line, as `reading.read_lines` gives them of the log itself.

        Raises:
            ConfigError: the packed log is damaged, or was never one.
        """
        with gzip.GzipFile(fileobj=io.BytesIO(self._packed)) as file:
            try:
                while line := file.readline(MAX_LINE_BYTES + 1):
                    self._spend(len(line))
                    made = self._take(line)
                    if made is not None:
                        self._number += 1
                        yield self._number, made
                self._close()
            except (EOFError, OSError, zlib.error) as error:
                raise self._damaged(str(error)) from error
            except (ValueError, IndexError, KeyError, struct.error) as error:
                raise self._damaged(f"what follows line {self._number:,} makes no sense") from error

    def _take(self, line: bytes) -> bytes | None:
        """A line of the log; None for one that only tells of what follows."""
        if line.startswith(b"{"):
            self._close()
            self._open(line)
            return None
        member = self._member
        if member is None:
            raise self._damaged("it does not begin with its head")
        if not line[:1].isdigit():
            self._told(member, line.decode("ascii").rstrip("\n"))
            return None
        transfer = _TRANSFER.fullmatch(line)
        if transfer:
            sent = self._piece if transfer[2] == b"piece" else self._frames
            data = sent(member, transfer[3].decode("ascii"))
            line = transfer[1] + f" > {shown(data)}\n".encode()
            self._spend(len(line))
        member.whole.update(line)
        member.count += 1
        member.size += len(line)
        return line

    def _open(self, line: bytes) -> None:
        head = json_object(line)
        if head.get("packed") != VERSION:
            raise self._damaged("another version of tinyhil packed it")
        self._member = _Member(head)
        self.heads.append(str(head.get("sha256")))

    def _close(self) -> None:
        """A packed log ends here: it must be the one that its head names."""
        member = self._member
        if member is None:
            return
        made: dict[str, int | str] = {"lines": member.count}
        if member.exact:
            made |= {"bytes": member.size, "sha256": member.whole.hexdigest()}
        if any(member.head.get(key) != value for key, value in made.items()):
            self._wrong(None, "does not unpack to the log that it says it was made of")

    def _told(self, member: _Member, line: str) -> None:
        tells = _TELLS.fullmatch(line)
        if tells is None:
            raise ValueError
        if tells["sample"]:
            member.samples.append(self._sample(member, tells["sample"], int(tells["bytes"])))
        elif tells["of"]:
            self._input(member, tells)
        elif tells["own"] is not None:
            member.inputs.append(b64decode(tells["own"], validate=True))
        elif tells["rest"] is not None:
            member.stream += b64decode(tells["rest"], validate=True)
        elif tells["load"]:
            member.load = member.inputs[int(tells["load"])]
        else:
            data, keep = member.inputs[int(tells["query"])], int(tells["keep"])
            member.stream += QUERY_HEAD.pack(int(tells["flags"]), len(data), keep)
            if tells["count"]:
                member.stream += TIMED_HEAD.pack(int(tells["warm_up"]), int(tells["count"]))
            member.stream += data[keep:]
        self._spend(len(member.stream) // _MOST_TIMES)

    def _sample(self, member: _Member, name: str, size: int) -> tuple[bytes, bytes | None]:
        """The bytes of a sample, and its SHA-256 if others stand for them."""
        data = (self._material or {}).get(name)
        if data is not None and len(data) == size:
            return data, None
        if self._material is not None:
            self._wrong(self._number + 1, f"names a sample {name[:16]}… that the data set lacks")
        member.exact = False
        self._spend(size)
        sha256 = bytes.fromhex(name)
        return hashlib.shake_128(sha256).digest(size), sha256

    def _input(self, member: _Member, tells: re.Match[str]) -> None:
        sample, sha256 = member.samples[int(tells["of"])]
        start, size, crc = int(tells["start"]), int(tells["size"]), int(tells["crc"], 16)
        data = sample[start : start + size]
        if not size or len(data) != size:
            raise ValueError
        digest, own = named(data)
        if sha256 is not None:
            self.by_name += 1
            whole = size == len(sample)
            self._called[digest] = (sha256 if whole else digest, crc)
            if not whole:
                self.parts.add(digest)
        elif own != crc:
            self._wrong(self._number + 1, "names another CRC-32 of an input than the data set has")
        member.inputs.append(data)

    def _piece(self, member: _Member, text: str) -> bytes:
        part = _PART.fullmatch(text)
        if part is None:
            raise ValueError
        start, size = int(part[1]), int(part[2])
        data = member.load[start : start + size]
        if not size or len(data) != size:
            raise ValueError
        return f"db {data.hex()}%".encode()

    def _frames(self, member: _Member, text: str) -> bytes:
        made = bytearray()
        for part in text.split(","):
            pieces, start = _PIECES.fullmatch(part), _START.fullmatch(part)
            if start:
                member.session = int(start[1], 16)
                member.pieces = 0
                member.recent.clear()
                member.stream.clear()
                body = bytes([_IS_FRAME_START]) + member.session.to_bytes(4, "little")
                made += frames.encode(body, 0)
            elif pieces:
                turn, sequence, size = (int(pieces[number]) for number in (1, 2, 3))
                for more in range(int(pieces[4] or 1)):
                    made += self._frame(member, turn, sequence + more & 0xFFFF, size)
                    if len(made) > MAX_LINE_BYTES:
                        raise ValueError
            elif part.startswith("="):
                made += b64decode(part[1:], validate=True) + b"\0"
            else:
                raise ValueError
        return bytes(made)

    def _frame(self, member: _Member, turn: int, sequence: int, size: int) -> bytes:
        if turn > 0xFF or not size:
            raise ValueError
        if sequence == member.pieces & 0xFFFF:
            piece = bytes(member.stream[:size])
            del member.stream[:size]
            member.recent[sequence] = piece
            member.recent.pop(member.pieces - RECENT & 0xFFFF, None)
            member.pieces += 1
        else:
            piece = member.recent[sequence]
        if len(piece) != size:
            raise ValueError
        return frames.data(member.session, turn, sequence, piece)

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise self._damaged("it unpacks to far more than a log of its length")

    def _damaged(self, why: str) -> ConfigError:
        return ConfigError(
            f"{self._where}: is damaged: {why}",
            hint="the run was altered, or copied in part; fetch the whole folder again",
        )
