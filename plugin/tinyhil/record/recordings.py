"""Recordings of EEMBC's runner, the form in which the field hands in what a power monitor saw.

``…-energy.bin``: byte 0xF1, the rate in Hz, then the energy of each sample in microjoules, all
float32 little-endian. ``…-timestamps.json``: seconds since its start, each one of an edge.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tinyhil.ground.tree import Unreadable

MAX_HZ = 1e8
"""The form has no limit but that of a float32; no power monitor is as fast as this."""
MAX_STAMPS = 10_000

_MARK = 0xF1
_HEADER = struct.Struct("<Bf")
_ENERGY = np.dtype("<f4")
_PIECE_BYTES = 4 << 20
_ODD = "is not a recording of EEMBC's runner: its length is odd"


def write_energies(rate_hz: float, energies_uj: Iterable[NDArray[np.float64]]) -> Iterator[bytes]:
    """The bytes of a recording, piece by piece."""
    yield _HEADER.pack(_MARK, rate_hz)
    for piece in energies_uj:
        yield piece.astype(_ENERGY).tobytes()


def read_energies(file: BinaryIO) -> tuple[float, Iterator[NDArray[np.float32]]]:
    """Rate of a recording in Hz, and the energy of each sample in microjoules, piece by piece.

    Raises:
        Unreadable: it has another form; while the pieces are taken, too.
    """
    head = file.read(_HEADER.size)
    if len(head) < _HEADER.size:
        raise Unreadable(_ODD)
    mark, rate_hz = _HEADER.unpack(head)
    if mark != _MARK or not 1.0 <= rate_hz <= MAX_HZ:
        raise Unreadable("is not a recording of EEMBC's runner: it starts differently")
    return rate_hz, _pieces(file)


def _pieces(file: BinaryIO) -> Iterator[NDArray[np.float32]]:
    while data := file.read(_PIECE_BYTES):
        if len(data) % _ENERGY.itemsize:
            raise Unreadable(_ODD)
        energies_uj = np.frombuffer(data, _ENERGY)
        if not np.all(np.isfinite(energies_uj)):
            raise Unreadable("holds samples that are not numbers")
        yield energies_uj


def read_stamps(stamps: bytes) -> tuple[float, ...]:
    """The time stamps beside a recording, in seconds.

    Raises:
        Unreadable: they have another form.
    """
    try:
        values = json.loads(stamps)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"is not JSON: {str(error)[:200]}") from error
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) > MAX_STAMPS:
        raise Unreadable("is not a list of time stamps")
    if not all(isinstance(value, int | float) and 0 <= value < 1e9 for value in values):
        raise Unreadable("holds time stamps that are not times")
    return tuple(float(value) for value in values)
