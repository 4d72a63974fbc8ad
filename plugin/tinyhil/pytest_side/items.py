"""What the parts of the plugin know of each other: names of fixtures, and where the plan is kept.

Imported by every pytest run, also by those that test no board: nothing heavy is imported here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tinyhil.pytest_side.plan import Plan

BOARD, TASK = "hil_board", "hil_task"
"""Names of the fixtures that a test is parametrized with."""

plan_key: pytest.StashKey[Plan] = pytest.StashKey()
"""Where a run's plan is, once its options have been checked."""


ON_DEMAND = ("audit", "energy")
"""Markers of tests that run only where ``-m`` asks for them."""


def asks_for(config: pytest.Config, marker: str) -> bool:
    """Whether ``-m`` names a marker, and not to leave it out."""
    return re.search(rf"(?<!not )\b{marker}\b", config.option.markexpr) is not None


def station_of(item: pytest.Item) -> str | None:
    """Name of the station that a test is for, if it is for one."""
    spec = getattr(item, "callspec", None)
    return spec.params.get(BOARD) if spec else None


def place_of(item: pytest.Item) -> tuple[str, str | None] | None:
    """Names of the station and of the task that a test is for, if it is for a station."""
    station = station_of(item)
    return (station, item.callspec.params.get(TASK)) if station else None  # type: ignore[attr-defined]
