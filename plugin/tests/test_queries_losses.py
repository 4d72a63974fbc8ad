"""What queries by frames to a replayed device do about a wire that loses frames and lines.

Every answer is right, in order and there once; or an error says what happened.
"""

from __future__ import annotations

import math

import pytest

from tinyhil.device.links.serial import SerialLink
from tinyhil.device.session import Session
from tinyhil.emulator.foreign import ForeignDevice
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import LinkError

from .replayed import INFER_US, KWS01, all_right, asking, losing, started, windows
from .watched_link import Lose, WatchedLink, the, the_line

ASKED = windows(KWS01, 80)
FRAMES = math.ceil(len(ASKED) * (5 + len(ASKED[0].data)) / 1024)
"""DATA frames that carry those."""


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


def test_a_foreign_firmware_is_asked_again_without_anything_that_is_for_ours() -> None:
    with ForeignDevice("kws01", lambda _: [1.0]) as device:
        watched = WatchedLink(SerialLink(device.port, 115200))
        session = Session(watched)
        session.synchronize(Deadline.after(60))
        session.identify(Deadline.after(60))
        known = len(device.commands)
        watched.lose = the_line(b"m-ready")
        session.synchronize(Deadline.after(60))
        watched.close()
    asked = [command[:5] for command in device.commands[known:]]
    assert asked == ["sync-", "sync-", "name", "profi"]


def test_a_timed_answer_that_is_lost_is_measured_again() -> None:
    with started() as device, losing(device, the("RESULT", 0)) as queries:
        queries.load(ASKED[0].data)
        assert queries.infer(3, 0, expected_s=0.1, laps=True).laps == (INFER_US,) * 3
        assert queries.healed["answers get lost"] == 1


def test_a_frame_that_is_lost_again_and_again_is_no_silence() -> None:
    """The device answers each question at once, so it is asked again soon."""
    lose = the("DATA", *range(FRAMES - 1, FRAMES + 5))
    with started() as device, losing(device, lose, patience_s=60) as queries:
        assert all_right(ASKED, queries.each(ASKED))
        assert queries.healed["questions after silence"] >= 6
        assert "the device stops answering" not in queries.healed


def test_a_wire_that_loses_every_answer_is_an_error_that_says_so() -> None:
    with (
        started() as device,
        losing(device, lambda unit: unit.kind == "RESULT" and unit.nth > 9) as queries,
    ):
        answers = queries.each(ASKED)
        assert all_right(ASKED[:10], (next(answers) for _ in range(10)))
        with pytest.raises(LinkError, match="answers get lost: 5 times without an answer"):
            next(answers)
