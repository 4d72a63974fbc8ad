"""What a device answers when it is asked to infer."""

from __future__ import annotations

from dataclasses import dataclass

ATTEMPTS = 4
"""How often the same thing is asked before a fault of the wire counts as permanent."""


@dataclass(frozen=True)
class Inference:
    """One or more inferences of one input: times of the device's own clock, and its scores."""

    count: int
    start_us: int
    end_us: int
    scores: tuple[float, ...]
    """As the device reports them, in thousandths."""
    laps: tuple[int, ...] = ()
    """Ticks of each inference, where asked for and reported."""
    output: bytes = b""
    """The model's raw output, where asked for and reported."""
