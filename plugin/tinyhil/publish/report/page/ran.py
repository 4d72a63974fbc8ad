"""Tests that have ended, as the report takes them. Needs nothing: it is kept while tests run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Place = tuple[str, str]
"""A station and a task, by name."""

State = Literal["pass", "fail", "error", "not judged", "skipped"]


@dataclass(frozen=True)
class Ran:
    """A test that has ended."""

    title: str
    place: Place | None
    state: State
    seconds: float
    text: str
    """Why it failed or was skipped, or what it was run again for; empty for others."""
    told: bool = False
    """Whether a verdict, a comparison or the record's error says the same."""
    attempts: int = 1
    """How often it was run until it ended so."""
    recovered: bool = False
    """Whether its board had to be brought back for it."""
    name: str = ""
    """As pytest calls it, where it is the user's own and its title does not say it."""
