"""Words and bounds that those who keep proofs share with those who judge them."""

from __future__ import annotations

from collections.abc import Sequence

TOLERANCE, SAME = 0.05, 5e-4
"""Of a score: between engines that round otherwise, and of one that rounds as we do."""

CANARY = "canary"
"""How the roles of changed inputs begin."""


def distance(scores: Sequence[float], expected: Sequence[float]) -> float:
    """How far an answer is from the expected one; of scores above 1, as a share."""
    if len(scores) != len(expected):
        return float("inf")
    return max(abs(a - b) / max(1.0, abs(b)) for a, b in zip(scores, expected, strict=True))
