"""Energy from traces: real ones to every printed digit, and every way in which one can be wrong."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tinyhil.catalog.facts import Limit
from tinyhil.catalog.verdict import Margin, judge
from tinyhil.ground.errors import ConfigError, DataError, MonitorError
from tinyhil.judge.gate.evidence import _energy
from tinyhil.measure.energy.edges import Timed, check_number, check_pair, check_spacing
from tinyhil.measure.energy.result import energy_of, is_finished
from tinyhil.measure.energy.samples import check_rate, check_samples
from tinyhil.measure.energy.steps import _means, busy_stretches
from tinyhil.measure.energy.windows import idle_floor, per_inference, window_of
from tinyhil.publish.submission.trace import Stamped
from tinyhil.publish.submission.trace import read_trace as read_recording
from tinyhil.pytest_side.plan import Options, make_plan
from tinyhil.record import Configuration, Record
from tinyhil.record.reading import MAX_LINE_BYTES
from tinyhil.record.recordings import write_energies
from tinyhil.record.sums import sum_of
from tinyhil.record.traces import Edges, Power, Trace, TraceWriter, read_trace

from .energy_runs import keep_energy

RATE_HZ = 1000.0
NO_EDGES: Edges = np.empty(0, np.int64)


def trace(power_w: Power, edges: Edges = NO_EDGES) -> Trace:
    return Trace(power_w.astype(np.float32), edges, RATE_HZ)


def noisy(*parts: tuple[int, float]) -> Power:
    """Stretches of so many samples around a power."""
    random = np.random.default_rng(1)
    levels = np.concatenate([np.full(count, power_w) for count, power_w in parts])
    return np.asarray(levels * (1 + 0.01 * random.standard_normal(len(levels))), np.float32)


def printed(text: str, name: str) -> list[str]:
    return re.findall(rf"{name} *: +([\d.]+)", text)


@pytest.fixture(params=["ad", "ic", "kws", "vww"])
def session(official: Path, request: pytest.FixtureRequest) -> Path:
    """The energy session of a real submission."""
    (folder,) = official.glob(f"submissions/v1.0/closed/*/results/*/{request.param}/energy")
    return folder


def test_every_window_of_a_real_submission_is_recomputed_to_its_printed_digits(
    session: Path,
) -> None:
    texts = [session / f"trace1-{name}" for name in ("energy.bin", "timestamps.json")]
    recording = read_recording(texts[0].open("rb"), texts[1].read_bytes())
    results = (session / "results.txt").read_text()
    counts = [int(count) for count in printed(results, "# Inferences")]
    asked = [Stamped(count, None) for count in counts]
    windows = recording.windows(asked, *map(Path, texts)).windows  # type: ignore[arg-type]
    costs = [one.energy_j / count * 1e6 for one, count in zip(windows, counts, strict=True)]
    found = {
        "Energy": [one.energy_j * 1e6 for one in windows],
        "Power": [one.power_w * 1e6 for one in windows],
        "Energy/Inf.": costs,
        "Runtime": [one.seconds for one in windows],
        "Throughput": [count / one.seconds for one, count in zip(windows, counts, strict=True)],
    }
    for name, values in found.items():
        assert [f"{value:.3f}" for value in values] == printed(results, name), name
    cost = per_inference(list(zip(counts, (one.energy_j for one in windows), strict=True)))
    assert f"Median energy cost is {cost * 1e6:.3f} uJ" in results


def test_the_power_alone_tells_the_windows_of_a_real_submission(session: Path) -> None:
    texts = [session / f"trace1-{name}" for name in ("energy.bin", "timestamps.json")]
    recording = read_recording(texts[0].open("rb"), texts[1].read_bytes())
    pairs = list(zip(recording.stamps_s[1::2], recording.stamps_s[2::2], strict=True))
    energies_j = np.concatenate(list(recording.pieces)).astype(np.float64) * 1e-6
    own = trace((energies_j * RATE_HZ).astype(np.float32))
    found = busy_stretches(own, [end - start for start, end in pairs])
    for (start, end), one in zip(pairs, found, strict=True):
        exact = window_of(own, round(start * RATE_HZ), round(end * RATE_HZ))
        by_power = window_of(own, one.first, one.last, one.uncertain)
        off = abs(by_power.energy_j - exact.energy_j)
        assert off < by_power.error_j < 0.005 * exact.energy_j
        assert off < 5e-4 * exact.energy_j


def test_a_power_without_steps_tells_no_windows() -> None:
    with pytest.raises(MonitorError, match="does not tell when the device infers"):
        busy_stretches(trace(noisy((5000, 0.02))), [1.0])
    with pytest.raises(MonitorError, match="2 times the device inferred, the power shows 1"):
        busy_stretches(trace(noisy((500, 0.002), (1000, 0.02), (500, 0.002))), [1.0, 1.0])


def test_places_of_a_long_trace_are_exact() -> None:
    power_w = noisy((2_100_000, 0.002), (200_000, 0.02), (100_000, 0.002))
    (found,) = busy_stretches(Trace(power_w, NO_EDGES, 100_000.0), [2.0])
    assert (found.first, found.last) == (2_100_000, 2_300_000)


def test_lost_samples_count_as_the_mean_of_the_others_and_in_the_error() -> None:
    power_w = np.full(2000, 0.01, np.float32)
    whole = window_of(trace(power_w), 0, 2000)
    power_w[100:102] = np.nan
    torn = window_of(trace(power_w), 0, 2000)
    assert torn.energy_j == pytest.approx(whole.energy_j)
    assert (torn.lost, torn.seconds) == (2, 2.0)
    assert torn.error_j == pytest.approx(whole.error_j + 2 * 0.01 / RATE_HZ)


@pytest.mark.parametrize(
    ("power_w", "told"),
    [
        (np.where(np.arange(4000) % 500 == 0, np.nan, noisy((4000, 0.01))), "8 of 4,000 samples"),
        (np.zeros(4000), "its supply is stuck"),
        (np.full(4000, 0.01), "the instrument is stuck"),
    ],
)
def test_samples_that_can_not_be_trusted_give_no_figure(power_w: Power, told: str) -> None:
    own = trace(power_w)
    with pytest.raises(MonitorError, match=told):
        check_samples(own, [(1, 3999, window_of(own, 1, 3999))])


@pytest.mark.parametrize(
    ("places", "told"),
    [
        ((), "saw 0 edges of the pin where 'infer 9' makes 2"),
        ((500,), "saw 1 edges .* one is missing"),
        ((500, 501, 9500), "saw 3 edges .* two of them within 1000 us, a double edge"),
        ((500, 5000, 9500), "saw 3 edges .* an edge that no inference made"),
    ],
)
def test_edges_that_the_device_did_not_make_are_told(places: tuple[int, ...], told: str) -> None:
    check_number((1, 2), RATE_HZ, 2, "'infer 9'")
    with pytest.raises(MonitorError, match=told):
        check_number(places, RATE_HZ, 2, "'infer 9'")


@pytest.mark.parametrize(
    ("timed", "told"),
    [
        (Timed(0.003, 10.0, resolution_s=0.001), "a double edge"),
        (Timed(1.9, 11.3, resolution_s=0.001), "an edge is late, or of something else"),
        (Timed(10.3, 10.0, resolution_s=0.001), r"differ by \+3.00 %, or an edge is late"),
        (Timed(1.9, None, 11.9), "an edge is late, or of something else"),
        (Timed(13.0, None, 11.9), "an edge is late, or of something else"),
    ],
)
def test_a_gap_between_inferences_is_never_taken_for_one(timed: Timed, told: str) -> None:
    check_pair(Timed(10.0, 10.001, resolution_s=0.001))
    check_pair(Timed(10.0, None, 11.0, share=0.9))
    with pytest.raises(MonitorError, match=told):
        check_pair(timed)


def test_an_inference_within_one_sample_is_as_long_as_its_clock_tells() -> None:
    check_spacing([Timed(0.0, 1e-5, resolution_s=1e-3), Timed(10.0, 10.001, resolution_s=1e-3)])


def test_samples_that_may_have_been_lost_in_a_window_count_though_they_are_told_behind_it() -> None:
    power_w = noisy((4000, 0.01))
    power_w[3100:3103] = np.nan
    own = trace(power_w)
    window = window_of(own, 500, 3000)
    assert (window.lost, window.late) == (0, 3)
    assert window.error_j > 1.3 * window_of(own, 500, 2000).error_j
    with pytest.raises(MonitorError, match="3 of 2,500 samples were lost"):
        check_samples(own, [(500, 3000, window)])


def test_a_sample_that_is_no_power_gives_no_figure() -> None:
    power_w = noisy((4000, 0.01))
    power_w[2000] = np.inf
    own = trace(power_w)
    with pytest.raises(MonitorError, match="a sample that is no power"):
        check_samples(own, [(500, 3000, window_of(own, 500, 3000))])


def test_a_monitor_of_another_rate_than_it_says_is_told_by_the_hosts_clock() -> None:
    check_rate(60_500, 1000.0, 60.0)
    for samples in (57_000, 63_000):
        with pytest.raises(MonitorError, match=r"samples came in 60\.0 s"):
            check_rate(samples, 1000.0, 60.0)


def test_one_late_edge_is_told_among_windows_whose_clocks_drift_together() -> None:
    together = [Timed(10.0 + n, 1.002 * (10.0 + n), resolution_s=1e-3) for n in range(5)]
    check_spacing(together)
    late = [*together[:4], Timed(14.05, 1.002 * 14.0, resolution_s=1e-3)]
    with pytest.raises(MonitorError, match=r"an edge is off by 50\.0 ms"):
        check_spacing(late)


def test_the_idle_floor_is_what_is_between_the_windows() -> None:
    own = trace(noisy((1000, 0.002), (3000, 0.02), (1000, 0.004)))
    assert idle_floor(own, [(1000, 4000)]) == pytest.approx(0.002, rel=0.02)
    assert idle_floor(own, [(0, 4900)]) is None


def test_a_limit_that_is_nearer_than_the_monitor_can_tell_is_not_judged() -> None:
    limit = Limit(max=1.001e-3, source="ours")
    error = Margin(2e-6, 2e-6)
    (near,) = judge({"energy_j": 1e-3}, {"energy_j": limit}, errors={"energy_j": error})
    assert near.status == "not judged"
    assert "which is nearer than the power monitor can tell" in near.reason
    (far,) = judge({"energy_j": 1.01e-3}, {"energy_j": limit}, errors={"energy_j": error})
    assert far.status == "fail"


def test_a_measure_that_died_is_made_again_and_only_the_last_trace_counts(tmp_path: Path) -> None:
    configuration = Configuration(station="desk", board="desk")
    made = Record.start(tmp_path, configuration)
    made.keep("kws01-energy", {"role": "trace", "trace": "kws01-energy-0", "rate_hz": 1.0})
    made.keep("kws01-energy", {"sample": "a.bin", "count": 3, "edges": [1, 2]})
    assert not is_finished(made.rows("kws01-energy"))
    with pytest.raises(DataError, match="the trace has no end"):
        energy_of(made.rows("kws01-energy"), made.raw)
    names = [f"{number}.bin" for number in range(5)]
    keep_energy(made, "kws01", names)
    rows = made.rows("kws01-energy")
    assert is_finished(rows)
    found = energy_of(rows, made.raw)
    assert [one.sample for one in found.windows] == names
    assert found.energy_j == pytest.approx(0.02002 * 10.3 / 100, rel=1e-3)
    for change, told in (
        ({"trace": "../../outside"}, "name a trace that no run has"),
        ({"rate_hz": 1e12}, "samples a second"),
    ):
        wrong = [{**row, **change} if row.get("role") == "trace" else row for row in rows]
        with pytest.raises(ConfigError, match=told):
            energy_of(wrong, made.raw)
    for key, value in (("modelled", 0), ("accuracy", -0.4), ("edges_from", ["pin"])):
        wrong = [{**row, key: value} if row.get("role") == "trace" else row for row in rows]
        with pytest.raises(DataError, match=f"none of a measure of energy: .*{key}"):
            energy_of(wrong, made.raw)
    short = [{k: v for k, v in row.items() if k != "end_us"} for row in rows]
    with pytest.raises(DataError, match="none of a measure of energy"):
        energy_of([{**row, "count": 0} for row in short], made.raw)
    other = [{**row, "edges": [400, 900]} if row.get("sample") == "0.bin" else row for row in rows]
    with pytest.raises(DataError, match="or others"):
        energy_of(other, made.raw)


def test_the_gate_takes_no_figure_that_the_windows_do_not_give(tmp_path: Path) -> None:
    windows = [{"sample": "0.bin", "inferences": 10, "device_s": 10.0, "energy_j": 0.2}]
    line: Any = SimpleNamespace(task="kws01", measure="energy", metrics={"energy_j": 0.02})
    assert set(_energy(line, tmp_path, {"windows": windows})) == {"0.bin"}
    line.metrics["energy_j"] = 0.019
    with pytest.raises(ConfigError, match=r"give energy_j = 0\.02, the record says 0\.019"):
        _energy(line, tmp_path, {"windows": windows})


def test_energy_needs_a_monitor_in_the_bench_file(tmp_path: Path) -> None:
    bench = tmp_path / "bench.toml"
    station = 'schema = 1\n[stations.desk]\nboard = "nucleo-l4r5zi"\nport = "/dev/ttyNone"\n'
    options = Options(
        boards=["desk"], bench=bench, data=None, firmware=None, link="auto", quick=False,
        all_windows=False, read_back=0.0, faults=None, energy=True, runs=tmp_path, build=tmp_path,
    )  # fmt: skip
    bench.write_text(station)
    with pytest.raises(ConfigError, match="station 'desk' has no power monitor"):
        make_plan(options)
    bench.write_text(f'{station}[stations.desk.monitor]\nkind = "ppk2"\nvolt = 3.0\n')
    with pytest.raises(ConfigError, match=r"table 'stations.desk.monitor': unknown key 'volt'"):
        make_plan(options)
    bench.write_text(f'{station}[stations.desk.monitor]\nkind = "ppk2"\nvolts = 3\nport = "x"\n')
    plan = make_plan(options)
    found = plan.monitor_of(plan.stations[0])
    assert found
    assert (found.kind, found.volts) == ("ppk2", 3.0)


def test_a_trace_comes_back_as_it_was_written_and_a_torn_one_does_not(tmp_path: Path) -> None:
    with TraceWriter(tmp_path, "kws01-energy-1") as writer:
        writer.add(np.array([1, 2], np.float32), [1])
        writer.add(np.array([np.nan, 4], np.float32), [0, 1])
    found = read_trace(tmp_path, "kws01-energy-1", RATE_HZ)
    assert np.array_equal(found.power_w, np.array([1, 2, np.nan, 4]), equal_nan=True)
    assert found.edges.tolist() == [1, 2, 3]
    loaded = np.load(tmp_path / "kws01-energy-1.npy")
    assert np.array_equal(loaded, found.power_w, equal_nan=True)
    killed = TraceWriter(tmp_path, "killed")
    killed.add(np.ones(5, np.float32), [])
    with pytest.raises(ConfigError, match="was not finished"):
        read_trace(tmp_path, "killed", RATE_HZ)
    long = tmp_path / "long.npy"
    with long.open("wb") as file:
        file.truncate(MAX_LINE_BYTES + 1)
    assert sum_of(long).bytes == MAX_LINE_BYTES + 1, "a long trace can be sealed"
    edges = tmp_path / "kws01-energy-1.edges.npy"
    data = edges.read_bytes()
    edges.write_bytes(data[:-8] + (9).to_bytes(8, "little"))
    with pytest.raises(ConfigError, match="places that are not in the trace"):
        read_trace(tmp_path, "kws01-energy-1", RATE_HZ)


def test_a_recording_of_a_fast_monitor_is_read_as_it_was_written() -> None:
    """2 MHz, the rate of a Joulescope JS110."""
    written = b"".join(write_energies(2e6, [np.full(4_000, 0.01)]))
    recording = read_recording(BytesIO(written), b"[0.0, 0.0005, 0.0015]")
    place = PurePosixPath("trace")
    (window,) = recording.windows([Stamped(10, 0.001)], place, place).windows
    assert window.energy_j == pytest.approx(2000 * 1e-8)
    assert recording.rate_hz == 2e6


def test_each_sample_of_a_block_counts_once_and_a_lost_one_not() -> None:
    power_w = np.array([9.0, 1, 1, 1, np.nan, 2, 4, np.nan, np.nan, np.nan, np.nan, np.nan])
    assert _means(Trace(power_w.astype(np.float32), NO_EDGES, 1000.0), 4).tolist() == [3, 3, 0]
