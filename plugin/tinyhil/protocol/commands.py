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


def db_expansion() -> float:
    """Bytes on the wire for each byte of a sample that is sent as text."""
    return len(next(db_pieces(bytes(PIECE_BYTES)))) / PIECE_BYTES


def infer(count: int, warm_up: int) -> str:
    """Run `warm_up` inferences, then `count` timed ones."""
    return f"infer {count} {warm_up}%"


def load_through(count: int, keep: int) -> str:
    """Tell our own firmware that a sample of `count` bytes comes through the debug port, of which
    the first `keep` are the last ones of the sample before."""
    return f"hil load {count} {keep}%"


def laps(first: int, count: int) -> str:
    """Ask our own firmware for the times of `count` inferences, in ticks, from `first` on."""
    return f"hil laps {first} {count}%"
