"""How often devices were caught, and by what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.table import Table


@dataclass
class Caught:
    """What was objected to in runs of one device."""

    name: str
    what: str
    cheats: bool
    runs: int = 0
    default: int = 0
    """Runs in which a default run objects."""
    audits: int = 0
    """Runs in which an audit does."""
    either: int = 0
    by: dict[str, int] = field(default_factory=dict)
    """What objected, and how often."""
    seen: str = ""
    """An objection."""

    @property
    def right(self) -> bool:
        """Whether it was caught each time, or never if it is honest."""
        return self.either == (self.runs if self.cheats else 0)


def note(one: Caught, default: Sequence[str], audits: Sequence[str]) -> None:
    """Count a run."""
    one.runs += 1
    one.default += bool(default)
    one.audits += bool(audits)
    one.either += bool(default or audits)
    for name in (*default, *audits):
        one.by[name] = one.by.get(name, 0) + 1


def table_of(found: Sequence[Caught]) -> Table:
    """For people."""
    table = Table("device", "default run", "-m audit", "by", "", box=None)
    for one in found:
        by = ", ".join(f"{name} {count}" for name, count in one.by.items())
        share = f"{one.default}/{one.runs}", f"{one.audits}/{one.runs}"
        table.add_row(one.name, *share, by, "right" if one.right else "WRONG")
    return table
