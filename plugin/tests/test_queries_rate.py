"""The rate that host and replayed device agree on, over wires that carry more or less of it.

The device reads and writes garbage where the host has another rate, as a UART does.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tinyhil.device.links import Link
from tinyhil.device.queries import rate
from tinyhil.device.queries.rate import Rate
from tinyhil.emulator.native import NativeDevice, NativeFacts
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import LinkError

from .replayed import KWS01, PROGRAMS, all_right, asking, opened, started, windows

BOOT, TOP = 115_200, 921_600
ASKED = windows(KWS01, 60)
MANY = ASKED * 2
"""More than can be on their way, or answered, when the first answer comes."""


class Wire:
    """Makes links that change what passes by a rule that knows the rate, and remembers rates.

    Args:
        change: takes bytes on their way, and the rate.
    """

    def __init__(self, change: Callable[[bytes, int], bytes] = lambda data, _: data) -> None:
        self.change = change
        self.bauds = [BOOT]

    def __call__(self, link: Link) -> Link:
        self.bauds.append(BOOT)
        self.link = link
        return self

    def write(self, data: bytes, deadline: Deadline) -> None:
        self.link.write(self.change(data, self.bauds[-1]), deadline)

    def read(self, deadline: Deadline) -> bytes:
        return self.change(self.link.read(deadline), self.bauds[-1])

    def poll(self) -> bytes:
        return self.change(self.link.poll(), self.bauds[-1])

    def set_baud(self, baud: int) -> None:
        self.link.set_baud(baud)
        self.bauds.append(baud)

    def close(self) -> None:
        self.link.close()


def noise(above: int, every: int) -> Callable[[bytes, int], bytes]:
    """Changes one byte in so many at rates above one."""
    drawn = random.Random(3)  # noqa: S311 - the same ones each time

    def change(data: bytes, baud: int) -> bytes:
        if baud <= above:
            return data
        return bytes(byte ^ (drawn.randrange(every) == 0) << 3 for byte in data)

    return change


def is_in_text_as_booted(device: NativeDevice) -> bool:
    """Whether the device answers a host that does nothing to find it."""
    with opened(device) as session:
        session.link.write(b"%name%", Deadline.after(1))
        heard = b""
        while not heard.endswith(b"m-name-dut-[tinyhil]\r\nm-ready\r\n"):
            heard += session.link.read(Deadline.after(60))
    return True


def test_the_rate_is_raised_to_the_top_and_restored() -> None:
    wire = Wire()
    with started() as device:
        with asking(device, wire, top=TOP) as queries:
            assert wire.bauds[-1] == TOP
            assert all_right(ASKED, queries.each(ASKED))
        assert wire.bauds[-1] == BOOT
        assert is_in_text_as_booted(device)


def test_the_rate_is_restored_after_an_error() -> None:
    with started() as device:
        with pytest.raises(ZeroDivisionError), asking(device, top=TOP) as queries:
            assert next(1 // 0 for _ in queries.each(ASKED))
        assert is_in_text_as_booted(device)


def test_a_rate_that_the_device_refuses_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "STEPS", (460_800, 921_600, 4_000_000))
    wire = Wire()
    with started() as device, asking(device, wire, top=4_000_000) as queries:
        assert wire.bauds[-1] == 921_600
        assert all_right(ASKED, queries.each(ASKED))


def test_a_rate_that_the_adapter_does_not_know_is_left_out() -> None:
    class Slow(Wire):
        def set_baud(self, baud: int) -> None:
            if baud > 460_800:
                raise LinkError("no such rate", hint="-")
            super().set_baud(baud)

    wire = Slow()
    with started() as device, asking(device, wire, top=TOP) as queries:
        assert wire.bauds[-1] == 460_800
        assert all_right(ASKED, queries.each(ASKED))


@pytest.mark.parametrize("every", [2, 300, 2000])
def test_a_wire_that_garbles_at_high_rates_ends_at_a_lower_one(every: int) -> None:
    """That is seen when the rate is tried, or by what is repeated."""
    wire = Wire(noise(above=460_800, every=every))
    asked = windows(KWS01, 400)
    with started() as device, asking(device, wire, top=TOP, first_s=1, change_s=1) as queries:
        assert all_right(asked, queries.each(asked))
        assert wire.bauds[-1] <= 460_800


def test_a_wire_that_gets_worse_in_the_middle_is_made_slower() -> None:
    wire = Wire()
    asked = windows(KWS01, 400)
    with started(wait=True) as device:
        with asking(device, wire, top=TOP, first_s=1, change_s=1) as queries:
            answers = queries.each(asked)
            assert all_right(asked[:30], (next(answers) for _ in range(30)))
            wire.change = noise(above=230_400, every=100)
            assert all_right(asked[30:], answers)
            assert wire.bauds[-1] <= 230_400
        assert is_in_text_as_booted(device)


def test_a_wire_that_carries_nothing_any_more_is_left_at_the_rate_of_the_boot() -> None:
    """At no rate but that one is anything understood."""
    wire = Wire()
    with started(wait=True) as device, asking(device, wire, top=TOP, change_s=1) as queries:
        answers = queries.each(MANY)
        next(answers)
        wire.change = noise(above=BOOT, every=1)
        assert all_right(MANY[1:], answers)
        assert wire.bauds[-1] == BOOT


def test_a_device_that_resets_at_a_high_rate_is_found_at_the_rate_of_its_boot() -> None:
    wire = Wire()
    with started(wait=True) as device, asking(device, wire, top=TOP) as queries:
        answers = queries.each(MANY)
        assert all_right(MANY[:3], (next(answers) for _ in range(3)))
        device.reset()
        assert all_right(MANY[3:], answers)


def test_a_port_that_goes_away_at_a_high_rate_is_an_error_and_no_endless_search() -> None:
    with started(wait=True) as device, asking(device, Wire(), top=TOP) as queries:
        answers = queries.each(MANY)
        assert all_right(MANY[:3], (next(answers) for _ in range(3)))
        device.kill()
        with pytest.raises(LinkError, match="is gone"):
            list(answers)


def test_a_command_that_is_garbled_at_the_new_rate_keeps_both_together() -> None:
    """It is answered by an error line; that is no refusal of the rate, which both have then."""

    def change(data: bytes, baud: int) -> bytes:
        return data.replace(b"db load", b"dc load") if baud == TOP else data

    wire = Wire(change)
    with started() as device:
        with opened(device, wire) as session:
            session.synchronize(Deadline.after(60))
            chosen = Rate(session, BOOT, TOP, change_s=2)
            chosen.raise_to_top()
            assert chosen.baud == wire.bauds[-1] == 460_800
            chosen.restore()
        assert is_in_text_as_booted(device)


@pytest.mark.parametrize("left_in", ["a frame", "a command"])
def test_a_device_that_a_killed_host_left_at_a_high_rate_is_found(left_in: str) -> None:
    with started() as device:
        with opened(device) as session:
            session.synchronize(Deadline.after(60))
            session.change_baud(TOP, Deadline.after(60))
            if left_in == "a frame":
                session.enter_frames("wire", Deadline.after(60))
                session.link.write(b"\xff" + b"x" * 200, Deadline.after(60))
            else:
                session.link.write(b"db load 4%db 010", Deadline.after(60))
        with asking(device, top=TOP) as queries:
            assert all_right(ASKED, queries.each(ASKED))


def test_a_host_that_dies_in_the_middle_of_a_run_leaves_a_device_that_the_next_one_finds() -> None:
    """On a wire that keeps time, while the device infers and its queue is full."""
    wire = Wire()
    with NativeDevice(NativeFacts(KWS01, infer_us=20_000), PROGRAMS) as device:
        with asking(device, wire, top=TOP) as queries:
            answers = queries.each(ASKED)
            next(answers)
            wire.link.close()
            with pytest.raises(LinkError, match="is gone"):
                list(answers)
        with asking(device, top=TOP) as queries:
            assert all_right(ASKED[:5], queries.each(ASKED[:5]))
