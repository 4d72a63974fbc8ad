"""Commands with arguments, host to device; each ends in ``%``, without a line end."""

from __future__ import annotations

from collections.abc import Iterator

PIECE_BYTES = 31
"""Bytes of a sample in one ``db`` command: what the official runner sends, and what the
reference's buffer of 80 characters surely takes."""


def db_load(count: int) -> str:
    """Announce a sample of `count` bytes."""
    return f"db load {count}%"


def db_pieces(sample: bytes) -> Iterator[str]:
    """The commands that carry a sample, in order."""
    for start in range(0, len(sample), PIECE_BYTES):
        yield f"db {sample[start : start + PIECE_BYTES].hex()}%"


def infer(count: int, warm_up: int) -> str:
    """Run `warm_up` inferences, then `count` timed ones."""
    return f"infer {count} {warm_up}%"


def laps(first: int, count: int) -> str:
    """Ask our own firmware for the times of `count` inferences, in ticks, from `first` on."""
    return f"hil laps {first} {count}%"
