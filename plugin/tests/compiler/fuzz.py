"""Damages models at random: the compiler must compile each of them or refuse it with `ModelError`.

As a program: ``python -m compiler.fuzz MODEL COUNT [SEED]`` in ``plugin/tests``; ``operators``
instead of a model is one of each operator, of which there are `COUNT` damaged ones each.
"""

from __future__ import annotations

import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.ground.errors import ModelError
from tinyhil.image.compiler import compile_model

from .operators import ALL, draw_one

_EXTREMES: Final = (0, 1, 2**7, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1)
_MAX_SOURCE_BYTES: Final = 200 << 20


def fuzz(content: bytes, folder: Path, count: int, seed: int) -> int:
    """Compile `count` damaged versions of the model `content`; returns how many were refused.

    Anything but a `ModelError` goes through to the caller; the model that caused it is then
    ``model.tflite`` in `folder`.
    """
    random = np.random.default_rng(seed)
    file = folder / "model.tflite"
    return sum(_refused(file, _mutant(content, random)) for _ in range(count))


def fuzz_operators(folder: Path, count: int, seed: int) -> tuple[int, int]:
    """Compile `count` damaged models of each operator and type; returns how many, and refused."""
    refused = 0
    for name in ALL:
        content = draw_one(name, np.random.default_rng(zlib.crc32(name.encode()) + seed)).build()
        refused += fuzz(content, folder, count, seed)
    return count * len(ALL), refused


def _refused(file: Path, content: bytes) -> bool:
    file.write_bytes(content)
    try:
        model = compile_model(file)
    except ModelError:
        return True
    assert model.operators
    assert model.arena_bytes > 0
    assert sum(map(len, model.sources.values())) < _MAX_SOURCE_BYTES
    return False


def _mutant(content: bytes, random: np.random.Generator) -> bytes:
    data = np.frombuffer(content, np.uint8).copy()
    for _ in range(random.integers(1, 4)):
        damage = _DAMAGES[random.integers(len(_DAMAGES))]
        data = damage(data, random)
    return data.tobytes()


Bytes = NDArray[np.uint8]


def _flip_bit(data: Bytes, random: np.random.Generator) -> Bytes:
    data[random.integers(data.size)] ^= 1 << random.integers(8)
    return data


def _replace_byte(data: Bytes, random: np.random.Generator) -> Bytes:
    data[random.integers(data.size)] = random.integers(256)
    return data


def _replace_word(data: Bytes, random: np.random.Generator) -> Bytes:
    """An offset, a length or a size, most likely."""
    place = 4 * random.integers(data.size // 4)
    word = np.array([_EXTREMES[random.integers(len(_EXTREMES))]], "<u4").view(np.uint8)
    data[place : place + 4] = word[: data.size - place]
    return data


def _copy_word(data: Bytes, random: np.random.Generator) -> Bytes:
    source, target = 4 * random.integers(data.size // 4, size=2)
    data[target : target + 4] = data[source : source + 4]
    return data


def _cut_off(data: Bytes, random: np.random.Generator) -> Bytes:
    return data[: random.integers(4, data.size)] if data.size > 8 else data


_DAMAGES: Final[tuple[Callable[[Bytes, np.random.Generator], Bytes], ...]] = (
    *(_flip_bit, _replace_byte, _replace_word, _copy_word) * 4,
    _cut_off,  # less often, as little of the model is then looked at
)


def main() -> None:
    """Fuzz with a model file, or with all operators."""
    path, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if sys.argv[3:] else 0
    with tempfile.TemporaryDirectory() as folder:
        if path == "operators":
            count, refused = fuzz_operators(Path(folder), count, seed)
        else:
            refused = fuzz(Path(path).read_bytes(), Path(folder), count, seed)
    sys.stdout.write(f"{count} damaged models: {refused} refused, {count - refused} compiled\n")


if __name__ == "__main__":
    main()
