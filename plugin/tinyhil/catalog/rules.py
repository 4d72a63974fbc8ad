"""The benchmark's rules of measuring, those of a quick look, and the gate's of comparing."""

from __future__ import annotations

from dataclasses import dataclass

PERFORMANCE_INPUTS = 5
"""Different inputs of a performance measurement, as the official rules have it."""


@dataclass(frozen=True)
class Rules:
    """How long a performance measurement must be."""

    queries: int = 1024
    """Of single stream, at least; MLPerf's rule."""
    single_stream_s: float = 60.0
    window_inferences: int = 10
    """Of each throughput window, at least."""
    window_s: float = 10.0
    warm_up: int = 10


QUICK = Rules(queries=40, single_stream_s=0.0, window_inferences=2, window_s=0.0, warm_up=1)
"""For a quick look, never for a verdict."""

CONFIDENCE = 0.99
"""Of all comparisons of the gate on silicon together: at most one run in a hundred has a false
alarm."""
