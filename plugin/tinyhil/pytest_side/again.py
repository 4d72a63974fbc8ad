"""A test that is run again after its board has failed, as pytest-rerunfailures does it.

What a test on a board uses lasts for all tests of the board, so that a link that has failed would
be there still. Before the next attempt it is closed, the board is flashed and reset, and a new one
is opened. What was measured is kept, and is not measured again.

Registered where boards are tested.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from tinyhil.ground.errors import TinyhilError

_FIRST = "hil_job"
"""The fixture to begin anew with; those that need it end before it."""

_attempts: pytest.StashKey[int] = pytest.StashKey()
_failed: pytest.StashKey[bool] = pytest.StashKey()
_recovered: pytest.StashKey[tuple[str, ...]] = pytest.StashKey()


def recovered_of(item: pytest.Item) -> tuple[str, ...]:
    """What brought the board back for the figures that a test asked for."""
    return item.stash.get(_recovered, ())


def note_recovered(item: pytest.Item | None, rungs: tuple[str, ...]) -> None:
    """A test's figure was measured only after its board had been brought back, by these."""
    if item and rungs:
        item.stash[_recovered] = tuple(dict.fromkeys((*recovered_of(item), *rungs)))


def attempts_of(item: pytest.Item) -> int:
    """How often a test was begun."""
    return max(1, item.stash.get(_attempts, 1))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Count the attempts, for JUnit's file too, and let go of what has failed."""
    attempt = item.stash.get(_attempts, 0) + 1
    item.stash[_attempts] = attempt
    if attempt > 1:
        others = [one for one in item.user_properties if one[0] != "attempts"]
        item.user_properties[:] = [*others, ("attempts", str(attempt))]
    if item.stash.get(_failed, False):
        item.stash[_failed] = False
        known: Any = item  # pytest has no public way to end a fixture early.
        for definition in known._fixtureinfo.name2fixturedefs.get(_FIRST, ()):
            definition.finish(known._request)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note that it was the board that failed, and not a figure."""
    if call.excinfo and isinstance(call.excinfo.value, TinyhilError):
        item.stash[_failed] = True
    return (yield)
