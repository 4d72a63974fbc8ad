"""How long the pieces of uploads take, by the host's clock; by text alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tinyhil.record.rows import Row

_KEPT_PIECES = 64
"""Of an upload."""


class Uploads:
    """How long the pieces of uploads take, by the host's clock; by text alone."""

    def __init__(self) -> None:
        self._pieces: list[float] = []
        self._open: list[float] = []
        self._middle: list[float] = []
        self._last: list[float] = []

    def heard(self, command: str, seconds: float) -> None:
        """A command was answered, see `Session.heard`."""
        name, _, rest = command.partition(" ")
        if name == "db" and not rest.startswith(("load", "print")):
            self._open.append(seconds)
            return
        if len(self._open) > 1:
            *middle, last = self._open
            self._middle += middle[-_KEPT_PIECES:]
            self._last.append(last)
        self._open = []

    def rows(self) -> Iterable[Row]:
        """One row, or none where nothing was sent by text."""
        self.heard("", 0.0)
        if self._last:
            yield {
                "role": "uploads",
                "uploads": len(self._last),
                "piece_s": _spread(self._middle),
                "last_s": _spread(self._last),
            }


def _spread(times: Sequence[float]) -> list[float]:
    """The least of some times, their median and their 90th percentile."""
    return [round(float(np.quantile(times, share)), 6) for share in (0.0, 0.5, 0.9)]
