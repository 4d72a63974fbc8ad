"""One test of a task, and its claims next to recomputed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tinyhil.catalog.task import Task
from tinyhil.ground.tree import Tree
from tinyhil.publish.submission.findings import Figure, State
from tinyhil.publish.submission.layout import TestFolder
from tinyhil.publish.submission.summary import Claim, Name

_TITLES: Mapping[Name, str] = {
    "top1": "top-1, %",
    "auc": "AUC",
    "throughput": "median throughput, inf/s",
    "energy": "median energy, µJ/inf",
    "latency": "latency of a single query, s",
    "streaming throughput": "estimated throughput, inf/s",
}


@dataclass(frozen=True)
class Held:
    """The folder of one test of a task, compared with its raw answers."""

    tree: Tree
    test: TestFolder
    name: str
    """``accuracy``, ``performance`` or ``energy``."""
    task: Task
    division: str
    data: Path | None
    """The user's folder with ``datasets/``, or None."""

    @property
    def results(self) -> PurePosixPath:
        """The file with the claims."""
        return self.test.results


def compared(held: Held, claim: Claim, value: float, source: str) -> Figure:
    """A claim next to its recomputed value."""
    state: State = "equal" if claim.agrees_with(value) else "differs"
    return _figure(held, claim, like(claim, value), state, source)


def not_checkable(held: Held, claim: Claim, why: str) -> Figure:
    """A claim that nothing can be put next to, with the reason."""
    return _figure(held, claim, "-", "not checkable", why)


def like(claim: Claim, value: float) -> str:
    """A recomputed value with two digits more than the claim has."""
    return f"{value:.{min(claim.decimals, 12) + 2}f}"


def _figure(held: Held, claim: Claim, value: str, state: State, source: str) -> Figure:
    title = _TITLES.get(claim.name, claim.name)
    return Figure(held.results, claim.line, title, claim.text, value, state, source)
