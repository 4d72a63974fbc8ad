"""What a check says: figures next to what they were recomputed to, and findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

Level = Literal["wrong", "unchecked", "note"]
"""`wrong` contradicts the raw logs, breaks a rule, or is dropped by the official checker;
`unchecked` can't be decided from what is there; `note` is what a reader must know."""

State = Literal["equal", "differs", "not checkable"]


@dataclass(frozen=True)
class Finding:
    """One thing to say about a file."""

    level: Level
    file: PurePosixPath
    text: str
    line: int | None = None


@dataclass(frozen=True)
class Figure:
    """One figure of a ``results.txt``, and what the raw answers give."""

    file: PurePosixPath
    """The ``results.txt`` that claims it."""
    line: int | None
    name: str
    """As in ``top-1``, with the unit where there is one."""
    claimed: str
    """As it is written there."""
    recomputed: str
    """With more digits, or why there is none."""
    state: State
    source: str = ""
    """What it was recomputed from, and how."""


@dataclass(frozen=True)
class Report:
    """All that a check found, in the order of the tree."""

    figures: tuple[Figure, ...]
    findings: tuple[Finding, ...]

    def of(self, level: Level) -> tuple[Finding, ...]:
        """The findings of one level."""
        return tuple(finding for finding in self.findings if finding.level == level)

    @property
    def disagreements(self) -> int:
        """Figures that differ, and what is wrong."""
        differing = sum(figure.state == "differs" for figure in self.figures)
        return differing + len(self.of("wrong"))

    @property
    def reservations(self) -> int:
        """What could not be checked, and notes."""
        unchecked = sum(figure.state == "not checkable" for figure in self.figures)
        return unchecked + len(self.of("unchecked")) + len(self.of("note"))


def report_of(said: Iterable[Figure | Finding]) -> Report:
    """Sort what was said into a report; the same thing is said once."""
    each = tuple(dict.fromkeys(said))
    return Report(
        tuple(item for item in each if isinstance(item, Figure)),
        tuple(item for item in each if isinstance(item, Finding)),
    )
