"""Frames through the debug probe, and the UART's rate: what pyOCD sees of the real firmware."""

from __future__ import annotations

import itertools
import struct
import time
import zlib
from collections.abc import Iterator

import pytest
import serial
from pyocd.core.session import Session
from pyocd.core.target import Target
from pyocd.probe.aggregator import DebugProbeAggregator

from tinyhil.data.material import Material
from tinyhil.device.dut import Dut
from tinyhil.ground.deadline import Deadline
from tinyhil.image.build import Firmware

from . import device_frames as frames
from .device_frames import Host, Result, Status, query
from .terminal import Terminal

SESSIONS = itertools.count(1)
UART_BAUDDIV = 0x4000_4010
CLOCK_HZ = 25_000_000
QUEUE = 27151
UP_BYTES = 1024


class Rtt:
    """SEGGER's first two channels, as the layout of the control block has them.

    Args:
        target: whose core runs.
        block: the control block's address.
    """

    def __init__(self, target: Target, block: int) -> None:
        self._target = target
        head = bytes(target.read_memory_block8(block, 24))
        assert head[:16] == b"SEGGER RTT".ljust(16, b"\0")
        assert struct.unpack_from("<ii", head, 16) == (1, 1)
        self.up, self.down = block + 24, block + 48

    def fields(self, channel: int) -> tuple[int, ...]:
        """Name, buffer, size, write and read offset, flags."""
        return tuple(self._target.read_memory_block32(channel, 6))

    def write(self, data: bytes) -> None:
        """Fill the down channel; the device must have room for all."""
        _, buffer, size, write, read, _ = self.fields(self.down)
        assert len(data) <= (read - write - 1) % size
        first = size - write
        self._target.write_memory_block8(buffer + write, data[:first])
        if data[first:]:
            self._target.write_memory_block8(buffer, data[first:])
        self._target.write32(self.down + 12, (write + len(data)) % size)

    def read_frame(self) -> bytes:
        """Take one frame out of the up channel."""
        deadline, frame = Deadline.after(60), bytearray()
        while not frame.endswith(b"\0") and not deadline.expired:
            _, buffer, size, write, read, _ = self.fields(self.up)
            if write == read:
                continue
            end = write if write > read else size
            found = bytes(self._target.read_memory_block8(buffer + read, end - read))
            found = found[: found.find(0) + 1] or found
            frame += found
            self._target.write32(self.up + 16, (read + len(found)) % size)
        return bytes(frame)

    @property
    def waiting(self) -> int:
        """Bytes in the up channel."""
        _, _, size, write, read, _ = self.fields(self.up)
        return (write - read) % size

    @property
    def down_size(self) -> int:
        """Of the down channel; 0 while it is closed."""
        return self.fields(self.down)[2]


@pytest.fixture(scope="module")
def target(live: Dut) -> Iterator[Target]:
    probe = DebugProbeAggregator.get_probe_with_id(live.probe_uid)
    with Session(probe, options={"no_config": True, "connect_mode": "attach"}) as session:
        yield session.target


@pytest.fixture
def terminal(live: Dut) -> Iterator[Terminal]:
    with serial.serial_for_url(live.serial_url, baudrate=115200, timeout=60) as port:
        made = Terminal(port)
        made.type("%")  # Whatever the boot or a test has left in the port.
        assert made.type("name%") == ["m-name-dut-[tinyhil]"]
        yield made


@pytest.fixture
def rtt(terminal: Terminal, target: Target, stand_in_firmware: Firmware) -> Rtt:
    """The channels, and a device that speaks frames through them."""
    made = Rtt(target, stand_in_firmware.image.symbol("_SEGGER_RTT").address)
    assert made.down_size == 0
    assert terminal.type("hil frames probe%") == [f"m-hil-queue-{QUEUE}"]
    assert made.down_size == QUEUE + 1
    return made


@pytest.fixture
def host(rtt: Rtt) -> Host:
    """A fresh session through the probe."""
    made = Host(rtt.write, rtt.read_frame, next(SESSIONS))
    assert made.start() == Status(0, frames.ANSWERS_START, 0, 0)
    return made


def test_queries_go_through_the_probe(
    host: Host, rtt: Rtt, terminal: Terminal, stand_in: Material
) -> None:
    chosen = [sample.data for sample in stand_in.data.samples[:5]]
    for sequence, sample in enumerate(chosen):
        host.data(sequence, query(sample, frames.OUTPUT))
    results = [host.result() for _ in chosen]
    assert [result.crc for result in results] == [zlib.crc32(sample) for sample in chosen]
    host.data(5, query(chosen[0], frames.OUTPUT | frames.TIMED | frames.LAPS, timed=(0, 3)))
    timed = host.result()
    assert timed.output == results[0].output
    assert timed.end - timed.start == sum(timed.laps)
    host.write(frames.frame(bytes([frames.LEAVE]), 0))
    assert terminal.read() == []
    assert rtt.down_size == 0
    assert terminal.type("hil crc%") == [f"m-hil-crc-{zlib.crc32(chosen[0])}"]


def test_text_ends_it_and_loses_no_byte(host: Host, rtt: Rtt, terminal: Terminal) -> None:
    host.data(0, b"\0")
    terminal.port.write(b"name%")
    assert terminal.read() == []
    assert terminal.read() == ["m-name-dut-[tinyhil]"]
    assert rtt.down_size == 0


@pytest.mark.usefixtures("host")
def test_text_ends_it_while_nobody_takes_the_answers(rtt: Rtt, terminal: Terminal) -> None:
    """Each PING has an answer of 15 bytes, and the up channel has no room for a hundred."""
    session = 10_000
    rtt.write(frames.frame(struct.pack("<BI", frames.START, session), 0))
    rtt.write(frames.frame(struct.pack("<BB", frames.PING, 0), session) * 100)
    deadline = Deadline.after(60)
    while rtt.waiting < UP_BYTES - 1 and not deadline.expired:
        time.sleep(0.01)
    assert rtt.waiting == UP_BYTES - 1
    terminal.port.write(b"name%")
    assert terminal.read() == []
    assert terminal.read() == ["m-name-dut-[tinyhil]"]


def test_offsets_that_lie_outside_are_not_believed(
    rtt: Rtt, host: Host, target: Target, terminal: Terminal, stand_in: Material
) -> None:
    down, up = rtt.down, rtt.up
    before = target.read32(down + 12)
    target.write32(down + 12, QUEUE + 1)
    target.write32(down + 12, 0xFFFF_FFF0)
    target.write32(down + 12, before)
    written, read = target.read32(up + 12), target.read32(up + 16)
    target.write32(up + 16, UP_BYTES)
    rtt.write(frames.frame(struct.pack("<BB", frames.PING, 3), host.session))
    assert {target.read32(up + 12) for _ in range(200)} == {written}, "the device waits for room"
    target.write32(up + 16, read)
    assert host.read() == Status(3, frames.ANSWERS_PING, 0, 0)
    sample = stand_in.data.samples[0].data
    host.data(0, query(sample))
    assert isinstance(host.read(), Result)
    terminal.port.write(b"\0")
    assert terminal.read() == []


def divider(baud: int) -> int:
    return (CLOCK_HZ + baud // 2) // baud


@pytest.mark.parametrize("baud", [9600, 115_200, 921_600, 1_562_500])
def test_a_rate_is_announced_then_taken(terminal: Terminal, target: Target, baud: int) -> None:
    assert terminal.type(f"hil baud {baud}%") == [f"m-hil-baud-{baud}"]
    assert terminal.type("name%") == ["m-name-dut-[tinyhil]"]
    assert target.read32(UART_BAUDDIV) == divider(baud)
    assert terminal.type("hil baud 115200%") == ["m-hil-baud-115200"]


@pytest.mark.parametrize("rate", ["", "0", "-9600", "x", "20", "1520000", "1600000", "4294967295"])
def test_a_rate_that_the_divider_misses_is_refused(
    terminal: Terminal, target: Target, rate: str
) -> None:
    assert terminal.type(f"hil baud {rate}%") == ["e-[The UART does not run at this rate]"]
    assert terminal.type("name%") == ["m-name-dut-[tinyhil]"]
    assert target.read32(UART_BAUDDIV) == divider(115_200)


def test_noise_at_another_rate_brings_the_first_one_back(
    terminal: Terminal, target: Target
) -> None:
    terminal.type("hil baud 921600%")
    for _ in range(20):
        assert terminal.type("name%") == ["m-name-dut-[tinyhil]"]
    assert target.read32(UART_BAUDDIV) == divider(921_600), "known commands keep the rate"
    for _ in range(8):
        terminal.type("sync-12345678%")
    assert target.read32(UART_BAUDDIV) == divider(921_600)
    terminal.port.write(b"U" * 16)
    assert terminal.read() == []
    assert target.read32(UART_BAUDDIV) == divider(115_200)
    terminal.port.write(b"U" * 200)
    terminal.type("%")
    assert terminal.type("name%") == ["m-name-dut-[tinyhil]"], "where noise changes nothing"


def test_noise_instead_of_frames_at_another_rate_brings_text_back(
    terminal: Terminal, target: Target
) -> None:
    terminal.type("hil baud 921600%")
    terminal.type("hil frames wire%")
    port = terminal.port
    host = Host(port.write, lambda: bytes(port.read_until(b"\0")), next(SESSIONS))
    for _ in range(3):
        host.session = next(SESSIONS)
        assert host.start() == Status(0, frames.ANSWERS_START, 0, 0)
        port.write(b"U" * 4000 + b"\0")
    host.ping()
    assert target.read32(UART_BAUDDIV) == divider(921_600), "valid frames keep the rate"
    port.write(b"U" * 4096)
    assert terminal.read() == []
    assert target.read32(UART_BAUDDIV) == divider(115_200)
    assert terminal.type("name%") == ["m-name-dut-[tinyhil]"]
