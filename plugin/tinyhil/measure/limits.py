"""The limits that a task's figures on a board are judged by."""

from __future__ import annotations

from collections.abc import Mapping

from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Limit, Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import Task
from tinyhil.measure import audit


def limits_of(board: Board, task: Task) -> Mapping[Metric, Limit]:
    """Of audits, of the task and of the board, by metric."""
    return {**audit_limits(), **task.targets, **board.limits.get(task.name, {})}


def audit_limits() -> dict[Metric, Limit]:
    """Of audits, which are the same for all."""
    return {MeasureName.of_audit(name).metrics[0]: one.limit for name, one in audit.AUDITS.items()}
