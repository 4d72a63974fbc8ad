"""Power monitors against their stand-ins, which speak the instruments' protocols byte for byte."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from tinyhil.benchmarks.energy import MOST_ERROR, Fault, faults_of
from tinyhil.benchmarks.energy_played import KINDS, measured
from tinyhil.benchmarks.energy_soak import soak
from tinyhil.emulator.monitors import otii as otii_played
from tinyhil.emulator.monitors.instrument import Faults, Samples
from tinyhil.emulator.monitors.lpm01a import Lpm01a
from tinyhil.emulator.monitors.ppk2 import Ppk2
from tinyhil.emulator.monitors.timeline import Analytic
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, ConfigError, MonitorError
from tinyhil.measure.energy.recording import Recording
from tinyhil.measure.energy.windows import window_of
from tinyhil.measure.monitors import (
    EMPTY,
    Monitor,
    Piece,
    joulescope,
    lpm01a,
    open_monitor,
    options_of,
    ppk2,
)
from tinyhil.record.traces import TraceWriter, read_trace

TABLE = {"kind": "lpm01a", "port": "usb:0483:5740", "volts": 1.8}
WAITS = {"missing edge", "missing edge of the set-up"}
"""For the monitor to fall silent, which takes seconds: `make bench-energy` has them."""


OTII = "needs Qoitech's package: pip install otii-tcp-client"


@pytest.mark.parametrize("kind", KINDS)
def test_the_figure_is_that_of_the_formula(kind: str, tmp_path: Path) -> None:
    if kind == "Otii":
        pytest.importorskip("otii_tcp_client", reason=OTII)
    faults = Faults(seed=7, noise=0.01)
    found = measured(kind, tmp_path, faults, inference_s=0.031, window_s=0.4)
    assert abs(found.error) < 5 * MOST_ERROR  # A window is a twentieth of what it should be.
    assert found.edges_off < 1
    assert found.energy.idle_w == pytest.approx(0.0021, rel=0.02)
    assert read_trace(tmp_path, "trace", 1.0).power_w.size == len(found.energy.trace.power_w)


def test_an_inference_that_is_shorter_than_a_sample_is_measured(tmp_path: Path) -> None:
    found = measured("LPM01A, lines", tmp_path, inference_s=2e-5, window_s=0.05)
    assert all(one.window.seconds >= 0.05 for one in found.energy.windows)


class Pieces:
    """A monitor that sends what it is given, then fails or falls silent."""

    rate_hz, name, modelled = 1000.0, "pieces", False

    def __init__(self, *pieces: Piece, fails: bool = False) -> None:
        self._pieces, self._fails = list(pieces), fails
        self.running = False

    def supply(self, on: bool, deadline: Deadline) -> None: ...

    def start(self, deadline: Deadline) -> None:
        del deadline
        self.running = True

    def read(self, deadline: Deadline) -> Piece:
        if self._pieces:
            return self._pieces.pop(0)
        if self._fails:
            raise MonitorError("overcurrent", hint="none")
        deadline.pause(0.001)
        return EMPTY

    def stop(self, deadline: Deadline) -> None:
        del deadline
        self.running = False

    def close(self) -> None: ...


def test_an_edge_that_comes_without_samples_is_kept(tmp_path: Path) -> None:
    samples = np.full(10, 0.01, np.float32)
    edge = Piece(EMPTY.power_w, (0,))
    with Recording(Pieces(Piece(samples), edge, Piece(samples)), tmp_path, "trace") as recording:
        recording.await_samples(20, Deadline.after(5))
        assert recording.edges_from(0) == (10,)
    assert read_trace(tmp_path, "trace", 1000.0).edges.tolist() == [10]


@pytest.mark.parametrize("fails", [False, True])
def test_a_measure_that_fails_ends_the_monitors_measuring(fails: bool, tmp_path: Path) -> None:
    """Else it goes on, takes no other command, and the next measure can't start it."""
    monitor = Pieces(Piece(np.full(10, 0.01, np.float32)), fails=fails)
    with (
        pytest.raises(MonitorError, match="overcurrent" if fails else "no samples come"),
        Recording(monitor, tmp_path, "trace") as recording,
    ):
        recording.await_samples(20, Deadline.after(60 if fails else 0.01))
    assert not monitor.running


@pytest.mark.parametrize(("binary", "data"), [(False, b"1234+56\r\n"), (True, b"\x0f\xff\x0f\xff")])
def test_an_lpm01as_sample_that_it_can_not_measure_is_told(binary: bool, data: bytes) -> None:
    reader = lpm01a.Reader(1000.0, 3.0, binary=binary)
    reader.feed(data)
    with pytest.raises(MonitorError, match="W for a sample, which it can't measure"):
        reader.take()


def test_windows_are_read_off_the_power_where_no_pin_leads_to_the_monitor(tmp_path: Path) -> None:
    found = measured("LPM01A, lines", tmp_path, window_s=2.0, edges="trace")
    assert len(found.energy.windows) == 5
    share = found.energy.errors["energy_j"].above / found.energy.energy_j
    assert abs(found.error) < share < 0.05


@pytest.mark.parametrize(
    "fault",
    [one for one in faults_of(Random(4)) if one.name not in WAITS],  # noqa: S311
    ids=lambda one: one.name,
)
def test_every_fault_is_named_or_leaves_the_figure_right(fault: Fault, tmp_path: Path) -> None:
    if fault.named:
        with pytest.raises(MonitorError, match=fault.named):
            measured("LPM01A, lines", tmp_path, fault.faults, window_s=3.0)
    else:
        assert abs(measured("LPM01A, lines", tmp_path, fault.faults).error) < MOST_ERROR


def test_samples_of_a_formula_hold_its_energy() -> None:
    timeline = Analytic([(0.5, 1.5), (2.0, 3.0)], ripple_w=0.001)
    samples = Samples(timeline, 1000.0, Faults(noise=0.0)).next(10**6)
    assert samples is not None
    assert samples.edges == (50, 500, 1500, 2000, 3000)
    energy_j = samples.power_w[500:1500].sum() / 1000
    assert energy_j == pytest.approx(timeline.energy_j(0), rel=1e-12)


def stream(stand_in: Lpm01a | Ppk2, timeline: Analytic, rate_hz: float, **faults: Any) -> bytes:
    """What a stand-in sends of a whole formula, at once."""
    made = Samples(timeline, rate_hz, Faults(seed=2, **faults)).next(10**7)
    assert made is not None
    return stand_in.encoded(made)


def configured(stand_in: Lpm01a | Ppk2, *commands: bytes) -> None:
    for command in commands:
        stand_in.heard(command)


@pytest.mark.parametrize("binary", [False, True])
def test_an_lpm01as_bytes_may_come_in_any_pieces(binary: bool) -> None:
    timeline = Analytic([(0.4, 1.2)])
    stand_in = Lpm01a(timeline)
    form = b"format bin_hexa\n" if binary else b"output energy\n"
    configured(stand_in, b"volt 3000m\npwr on\nfreq 1k\n" + form)
    data = stream(stand_in, timeline, 1000.0, dropped=0.002)
    scale = 3.0 if binary else 1000.0
    whole, torn = (lpm01a.Reader(1000.0, scale, binary=binary) for _ in range(2))
    whole.feed(data)
    for place in range(0, len(data), 7):
        torn.feed(data[place : place + 7])
    one, other = whole.take(), torn.take()
    assert np.array_equal(one.power_w, other.power_w, equal_nan=True)
    assert one.edges == other.edges
    assert len(one.edges) == 3
    assert np.isnan(one.power_w).any(), "what its clock says was lost"
    trace = np.nan_to_num(one.power_w, nan=0.002)
    assert trace.sum() / 1000 == pytest.approx(0.8 * 0.020 + 1.9 * 0.002, rel=0.02)
    stand_in.stop()


def test_a_ppk2s_bytes_may_come_in_any_pieces() -> None:
    timeline = Analytic([(0.01, 0.05)], tail_s=0.01, stamp_s=0.001)
    stand_in = Ppk2(timeline)
    configured(stand_in, bytes((0x0D, 11, 184)), bytes((0x0C, 1)))
    data = stream(stand_in, timeline, 100_000.0)
    constants = ppk2.constants_of(b"HW: 1\nEND\n" + _metadata())
    whole, torn = (ppk2.Reader(constants, 3.0, 0) for _ in range(2))
    one = whole.feed(data)
    pieces = [torn.feed(data[place : place + 999]) for place in range(0, len(data), 999)]
    # What the filter made of a change of range depends on nothing but the samples before.
    assert np.allclose(one.power_w, np.concatenate([piece.power_w for piece in pieces]), rtol=1e-5)
    assert np.allclose(one.edges, (100, 1000, 5000), atol=1)
    found = window_of_piece(one.power_w)
    assert found == pytest.approx(0.04 * 0.020, rel=0.002)
    lost = torn.feed(data[:400] + data[800:1200])
    assert np.isnan(lost.power_w).sum() >= 36, "a counter of 6 bits tells what was lost"
    stand_in.stop()


def window_of_piece(power_w: Any) -> float:
    from tinyhil.record.traces import Trace  # noqa: PLC0415

    return window_of(Trace(power_w, np.empty(0, np.int64), 100_000.0), 1000, 5000).energy_j


def _metadata() -> bytes:
    from tinyhil.emulator.monitors import ppk2 as played  # noqa: PLC0415

    return played._metadata()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kind": "lpm1a"}, r"key 'kind': no power monitor 'lpm1a'; known: .*lpm01a, .*ppk2"),
        ({"kind": None}, r"key 'kind': is missing; known: .*lpm01a, n6705, otii, ppk2"),
        ({"volts": "3V"}, "key 'volts': Input should be a valid number"),
        ({"prot": "x"}, "unknown key 'prot'; known keys here: .*format.*port.*volts"),
        ({"volts": 5.0}, "key 'volts': Input should be less than or equal to 3.3"),
        ({"rate_hz": 50_000}, 'above 10000 needs format = "bin_hexa"'),
        ({"edges": "wire"}, "key 'edges': Input should be 'pin' or 'trace'"),
    ],
)
def test_a_wrong_table_is_told_before_anything_starts(change: Any, told: str) -> None:
    options_of(TABLE, "bench.toml")
    with pytest.raises(ConfigError, match=told) as error:
        options_of({**TABLE, **change}, "bench.toml: table 'stations.desk.monitor'")
    assert error.value.message.startswith("bench.toml: table 'stations.desk.monitor'")


def test_a_monitor_that_is_not_there_or_is_another_one_is_told() -> None:
    missing = options_of({**TABLE, "port": "/dev/ttyNone"}, "bench.toml")
    with pytest.raises(MonitorError, match="there is no /dev/ttyNone"):
        open_monitor(missing, Deadline.after(0.0))
    with Ppk2(Analytic([(1.0, 2.0)])) as other:
        options = options_of({**TABLE, "port": other.port}, "bench.toml")
        with pytest.raises(MonitorError, match="does not answer"):
            open_monitor(options, Deadline.after(1.0))


def test_a_recorded_trace_is_played_as_it_was(tmp_path: Path) -> None:
    with TraceWriter(tmp_path, "before") as writer:
        writer.add(np.linspace(0.001, 0.02, 5000, dtype=np.float32), [40, 300, 4000])
    table = {"kind": "replay", "trace": str(tmp_path / "before.npy"), "speed": 1e6}
    monitor = open_monitor(options_of(table, "bench.toml"), Deadline.after(1))
    with Recording(monitor, tmp_path, "again") as recording:
        recording.await_samples(5000, Deadline.after(60))
    again = read_trace(tmp_path, "again", 1000.0)
    assert np.array_equal(again.power_w, np.linspace(0.001, 0.02, 5000, dtype=np.float32))
    assert again.edges.tolist() == [40, 300, 4000]
    assert monitor.modelled, "it is not of the device at hand"
    with pytest.raises(MonitorError, match="cannot be played"):
        open_monitor(options_of({**table, "trace": "/nowhere.bin"}, "x"), Deadline.after(1))


@pytest.fixture
def program() -> Iterator[otii_played.Otii]:
    pytest.importorskip("otii_tcp_client", reason=OTII)
    timeline = Analytic([(0.1, 1.1)], idle_w=0.002, busy_w=0.002)
    with otii_played.Otii(timeline, Faults(overrange_at_s=1.0)) as made:
        yield made


def otii(**keys: Any) -> Monitor:
    options = options_of({"kind": "otii", "volts": 3.0, **keys}, "bench.toml")
    return open_monitor(options, Deadline.after(0.5))


def test_an_otii_that_cuts_the_supply_is_named_and_so_is_what_it_refuses(
    program: otii_played.Otii,
) -> None:
    with pytest.raises(MonitorError, match=r"refuses: .*no rate of 4321"):
        otii(**program.place, rate_hz=4321)
    with pytest.raises(MonitorError, match=r"0 Otii instruments .*Lab 2. are there: Ace"):
        otii(**program.place, device="Lab 2")
    monitor = otii(**program.place)
    monitor.supply(True, Deadline.after(1))
    monitor.start(Deadline.after(1))
    pieces = [monitor.read(Deadline.after(1)) for _ in range(4)]
    assert np.concatenate([piece.power_w for piece in pieces]) == pytest.approx(0.002, rel=0.05)
    assert sum(len(piece.edges) for piece in pieces) == 2
    # What it has measured before is given still.
    with pytest.raises(MonitorError, match="has cut the supply: overcurrent"):
        sum(len(monitor.read(Deadline.after(1)).power_w) for _ in range(100))
    monitor.stop(Deadline.after(1))
    monitor.close()


def test_an_otii_program_that_is_not_there_or_goes_is_named(program: otii_played.Otii) -> None:
    monitor = otii(**program.place)
    program.__exit__()
    with pytest.raises(MonitorError, match="Otii Ace refuses") as gone:
        monitor.start(Deadline.after(1))
    assert gone.value.hint == "see the Otii program, and that the instrument is plugged in"
    monitor.close()
    with pytest.raises(MonitorError, match="no Otii program can be used at") as missing:
        otii(**program.place)
    assert "switch its TCP server on" in missing.value.hint


class Driver:
    """Jetperch's driver with one JS220, as far as it is used."""

    def __init__(self, *paths: str) -> None:
        self.paths = paths
        self.published: list[tuple[str, object]] = []
        self.heard: dict[str, Any] = {}

    def device_paths(self) -> tuple[str, ...]:
        return self.paths

    def open(self, *_: object, **__: object) -> None:
        pass

    def publish(self, topic: str, value: object) -> None:
        self.published.append((topic, value))

    def subscribe(self, topic: str, _: str, heard: Any) -> None:
        self.heard[topic] = heard

    def unsubscribe(self, topic: str, _: Any) -> None:
        del self.heard[topic]

    def finalize(self) -> None:
        pass

    def send(self, stream: str, first: int, data: Any, step: int) -> None:
        topic = f"u/js220/000123/{stream}/!data"
        self.heard[topic](topic, {"sample_id": first, "data": data, "decimate_factor": step})


def test_a_joulescopes_streams_become_samples_with_gaps_and_edges() -> None:
    driver = Driver("u/js220/000123")
    options = joulescope.Options(kind="joulescope", volts=3.0, rate_hz=100_000)
    monitor = joulescope.Joulescope(driver, options, Deadline.after(1))
    monitor.supply(True, Deadline.after(1))
    assert ("u/js220/000123/s/i/range/mode", "auto") in driver.published
    monitor.start(Deadline.after(1))
    power_w = np.linspace(0.001, 0.002, 100, dtype=np.float32)
    driver.send("s/p", 5000, power_w, 10)
    bits = np.ones(1000, np.uint8)
    bits[401:405] = bits[970:972] = 0
    driver.send("s/gpi/0", 5000, np.packbits(bits, bitorder="little"), 1)
    driver.send("s/p", 6050, power_w, 10)  # Five are missing.
    first, none, second = (monitor.read(Deadline.after(1)) for _ in range(3))
    assert np.array_equal(first.power_w, power_w)
    assert len(none.power_w) == 0
    assert np.isnan(second.power_w).sum() == 5
    # They are told with the second piece, and were in the first one.
    assert second.edges == (40 - 100, 97 - 100)
    monitor.stop(Deadline.after(1))
    assert not driver.heard
    with pytest.raises(MonitorError, match="2 Joulescopes are there"):
        joulescope.Joulescope(Driver("u/js220/1", "u/js110/2"), options, Deadline.after(1))


@pytest.mark.long
def test_a_joulescope_at_its_full_rate_goes_to_disk_whole(tmp_path: Path) -> None:
    found = soak("joulescope", 1.0, real=False, folder=tmp_path, console=Console(quiet=True))
    assert found["right"], found
    assert found["samples"] >= 12_500_000
    assert found["edges"] == 3
    assert found["largest error of a window"] < 1e-5


def test_a_package_that_is_missing_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    n6705 = {"kind": "n6705", "address": "TCPIP0::192.0.2.7::INSTR"}
    tables = {
        "pyjoulescope_driver": {"kind": "joulescope"}, "otii_tcp_client": {"kind": "otii"},
        "pyvisa": n6705,
    }  # fmt: skip
    for package, table in tables.items():
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.delitem(sys.modules, "otii_tcp_client.otii_client", raising=False)
        with pytest.raises(BenchError, match=f"needs the Python package '{package}") as error:
            open_monitor(options_of({**table, "volts": 3.0}, "x"), Deadline.after(1))
        assert error.value.hint == "pip install 'pytest-tinyhil[energy]'"


def test_an_n6705_is_asked_for_its_currents_in_its_own_words() -> None:
    pytest.importorskip("pyvisa_sim", reason="needs PyVISA and PyVISA-sim: pip install pyvisa-sim")
    library = f"{Path(__file__).with_name('n6705.yaml')}@sim"
    table = {"kind": "n6705", "volts": 3.0, "channel": 2, "library": library}
    address = "TCPIP0::192.0.2.7::INSTR"
    monitor = open_monitor(options_of({**table, "address": address}, "x"), Deadline.after(5))
    assert monitor.rate_hz == pytest.approx(1 / 204.8e-6), "as it rounds, not as it is asked"
    monitor.supply(True, Deadline.after(5))
    monitor.start(Deadline.after(5))
    piece = monitor.read(Deadline.after(5))
    assert piece.power_w.tolist() == pytest.approx([0.003, 0.0075, 0.012])
    monitor.stop(Deadline.after(5))
    assert monitor.name == "Keysight Technologies N6705C"
    toaster = options_of({**table, "address": "TCPIP0::192.0.2.8::INSTR"}, "x")
    with pytest.raises(MonitorError, match="is no N6705: it calls itself 'ACME,Toaster"):
        open_monitor(toaster, Deadline.after(5))
    with pytest.raises(ConfigError, match="key 'edges': Input should be 'trace'"):
        options_of({**table, "address": address, "edges": "pin"}, "x")
