"""Faults on purpose: where they come, what they do, and that a link with them is still a link."""

from __future__ import annotations

import itertools
import math
import os
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyhil.device.faults import (
    KINDS,
    WIRE_KINDS,
    Fault,
    FaultyLink,
    Injector,
    Kind,
    Spec,
    parse_spec,
)
from tinyhil.device.faults.stream import Piece, Running, Stream
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.session import Session
from tinyhil.emulator.foreign import ForeignDevice
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import ConfigError, LinkError, LinkTimeoutError, TinyhilError

TEXT = b"".join(b"m-lap-us-%d\r\nm-ready\r\n" % (1000 + number) for number in range(2000))


@dataclass
class Loopback:
    """A link that gives back what is written to it."""

    data: bytearray = field(default_factory=bytearray)
    writes: list[bytes] = field(default_factory=list)

    def write(self, data: bytes, deadline: Deadline) -> None:
        del deadline
        self.writes.append(data)
        self.data += data

    def read(self, deadline: Deadline) -> bytes:
        while not self.data:
            if deadline.expired:
                raise LinkTimeoutError("nothing came", hint="-")
        return self.poll()

    def poll(self) -> bytes:
        data = bytes(self.data)
        self.data.clear()
        return data

    def set_baud(self, baud: int) -> None:
        del baud

    def close(self) -> None:
        pass


def soon() -> Deadline:
    return Deadline.after(60)


def sent(spec: str, data: bytes) -> tuple[bytes, tuple[Fault, ...]]:
    """What arrives of `data`, and the faults that it met."""
    inner, injector = Loopback(), Injector(parse_spec(spec))
    link = injector.through(inner)
    link.write(data, soon())
    link.set_baud(1)  # Sends what is held back.
    return bytes(inner.data), injector.faults


def streamed(spec: Spec, data: bytes, cuts: list[int]) -> tuple[bytes, list[tuple[int, Kind]], str]:
    """What leaves a stream, after how many bytes which events happen, and the faults as text."""
    notes: list[Running] = []
    stream = Stream(spec, "out", notes)
    ends = sorted(cuts)
    for start, end in zip([0, *ends], [*ends, len(data)], strict=True):
        stream.feed(data[start:end], 0.0)
    left, events = bytearray(), []
    while entry := stream.take(math.inf):
        if isinstance(entry, Piece):
            left += entry.data
        else:
            events.append((len(left), entry.fault.kind))
    return bytes(left), events, "\n".join(str(note.fault) for note in notes)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, len(TEXT)), max_size=30))
def test_where_faults_come_depends_on_the_seed_alone(seed: int, cuts: list[int]) -> None:
    spec = Spec(seed=seed, every=300, kinds=KINDS)
    assert streamed(spec, TEXT, cuts) == streamed(spec, TEXT, [])


def test_bytes_that_come_one_by_one_meet_the_same_faults() -> None:
    spec = Spec(every=30, kinds=KINDS)
    assert streamed(spec, TEXT, list(range(len(TEXT)))) == streamed(spec, TEXT, [])


def test_faults_are_as_many_as_asked_for_and_of_every_kind() -> None:
    _, faults = sent("every=100,hold_ms=1,direction=out", TEXT * 4)
    assert {fault.kind for fault in faults} == set(WIRE_KINDS)
    distances = [second.offset - first.offset for first, second in itertools.pairwise(faults)]
    assert 100 < sum(distances) / len(distances) < 160, "100 bytes, and those that faults take"
    assert min(distances) > 0


@pytest.mark.parametrize(
    ("kind", "arrives", "what"),
    [
        ("drop", b"0123456789\n", r"'abcd': 4 bytes lost"),
        ("duplicate", b"0123456789abcdabcd\n", r"'abcd' twice"),
        ("truncate", b"0123456789", r"'abcd\x0a': 5 bytes lost"),
        ("split", b"0123456789abcd\n", r"'abcd' byte by byte"),
    ],
)
def test_what_a_fault_does_and_says(kind: str, arrives: bytes, what: str) -> None:
    met = {}
    for seed in range(200):
        spec = f"seed={seed},every=1,kinds={kind},direction=out,first=10,limit=1"
        arrived, (fault,) = sent(spec, b"0123456789abcd\n")
        assert str(fault) == f"{kind} at byte 10 to the device: {fault.what}"
        met[fault.what] = arrived
    assert met[what] == arrives


def test_a_flip_changes_bytes_and_may_leave_a_line_plausible() -> None:
    data = b"m-lap-us-0123456789\r\n"
    plausible = 0
    for seed in range(300):
        arrived, faults = sent(f"seed={seed},every=20,kinds=flip,direction=out,limit=1", data)
        changed = [place for place, byte in enumerate(arrived) if byte != data[place]]
        assert len(arrived) == len(data)
        assert changed[:1] == [fault.offset for fault in faults if fault.offset < len(data)]
        plausible += bool(changed) and arrived[:9] == data[:9] and arrived[9:19].isdigit()
    assert plausible > 10, "a digit in place of a digit"


def test_a_split_run_comes_one_by_one() -> None:
    inner = Loopback()
    link = Injector(Spec(kinds=("split",), every=1, direction="out")).through(inner)
    link.write(b"abc" * 10, soon())
    assert inner.writes == [bytes([byte]) for byte in b"abc" * 10]


def test_swapped_bytes_come_behind_their_followers_or_late_and_are_never_lost() -> None:
    data = bytes(range(256)) * 8
    arrived, faults = sent("seed=1,every=64,kinds=reorder,direction=out,hold_ms=1000000", data)
    assert faults
    assert arrived != data
    assert sorted(arrived) == sorted(data)
    inner, injector = Loopback(), Injector(Spec(kinds=("reorder",), every=1, limit=1, hold_ms=1))
    link = injector.through(inner)
    link.write(b"a", soon())
    assert link.read(soon()) == b"a", "nothing follows, and the host waits for the answer"
    assert "late" in injector.faults[0].what


def test_held_bytes_come_when_their_time_is_over_and_no_call_waits_longer_than_it_may() -> None:
    injector = Injector(Spec(kinds=("delay",), every=1, limit=1, direction="in"))
    link = injector.through(Loopback(bytearray(b"abc")))
    with pytest.raises(LinkTimeoutError):
        link.read(Deadline.after(0))
    assert link.poll() == b""
    assert link.read(soon()) == b"abc"
    assert "held for" in injector.faults[0].what


def test_a_port_that_is_gone_stays_gone_until_it_is_opened_again() -> None:
    inner = Loopback(bytearray(b"0123456789"))
    injector = Injector(parse_spec("kinds=disconnect,direction=in,every=1,first=4,limit=1"))
    link = injector.through(inner)
    assert link.read(soon()) == b"0123", "what came before"
    for call in (
        lambda: link.read(soon()),
        lambda: link.write(b"x", soon()),
        link.poll,
        lambda: link.set_baud(1),
    ):
        with pytest.raises(LinkError, match=r"gone: disconnect at byte 4 from the device"):
            call()
    assert not inner.writes
    again = injector.through(Loopback(bytearray(b"456")))
    assert again.read(soon()) == b"456", "the limit counts over both"


@pytest.mark.parametrize("kind", ["reset", "death"])
def test_a_device_is_reset_between_two_of_its_bytes(kind: str) -> None:
    inner = Loopback()
    done: list[bytes] = []
    injector = Injector(
        parse_spec(f"kinds={kind},direction=out,every=1,first=4,limit=1"),
        {
            "reset": lambda: done.append(b"reset after " + inner.data),
            "death": lambda: done.append(b"death after " + inner.data),
        },
    )
    injector.through(inner).write(b"0123456789", soon())
    assert done == [kind.encode() + b" after 0123"]
    assert inner.data == b"0123456789"
    assert [fault.kind for fault in injector.faults] == [kind]


def test_a_flood_of_which_nothing_passes_ends_at_the_deadline() -> None:
    class Flood(Loopback):
        def read(self, deadline: Deadline) -> bytes:
            del deadline
            return b"x" * 8

    link = Injector(Spec(kinds=("drop",), every=1, direction="in")).through(Flood())
    with pytest.raises(LinkTimeoutError, match="let nothing through"):
        link.read(Deadline.after(0.01))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "''.*known: seed, every, kinds, direction, first, limit, hold_ms"),
        ("seed", "'seed'.*known: seed"),
        ("sed=1", "'sed=1'.*known: seed"),
        ("seed=1,", "''"),
        ("seed=-1", "'seed=-1': not a whole number from 0"),
        ("seed=4294967296", "not a whole number"),
        ("every=0", "'every=0': not a whole number from 1"),
        ("every=1_0", "not a whole number"),
        ("every=٣", "not a whole number"),
        ("kinds=", "no kind ''; known: drop, flip"),
        ("kinds=drop+fade", "no kind 'fade'; known: drop, flip"),
        ("kinds=drop+drop", "'drop' is given twice"),
        ("seed=1,seed=2", "'seed=2': 'seed' is given twice"),
        ("direction=up", "no direction 'up'; known: both, out, in"),
    ],
)
def test_a_wrong_text_is_refused_by_its_wrong_part(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        parse_spec(text)


def test_the_text_of_a_spec_reads_as_the_spec() -> None:
    for text in ("every=5000", "kinds=flip+drop,direction=in,first=7,limit=3,hold_ms=9,seed=2"):
        assert parse_spec(str(parse_spec(text))) == parse_spec(text)


def test_a_kind_that_needs_the_device_is_refused_without_its_function() -> None:
    with pytest.raises(ConfigError, match="'death'"):
        Injector(parse_spec("kinds=death"))


@contextmanager
def device_through(spec: str) -> Iterator[tuple[FaultyLink, Injector]]:
    """A device in software behind a pty, and the link to it."""
    with ForeignDevice("kws01", lambda data: [data[0] / 256, 1.0]) as device:
        injector = Injector(parse_spec(spec))
        link = injector.through(SerialLink(device.port, 115200))
        yield link, injector
        link.close()


def test_a_session_over_a_port_is_right_though_bytes_come_late_and_one_by_one() -> None:
    sample = bytes(range(250)) * 4
    with device_through("every=100,kinds=delay+split,hold_ms=5") as (link, injector):
        session = Session(link)
        session.synchronize(soon())
        session.load(sample, soon())
        assert session.read_back(soon()) == sample
        assert {(fault.kind, fault.direction) for fault in injector.faults} == {
            (kind, direction) for kind in ("delay", "split") for direction in ("in", "out")
        }


@pytest.mark.parametrize("seed", range(6))
def test_a_session_over_a_bad_port_ends_in_an_error_of_ours(seed: int) -> None:
    def talk(session: Session) -> None:
        session.synchronize(soon())
        for _ in range(1000):
            session.load(bytes(range(250)), Deadline.after(0.3))
            session.infer(1, 0, Deadline.after(0.3))

    kinds = "drop+duplicate+truncate+disconnect"
    with device_through(f"seed={seed},every=1000,kinds={kinds}") as (link, injector):
        with pytest.raises(TinyhilError):
            talk(Session(link))
        assert injector.faults


def test_the_end_of_a_pty_passes_through_as_the_error_that_it_is() -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    link = Injector(Spec(every=1, kinds=("split",))).through(SerialLink(os.ttyname(slave), 115200))
    os.write(master, b"ab")
    assert link.read(soon()) + link.read(soon()) == b"ab"
    os.close(slave)
    os.close(master)
    with pytest.raises(LinkError, match="is gone"):
        link.read(soon())
    link.close()
