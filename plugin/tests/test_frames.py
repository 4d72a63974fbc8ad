"""Frames and the sliding window without I/O, against a device in a few lines and a bad wire."""

from __future__ import annotations

import random
import struct
import zlib
from dataclasses import dataclass, field

import pytest
from cobs import cobs
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyhil.device.protocol import Damaged, frames
from tinyhil.device.protocol.frames import FrameReader, Refused, Result, Status
from tinyhil.device.protocol.pipeline import BrokenAnswerError, LostAnswerError, Pipeline, Query

SESSION = 0x1234
QUEUE = 8000


def body_of(frame: bytes, session: int = SESSION) -> bytes:
    """The body of a frame of the host's, checked by code that shares nothing with it."""
    assert frame.endswith(b"\0")
    plain: bytes = cobs.decode(frame.strip(b"\0"))
    assert zlib.crc32(struct.pack("<I", session) + plain[:-4]) == int.from_bytes(
        plain[-4:], "little"
    )
    return plain[:-4]


def sent_by_device(body: bytes, session: int = SESSION) -> bytes:
    crc = zlib.crc32(struct.pack("<I", session) + body)
    return bytes(cobs.encode(body + struct.pack("<I", crc))) + b"\0"


def status(turn: int, why: int, expected: int, answered: int) -> bytes:
    return sent_by_device(struct.pack("<BBBHI", 0x11, turn, why, expected, answered))


def result(expected: int, number: int, data: bytes) -> bytes:
    head = (0x12, expected, number, zlib.crc32(data), 10, 20, 1, 0, 0)
    return sent_by_device(struct.pack("<BHIIQQBHHi", *head, sum(data)))


@dataclass
class Device:
    """What a device does with DATA and PING; queries without flags only."""

    expected: int = 0
    answered: int = 0
    told: tuple[int, int] | None = None
    stream: bytearray = field(default_factory=bytearray)
    held: bytes = b""

    def take(self, frame: bytes) -> list[bytes]:
        body = body_of(frame)
        if body[0] == 3:
            return [status(body[1], 2, self.expected, self.answered)]
        turn, sequence = struct.unpack("<BH", body[1:4])
        if sequence != self.expected:
            gap = (turn, self.expected)
            known, self.told = self.told == gap, gap
            return [] if known else [status(turn, 1, self.expected, self.answered)]
        self.expected = self.expected + 1 & 0xFFFF
        self.stream += body[4:]
        return [*self._answers(), status(turn, 0, self.expected, self.answered)]

    def _answers(self) -> list[bytes]:
        answers = []
        while len(self.stream) >= 5:
            _, size, keep = struct.unpack("<BHH", self.stream[:5])
            if len(self.stream) < 5 + size - keep:
                break
            new = bytes(self.stream[5 : 5 + size - keep])
            del self.stream[: 5 + size - keep]
            self.held = self.held[len(self.held) - keep :] + new
            answers.append(result(self.expected, self.answered, self.held))
            self.answered += 1
        return answers


def windows(count: int, seed: int) -> list[Query]:
    """Queries of which each keeps all but its last 100 bytes, the first one apart."""
    data = random.Random(seed).randbytes(600 + 100 * count)  # noqa: S311 - not a secret
    cuts = [data[100 * number : 100 * number + 600] for number in range(count)]
    return [Query(cut, 500 if number else 0) for number, cut in enumerate(cuts)]


def run(queries: list[Query], rng: random.Random, loss: float) -> list[Result]:
    """All answers of a device behind a wire that loses, doubles and damages frames."""
    answers: list[Result] = []
    while len(answers) < len(queries):
        pipeline, device, reader = Pipeline(SESSION, QUEUE), Device(), FrameReader(SESSION)
        for query in queries[len(answers) :]:
            pipeline.push(query)
        try:
            while not pipeline.idle:
                outgoing = []
                while (frame := pipeline.next_frame()) is not None:
                    outgoing.append(frame)
                assert sum(map(len, outgoing)) <= QUEUE, "more than the device can hold"
                for frame in outgoing or [pipeline.ping()]:
                    for answer in [] if rng.random() < loss else device.take(frame):
                        copies = rng.choices([0, 1, 2], [loss, 1, loss])[0]
                        for received in reader.feed(answer * copies):
                            assert not isinstance(received, Damaged)
                            taken = pipeline.receive(received)
                            if taken:
                                answers.append(taken[1])
        except LostAnswerError:
            continue
    return answers


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 60), seed=st.integers(0, 2**32 - 1), loss=st.sampled_from([0, 0.05, 0.3])
)
def test_every_query_gets_its_answer_in_order_whatever_the_wire_loses(
    count: int, seed: int, loss: float
) -> None:
    queries = windows(count, seed)
    answers = run(queries, random.Random(seed), loss)  # noqa: S311 - not a secret
    assert [answer.thousandths for answer in answers] == [(sum(query.data),) for query in queries]


def test_the_device_is_sent_no_more_than_it_holds_and_more_when_it_has_taken_some() -> None:
    pipeline = Pipeline(SESSION, 4200)
    pipeline.push(Query(bytes(20_000)))
    first = [frame for _ in range(9) if (frame := pipeline.next_frame())]
    assert len(first) == 4
    pipeline.receive(Status(0, frames.ACKNOWLEDGES, 2, 0))
    second = [frame for _ in range(9) if (frame := pipeline.next_frame())]
    assert [struct.unpack("<H", body_of(frame)[2:4])[0] for frame in second] == [4, 5]


def test_after_a_gap_all_from_there_on_is_sent_again_once_a_turn() -> None:
    pipeline = Pipeline(SESSION, QUEUE)
    pipeline.push(Query(bytes(5000)))
    while pipeline.next_frame():
        pass
    for _ in range(3):
        pipeline.receive(Status(0, frames.GAP, 2, 0))
    again = body_of(pipeline.next_frame() or b"")
    assert struct.unpack("<BH", again[1:4]) == (1, 2), "the next turn begins at the gap"
    assert pipeline.repeated == 3


def test_an_answer_made_from_another_input_is_refused() -> None:
    pipeline = Pipeline(SESSION, QUEUE)
    pipeline.push(Query(b"right"))
    (received,) = FrameReader(SESSION).feed(result(1, 0, b"wrong"))
    assert isinstance(received, Result)
    with pytest.raises(BrokenAnswerError, match="answer 0 was made from an input buffer with"):
        pipeline.receive(received)


def test_a_refused_query_is_named_with_its_reason() -> None:
    with pytest.raises(BrokenAnswerError, match="refuses query 3 because of how much it keeps"):
        Pipeline(SESSION, QUEUE).receive(Refused(3, 2))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xff\x01", "not COBS"),
        (cobs.encode(b"abc"), "wrong CRC"),
        (status(0, 0, 0, 0)[:-1].replace(b"\x11", b"\x10"), "wrong CRC"),
        (sent_by_device(b"\x11\x00")[:-1], "unknown kind or length"),
        (sent_by_device(b"\x99")[:-1], "unknown kind or length"),
        (sent_by_device(b"\x12" + bytes(40))[:-1], "unknown kind or length"),
        (sent_by_device(b"\x11" + bytes(8), session=7)[:-1], "wrong CRC"),
    ],
)
def test_what_is_no_frame_of_this_session_is_damaged(raw: bytes, reason: str) -> None:
    (damaged,) = FrameReader(SESSION).feed(raw + b"\0")
    assert isinstance(damaged, Damaged)
    assert reason in damaged.reason


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_frames_are_the_same_however_the_stream_is_cut(parts: list[bytes]) -> None:
    frame = status(1, 2, 3, 4)
    stream = b"".join(part + frame for part in parts)
    whole = FrameReader(SESSION).feed(stream)
    reader = FrameReader(SESSION)
    assert [item for byte in stream for item in reader.feed(bytes([byte]))] == whole


def test_an_endless_frame_is_reported_once_and_costs_no_memory() -> None:
    reader = FrameReader(SESSION)
    received = [item for _ in range(100) for item in reader.feed(b"x" * 1000)]
    assert [type(item) for item in received] == [Damaged]
    assert len(reader.held) < 9000
    assert reader.feed(b"\0" + status(1, 2, 3, 4)) == [Status(1, 2, 3, 4)]


def test_what_was_sent_after_a_question_is_not_missing_in_its_answer() -> None:
    pipeline = Pipeline(SESSION, QUEUE)
    pipeline.push(Query(bytes(5000)))
    pipeline.next_frame()
    pipeline.ping()
    pipeline.next_frame()
    pipeline.receive(Status(0, frames.ANSWERS_PING, 1, 0))
    assert pipeline.repeated == 0
    pipeline.ping()
    pipeline.receive(Status(0, frames.ANSWERS_PING, 1, 0))
    assert pipeline.repeated == 1
