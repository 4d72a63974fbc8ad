"""Boards reset, reflashed, swapped or claimed in the middle of a run: a share of `make faults`."""

from __future__ import annotations

from typing import get_args

import pytest

from tinyhil.benchmarks.intrusions import EVENTS, Event, IntrudedLink, emulated, replayed
from tinyhil.device.links.serial import SerialLink
from tinyhil.ground.deadline import Deadline

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
    # A busy machine asks for the device's time more often in one run than in another, so that the
    # moment may lie behind the end.
    outcomes = (replayed.attempt(protocol, event, seed, clean[protocol]) for seed in range(1, 9))
    outcome = next(outcome for outcome in outcomes if outcome.happened)
    assert outcome.verdict == ("equal" if event == "reset" else "named"), outcome.text
    assert outcome.restarts == (event == "reset")


def test_what_comes_after_the_last_question_is_no_intrusion() -> None:
    """Nothing that is kept depends on it."""

    def link(due: int) -> IntrudedLink:
        made = IntrudedLink(SerialLink("loop://", 115200), lambda _: None)
        made.due = due
        for question in (b"1 of the first", b"2 of the first"), (b"1 of the second",):
            with made.figure():
                for each in question:
                    made.write(each, Deadline.after(1))
            made.write(b"who", Deadline.after(1))
            made.write(b"are you?", Deadline.after(1))
        return made

    assert link(1).happened
    assert link(29).happened, "it came before the second figure"
    assert link(50).happened
    assert not link(55).happened
    assert not link(1000).happened


@pytest.mark.long
def test_a_measurement_ends_when_its_board_is_reflashed_under_it() -> None:
    way: emulated.Way = "frames, rtt"
    images = emulated.images(way)
    clean = emulated.clean(way, images)
    outcome = emulated.attempt(way, images, "other build", 1, clean)
    assert (outcome.happened, outcome.verdict) == (True, "named"), outcome.text
