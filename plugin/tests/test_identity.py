"""Whoever answers must be who was identified: restarts, other builds, other boards, other hosts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tinyhil.device.identity import Guard
from tinyhil.device.info import DeviceInfo
from tinyhil.device.queries.framed import FramedQueries
from tinyhil.device.queries.text import TextQueries
from tinyhil.device.session import Session
from tinyhil.emulator.native import NativeDevice, NativeFacts
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import IdentityError

from .replayed import KWS01, PROGRAMS, TASKS, all_right, scores, windows
from .rewired_link import RewiredLink

FACTS = NativeFacts(KWS01, infer_us=5_000, paced=False)
OTHER_TASK = replace(FACTS, task=TASKS["ic01"], variant=1)
OTHER_BUILD = replace(FACTS, build_id="5" * 40, variant=1)
OTHER_BOARD = replace(FACTS, variant=1)
"""Of the same type, with the same build."""


class NativeProof:
    """What a debug probe would see of a replayed device."""

    knows_token = True

    def __init__(self, device: NativeDevice) -> None:
        self.device = device

    def of_token(self, token: str) -> None:
        if self.device.memory("hil_token", 8).hex() != token:
            raise IdentityError("probe and port are apart", hint="rewire them")

    def of_image(self) -> None:
        raise AssertionError("a build id is enough")


@contextmanager
def identified(device: NativeDevice) -> Iterator[tuple[Session, RewiredLink, DeviceInfo, Guard]]:
    """A session with a device whose probe and port are known to belong together."""
    link = RewiredLink(device.port, FACTS.baud)
    session = Session(link)
    try:
        session.synchronize(Deadline.after(10))
        info = session.identify(Deadline.after(10))
        assert session.guard
        session.guard.prove_by(NativeProof(device))
        yield session, link, info, session.guard
    finally:
        link.close()


def test_a_restart_is_told_even_when_its_banner_was_lost() -> None:
    with NativeDevice(FACTS, PROGRAMS) as device, identified(device) as (session, link, _, guard):
        session.synchronize(Deadline.after(10))
        assert guard.restarts == 0
        device.reset()
        link.forget_until(b"m-ready\r\n")
        session.synchronize(Deadline.after(10))
        assert guard.restarts == 1
        session.synchronize(Deadline.after(10))
        assert guard.restarts == 1


@pytest.mark.parametrize("facts", [OTHER_TASK, OTHER_BUILD, OTHER_BOARD])
def test_text_finds_another_device_out(facts: NativeFacts) -> None:
    with (
        NativeDevice(FACTS, PROGRAMS) as device,
        NativeDevice(facts, PROGRAMS) as other,
        identified(device) as (session, link, *_),
    ):
        asked = windows(KWS01, 3)
        assert all_right(asked, TextQueries(session).each(asked))
        link.rewire(other.port)
        with pytest.raises(IdentityError):
            session.synchronize(Deadline.after(10))


@pytest.mark.parametrize("facts", [OTHER_TASK, OTHER_BUILD, OTHER_BOARD])
def test_frames_take_no_answer_of_another_device(facts: NativeFacts) -> None:
    with (
        NativeDevice(FACTS, PROGRAMS) as device,
        NativeDevice(facts, PROGRAMS) as other,
        identified(device) as (session, link, info, _),
    ):
        asked, given = windows(KWS01, 100), list[tuple[float, ...]]()

        def ask() -> None:
            with FramedQueries(session, info, patience_s=2.0, first_s=5.0) as queries:
                for answer in queries.each(asked):
                    given.append(answer.scores)
                    if len(given) == 3:
                        link.rewire(other.port)

        with pytest.raises(IdentityError):
            ask()
        wanted = [scores(KWS01, window.data) for window in asked]
        assert 3 <= len(given) < len(asked)
        assert given == wanted[: len(given)]


def test_a_restart_under_frames_costs_time_and_is_counted() -> None:
    with NativeDevice(FACTS, PROGRAMS) as device, identified(device) as (session, _, info, guard):
        asked = windows(KWS01, 100)
        with FramedQueries(session, info, patience_s=2.0, first_s=5.0) as queries:
            answers = []
            for answer in queries.each(asked):
                answers.append(answer)
                if len(answers) == 3:
                    device.reset()
            assert all_right(asked, answers)
        assert guard.restarts == 1


def claim(session: Session) -> None:
    """What another host does that takes the same board for its own."""
    other = Session(session.link)
    other.synchronize(Deadline.after(10))
    other.identify(Deadline.after(10))


def test_a_board_that_another_session_has_claimed_is_not_ours() -> None:
    with NativeDevice(FACTS, PROGRAMS) as device, identified(device) as (session, *_):
        claim(session)
        with pytest.raises(IdentityError, match="another session has claimed"):
            session.synchronize(Deadline.after(10))


@pytest.mark.parametrize("damage", [b"m-hil-token-[", b"m-hil-build-id-["])
def test_a_damaged_answer_is_no_other_firmware(damage: bytes) -> None:
    """Text has no checksum: one digit that changes on the way is asked about again."""
    with NativeDevice(FACTS, PROGRAMS) as device, identified(device) as (session, link, _, guard):
        link.damage_once(damage)
        session.synchronize(Deadline.after(10))
        assert link.damaged
        assert guard.restarts == 0


def test_rows_count_as_proven_only_when_the_device_proved_who_it_is() -> None:
    with NativeDevice(FACTS, PROGRAMS) as device, identified(device) as (session, *_, guard):
        proven: list[bool] = []
        guard.on_proof = lambda: proven.append(True)
        session.synchronize(Deadline.after(10))
        assert len(proven) == 1
        claim(session)
        with pytest.raises(IdentityError):
            session.synchronize(Deadline.after(10))
        assert len(proven) == 1
