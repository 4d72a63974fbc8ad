"""The tasks that a submission may hold: the four of the suites, and those of later rounds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from tinyhil.catalog.task import Task, load_tasks
from tinyhil.ground.paths import LATER

STREAMING = "sww01"
LARGE, PLAIN = "ic02", "ic01"
"""Image classification: the large one is submitted beside the plain one only."""


@cache
def benchmark_tasks() -> Mapping[str, Task]:
    """All by name, in the order of the field's tables."""
    known = load_tasks() | load_tasks(LATER)
    order = ("kws01", "vww01", PLAIN, LARGE, "ad01", STREAMING)
    return {name: known[name] for name in (*order, *(known.keys() - set(order)))}
