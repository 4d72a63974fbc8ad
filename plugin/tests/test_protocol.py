"""Bytes to lines to messages, without I/O."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyhil.device import protocol
from tinyhil.device.protocol import Damaged, Line, LineReader, Message, Reply
from tinyhil.device.protocol.lines import MAX_LINE_BYTES
from tinyhil.ground.errors import LinkError
from tinyhil.ground.text import printable


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("m-ready", protocol.Ready()),
        ("e-[Unknown command: x]", protocol.DeviceComplaint("Unknown command: x")),
        (
            "Supplied buffer size 30000 exceeds maximum of 27648",
            protocol.DeviceComplaint("Supplied buffer size 30000 exceeds maximum of 27648"),
        ),
        ("m-timestamp-mode-energy", protocol.TimestampMode("energy")),
        ("m-lap-us-24976364", protocol.LapUs(24976364)),
        ("m-init-done", protocol.InitDone()),
        ("m-name-dut-[STM]", protocol.Name("STM")),
        ("m-profile-[ULPMark for tinyML Firmware V0.0.1]",
         protocol.Profile("ULPMark for tinyML Firmware V0.0.1")),
        ("m-model-[kws01]", protocol.ModelName("kws01")),
        ("m-[Expecting 490 bytes]", protocol.Expecting(490)),
        ("m-load-done", protocol.LoadDone()),
        ("m-buffer-00-ff-7f", protocol.BufferBytes(b"\x00\xff\x7f")),
        ("m-warmup-start-10", protocol.WarmupStart(10)),
        ("m-warmup-done", protocol.WarmupDone()),
        ("m-infer-start-1", protocol.InferStart(1)),
        ("m-infer-done", protocol.InferDone()),
        ("m-results-[0.996,-0.004,1.000]", protocol.Results((0.996, -0.004, 1.0))),
        ("m-results-[127, 0,-3]", protocol.Results((127.0, 0.0, -3.0))),
        ("m-results-[0.984375,0.001421,]", protocol.Results((0.984375, 0.001421))),
        ("m-results-[1e-05,.5,2.]", protocol.Results((1e-05, 0.5, 2.0))),
        ("m-results-[]", protocol.Results(())),
        ("m-buffer-00-FF-7f-", protocol.BufferBytes(b"\x00\xff\x7f")),
        ("[dut]: m-ready", protocol.Ready()),
        ("name%m-name-dut-[STM]", protocol.Name("STM")),
        ("dsp: ack 7m-infer-done \0", protocol.InferDone()),
        ("I (312) app: m-lap-us-5", protocol.LapUs(5)),
        ("m-lap-us-5 us", protocol.LapUs(5)),
        ("m-lap-us-5us", protocol.LapUs(5)),
        ("m-ready.", protocol.Ready()),
        ("m-results-[0.25,\t0.75] in 12 ms", protocol.Results((0.25, 0.75))),
        ('{"text": "m-infer-start-10"}', protocol.InferStart(10)),
        ('{"text": "m-infer-done"}', protocol.InferDone()),
        ("m-hil-tick-hz-25000000", protocol.HilValue("tick-hz", 25_000_000)),
        ("m-hil-model-sha256-[ab]", protocol.HilText("model-sha256", "ab")),
    ],
)  # fmt: skip
def test_each_line_of_the_protocol_is_understood(line: str, message: Message) -> None:
    assert protocol.parse(line) == message


@pytest.mark.parametrize(
    "line",
    [
        "m-lap-us-",
        "m-lap-us--5",
        "m-lap-us-12 3",
        "m-lap-us-" + "9" * 21,
        "m-results-[nan]",
        "m-results-[1e999]",
        "m-results-[0.1,,0.2]",
        "m-buffer-0",
        "m-readyy",
        "m-ready-made",
        "m-lap-us-1,234",
        "m-lap-us-1 234",
        "m-lap-us-1  234",
        "m-lap-us-1'234",
        "m-lap-us-5*4F",
        "m-lap-us-1.5",
        "m-lap-us-1e6",
        "m-lap-us-11d6e8",
        "m-lap-us-12 m-infer-done",
        "m-buffer-0f ff",
        "m-results-[0.99]2]",
        "m-lap-us-12m-lap-us-34",
        "scale-[3]",
    ],
)
def test_a_line_that_only_resembles_a_message_is_none(line: str) -> None:
    assert protocol.parse(line) == protocol.Other(line)


def test_a_bad_byte_invalidates_its_line_and_no_other() -> None:
    lines = LineReader().feed(b"m-lap-us-1\r\nm-lap-us-1\xff23\r\nm-ready\r\n")
    assert lines[0] == Line("m-lap-us-1")
    assert isinstance(lines[1], Damaged)
    assert lines[1].raw == b"m-lap-us-1\xff23"
    assert lines[2] == Line("m-ready", b"\r\n")


def test_an_endless_line_is_reported_before_it_ends_and_costs_no_memory() -> None:
    reader = LineReader()
    lines = [line for _ in range(100) for line in reader.feed(b"x" * 1000)]
    assert [type(line) for line in lines] == [Damaged]
    assert len(reader.held) <= MAX_LINE_BYTES
    assert reader.feed(b"\nm-ready\n") == [Line("m-ready", b"\n")]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n", b"\n\r", b"\r\r\n"])
def test_a_line_ends_as_the_firmware_likes(end: bytes) -> None:
    data = b"m-init-done" + end + b"m-ready" + end
    assert LineReader().feed(data) == [Line("m-init-done"), Line("m-ready", end)]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=6))
def test_how_bytes_are_split_over_reads_changes_nothing(data: bytes, cuts: list[int]) -> None:
    whole = LineReader().feed(data)
    reader, parts = LineReader(), []
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), None], strict=True):
        parts += reader.feed(data[start:end])
    assert parts == whole


@given(st.binary(max_size=400))
def test_no_bytes_make_the_parser_fail(data: bytes) -> None:
    for line in LineReader().feed(data + b"\n"):
        if isinstance(line, Line):
            assert isinstance(protocol.parse(line.text), Message)


def test_pieces_fit_the_reference_buffer_and_carry_every_byte() -> None:
    sample = bytes(range(256)) * 2
    commands = list(protocol.db_pieces(sample))
    assert max(map(len, commands)) == 80, "the % becomes the terminator"
    assert b"".join(bytes.fromhex(command[3:-1]) for command in commands) == sample


def test_a_reply_with_a_line_too_many_is_refused() -> None:
    reply = Reply("name%", [protocol.Name("x"), protocol.LapUs(1)])
    reply.take(protocol.Name)
    with pytest.raises(LinkError, match=r"name%.*m-lap-us-1234567' too many"):
        reply.end()


def test_device_text_is_bounded_and_escaped() -> None:
    assert printable("a\x1b[31m\u2028b") == r"a\x1b[31m\xe2\x80\xa8b"
    assert len(printable("x" * 10_000)) < 150


@pytest.mark.parametrize(
    "behind",
    [" ms", "ms", " (ms)", " [s]", " ticks", " ns since boot", " milliseconds", "\tcycles"],
)
def test_a_stamp_in_another_unit_is_no_time(behind: str) -> None:
    """Read as microseconds, a device that is a thousand times slower would pass."""
    line = f"m-lap-us-1169{behind}"
    assert protocol.parse(line) == protocol.Other(line)
