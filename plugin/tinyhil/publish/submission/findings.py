"""What a check says: figures next to what they were recomputed to, and findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

Level = Literal["wrong", "unchecked", "owed", "note"]
"""`wrong` contradicts the raw logs, breaks a rule, or is dropped by the official checker;
`unchecked` can't be decided from what is there; `owed` is what a submission must hold beside
figures and does not hold yet; `note` is what a reader must know."""

LEVELS: tuple[Level, ...] = ("wrong", "unchecked", "owed", "note")
"""The heaviest first: that is the order in which they are shown."""

State = Literal["equal", "differs", "not checkable"]

STATES: tuple[State, ...] = ("differs", "not checkable", "equal")
"""The order in which they are shown."""


@dataclass(frozen=True)
class Finding:
    """One thing to say about a file."""

    level: Level
    file: PurePosixPath
    text: str
    line: int | None = None
    rule: str = ""
    """What it is held against, where that is a rule."""
    cause: str = ""
    """What it most likely comes from."""

    @property
    def said(self) -> str:
        """In one sentence."""
        rule = f": {self.rule}" if self.rule else ""
        return f"{self.text}{rule}" + (f"; likely cause: {self.cause}" if self.cause else "")


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
    """With more digits; a dash where there is none."""
    state: State
    source: str
    """What it was recomputed from, and how; or why it can't be."""

    def __post_init__(self) -> None:
        if self.state == "not checkable" and not self.source.strip():
            raise ValueError(f"{self.name} is not checkable, and no reason is given")


@dataclass(frozen=True)
class Report:
    """All that a check found, the heaviest first; what weighs the same, in the tree's order."""

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
        """What could not be checked, what is owed, and notes."""
        unchecked = sum(figure.state == "not checkable" for figure in self.figures)
        return unchecked + len(self.findings) - len(self.of("wrong"))


def report_of(said: Iterable[Figure | Finding]) -> Report:
    """Sort what was said into a report; the same thing is said once."""
    each = tuple(dict.fromkeys(said))
    figures = [item for item in each if isinstance(item, Figure)]
    findings = [item for item in each if isinstance(item, Finding)]
    return Report(
        tuple(sorted(figures, key=lambda figure: STATES.index(figure.state))),
        tuple(sorted(findings, key=lambda finding: LEVELS.index(finding.level))),
    )


def together(problems: Sequence[str], limit: int = 3) -> str:
    """Problems of one kind as one text: the first few, and how many more there are."""
    more = len(problems) - limit
    return "; ".join(problems[:limit]) + (f"; and {more} more like these" if more > 0 else "")
