"""Ports by stable names, and ports that come late, go away and come back."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import serial
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from tests.replayed import KWS01, all_right, started, windows
from tinyhil.catalog.task import Window
from tinyhil.device import ports
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.queries.framed import FramedQueries
from tinyhil.device.queries.text import TextQueries
from tinyhil.device.session import Session
from tinyhil.emulator.foreign import Fault, ForeignDevice
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, LinkError, LinkTimeoutError


def port(device: str, serial_number: str | None, location: str, *, vid: int = 0x0483) -> Any:
    """A port as pyserial lists it."""
    info = ListPortInfo(device)
    info.vid, info.pid, info.serial_number, info.location = vid, 0x374B, serial_number, location
    return info


STLINK = port("/dev/ttyACM0", "066BFF", "1-1:1.2")
PROBE_RS = [
    port("/dev/ttyACM1", "E6:60:58", "1-2:1.0", vid=0x2E8A),
    port("/dev/ttyACM2", "E6:60:58", "1-2:1.2", vid=0x2E8A),
]
NAMELESS = port("/dev/ttyUSB0", None, "1-3", vid=0x1A86)
BUILT_IN = ListPortInfo("/dev/ttyS0")
ALL = [STLINK, *PROBE_RS, NAMELESS, BUILT_IN]


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The ports that are there."""
    there = list(ALL)
    monkeypatch.setattr(list_ports, "comports", lambda: there)
    return there


@pytest.mark.usefixtures("plugged")
@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("serial:066BFF", "/dev/ttyACM0"),
        ("SERIAL:066bff", "/dev/ttyACM0"),
        ("usb:0483:374b", "/dev/ttyACM0"),
        ("usb:0483:374B:066bff", "/dev/ttyACM0"),
        ("usb:0483:374B:2", "/dev/ttyACM0"),
        ("usb:1a86:374b", "/dev/ttyUSB0"),
        ("usb:2e8a:374b:0", "/dev/ttyACM1"),
        ("serial:E6:60:58:2", "/dev/ttyACM2"),
        ("usb:2e8a:374b:e6:60:58:0", "/dev/ttyACM1"),
        ("socket://bench:4000", "socket://bench:4000"),
    ],
)
def test_a_port_is_found_by_its_usb_device(name: str, device: str) -> None:
    assert ports.find(name) == device


@pytest.mark.usefixtures("plugged")
@pytest.mark.parametrize("name", ["serial:E6:60:58", "usb:2e8a:374b"])
def test_a_name_of_several_ports_is_refused_with_what_tells_them_apart(name: str) -> None:
    with pytest.raises(BenchError, match="is the name of 2 ports") as caught:
        ports.find(name)
    assert "/dev/ttyACM1 (usb:2e8a:374b:e6:60:58:0)" in caught.value.message
    with pytest.raises(BenchError, match="is the name of 2 ports"):
        SerialLink(name, 115200, Deadline.after(60))


@pytest.mark.usefixtures("plugged")
@pytest.mark.parametrize("name", ["serial:nobody", "/nowhere/ttyACM0"])
def test_a_missing_port_is_an_error_that_lists_what_is_there(name: str) -> None:
    with pytest.raises(BenchError) as caught:
        SerialLink(name, 115200)
    text = str(caught.value)
    assert f"serial port {name} cannot be opened" in text
    assert "there: /dev/ttyACM0 (usb:0483:374b:066bff:2), /dev/ttyACM1" in text
    assert "/dev/ttyS0" in text
    assert "next step: plug the board in" in text


def test_a_port_on_its_way_out_while_it_is_looked_at_is_a_missing_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def comports() -> list[Any]:
        raise TypeError("int() can't convert None")  # pyserial's, when a file has just gone

    monkeypatch.setattr(list_ports, "comports", comports)
    assert ports.find_now("serial:066BFF") is None


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> dict[int, Callable[[], None]]:
    """What happens at the n-th look for a port, before it."""
    events: dict[int, Callable[[], None]] = {}
    find, seen = ports.find, []

    def watched(name: str, dead: str = "") -> str:
        seen.append(name)
        events.get(len(seen), lambda: None)()
        return find(name, dead)

    monkeypatch.setattr(ports, "find", watched)
    return events


def test_a_port_that_comes_late_is_waited_for(
    tmp_path: Path, looks: dict[int, Callable[[], None]]
) -> None:
    path = tmp_path / "tty"
    claimed: list[str] = []
    with ForeignDevice("kws01", lambda _: [1.0]) as device:
        looks[3] = lambda: path.symlink_to(device.port)
        link = SerialLink(str(path), 115200, Deadline.after(60), claim=claimed.append)
        Session(link).synchronize(Deadline.after(30))
        link.close()
        assert claimed == [os.path.realpath(device.port)]


def test_a_port_that_does_not_come_is_given_up_at_the_deadline(
    tmp_path: Path, looks: dict[int, Callable[[], None]]
) -> None:
    waited: list[int] = []
    looks[2] = lambda: waited.append(2)
    with pytest.raises(BenchError, match="cannot be opened: there is no"):
        SerialLink(str(tmp_path / "tty"), 115200, Deadline.after(0.2))
    assert waited


def test_a_usb_port_is_found_again_under_another_number(
    plugged: list[Any], looks: dict[int, Callable[[], None]]
) -> None:
    with ForeignDevice("kws01", lambda _: [1.0]) as device:
        plugged.clear()
        looks[2] = lambda: plugged.append(port(device.port, "066BFF", "1-1:1.2"))
        link = SerialLink("serial:066BFF", 115200, Deadline.after(60))
        Session(link).synchronize(Deadline.after(30))
        link.close()


@pytest.mark.parametrize(
    "error", [PermissionError(errno.EACCES, "not yet"), serial.SerialException("locked by another")]
)
def test_a_port_that_is_there_may_need_a_moment(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = serial.serial_for_url, [error, error]

    def opened(*arguments: Any, **options: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(*arguments, **options)

    monkeypatch.setattr(serial, "serial_for_url", opened)
    with ForeignDevice("kws01", lambda _: [1.0]) as device:
        SerialLink(device.port, 115200, Deadline.after(60)).close()
    assert not failures


def test_a_port_that_stays_taken_is_given_up_long_before_a_boot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tinyhil.device.links.serial._SETTLE_S", 0.2)
    with ForeignDevice("kws01", lambda _: [1.0]) as device:
        link, deadline = SerialLink(device.port, 115200), Deadline.after(600)
        with pytest.raises(BenchError, match="no terminal holds it"):
            SerialLink(device.port, 115200, deadline)
        assert not deadline.expired
        link.close()


def test_a_port_that_goes_away_in_the_middle_comes_back_as_another_one(
    tmp_path: Path, looks: dict[int, Callable[[], None]]
) -> None:
    """The board is plugged out and in: another number, a fresh device, the same answers."""
    path = tmp_path / "by-id"
    claimed: list[str] = []
    samples = [Window(bytes([number]) * 490, 0) for number in range(3)]
    faults = [Fault("unplugged", "infer", nth=4)]
    with (
        ForeignDevice("kws01", lambda data: [data[0] / 8], faults=faults) as device,
        ForeignDevice("kws01", lambda data: [data[0] / 8]) as again,
    ):

        def plug() -> None:
            path.unlink()
            path.symlink_to(again.port)

        path.symlink_to(device.port)
        looks[3] = plug
        link = SerialLink(str(path), 115200, Deadline.after(30), claim=claimed.append, returns=True)
        session = Session(link)
        session.synchronize(Deadline.after(30))
        queries = TextQueries(session)
        scores = [inference.scores for inference in queries.each(samples)]
        link.close()
        assert scores == [(0.0,), (0.125,), (0.25,)]
        assert sum(queries.healed.values()) == 1
        assert claimed == [os.path.realpath(name.port) for name in (device, again)]


def test_frames_go_on_over_a_port_that_came_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """An adapter that is plugged out and in for a moment; the device behind it runs on."""
    monkeypatch.setattr("tinyhil.device.links.serial._RECYCLED", "/dev/none/")
    dead, far_end = os.openpty()
    os.close(dead)
    asked, given = windows(KWS01, 40), []
    claimed: list[str] = []
    with started(wait=True) as device:
        link = SerialLink(device.port, device.facts.baud, claim=claimed.append, returns=True)
        session = Session(link)
        session.synchronize(Deadline.after(30))
        info = session.identify(Deadline.after(30))
        with FramedQueries(session, info, patience_s=10, first_s=30) as queries:
            for inference in queries.each(asked):
                given.append(inference)
                # With no answer left to hand on, but some that the device is still to give.
                if len(given) >= 4 and not queries._results and len(claimed) == 1:
                    os.dup2(far_end, link._port.fileno())
            healed = queries.healed
        link.close()
    os.close(far_end)
    assert all_right(asked, given)
    assert len(claimed) == 2, "the port was opened again"
    assert healed["questions after silence"] >= 1


def test_a_pty_that_died_is_gone_at_once_whoever_gets_its_name() -> None:
    faults = [Fault("unplugged", "name")]
    with ForeignDevice("kws01", lambda _: [1.0], faults=faults) as device:
        link = SerialLink(device.port, 115200, returns=True)
        Session(link).synchronize(Deadline.after(30))
        link.write(b"name%", Deadline.after(30))
        with pytest.raises(LinkError, match="is gone") as caught:
            link.read(Deadline.after(30))
        assert not isinstance(caught.value, LinkTimeoutError)
        link.close()


def test_a_port_that_does_not_come_back_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinyhil.device.links.serial._RETURN_S", 0.2)
    path = tmp_path / "by-id"
    with ForeignDevice("kws01", lambda _: [1.0], faults=[Fault("unplugged", "name")]) as device:
        path.symlink_to(device.port)
        link = SerialLink(str(path), 115200, returns=True)
        Session(link).synchronize(Deadline.after(30))
        link.write(b"name%", Deadline.after(30))
        with pytest.raises(LinkError, match="is gone") as caught:
            link.read(Deadline.after(30))
        assert not isinstance(caught.value, LinkTimeoutError)
        monkeypatch.setattr("tinyhil.device.links.serial._RETURN_S", 600)
        with pytest.raises(LinkError, match="is gone"):
            link.write(b"name%", Deadline.after(30))
        link.close()
