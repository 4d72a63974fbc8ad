"""Boards reset, reflashed, swapped or claimed in the middle of a run: a share of `make faults`."""

from __future__ import annotations

from typing import get_args

import pytest

from tinyhil.benchmarks.intrusions import EVENTS, Event, emulated, replayed

Clean = dict[replayed.Protocol, tuple[list[object], int, int]]


@pytest.fixture(scope="module")
def clean() -> Clean:
    """What a run gives that nobody disturbs."""
    protocols: tuple[replayed.Protocol, ...] = get_args(replayed.Protocol)
    return {protocol: replayed.clean(protocol) for protocol in protocols}


@pytest.mark.parametrize("protocol", get_args(replayed.Protocol))
@pytest.mark.parametrize("event", EVENTS)
def test_no_figure_of_another_device_is_kept(
    protocol: replayed.Protocol, event: Event, clean: Clean
) -> None:
    outcome = replayed.attempt(protocol, event, 1, clean[protocol])
    assert outcome.happened
    assert outcome.verdict == ("equal" if event == "reset" else "named"), outcome.text
    assert outcome.restarts == (event == "reset")


def test_a_measurement_ends_when_its_board_is_reflashed_under_it() -> None:
    way: emulated.Way = "frames, rtt"
    images = emulated.images(way)
    clean = emulated.clean(way, images)
    outcome = emulated.attempt(way, images, "other build", 1, clean)
    assert (outcome.happened, outcome.verdict) == (True, "named"), outcome.text
