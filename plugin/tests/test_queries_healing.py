"""What queries by frames to a replayed device do about a wire that loses and a device that fails.

Either every answer is right, in order and there once, or an error says what happened.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tinyhil.deadline import Deadline
from tinyhil.emulator.native import NativeDevice, NativeFacts
from tinyhil.errors import LinkError, LinkTimeoutError
from tinyhil.faults import Injector, parse_spec
from tinyhil.links import Link
from tinyhil.queries.framed import FramedQueries

from .replayed import INFER_US, KWS01, PROGRAMS, all_right, asking, opened, started, windows
from .watched_link import Unit, WatchedLink, the, the_line

ASKED = windows(KWS01, 80)
FRAMES = 40
"""DATA frames that carry those."""

Lose = Callable[[Unit], bool]


@contextmanager
def losing(
    device: NativeDevice, lose: Lose, *, patience_s: float = 1.0, first_s: float = 5.0
) -> Iterator[FramedQueries]:
    def through(link: Link) -> Link:
        return WatchedLink(link, lose)

    with asking(device, through, patience_s=patience_s, first_s=first_s) as queries:
        yield queries


def when(chosen: Lose, do: Callable[[], None]) -> Lose:
    """Does something as a unit passes, which is not lost."""

    def pass_on(unit: Unit) -> bool:
        if chosen(unit):
            do()
        return False

    return pass_on


LOSSES: dict[str, Lose] = {
    "the first frame": the("DATA", 0),
    "a frame": the("DATA", 17),
    "the last frame": the("DATA", FRAMES - 1),
    "a gap's answer": lambda unit: the("DATA", 5)(unit) or the("STATUS", 1, 2)(unit),
    "the first answer": the("RESULT", 0),
    "an answer": the("RESULT", 44),
    "the last answer": the("RESULT", 79),
    "the last answer, again and again": the("RESULT", 79, 80, 81),
    "many acknowledgements": the("STATUS", *range(1, 30)),
    "a PING": lambda unit: the("DATA", FRAMES - 1)(unit) or the("PING", 0)(unit),
    "a PING's answer": lambda unit: the("DATA", FRAMES - 1)(unit) or the("STATUS", 1, 2)(unit),
    "START": the("START", 0),
    "START's answer": the("STATUS", 0),
    "LEAVE": the("LEAVE", 0, 1),
    "the way in": the_line(b"hil frames"),
    "the way in's answer": the_line(b"m-hil-queue"),
    "the way in's m-ready": the_line(b"m-ready", after=b"m-hil-queue"),
}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_what_is_lost_is_asked_for_again(lose: Lose) -> None:
    with started() as device:
        with losing(device, lose) as queries:
            assert all_right(ASKED, queries.each(ASKED))
            queries.load(ASKED[0].data)
            assert queries.infer(2, 0, expected_s=0.1, laps=True).laps == (INFER_US, INFER_US)
        with asking(device) as queries:
            assert all_right(ASKED[:2], queries.each(ASKED[:2])), "it was left in text"


def test_a_timed_answer_that_is_lost_is_measured_again() -> None:
    with started() as device, losing(device, the("RESULT", 0)) as queries:
        queries.load(ASKED[0].data)
        assert queries.infer(3, 0, expected_s=0.1, laps=True).laps == (INFER_US,) * 3
        assert queries.healed["answers get lost"] == 1


@pytest.mark.parametrize("seed", range(5))
def test_a_device_that_resets_now_and_then_is_healed(seed: int) -> None:
    """By a seed: once or twice before, while or after anything is sent or answered."""
    random_ = random.Random(seed)  # noqa: S311 - the same ones each time
    moments = {random_.randrange(20, 260) for _ in range(4)}
    count = 0

    def lose(unit: Unit) -> bool:
        nonlocal count
        del unit
        count += 1
        if count in moments:
            device.reset()
        return False

    with started() as device, losing(device, lose, patience_s=4) as queries:
        assert all_right(ASKED, queries.each(ASKED))
        assert queries.healed["the device starts anew in the middle of a run"]


def test_a_frame_that_is_lost_again_and_again_is_no_silence() -> None:
    """The device answers each question at once, so it is asked again soon."""
    lose = the("DATA", *range(FRAMES - 1, FRAMES + 5))
    with started() as device, losing(device, lose, patience_s=4) as queries:
        assert all_right(ASKED, queries.each(ASKED))
        assert "the device falls silent" not in queries.healed


@pytest.mark.parametrize("kind", ["START", "STATUS", "DATA", "RESULT", "PING"])
def test_a_reset_at_any_frame_is_healed(kind: str) -> None:
    def lose(unit: Unit) -> bool:
        if unit.kind == kind and unit.nth == 0:
            device.reset()
        return the("DATA", FRAMES - 1)(unit)  # So that there is a PING.

    with started() as device, losing(device, lose, patience_s=4) as queries:
        assert all_right(ASKED, queries.each(ASKED))


def test_a_reset_in_a_timed_run_is_seen_at_once() -> None:
    """Not when the run is overdue, which may take minutes: here it would exceed the test's."""
    with (
        started() as device,
        losing(device, when(the("DATA", 0), device.reset), first_s=3600) as queries,
    ):
        queries.load(ASKED[0].data)
        assert queries.infer(1, 0, expected_s=None, laps=True).laps == (INFER_US,)


def test_a_reset_whose_boot_lines_are_lost_is_healed() -> None:
    lines = 0

    def lose(unit: Unit) -> bool:
        nonlocal lines
        if unit.kind == "RESULT" and unit.nth == 30:
            device.reset()
            lines = 4
            return True
        lines -= unit.kind == "text"
        return lines >= 0 and unit.kind == "text"

    with started() as device, losing(device, lose, patience_s=1.0) as queries:
        assert all_right(ASKED, queries.each(ASKED))


def test_a_device_that_resets_again_and_again_is_an_error_that_says_so() -> None:
    with (
        started() as device,
        pytest.raises(LinkError, match=r"the device starts anew .*: 5 times without") as caught,
        losing(device, when(lambda unit: unit.kind == "DATA", device.reset)) as queries,
    ):
        list(queries.each(ASKED))
    assert "power supply" in caught.value.hint


def test_a_wire_that_loses_every_answer_is_an_error_that_says_so() -> None:
    with (
        started() as device,
        losing(device, lambda unit: unit.kind == "RESULT" and unit.nth > 9) as queries,
    ):
        answers = queries.each(ASKED)
        assert all_right(ASKED[:10], (next(answers) for _ in range(10)))
        with pytest.raises(LinkError, match="answers get lost: 5 times without an answer"):
            next(answers)


def test_a_device_that_dies_is_an_error_at_once() -> None:
    """Its deadlines are far away."""
    with (
        started() as device,
        pytest.raises(LinkError, match="is gone"),
        losing(device, when(the("DATA", 2), device.kill), patience_s=3600, first_s=3600) as queries,
    ):
        list(queries.each(ASKED))


def test_a_port_that_goes_away_is_an_error_and_a_new_one_finds_the_device() -> None:
    """The device is in frames: the host had no way to leave."""
    injector = Injector(parse_spec("kinds=disconnect,direction=in,first=4000,every=1,limit=1"))
    with started() as device:
        with (
            pytest.raises(LinkError, match="the port is gone"),
            asking(device, injector.through) as queries,
        ):
            list(queries.each(ASKED))
        with asking(device) as queries:
            assert all_right(ASKED, queries.each(ASKED))


def freeze(device: NativeDevice) -> None:
    os.kill(device._process.pid, signal.SIGSTOP)


def test_a_device_that_falls_silent_is_an_error_that_names_the_silence() -> None:
    with started() as device, losing(device, the("DATA", 1), patience_s=0.5) as queries:
        assert all_right(ASKED[:4], queries.each(ASKED[:4])), "that took long, but tells no pace"
        freeze(device)
        with pytest.raises(LinkTimeoutError, match=r"no acknowledgement in [01]\.\d+ s"):
            list(queries.each(ASKED[:20]))
        device.kill()


def test_a_device_that_falls_silent_while_it_times_is_named_too() -> None:
    with started() as device, losing(device, lambda _: False, patience_s=0.5) as queries:
        freeze(device)
        queries.load(ASKED[0].data)
        with pytest.raises(LinkTimeoutError, match=r"no acknowledgement in 0\.6 s"):
            queries.infer(1, 0, expected_s=0.01, laps=False)
        device.kill()


def test_a_silence_that_ends_is_healed() -> None:
    """All that has queued up meanwhile is answered late, and harms nobody."""
    with started() as device:
        pid = device._process.pid

        def lose(unit: Unit) -> bool:
            if unit.kind == "DATA" and unit.nth == 2:
                os.kill(pid, signal.SIGSTOP)
            if unit.kind == "LEAVE":
                os.kill(pid, signal.SIGCONT)
            return False

        with losing(device, lose, patience_s=1.0) as queries:
            assert all_right(ASKED[:20], queries.each(ASKED[:20]))
            assert queries.healed["the device falls silent"] == 1


def test_a_device_in_the_middle_of_an_old_inference_starts_a_new_session() -> None:
    """The one that asked for it has gone on to something else."""
    facts = NativeFacts(KWS01, infer_us=400_000, paced=False)
    with NativeDevice(facts, PROGRAMS) as device, asking(device, first_s=30) as queries:
        next(iter(queries.each(ASKED[:3])))
        assert all_right(ASKED[6:7], queries.each(ASKED[6:7]))


def test_a_session_finds_a_device_that_was_left_in_frames() -> None:
    with started() as device:
        for _ in range(2):
            with opened(device) as session:
                session.synchronize(Deadline.after(5))
                session.enter_frames("wire", Deadline.after(5))
        with asking(device) as queries:
            assert all_right(ASKED[:3], queries.each(ASKED[:3]))
