"""What queries by frames do about a device that resets, dies, falls silent, or was left in frames.

Either every answer is right, in order and there once, or an error says what happened.
"""

from __future__ import annotations

import os
import random
import signal

import pytest

from tinyhil.device.faults import Injector, parse_spec
from tinyhil.emulator.native import NativeDevice, NativeFacts
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import LinkError, LinkTimeoutError

from .replayed import INFER_US, KWS01, PROGRAMS, all_right, asking, losing, opened, started, windows
from .watched_link import Unit, the, when

ASKED = windows(KWS01, 80)


@pytest.mark.parametrize("seed", range(5))
def test_a_device_that_resets_now_and_then_is_healed(seed: int) -> None:
    """By a seed: once or twice before, while or after anything is sent or answered."""
    random_ = random.Random(seed)  # noqa: S311 - the same ones each time
    moments = {random_.randrange(20, 150) for _ in range(4)}
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
    assert count > max(moments), "each of them has come"


@pytest.mark.parametrize("kind", ["START", "STATUS", "DATA", "RESULT", "PING"])
def test_a_reset_at_any_frame_is_healed(kind: str) -> None:
    def lose(unit: Unit) -> bool:
        if unit.kind == kind and unit.nth == 0:
            device.reset()
        return the("DATA", 38)(unit)  # The last one, so that there is a PING.

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
        lines -= unit.raw.endswith(b"\r\n")
        return lines >= 0 and unit.raw.endswith(b"\r\n")

    with started() as device, losing(device, lose, patience_s=1.0) as queries:
        assert all_right(ASKED, queries.each(ASKED))


def test_a_device_that_resets_again_and_again_is_an_error_that_says_so() -> None:
    with (
        started() as device,
        pytest.raises(LinkError, match=r"the device restarts .*: 5 times without") as caught,
        losing(device, when(lambda unit: unit.kind == "DATA", device.reset)) as queries,
    ):
        list(queries.each(ASKED))
    assert "power supply" in caught.value.hint


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

        with losing(device, lose, first_s=1.0) as queries:
            assert all_right(ASKED[:20], queries.each(ASKED[:20]))
            assert queries.healed["the device stops answering"] == 1


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
                session.synchronize(Deadline.after(60))
                session.enter_frames("wire", Deadline.after(60))
        with asking(device) as queries:
            assert all_right(ASKED[:3], queries.each(ASKED[:3]))
