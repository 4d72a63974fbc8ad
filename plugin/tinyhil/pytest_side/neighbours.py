"""Tests on boards beside the plugins that people have: the order of tests, and their time limits.

Registered where boards are tested.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import pytest

from tinyhil.pytest_side.items import place_of


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """Undo what costs a board: to be flashed again and again, or to be cut off in a measure.

    Runs last of all: pytest-randomly, ``--failed-first`` and the like have chosen their order.
    """
    yield
    items[:] = grouped(items)
    if config.pluginmanager.hasplugin("timeout"):
        # A measure lasts as long as its rules say, and each of its steps has a deadline. A limit
        # that the user has given to the test itself stays.
        for item in items:
            if place_of(item) and item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(0))


def grouped(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The tests of a station next to each other, and among them those of a task, both in the order
    of their first tests; a test that needs no board keeps its place."""
    measuring = [(number, place) for number, item in enumerate(items) if (place := place_of(item))]
    first: dict[object, int] = {}
    for number, (station, task) in measuring:
        first.setdefault(station, number)
        first.setdefault((station, task), number)
    moved = sorted(measuring, key=lambda one: (first[one[1][0]], first[one[1]]))
    made = list(items)
    for (number, _), (origin, _) in zip(measuring, moved, strict=True):
        made[number] = items[origin]
    return made
