"""Queries by frames to a replayed device: the real firmware core, and the host's real engine."""

from __future__ import annotations

import threading
from itertools import islice

import pytest

from tinyhil.catalog.task import Window
from tinyhil.device.inference import Inference
from tinyhil.device.links import Link
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.queries.text import TextQueries
from tinyhil.device.session import Session
from tinyhil.emulator.foreign import ForeignDevice
from tinyhil.emulator.native import NativeDevice, NativeFacts, replayed_output
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import DeviceError

from .replayed import INFER_US, KWS01, PROGRAMS, TASKS, all_right, asking, started, windows
from .watched_link import WatchedLink


class Watch:
    """Puts a watched link in between, and keeps it."""

    def __call__(self, link: Link) -> Link:
        self.link = WatchedLink(link)
        return self.link


@pytest.mark.parametrize(("name", "count"), [("kws01", 130), ("ad01", 200), ("vww01", 3)])
def test_every_window_gets_its_own_scores_in_order(name: str, count: int) -> None:
    """Those of ad01 overlap: most of each window stays in the device."""
    output = name != "ad01"  # Which is as large as what is sent.
    task, watch = TASKS[name], Watch()
    asked = windows(task, count)
    with started(task) as device, asking(device, watch) as queries:
        answers = list(queries.each(asked, output=output))
        assert all_right(asked, answers, task)
        assert [answer.output for answer in answers] == [
            replayed_output(task, window.data).tobytes() if output else b"" for window in asked
        ]
        assert not queries.healed
    travelled = sum(len(window.data) - window.keep for window in asked)
    assert travelled < len(watch.link.sent) < 1.1 * travelled + 1000


def test_timed_inferences_give_laps_of_exactly_their_length() -> None:
    with started() as device, asking(device) as queries:
        queries.load(windows(KWS01, 1)[0].data)
        answer = queries.infer(7, 2, expected_s=None, laps=True)
        assert answer.laps == (INFER_US,) * 7
        assert answer.end_us - answer.start_us == 7 * INFER_US
        assert queries.infer(3, 0, expected_s=0.1, laps=False).laps == ()


def test_the_same_input_again_sends_no_byte_of_it() -> None:
    watch = Watch()
    first, second = windows(TASKS["vww01"], 2)
    with started(TASKS["vww01"]) as device, asking(device, watch) as queries:

        def infer(window: Window) -> int:
            """How many bytes that took."""
            before = len(watch.link.sent)
            queries.load(window.data)
            assert all_right([window], [queries.infer(1, 0, expected_s=1, laps=False)], task)
            return len(watch.link.sent) - before

        task = device.facts.task
        assert infer(first) > len(first.data)
        assert infer(first) < 40
        assert infer(second) > len(second.data)
        assert infer(second) < 40
        assert all_right([first], queries.each([first]), task)
        assert infer(second) > len(second.data), "the device holds another one meanwhile"


def test_a_query_that_the_device_refuses_is_an_error_and_the_next_one_is_answered() -> None:
    good = windows(KWS01, 3)
    too_long = Window(bytes(len(good[0].data) + 1), 0)
    with started() as device, asking(device) as queries:
        with pytest.raises(DeviceError, match="refuses query 3 because of its size") as caught:
            list(queries.each([*good, too_long, *good]))
        assert caught.value.hint
        assert all_right(good, queries.each(good))


def test_what_was_answered_before_a_refusal_is_handed_on() -> None:
    good = windows(KWS01, 3)
    with started() as device, asking(device) as queries:
        answers = queries.each([*good, Window(bytes(len(good[0].data) + 1), 0)])
        assert all_right(good, islice(answers, 3))
        with pytest.raises(DeviceError, match="refuses"):
            next(answers)


def test_the_next_sample_is_sent_while_the_device_infers_the_last_one() -> None:
    """By the order of what passed, not by a clock."""
    watch = Watch()
    task = TASKS["vww01"]
    asked = windows(task, 2)
    facts = NativeFacts(task, infer_us=1_000_000, paced=False)
    with NativeDevice(facts, PROGRAMS) as device, asking(device, watch) as queries:
        assert all_right(asked, queries.each(asked), task)
    units = watch.link.units
    before = units[: units.index(watch.link.frames("RESULT")[0])]
    sent = sum(len(unit.body) - 4 for unit in before if unit.kind == "DATA")
    assert sent > 2 * len(asked[0].data)


def test_who_stops_listening_in_the_middle_may_ask_for_something_else() -> None:
    asked, others = windows(KWS01, 300), windows(KWS01, 5, seed=2)
    with started() as device, asking(device) as queries:
        assert all_right(asked[:2], islice(queries.each(asked), 2))
        queries.load(others[0].data)
        assert all_right(others[:1], [queries.infer(1, 0, expected_s=1, laps=False)])
        assert all_right(asked[:2], islice(queries.each(asked), 2))
        assert all_right(others, queries.each(others))


def test_who_takes_the_answers_may_take_longer_than_the_device() -> None:
    asked = windows(KWS01, 100)
    with started() as device, asking(device, patience_s=0.2) as queries:
        answers: list[Inference] = []
        for answer in queries.each(asked):
            if len(answers) == 50:
                threading.Event().wait(1.0)
            answers.append(answer)
        assert all_right(asked, answers)


def test_a_device_whose_pace_is_not_known_yet_is_given_time_for_its_first_answer() -> None:
    """It acknowledges the frames of the first sample at once: that tells nothing of its pace."""
    task = TASKS["vww01"]
    asked = windows(task, 1)
    facts = NativeFacts(task, infer_us=2_500_000, paced=False)
    with (
        NativeDevice(facts, PROGRAMS) as device,
        asking(device, patience_s=0.1, first_s=30) as queries,
    ):
        assert all_right(asked, queries.each(asked), task)


def test_windows_from_the_middle_of_a_file_keep_nothing_at_first() -> None:
    task = TASKS["ad01"]
    asked = windows(task, 20)
    with started(task) as device, asking(device) as queries:
        assert all_right(asked[:5], queries.each(asked[:5]), task)
        assert all_right(asked[12:], queries.each(asked[12:]), task)


def test_a_device_is_asked_by_text_of_no_input_but_those_that_are_to_be_asked() -> None:
    """One that it does not know would warn a device that cheats."""
    asked: list[bytes] = []

    def infer(data: bytes) -> list[float]:
        asked.append(data)
        return [data[0] / 256, 1 - data[0] / 256]

    given = [Window(bytes([number, 7, 9, 11]), 0) for number in range(12)]
    with ForeignDevice("kws01", infer=infer) as device:
        link = SerialLink(device.port, 115200)
        session = Session(link)
        session.synchronize(Deadline.after(5))
        queries = TextQueries(session, read_back=0.0)
        assert len(list(queries.each(given))) == len(given)
        assert session.behind, "it was proven that the device takes the next upload meanwhile"
        link.close()
    assert set(asked) == {window.data for window in given}
