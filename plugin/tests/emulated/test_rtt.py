"""The link through the debug probe: SEGGER RTT on a board that runs."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import serial
from pyocd.core.session import Session as ProbeSession
from pyocd.probe.aggregator import DebugProbeAggregator

from tinyhil.data.material import Material
from tinyhil.device.dut import Dut
from tinyhil.device.links import Link
from tinyhil.device.links.rtt import open_frames
from tinyhil.emulator.qemu import EmulatedBoard
from tinyhil.flash import flash
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, DeviceError, LinkError, LinkTimeoutError
from tinyhil.image.build import Firmware
from tinyhil.image.elf import Image

from ..terminal import Terminal

SOON_S = 0.05


class Echo:
    """An emulated board whose firmware sends back by RTT what comes by RTT."""

    def __init__(self, emulated: EmulatedBoard, image: Image) -> None:
        board = emulated.board
        self.emulated, self.image = emulated, image
        self.dut = Dut(
            "echo", board, emulated.probe_uid, emulated.serial_url, board.baud, board.baud
        )
        self.port = serial.serial_for_url(emulated.serial_url, timeout=60)
        flash(image, board, emulated.probe_uid, Deadline.after(60))
        assert self.port.readline().startswith(b"hello")

    def ask(self, letter: bytes) -> bytes:
        """Have the firmware do something that it tells a number of; see `echo.c`."""
        self.port.write(letter)
        line: bytes = self.port.readline()
        return line.split()[-1]

    def open(self, rings: bytes = b"W") -> Link:
        """Have it open its channels, which it serves from now on, and open the link."""
        self.ask(rings)
        return open_frames(self.dut, self.image)


@pytest.fixture
def echo(emulated: EmulatedBoard, echo_image: Image) -> Iterator[Echo]:
    """A board that has booted, with its channels still closed."""
    board = Echo(emulated, echo_image)
    yield board
    board.port.close()


def read(link: Link, count: int) -> bytes:
    """Read exactly so many bytes."""
    data = b""
    while len(data) < count:
        data += link.read(Deadline.after(60))
    assert len(data) == count
    return data


@pytest.mark.parametrize(("rings", "count"), [(b"R", 40), (b"W", 150)], ids=["odd", "wide"])
def test_every_byte_comes_back_whatever_the_pieces_and_nothing_else_is_touched(
    echo: Echo, rings: bytes, count: int
) -> None:
    pieces = random.Random(1)  # noqa: S311
    link = echo.open(rings)
    for _ in range(count):
        data = pieces.randbytes(pieces.choice([1, 2, 3, 5, 64, 255, 700, 3000]))
        link.write(data, Deadline.after(60))
        assert read(link, len(data)) == data
    assert link.poll() == b""
    link.close()
    assert echo.ask(b"G") == b"00000000"


def test_a_device_that_waits_until_it_is_read_does_not_block_a_write(echo: Echo) -> None:
    data = os.urandom(5_000)  # both rings together hold 310
    link = echo.open(b"R")
    link.write(data, Deadline.after(60))
    assert read(link, len(data)) == data
    link.close()


def test_a_silent_device_is_given_up_at_the_deadline(echo: Echo) -> None:
    link = echo.open()
    with pytest.raises(LinkTimeoutError, match="nothing came from the RTT channel"):
        link.read(Deadline.after(SOON_S))
    assert echo.ask(b"G") == b"00000000"  # and no more RTT
    with pytest.raises(LinkTimeoutError, match="took 16380 of 40000 bytes"):
        link.write(bytes(40_000), Deadline.after(SOON_S))
    link.close()


@pytest.mark.parametrize(
    ("letter", "complaint"),
    [
        (b"u", "RTT up channel is 0x80000000, its buffer has 1024 bytes"),
        (b"d", "RTT down channel is 0x4000, its buffer has 16384 bytes"),
    ],
)
def test_an_offset_outside_its_buffer_is_refused(echo: Echo, letter: bytes, complaint: str) -> None:
    link = echo.open()
    echo.port.write(letter)
    assert echo.ask(b"G") == b"00000000"
    for access in (link.poll, lambda: link.write(b"x", Deadline.after(60))):
        with pytest.raises(DeviceError, match=complaint):
            access()
    link.close()


@pytest.mark.parametrize(
    ("letter", "complaint"),
    [
        (b"n", "no RTT control block at 0x2"),
        (b"p", "down channel is said to be 16384 bytes at 0x203ffff0, which is not RAM"),
        (b"z", "down channel is said to be 0 bytes"),
    ],
)
def test_a_control_block_that_makes_no_sense_is_refused(
    echo: Echo, letter: bytes, complaint: str
) -> None:
    echo.ask(b"W")
    echo.port.write(letter)
    assert echo.ask(b"G").strip()
    with pytest.raises(DeviceError, match=complaint):
        open_frames(echo.dut, echo.image)


def test_a_channel_that_the_device_closes_is_no_longer_written(echo: Echo) -> None:
    link = echo.open()
    echo.port.write(b"z")
    echo.ask(b"G")
    for access in (link.poll, lambda: link.write(b"x", Deadline.after(60))):
        with pytest.raises(LinkError, match="closed its RTT channel"):
            access()
    link.close()


def test_a_board_that_dies_is_a_link_that_is_gone(echo: Echo) -> None:
    link = echo.open()
    with pytest.raises(LinkError, match="no baud rate"):
        link.set_baud(9600)
    os.kill(echo.emulated.pid, signal.SIGKILL)
    assert echo.emulated.process.exited.wait(10)
    uid = echo.emulated.probe_uid
    for access in (
        link.poll,
        lambda: link.read(Deadline.after(60)),
        lambda: link.write(b"x", Deadline.after(60)),
    ):
        with pytest.raises(LinkError, match=f"probe {uid} failed at .*: emulated board .* is gone"):
            access()
    link.close()
    with pytest.raises(BenchError, match="no debug probe"):
        open_frames(echo.dut, echo.image)


@contextmanager
def hammered(dut: Dut, image: Image) -> Iterator[list[int]]:
    """Has a thread read and write the memory of RTT for the time; counts its accesses."""
    counted = [0]
    end = threading.Event()
    block = image.symbol("_SEGGER_RTT").address
    probe = DebugProbeAggregator.get_probe_with_id(dut.probe_uid)
    options = {"no_config": True, "connect_mode": "attach", "resume_on_disconnect": False}

    def hammer() -> None:
        while not end.is_set():
            _, buffer, *_ = target.read_memory_block32(block + 24, 6)
            target.write_memory_block32(buffer, [0x5A5A5A5A] * 200)
            counted[0] += 2

    with ProbeSession(probe, options=options) as session:
        target = session.target
        thread = threading.Thread(target=hammer)
        thread.start()
        try:
            yield counted
        finally:
            end.set()
            thread.join()


def test_accesses_of_the_probe_do_not_change_what_is_timed(
    live: Dut, stand_in: Material, stand_in_firmware: Firmware
) -> None:
    with serial.serial_for_url(live.serial_url, timeout=30) as port:
        terminal = Terminal(port)
        terminal.load(stand_in.data.samples[0].data)

        def timed() -> list[str]:
            """Ticks of each of 40 inferences, as the device tells them."""
            terminal.type("infer 40 1%")
            return terminal.type("hil laps%")

        undisturbed = timed()
        with hammered(live, stand_in_firmware.image) as accesses:
            before = accesses[0]
            for _ in range(50):  # A busy machine lets the probe come to little in one of them.
                assert timed() == undisturbed
                if accesses[0] - before > 40:
                    break
            assert accesses[0] - before > 40
        assert sum(line.count(",") + 1 for line in undisturbed) == 40
