"""Which inputs stand in a data set, and where."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from tinyhil.catalog.task import Task


class Known:
    """Finds an input among the samples of a data set, by its SHA-256.

    Args:
        task: says which windows of a sample are inputs.
        samples: the bytes of each.
    """

    def __init__(self, task: Task, samples: Iterable[bytes]) -> None:
        self._places: dict[bytes, tuple[str, int, int]] = {}
        for data in samples:
            name = hashlib.sha256(data).hexdigest()
            size = task.input.window_bytes or len(data)
            stride = task.input.stride_bytes or size
            for start in range(0, len(data) - size + 1, stride):
                digest = hashlib.sha256(data[start : start + size]).digest()
                self._places.setdefault(digest, (name, len(data), start))

    def place(self, digest: bytes) -> tuple[str, int, int] | None:
        """SHA-256 and length of the sample that holds an input, and where it begins there."""
        return self._places.get(digest)
