"""Recordings of EEMBC's runner, the form in which the field hands in what a power monitor saw.

``…-energy.bin``: byte 0xF1, the rate in Hz, then the energy of each sample in microjoules, all
float32 little-endian. ``…-timestamps.json``: seconds since its start, each one of an edge.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinyhil.ground.tree import Unreadable

MAX_HZ = 1e8
"""The form has no limit but that of a float32; no power monitor is as fast as this."""
MAX_STAMPS = 10_000

_MARK = 0xF1
_HEADER = struct.Struct("<Bf")
_ENERGY = np.dtype("<f4")


def write_energies(rate_hz: float, energies_uj: NDArray[np.float64]) -> bytes:
    """The bytes of a recording."""
    return _HEADER.pack(_MARK, rate_hz) + energies_uj.astype(_ENERGY).tobytes()


def read_energies(recording: bytes) -> tuple[float, NDArray[np.float32]]:
    """Rate of a recording in Hz, and the energy of each sample in microjoules.

    Raises:
        Unreadable: it has another form.
    """
    if len(recording) < _HEADER.size or (len(recording) - _HEADER.size) % _ENERGY.itemsize:
        raise Unreadable("is not a recording of EEMBC's runner: its length is odd")
    mark, rate_hz = _HEADER.unpack_from(recording)
    if mark != _MARK or not 1.0 <= rate_hz <= MAX_HZ:
        raise Unreadable("is not a recording of EEMBC's runner: it starts differently")
    energies_uj = np.frombuffer(recording, _ENERGY, offset=_HEADER.size)
    if not np.all(np.isfinite(energies_uj)):
        raise Unreadable("holds samples that are not numbers")
    return rate_hz, energies_uj


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
