"""What an audit hands back: figures, and objections that a person can act on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Objection:
    """Something that no honest device does."""

    seen: str
    """What was seen, with its figures."""
    allowed: str
    """What would have passed, and why the limit is there."""
    hint: str
    """The next step for the person who reads it."""

    def __str__(self) -> str:
        return f"{self.seen}\n    allowed: {self.allowed}\n    next step: {self.hint}"


@dataclass(frozen=True)
class Report:
    """How one audit ended."""

    answers: int
    """How many of the device's answers it was judged from."""
    figures: Mapping[str, Any]
    """By name, with the unit in it; JSON values."""
    objections: tuple[Objection, ...]
    left_out: tuple[str, ...] = ()
    """What could not be judged here, and why."""

    def as_json(self) -> dict[str, Any]:
        """For the record."""
        return {
            **self.figures,
            "objections": [asdict(objection) for objection in self.objections],
            "left_out": list(self.left_out),
        }

    def __str__(self) -> str:
        lines = [f"- {objection}" for objection in self.objections]
        lines = lines or [f"no objection to {self.answers} answers"]
        return "\n".join([*lines, *(f"- not judged: {what}" for what in self.left_out)])
