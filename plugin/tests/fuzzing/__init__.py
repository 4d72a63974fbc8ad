"""What `fuzz_protocol` feeds to the host's readers, and what it demands of them."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol, TypeVar

Item = TypeVar("Item")

MAX_INPUT_S = 0.5
"""Of processor time for one input, whose bytes are below 64 KiB; thousands of times the usual."""

_FLOOD_PIECE_BYTES = 1 << 16
_FLOOD_PIECES = 64
_FLOOD_PEAK_BYTES = 1 << 20


class BrokenReaderError(AssertionError):
    """A reader did what it must not; the text says what."""


class Reader(Protocol[Item]):
    """What has bytes fed and gives items back."""

    @property
    def held(self) -> bytes:
        """Of the item that has not ended yet."""
        ...

    def feed(self, data: bytes, /) -> list[Item]:
        """Take bytes; return what they complete."""
        ...


@dataclass(frozen=True)
class Target:
    """A reader under trial."""

    name: str
    batch: int
    """Inputs that take a process about a second."""
    make: Callable[[Random], bytes]
    """An input."""
    check: Callable[[bytes, Random], int]
    """Try one input; returns how many of its parts were believed; raises `BrokenReaderError`."""
    flood: Callable[[], None]
    """Try an endless part; raises `BrokenReaderError`."""


def fed_whole_and_cut(
    make: Callable[[], Reader[Item]], data: bytes, random: Random, bound: int
) -> list[Item]:
    """What a reader makes of `data`, which must not depend on how it comes.

    Raises:
        BrokenReaderError: it does, or the reader keeps more than `bound` bytes, or takes too long.
    """
    started = time.thread_time()
    whole = make().feed(data)
    spent = time.thread_time() - started
    if spent > MAX_INPUT_S:
        raise BrokenReaderError(f"took {spent:.2f} s of processor time")
    reader = make()
    parts: list[Item] = []
    for part in _cut(data, random):
        parts += reader.feed(part)
        if len(reader.held) > bound:
            raise BrokenReaderError(f"keeps {len(reader.held)} bytes, more than {bound}")
    if parts != whole:
        raise BrokenReaderError(f"makes {whole!r:.500} of the whole, {parts!r:.500} of its parts")
    return whole


def flood(make: Callable[[], Reader[Item]], byte: int) -> None:
    """Feed an endless part, 4 MiB of one byte, and watch the memory.

    Raises:
        BrokenReaderError: more of it is kept than a part may have, or it is not reported.
    """
    reader, piece = make(), bytes([byte]) * _FLOOD_PIECE_BYTES
    tracemalloc.start()
    reports = sum(len(reader.feed(piece)) for _ in range(_FLOOD_PIECES))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    if peak > _FLOOD_PEAK_BYTES:
        raise BrokenReaderError(f"an endless part of {byte:#04x} takes {peak} bytes of memory")
    if reports != 1:
        raise BrokenReaderError(f"an endless part of {byte:#04x} is reported {reports} times")


def _cut(data: bytes, random: Random) -> list[bytes]:
    """In pieces: one by one where `data` is short, now and then, else at a few places."""
    if len(data) < 200 and random.random() < 0.1:
        return [data[place : place + 1] for place in range(len(data))]
    ends = sorted(int(random.random() * (len(data) + 1)) for _ in range(int(random.random() * 5)))
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]
