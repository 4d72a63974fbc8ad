"""What a device answers when it is asked to infer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

ATTEMPTS = 4
"""How often the same thing is asked before a fault of the wire counts as permanent."""


class Wrapped(NamedTuple):
    """That a clock began anew between two stamps, see `wraps`."""

    times: int
    period_us: int
    error_us: int
    """By how much the period may be off."""


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
    told_s: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """By text, on the host's clock: when it was asked, and when the line of each stamp had come."""
    wrapped: Wrapped | None = None
    """`end_us` goes on across that."""

    @property
    def stamps(self) -> dict[str, Any]:
        """The time stamps, for a row."""
        wrapped = {"wrapped": list(self.wrapped)} if self.wrapped else {}
        return {"start_us": self.start_us, "end_us": self.end_us, **wrapped}
