"""Damages bytes at random, as wires and hostile devices do."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Final

_NUMBER: Final = re.compile(rb"\d+")
_NUMBERS: Final = (
    b"", b"0", b"-1", b"+1", b"00", b"1e9", b"1_0", b"0x10", b" 1", b"nan", b"inf", b"1.", b".5",
    b"2147483648", b"4294967296", b"9999999999", b"10000000000", b"18446744073709551615",
    b"99999999999999999999", b"100000000000000000000", b"9" * 300, b"0" * 300, b"9" * 5000,
    "٣".encode(), "½".encode(), b"0.123456789", b"-0.000", b"1" * 12 + b".000",
)  # fmt: skip
_BYTES: Final = b"\0\r\n\t\x1b\x7f\x80\xff%[]-,.0aA "


def mutated(data: bytes, pool: list[bytes], random: Random) -> bytes:
    """`data` with one to four damages; parts of other ones of `pool` may get into it."""
    for _ in range(1 + int(random.random() * 4)):
        damage = _DAMAGES[int(random.random() * len(_DAMAGES))]
        data = damage(data, pool, random)
    return data


def _place(data: bytes, random: Random) -> int:
    return int(random.random() * len(data))


def _flip(data: bytes, pool: list[bytes], random: Random) -> bytes:
    del pool
    if not data:
        return data
    place = _place(data, random)
    return data[:place] + bytes([data[place] ^ 1 << int(random.random() * 8)]) + data[place + 1 :]


def _replace(data: bytes, pool: list[bytes], random: Random) -> bytes:
    del pool
    place, byte = _place(data, random), int(random.random() * len(_BYTES))
    return data[:place] + _BYTES[byte : byte + 1] + data[place + 1 :]


def _number(data: bytes, pool: list[bytes], random: Random) -> bytes:
    """A number becomes another, a huge one, or none."""
    del pool
    found = list(_NUMBER.finditer(data))
    if not found:
        return data
    number = found[int(random.random() * len(found))]
    other = _NUMBERS[int(random.random() * len(_NUMBERS))]
    return data[: number.start()] + other + data[number.end() :]


def _cut_off(data: bytes, pool: list[bytes], random: Random) -> bytes:
    del pool
    return data[: _place(data, random)]


def _leave_out(data: bytes, pool: list[bytes], random: Random) -> bytes:
    del pool
    start = _place(data, random)
    return data[:start] + data[start + 1 + int(random.random() * 20) :]


def _double(data: bytes, pool: list[bytes], random: Random) -> bytes:
    del pool
    start = _place(data, random)
    return data[:start] + data[start : start + 1 + int(random.random() * 40)] + data[start:]


def _noise(data: bytes, pool: list[bytes], random: Random) -> bytes:
    del pool
    place = _place(data, random)
    return data[:place] + random.randbytes(1 + int(random.random() * 30)) + data[place:]


def _splice(data: bytes, pool: list[bytes], random: Random) -> bytes:
    other = pool[int(random.random() * len(pool))]
    return data[: _place(data, random)] + other[_place(other, random) :]


def _lengthen(data: bytes, pool: list[bytes], random: Random) -> bytes:
    """Rarely, as it is slow: some thousand bytes, about the longest that is believed."""
    del pool
    if random.random() > 0.02:
        return data
    place, size = _place(data, random), 4000 + int(random.random() * 5000)
    filler = data[place : place + 1 + int(random.random() * 30)] or b"x"
    return data[:place] + (filler * (size // len(filler) + 1))[:size] + data[place:]


_DAMAGES: Final[tuple[Callable[[bytes, list[bytes], Random], bytes], ...]] = (
    *(_flip, _replace, _number) * 3,
    _cut_off,
    *(_leave_out, _double, _splice) * 2,
    _noise,
    _lengthen,
)
