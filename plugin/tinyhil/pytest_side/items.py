"""What a test item says of itself: the station and the task that it is parametrized with."""

from __future__ import annotations

import pytest

BOARD, TASK = "hil_board", "hil_task"
"""Names of the fixtures that a test is parametrized with."""


def station_of(item: pytest.Item) -> str | None:
    """Name of the station that a test is for, if it is for one."""
    spec = getattr(item, "callspec", None)
    return spec.params.get(BOARD) if spec else None
