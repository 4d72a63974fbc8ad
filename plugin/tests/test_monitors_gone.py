"""A monitor that vanishes while it supplies a board, and a board that goes with its supply."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tinyhil.device.links.serial import SerialLink
from tinyhil.device.session import Session
from tinyhil.emulator.foreign import ForeignDevice
from tinyhil.emulator.monitors.lpm01a import Lpm01a
from tinyhil.emulator.monitors.timeline import Live
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import LinkError, MonitorError
from tinyhil.measure import supply
from tinyhil.measure.energy.recording import Recording
from tinyhil.measure.monitors import EMPTY, Monitor, Piece, n6705, options_of
from tinyhil.record.traces import read_trace

TABLE = {"kind": "lpm01a", "port": "x", "volts": 1.8}


class Vanishing(Lpm01a):
    """Its cable is pulled once it has been told to measure."""

    def encoded(self, measured: Any) -> bytes:
        self._ended.set()
        os.close(self._line)
        self._line = os.open(os.devnull, os.O_RDWR)
        return super().encoded(measured)


def test_an_lpm01a_that_vanishes_while_it_measures_is_named_and_nothing_hangs(
    tmp_path: Path,
) -> None:
    timeline = Live(0.002)

    def record(monitor: Monitor) -> None:
        with Recording(monitor, tmp_path, "trace") as recording:
            timeline.until(60.0)
            recording.await_samples(10**6, Deadline.after(60))

    with Vanishing(timeline) as instrument:
        options = options_of({**TABLE, "port": instrument.port}, "desk")
        with (
            pytest.raises(MonitorError, match="the power monitor is gone") as raised,
            supply.opened(options, modelled=False) as opened,
        ):
            record(opened.monitor)
    assert raised.value.hint == "check its USB cable"
    assert len(read_trace(tmp_path, "trace", 1000.0).power_w) == 0, "never taken for a whole one"


class Visa:
    """An N6705 that answers so many questions, then is gone; to close it fails then too."""

    def __init__(self, answers: int) -> None:
        self.left = answers
        self.wrote: list[str] = []
        self.closed = 0

    def query(self, command: str) -> str:
        self._use()
        known = {"*IDN?": "Keysight,N6705C,1,1", "SYST:ERR?": "+0"}
        known["SENS:ELOG:PER? (@1)"] = "2.048E-04"
        return known.get(command, "1.0E-03,2.0E-03")

    def write(self, command: str) -> None:
        self.wrote.append(command)

    def close(self) -> None:
        self.closed += 1
        self._use()

    def _use(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise ConnectionResetError("VI_ERROR_CONN_LOST\x1b[31m" + "x" * 500)


def played(answers: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Visa, n6705.Options]:
    pyvisa = pytest.importorskip("pyvisa", reason="needs PyVISA: pip install pyvisa")
    instrument = Visa(answers)

    class Manager:
        def __init__(self, _: str) -> None: ...

        def open_resource(self, *_: str, **__: str) -> Visa:
            return instrument

    monkeypatch.setattr(pyvisa, "ResourceManager", Manager)
    return instrument, n6705.Options(kind="n6705", volts=3.0, address="TCPIP0::192.0.2.7::INSTR")


@pytest.mark.parametrize("answers", range(7))
def test_an_n6705_that_vanishes_at_any_moment_is_named(
    answers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who it is; its settings; its rate; supply on; the start; two reads."""
    instrument, options = played(answers, monkeypatch)
    with (
        pytest.raises(
            MonitorError, match="the N6705 does not answer: VI_ERROR_CONN_LOST"
        ) as raised,
        supply.opened(options, modelled=False) as opened,
        Recording(opened.monitor, tmp_path, "trace") as recording,
    ):
        recording.await_samples(10**6, Deadline.after(60))
    assert instrument.closed == 1
    assert "\x1b" not in str(raised.value)
    assert len(str(raised.value)) < 300
    assert answers < 4 or "OUTP OFF,(@1)" in instrument.wrote, "switched off as far as it can be"


class Gate:
    """A monitor in the supply of a board whose port is there only while it has power."""

    rate_hz, name, modelled = 1000.0, "gate", False

    def __init__(self, link: Path) -> None:
        self._link = link
        self.device = ForeignDevice("kws01", lambda _: (1.0,))
        self.closed = False

    def supply(self, on: bool, deadline: Deadline) -> None:
        del deadline
        if on:
            self.device.__enter__()
            self._link.symlink_to(self.device.port)
        elif self._link.is_symlink():
            self._link.unlink()
            self.device.__exit__()

    def start(self, deadline: Deadline) -> None: ...

    def read(self, deadline: Deadline) -> Piece:
        del deadline
        return EMPTY

    def stop(self, deadline: Deadline) -> None: ...

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate(tmp_path / "tty")
    open_it: Callable[..., Monitor] = lambda *_: made  # noqa: E731
    monkeypatch.setattr(supply, "open_monitor", open_it)
    yield made
    made.supply(False, Deadline.after(1))


def test_a_board_that_loses_its_supply_in_a_question_is_named_and_the_supply_ends_off(
    gate: Gate, tmp_path: Path
) -> None:
    port = tmp_path / "tty"

    def lose(monitor: Monitor) -> None:
        with closing(SerialLink(str(port), 115200, Deadline.after(5))) as link:
            session = Session(link)
            session.synchronize(Deadline.after(20))
            monitor.supply(False, Deadline.after(1))
            session.synchronize(Deadline.after(20))

    with (
        pytest.raises(LinkError, match="is gone"),
        supply.opened(options_of(TABLE, "desk"), modelled=False) as opened,
    ):
        lose(opened.monitor)
    assert gate.closed
    assert not port.is_symlink()
