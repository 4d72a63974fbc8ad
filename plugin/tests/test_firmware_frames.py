"""Frames over the wire, spoken by the real firmware on the emulated board; see FRAMES.md."""

from __future__ import annotations

import itertools
import random
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
import serial

from tinyhil.data.material import Material
from tinyhil.device.dut import Dut
from tinyhil.ground.paths import SUITES

from . import device_frames as frames
from .device_frames import Host, Refused, Result, Status, query
from .terminal import Terminal

SESSIONS = itertools.count(1)


@pytest.fixture
def terminal(live: Dut) -> Iterator[Terminal]:
    """A terminal on the board, which speaks text before and after."""
    with serial.serial_for_url(live.serial_url, baudrate=115200, timeout=60) as port:
        made = Terminal(port)
        leave(made)
        assert made.type("name%") == ["m-name-dut-[tinyhil]"]
        yield made


@pytest.fixture
def host(terminal: Terminal) -> Host:
    """A fresh session over the wire."""
    made = host_on(terminal)
    assert made.start() == Status(0, frames.ANSWERS_START, 0, 0)
    return made


def host_on(terminal: Terminal) -> Host:
    assert terminal.type("hil frames wire%") == ["m-hil-queue-27151"]
    port = terminal.port
    return Host(port.write, lambda: bytes(port.read_until(b"\0")), next(SESSIONS))


def leave(terminal: Terminal) -> list[str]:
    """Find the device, in text or in frames; `%` makes it answer if that is text."""
    terminal.port.write(b"\0" + frames.frame(bytes([frames.LEAVE]), 0) + b"%")
    answer = bytes(terminal.port.read_until(b"e-[Unknown command: ]\r\nm-ready\r\n"))
    return answer.decode(errors="replace").split("\r\n")


def samples(stand_in: Material, count: int) -> list[bytes]:
    return [sample.data for sample in stand_in.data.samples[:count]]


def test_a_result_says_what_text_says(terminal: Terminal, stand_in: Material) -> None:
    sample = samples(stand_in, 1)[0]
    terminal.load(sample)
    results = terminal.type("infer 1 0%")[-1].removeprefix("m-results-[").removesuffix("]")
    output = terminal.type("hil output%")[0].removeprefix("m-hil-output-0-[").removesuffix("]")
    host = host_on(terminal)
    host.start()
    host.data(0, query(sample, frames.OUTPUT))
    result = host.result()
    assert (result.expected, result.number, result.crc) == (1, 0, zlib.crc32(sample))
    assert ",".join(f"{each / 1000:.3f}" for each in result.thousandths) == results
    assert result.output.hex() == output
    assert 0 < result.start < result.end
    assert not result.laps


def test_queries_may_begin_and_end_anywhere_in_a_frame(host: Host, stand_in: Material) -> None:
    """Also in windows that overlap, of any step; the sum is that of the whole input."""
    chosen = random.Random(1)  # noqa: S311  the same pieces each time
    data = b"".join(samples(stand_in, 6))
    windows, stream, before = [], b"", -490
    for start in sorted(chosen.sample(range(len(data) - 490), 12)):
        windows.append(data[start : start + 490])
        stream += query(windows[-1], frames.OUTPUT, max(0, before + 490 - start))
        before = start
    windows.append(windows[-1])
    stream += query(windows[-1], frames.OUTPUT, keep=490)
    cuts = sorted({0, len(stream), *chosen.sample(range(1, len(stream)), 9)})
    pieces = [stream[a:b][i : i + 1024] for a, b in itertools.pairwise(cuts) for i in (0, 1024)]
    for sequence, piece in enumerate(filter(None, pieces)):
        host.data(sequence, piece)
    results = [host.result() for _ in windows]
    assert [result.crc for result in results] == [zlib.crc32(window) for window in windows]
    assert [result.number for result in results] == list(range(13))
    assert results[-1].output == results[-2].output
    assert host.ping() == Status(0, frames.ANSWERS_PING, len(list(filter(None, pieces))), 13)


def test_outputs_on_the_device_equal_the_oracle_of_the_stand_in(
    host: Host, stand_in: Material
) -> None:
    oracle = np.load(SUITES / "standin" / "kws01_oracle.npz")
    chosen = stand_in.data.samples[:24]
    assert [sample.name for sample in chosen] == list(oracle["names"][:24])
    for number, sample in enumerate(chosen):
        host.data(number, query(sample.data, frames.OUTPUT))
        output = np.frombuffer(host.result().output, np.int8)
        assert np.array_equal(output, oracle["outputs"][number]), sample.name


def test_a_timed_query_measures_as_infer_does(terminal: Terminal, stand_in: Material) -> None:
    sample = samples(stand_in, 1)[0]
    terminal.load(sample)
    terminal.type("infer 6 2%")
    laps = terminal.type("hil laps%")
    host = host_on(terminal)
    host.start()
    host.data(0, query(sample, frames.TIMED | frames.LAPS, timed=(2, 6)))
    result = host.result()
    assert laps == [f"m-hil-laps-0-[{','.join(map(str, result.laps))}]"]
    assert result.end - result.start == sum(result.laps)


def test_a_damaged_frame_is_dropped_without_an_answer(host: Host, stand_in: Material) -> None:
    sample = samples(stand_in, 1)[0]
    whole = host.framed(0, query(sample))
    for place in (0, 1, 200, len(whole) - 2):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        host.write(bytes(damaged))
    host.write(whole[:100] + b"\0" + whole[100:])
    host.write(whole[:-1] + whole)
    host.write(b"\0\0" + b"\x01" * 5000 + b"\0")
    assert host.ping() == Status(0, frames.ANSWERS_PING, 0, 0)
    host.write(whole)
    assert host.result().crc == zlib.crc32(sample)


def test_a_frame_that_is_too_short_or_too_long_for_its_kind_is_dropped(
    host: Host, stand_in: Material
) -> None:
    sample = samples(stand_in, 1)[0]
    data = bytes([frames.DATA])
    for body in (b"", data, data + b"\0", data + b"\0\0", data + b"\0\0\0", data + bytes(1028)):
        host.write(frames.frame(body, host.session))
    host.write(frames.frame(bytes([frames.PING]), host.session))
    host.write(frames.frame(bytes([frames.LEAVE, 0]), 0))
    host.write(frames.frame(bytes([frames.START]) + bytes(4), 0))
    assert host.ping() == Status(0, frames.ANSWERS_PING, 0, 0)
    host.data(0, query(sample))
    assert host.result().crc == zlib.crc32(sample)


def test_what_is_missing_is_asked_for_once_a_turn(host: Host, stand_in: Material) -> None:
    stream = query(samples(stand_in, 1)[0])
    pieces = [stream[i : i + 100] for i in range(0, len(stream), 100)]
    host.data(0, pieces[0])
    for sequence in (2, 3, 0, 4):
        host.data(sequence, pieces[sequence])
    assert host.read() == Status(0, frames.GAP, 1, 0)
    for sequence in (3, 4):
        host.data(sequence, pieces[sequence], turn=1)
    assert host.read() == Status(1, frames.GAP, 1, 0)
    for sequence in (1, 2, 3, 4):
        host.data(sequence, pieces[sequence], turn=2)
    assert host.read() == Status(2, frames.ACKNOWLEDGES, 3, 0)
    assert host.read() == Status(2, frames.ACKNOWLEDGES, 5, 0)


def test_a_frame_is_acknowledged_before_it_is_inferred(host: Host, stand_in: Material) -> None:
    """Each second one, so that the host's window moves on during a long inference."""
    stream = query(samples(stand_in, 1)[0])
    host.data(0, stream[:200])
    host.data(1, stream[200:])
    assert host.read() == Status(0, frames.ACKNOWLEDGES, 2, 0)
    assert isinstance(host.read(), Result)
    host.data(2, stream)
    assert isinstance(host.read(), Result), "which acknowledges, too"
    host.data(3, stream[:200])
    assert host.ping() == Status(0, frames.ANSWERS_PING, 4, 2)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (struct.pack("<BHH", 0, 491, 0), 1),
        (struct.pack("<BHH", 0, 65535, 65535), 1),
        (struct.pack("<BHH", 0, 100, 101), 2),
        (struct.pack("<BHH", 0, 490, 51), 2),
        (struct.pack("<BHHHI", frames.TIMED, 490, 0, 0, 0), 3),
        (struct.pack("<BHH", frames.LAPS, 490, 0), 4),
        (struct.pack("<BHH", 0x80, 490, 0), 4),
    ],
)
def test_a_query_that_cannot_be_is_refused_and_ends_the_session(
    host: Host, stand_in: Material, head: bytes, reason: int
) -> None:
    sample = samples(stand_in, 1)[0]
    host.data(0, query(sample[:50]) + head + bytes(300))
    assert isinstance(host.read(), Result)
    assert host.read() == Refused(1, reason)
    host.data(1, query(sample))
    assert host.ping(7) == Status(7, frames.ANSWERS_PING, 1, 1)
    host.session = next(SESSIONS)
    assert host.start() == Status(0, frames.ANSWERS_START, 0, 0)
    host.data(0, query(sample))
    assert host.result().crc == zlib.crc32(sample)


def test_frames_of_another_session_or_of_none_are_damaged(
    terminal: Terminal, stand_in: Material
) -> None:
    stream = query(samples(stand_in, 1)[0])
    host = host_on(terminal)
    before = Host(host.write, host.read_frame, 0)
    before.data(0, stream)
    before.write(frames.frame(struct.pack("<BI", frames.START, 0), 0))
    host.start()
    host.data(0, stream)
    assert isinstance(host.result(), Result)
    late = host.framed(1, stream)
    host.session = next(SESSIONS)
    host.start()
    host.write(late)
    before.data(0, stream)
    assert host.ping() == Status(0, frames.ANSWERS_PING, 0, 0)


def test_start_drops_a_query_that_is_half_there(host: Host, stand_in: Material) -> None:
    sample = samples(stand_in, 1)[0]
    host.data(0, query(sample)[:300])
    host.session = next(SESSIONS)
    host.start()
    host.data(0, query(sample))
    assert host.result().crc == zlib.crc32(sample)


def test_the_device_holds_as_much_as_it_says_while_it_infers(
    terminal: Terminal, stand_in: Material
) -> None:
    """Warm-up goes on all the time that the bytes need, with interrupts on."""
    host = host_on(terminal)
    host.start()
    sample = samples(stand_in, 1)[0]
    host.data(0, query(sample, frames.TIMED, timed=(100, 1)))
    burst, sequence = b"", 1
    while len(burst) + 1042 <= 27151:
        burst += host.framed(sequence, query(sample) + query(sample))
        sequence += 1
    host.write(burst)
    results = [host.result() for _ in range(2 * sequence - 1)]
    assert {result.crc for result in results} == {zlib.crc32(sample)}
    leave(terminal)
    assert "m-hil-received-lost-0" in terminal.type("hil info%")


def test_a_frame_leaves_no_trace_in_text(terminal: Terminal) -> None:
    terminal.port.write(b"na\x01\0" + frames.frame(bytes([frames.LEAVE]), 0))
    assert terminal.type("name%") == ["m-name-dut-[tinyhil]"]


def test_text_behind_leave_is_a_command(terminal: Terminal, stand_in: Material) -> None:
    """Also when it has come while the device was busy, so that it waits among the frames."""
    host = host_on(terminal)
    host.start()
    sample = samples(stand_in, 1)[0]
    busy = host.framed(0, query(sample, frames.TIMED, timed=(30, 1)))
    host.write(busy + frames.frame(bytes([frames.LEAVE]), 0) + b"hil crc%")
    assert host.result().crc == zlib.crc32(sample)
    assert terminal.read() == []
    assert terminal.read() == [f"m-hil-crc-{zlib.crc32(sample)}"]


@pytest.mark.parametrize("command", ["hil frames%", "hil frames x%", "hil frames wire2%"])
def test_a_way_that_there_is_not_is_refused(terminal: Terminal, command: str) -> None:
    assert terminal.type(command) == ["e-[Command 'hil frames' requires 'wire' or 'probe']"]
