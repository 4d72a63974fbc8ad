"""What a byte turns into when it flips."""

from __future__ import annotations

import string
from typing import Final

_ALPHABETS: Final = (
    string.digits.encode("ascii"),
    b"0123456789abcdef",
    bytes(range(0x20, 0x7F)),
)
"""A byte stays in the first of these that has it, so that text still looks well."""


def flipped(data: bytes, number: int) -> bytes:
    """Other bytes, each of them changed, in one of three ways that `number` chooses: a bit of
    each, any other byte, or another digit, hexadecimal digit or printable character."""
    way, number = number % 3, number // 3
    change = (_bit, _byte, _plausible)[way]
    return bytes(change(byte, number + 7 * place) for place, byte in enumerate(data))


def _bit(byte: int, number: int) -> int:
    return byte ^ (1 << number % 8)


def _byte(byte: int, number: int) -> int:
    return byte ^ (1 + number % 255)


def _plausible(byte: int, number: int) -> int:
    for alphabet in _ALPHABETS:
        place = alphabet.find(byte)
        if place >= 0:
            return alphabet[(place + 1 + number % (len(alphabet) - 1)) % len(alphabet)]
    return _bit(byte, number)
