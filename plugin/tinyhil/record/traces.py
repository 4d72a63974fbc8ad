"""Traces of a power monitor in a run's raw folder: samples go to disk as they come.

A trace is two NumPy arrays: ``<name>.npy``, the power of each sample period in watts (float32; NaN
where a sample was lost), and ``<name>.edges.npy``, the places of the edges of the device's pin: the
number of the sample in whose period it fell (int64). Until a trace is closed its arrays have the
length 0, so that what a killed process leaves behind is never taken for a whole one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tinyhil.ground.errors import ConfigError
from tinyhil.ground.files import writing_to

Power = NDArray[np.float32]
Edges = NDArray[np.int64]

_SAMPLES: np.dtype[Any] = np.dtype("<f4")
_EDGES: np.dtype[Any] = np.dtype("<i8")
_HEADER_BYTES = 128
"""Of version 1.0 of NumPy's format; fixed, so that the length can be put in at the end."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
"""Nothing outside of the folder."""
_MAGIC = b"\x93NUMPY\x01\x00"
_BLOCK = 1 << 20
"""Samples that are looked at together: what memory a sum over a long trace takes."""


@dataclass(frozen=True)
class Trace:
    """A whole trace; `power_w` may be a file that is mapped into memory."""

    power_w: Power
    """``(samples,)``, each the mean of its period; NaN where one was lost."""
    edges: Edges
    """``(edges,)``, places in `power_w`: the pin fell within the period of that sample."""
    rate_hz: float

    @property
    def seconds(self) -> float:
        """By the monitor's clock."""
        return len(self.power_w) / self.rate_hz


class TraceWriter:
    """Writes a trace; a context manager that completes it, unless an error leaves the block.

    Args:
        folder: the raw folder of a run.
        name: of the trace.

    Raises:
        WriteError: it can't be written; of every method.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.samples = 0
        """So far, with the lost ones."""
        self._paths = folder / f"{name}.npy", folder / f"{name}.edges.npy"
        self.edges = 0
        """So far."""
        with writing_to(folder):
            self._files = tuple(path.open("wb", buffering=0) for path in self._paths)
        try:
            for file, kind in zip(self._files, (_SAMPLES, _EDGES), strict=True):
                self._write(file, _header(kind, 0))
        except BaseException:
            self._close()
            raise

    def add(self, power_w: Power, edges: Iterable[int] = ()) -> None:
        """Append samples, and the edges among them by their places in this piece."""
        places = np.asarray([self.samples + place for place in edges], _EDGES)
        self._write(self._files[0], np.ascontiguousarray(power_w, _SAMPLES).tobytes())
        if len(places):
            self._write(self._files[1], places.tobytes())
        self.samples += len(power_w)
        self.edges += len(places)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._close()

    def _finish(self) -> None:
        for file, dtype, length in zip(
            self._files, (_SAMPLES, _EDGES), (self.samples, self.edges), strict=True
        ):
            with writing_to(Path(file.name)):
                file.seek(0)
                file.write(_header(dtype, length))
                os.fsync(file.fileno())

    def _write(self, file: Any, data: bytes) -> None:
        with writing_to(Path(file.name)):
            if file.write(data) != len(data):
                raise OSError(28, "the disk is full")

    def _close(self) -> None:
        for file in self._files:
            file.close()


def read_trace(folder: Path, name: str, rate_hz: float) -> Trace:
    """A trace of a run's raw folder, which may come from anywhere; the samples stay on disk.

    Args:
        folder: the raw folder.
        name: of the trace.
        rate_hz: samples a second.

    Raises:
        ConfigError: it is missing, not whole, or something else.
    """
    if not _NAME.fullmatch(name):
        raise _wrong(folder, "its rows name a trace that no run has")
    power = _read(folder / f"{name}.npy", _SAMPLES)
    edges = np.array(_read(folder / f"{name}.edges.npy", _EDGES))
    if len(edges) and not (
        edges[0] >= 0 and edges[-1] <= len(power) and np.all(np.diff(edges) >= 0)
    ):
        raise _wrong(
            folder / f"{name}.edges.npy", "holds places that are not in the trace, or not in order"
        )
    if not 1.0 <= rate_hz <= 1e8:
        raise _wrong(folder / f"{name}.npy", f"is said to have {rate_hz:g} samples a second")
    return Trace(power, edges, rate_hz)


def _read(path: Path, dtype: np.dtype[Any]) -> NDArray[Any]:
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER_BYTES)
            size = os.fstat(file.fileno()).st_size - _HEADER_BYTES
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}") from error
    length = size // dtype.itemsize
    if size % dtype.itemsize or head != _header(dtype, length):
        raise _wrong(path, "is not a trace, or was not finished")
    if not length:
        return np.empty(0, dtype)
    return np.memmap(path, dtype, "r", _HEADER_BYTES, (length,))


def _header(dtype: np.dtype[Any], length: int) -> bytes:
    text = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': ({length},), }}"
    room = _HEADER_BYTES - len(_MAGIC) - 2
    body = text.encode("ascii").ljust(room - 1) + b"\n"
    return _MAGIC + room.to_bytes(2, "little") + body


def blocks_of(power_w: Power, width: int = 1) -> Iterable[NDArray[np.float64]]:
    """The samples in double precision, some at a time, so that a long trace takes no memory; all
    but the last block have a multiple of `width` of them."""
    step = max(width, _BLOCK // width * width)
    for start in range(0, len(power_w), step):
        yield np.asarray(power_w[start : start + step], np.float64)


def _wrong(path: Path, what: str) -> ConfigError:
    return ConfigError(
        f"{path}: {what}",
        hint="the trace was altered, or the run was killed while it was written; measure again",
    )
