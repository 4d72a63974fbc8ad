"""A power-gated board: its probe and its port go with its supply, and are waited for."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tinyhil import flash
from tinyhil.catalog.bench import Station
from tinyhil.catalog.board import Board
from tinyhil.catalog.wiring import Wiring
from tinyhil.device.dut import Dut, attached
from tinyhil.device.links.serial import open_link
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError
from tinyhil.image.build import Firmware
from tinyhil.measure import supply

from ..gated import BOARD, PROBE, Gate, Options


def there() -> bool:
    return PROBE in [probe.uid for probe in flash.probes()]


def talk(dut: Dut, firmware: Firmware) -> None:
    flash.flash(firmware.image, dut.board, dut.probe_uid, Deadline.after(60))
    with closing(open_link(dut, Deadline.after(20))) as link:
        session = Session(link)
        session.synchronize(Deadline.after(60))
        assert session.identify(Deadline.after(20)).vendor == "tinyhil"


def test_probe_and_port_of_a_gated_board_vanish_with_its_supply_and_come_back(
    mps2: Board,
    reachable: None,
    stand_in_firmware: Firmware,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del reachable
    port = tmp_path / "tty"
    wiring = Wiring(board=BOARD, probe=PROBE, port=str(port))
    station = Station("desk", wiring.board_of(mps2), wiring)
    options = Options(kind="lpm01a", volts=3.3, port=str(port))
    gate = Gate(options, Deadline.after(20))
    monkeypatch.setattr(supply, "open_monitor", lambda *_: gate)
    monkeypatch.setattr(supply, "_THERE_S", 120.0)  # Patience alone.
    assert not there()
    with attached(station) as dut:
        with supply.supplied(dut, options, energy=False) as on:
            assert on
            assert there(), "it was waited for"
            talk(dut, stand_in_firmware)
            gate.supply(False, Deadline.after(20))
            assert not there()
            assert not port.is_symlink()
            with pytest.raises(BenchError, match=f"no debug probe '{PROBE}'; there: none"):
                talk(dut, stand_in_firmware)
            gate.supply(True, Deadline.after(20))
            flash.await_there(dut.board, dut.probe_uid, Deadline.after(60))
            talk(dut, stand_in_firmware)
        assert not there()
        assert not port.is_symlink()
    assert gate.supplied == 2
