"""How a firmware writes what the protocol leaves open, or what it writes in spite of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True)
class Manner:
    """One way of writing; the defaults are those of the public reference firmware."""

    name: str = "as the reference firmware"
    end: str = "\r\n"
    """Behind each line."""
    start: str = ""
    """Before each line, on the same one; ``{clock}`` is a time in seconds."""
    echo: str = ""
    """What comes back of a command, ``{}`` is the command."""
    behind: str = ""
    """Blanks at the end of each line."""
    score: str = "{:.3f}"
    """Format of a score."""
    scale: float = 1.0
    """What a score of 1 is."""
    comma: str = ","
    """Between two scores."""
    tail: str = ""
    """Behind the last score."""
    said: Mapping[str, str] = field(default_factory=dict)
    """Lines of its own, by the begin of the line that they come before; ``{count}`` is how many
    commands came so far, ``{word}`` a word that changes with the input."""
    stuck: Mapping[str, str] = field(default_factory=dict)
    """Text before a line, on the same one, by the begin of that line; ``{dots}`` are some dots."""
    added: Mapping[str, str] = field(default_factory=dict)
    """Text behind a line, on the same one, by the begin of that line; as in `said`."""
    left_out: str = ""
    """Begin of a line that it does not print."""
    seldom: str = ""
    """A line of its own before each fiftieth line."""
    warms_up_aloud: bool = True
    """Whether it says when it warms up."""
    scores_of_many: str = "m-results-[{}]"
    """The last line behind many inferences; empty: there is none."""
    repeats_scores: bool = True
    """Whether it knows the command ``results``."""
    row: str = "{:02x}"
    """A byte of the buffer, when it is printed."""
    row_bytes: int = 8
    blank_after_rows: bool = False
    """Whether an empty line follows rows that do not fill the last one."""
    unknown: str = "e-[Unknown command: {}]"
    """Its answer to a word that it does not know."""
    tick_hz: Fraction = Fraction(10**6)
    """Rate of the counter that its time stamps are made from."""
    wraps_us: int = 0
    """Where its time stamps start again at 0; 0: nowhere."""
    overwrites_input: bool = False
    """Whether an inference leaves something else in the input buffer."""

    def stamp_us(self, clock_us: int) -> int:
        """A time stamp: whole ticks, cut off to whole microseconds."""
        wrapped_us = clock_us % self.wraps_us if self.wraps_us else clock_us
        return math.floor(math.floor(wrapped_us * self.tick_hz / 10**6) * 10**6 / self.tick_hz)

    def scores(self, scores: Sequence[float]) -> str:
        """A line's worth of scores."""
        texts = (self.score.format(score * self.scale) for score in scores)
        return self.comma.join(texts) + self.tail

    def read(self, scores: Sequence[float]) -> tuple[float, ...]:
        """What a host must read of scores that were written so."""
        return tuple(float(self.score.format(score * self.scale)) for score in scores)


OFFICIAL = Manner()
