"""Packs a raw log, and proves that it can be unpacked before the log itself is removed."""

from __future__ import annotations

import hashlib
import json
import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from tinyhil.device.raw_lines import parsed
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.files import replace
from tinyhil.record.packing.known import Known
from tinyhil.record.packing.sent import Part, Piece, Query, Sent, Start, piece_of
from tinyhil.record.packing.transcript import VERSION, Transcript
from tinyhil.record.reading import MAX_LINE_BYTES, read_blocks, read_lines

SUFFIX = ".gz"
"""Behind the name of the log."""
LEAST_BYTES = 128 << 10
"""A shorter log stays as it is, for anyone to read."""
_MOST_BYTES = 1 << 30
"""A longer one too: it would not fit into memory."""
_GZIP = 31
"""For zlib: with the header of gzip, so that zcat reads it too."""


def pack(path: Path, known: Known, samples: Iterable[bytes]) -> bool:
    """Pack a raw log that nobody writes to now; what was packed of it before stays in front.

    Args:
        path: of the log.
        known: where inputs stand in the data set.
        samples: of that data set.

    Returns:
        Whether it was packed; a short one is not, nor one that would not unpack to the same bytes.

    Raises:
        WriteError: it can't be written; the log is there still.
        ConfigError: it can't be read.
    """
    if not is_long(path):
        return False
    packed = path.with_name(path.name + SUFFIX)
    before = packed.read_bytes() if packed.exists() else b""
    member = _member(path, known)
    if member is None or len(before) + len(member) > MAX_LINE_BYTES:
        return False
    material = {hashlib.sha256(data).hexdigest(): data for data in samples}
    if not _same(member, path, material):
        return False
    replace(packed, before + member)
    path.unlink()
    return True


def is_long(path: Path) -> bool:
    """Whether a log is worth packing, and can be."""
    return path.exists() and LEAST_BYTES <= path.stat().st_size <= _MOST_BYTES


def _same(member: bytes, path: Path, material: dict[str, bytes]) -> bool:
    """Whether a member unpacks to the log, by the way that its readers take."""
    wrong: list[str] = []
    transcript = Transcript(member, str(path), material, lambda _, text: wrong.append(text))
    try:
        whole = hashlib.sha256()
        for _, line in transcript.lines():
            whole.update(line)
    except ConfigError:
        return False
    plain = hashlib.sha256()
    for block in read_blocks(path):
        plain.update(block)
    return not wrong and whole.digest() == plain.digest()


def _member(path: Path, known: Known) -> bytes | None:
    """The packed log; None of a file that holds other lines than a log's."""
    sent, whole, count, size = Sent(), hashlib.sha256(), 0, 0
    for number, line in read_lines(path):
        transfer = parsed(line)
        if transfer is None:
            return None
        if transfer.to_device:
            sent.saw(number, transfer.data)
        whole.update(line)
        count, size = number, size + len(line)
    head = {"packed": VERSION, "sha256": whole.hexdigest(), "bytes": size, "lines": count}
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    made = [packer.compress((json.dumps(head) + "\n").encode())]
    made += [packer.compress(line) for line in _Writer(sent, known).lines(path)]
    return b"".join((*made, packer.flush()))


@dataclass
class _Writer:
    """Gives the lines of a packed log."""

    sent: Sent
    known: Known
    inputs: dict[bytes, int] = field(default_factory=dict)
    """Number of each that was told of, by SHA-256."""
    samples: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._number = -1  # of the session at hand
        self._queries: Iterator[Query] = iter(())
        self._told = self._taken = self._pieces = 0  # bytes of its stream, and frames
        self._rest = False

    def lines(self, path: Path) -> Iterator[bytes]:
        """Those of a log, packed."""
        upload, place = None, 0
        for number, line in read_lines(path):
            upload = self.sent.loads.get(number, upload)
            parts = self.sent.transfers.get(number)
            if number in self.sent.loads:
                assert upload is not None
                yield from self._input(upload.digest)
                yield f"load {self.inputs[upload.digest]}\n".encode()
                place = 0
            if parts is not None:
                told, shown = self._transfer(parts)
                yield from told
                yield line.split(b" ", 1)[0] + b" > frames:" + shown.encode() + b"\n"
                continue
            transfer = parsed(line) if upload else None
            size = piece_of(transfer.data) if transfer and transfer.to_device else None
            if size is None:
                yield line
                continue
            yield line.split(b" ", 1)[0] + f" > piece:{place}+{size}\n".encode()
            place += size
            assert upload is not None
            if number == upload.last:
                upload = None

    def _transfer(self, parts: tuple[Part, ...]) -> tuple[list[bytes], str]:
        """What is to be told before a transfer of frames, and the transfer."""
        told: list[bytes] = []
        shown: list[str] = []
        for part in parts:
            if isinstance(part, Start):
                self._begin()
                shown.append(f"s{part.session:x}")
            elif isinstance(part, Piece):
                if part.sequence == self._pieces & 0xFFFF:
                    self._pieces += 1
                    self._taken += part.size
                    told += self._until(self._taken)
                shown.append(f"d{part.turn}.{part.sequence}.{part.size}")
            else:
                shown.append(f"={b64encode(part).decode()}")
        return told, ",".join(_joined(shown))

    def _begin(self) -> None:
        self._number += 1
        self._queries = self.sent.queries(self._number)
        self._told = self._taken = self._pieces = 0
        self._rest = False

    def _until(self, place: int) -> Iterator[bytes]:
        """Tell of the stream up to a place of it."""
        while self._told < place and not self._rest:
            query = next(self._queries, None)
            if query is None:
                self._rest = True
                rest = bytes(self.sent.streams[self._number][self._told :])
                yield b"rest " + b64encode(rest) + b"\n"
                return
            yield from self._input(query.digest)
            timed = "" if query.count is None else f" {query.warm_up} {query.count}"
            asked = self.inputs[query.digest]
            yield f"query {asked} {query.flags} {query.keep}{timed}\n".encode()
            self._told = query.end

    def _input(self, digest: bytes) -> Iterator[bytes]:
        """Tell of an input, unless it has been."""
        if digest in self.inputs:
            return
        self.inputs[digest] = len(self.inputs)
        data, place = self.sent.inputs[digest], self.known.place(digest)
        if place is None:
            yield b"own " + b64encode(data) + b"\n"
            return
        name, size, start = place
        if name not in self.samples:
            self.samples[name] = len(self.samples)
            yield f"sample {name} {size}\n".encode()
        number = self.samples[name]
        yield f"input {number} {start} {len(data)} {zlib.crc32(data):08x}\n".encode()


def _joined(parts: list[str]) -> Iterator[str]:
    """Frames that follow each other as one, with how many they are."""

    def order(pair: tuple[int, str]) -> object:
        place, part = pair
        if not part.startswith("d"):
            return place
        turn, sequence, size = map(int, part[1:].split("."))
        return turn, size, sequence - place

    for _, own in groupby(enumerate(parts), order):
        found = [part for _, part in own]
        yield found[0] if len(found) == 1 else f"{found[0]}x{len(found)}"
