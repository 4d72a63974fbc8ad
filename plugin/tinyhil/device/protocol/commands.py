"""Commands with arguments, host to device; each ends in ``%``, without a line end."""

from __future__ import annotations

from collections.abc import Iterator

FULL_PIECE_BYTES = 38
"""Bytes of a sample in one ``db`` command that fill the reference's buffer of 80 characters."""

OFFICIAL_PIECE_BYTES = 31
"""What the official runner sends, so every firmware accepts it."""


def db_load(count: int) -> str:
    """Announce a sample of `count` bytes."""
    return f"db load {count}%"


def db_pieces(sample: bytes, piece_bytes: int = FULL_PIECE_BYTES) -> Iterator[str]:
    """The commands that carry a sample, in order."""
    for start in range(0, len(sample), piece_bytes):
        yield f"db {sample[start : start + piece_bytes].hex()}%"


def infer(count: int, warm_up: int) -> str:
    """Run `warm_up` inferences, then `count` timed ones."""
    return f"infer {count} {warm_up}%"
