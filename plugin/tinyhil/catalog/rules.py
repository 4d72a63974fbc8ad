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


@dataclass(frozen=True, order=True)
class Round:
    """A round of submissions, as ``v1.3``."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


NEWEST = Round(1, 4)
"""The last one whose rules are known here."""


@dataclass(frozen=True)
class Runner:
    """A host program whose sessions a submission may hold."""

    rule: str
    first: Round
    last: Round | None
    """None where it is permitted today."""
    files: tuple[str, ...]
    """That the official checker wants in the folder of each test."""
    never: tuple[str, ...] = ()
    """Tasks that it does not know."""


RUNNERS = {
    "EEMBC": Runner(
        "EEMBC's runner is permitted up to v1.3, for kws, vww, ic and ad",
        Round(0, 5),
        Round(1, 3),
        ("log.txt", "results.txt", "script.async"),
        ("sww01", "ic02"),
    ),
    "MLCommons": Runner(
        "MLCommons' runner is permitted since v1.3, and alone since v1.4",
        Round(1, 3),
        None,
        ("log.txt", "results.txt", "results.json"),
    ),
}
"""Source: the rules of MLPerf Tiny, section "Benchmark Runner", and its submission checker."""


@dataclass(frozen=True)
class StreamingRules:
    """How the streaming wake word is judged."""

    false_positives: int = 8
    """At most; detections within `debounce_s` of another one count once."""
    false_negatives: int = 8
    """At most."""
    late_s: float = 1.0
    """How long after the end of the word a detection still counts."""
    debounce_s: float = 1.0


STREAMING = StreamingRules()
"""Source: the rules of MLPerf Tiny, and the README of its runner."""
