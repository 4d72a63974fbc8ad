"""Metrics and verdicts: pure functions against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tinyhil.catalog import metrics
from tinyhil.catalog.facts import Limit, Metric
from tinyhil.catalog.units import format_coarse
from tinyhil.catalog.verdict import Margin, judge
from tinyhil.ground.errors import DeviceError
from tinyhil.measure.memory import MemoryUse
from tinyhil.record.rows import SingleStream, single_stream_of


@pytest.mark.parametrize(("percent", "expected"), [(50, 5.0), (90, 9.0), (99, 10.0)])
def test_a_percentile_is_a_time_that_was_measured(percent: int, expected: float) -> None:
    times = np.arange(10.0, 0.0, -1.0)
    assert metrics.percentile(times, percent) == expected


def test_throughput_is_the_median_window() -> None:
    assert metrics.throughput([(10, 10.0), (30, 10.0), (20, 10.0)]) == 2.0
    # A record without windows has no figure: not NaN with a warning.
    with pytest.raises(ValueError, match="no median"):
        metrics.throughput([])


def test_top1_and_auc_of_a_small_case() -> None:
    labels = np.array([0, 0, 1, 1])
    scores = np.array([[0.9, 0.1], [0.4, 0.6], [0.35, 0.65], [0.2, 0.8]])
    assert metrics.top1(labels, scores) == 0.75
    assert metrics.auc(labels, scores) == 1.0
    assert metrics.confusion(labels, scores).tolist() == [[1, 1], [0, 2]]


def test_auc_of_one_column_takes_it_for_anomaly() -> None:
    labels = np.array([0, 0, 1, 1])
    assert metrics.auc(labels, np.array([[1.0], [3.0], [2.0], [4.0]])) == 0.75


def test_auc_is_not_defined_where_a_class_has_no_sample() -> None:
    assert metrics.auc(np.array([0, 1]), np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]])) is None


def test_scores_that_say_nothing_are_refused() -> None:
    with pytest.raises(DeviceError, match="sample 1 sum to 0"):
        metrics.normalised(np.array([[0.5, 0.5], [0.0, 0.0]]))


def test_a_limit_is_kept_at_its_bound_and_missed_beyond() -> None:
    limits = {"top1": Limit(min=0.9, source="rules"), "latency_p90_s": Limit(max=0.1, source="x")}
    kept = judge({"top1": 0.9, "latency_p90_s": 0.1}, limits)  # type: ignore[arg-type]
    missed = judge({"top1": 0.899, "latency_p90_s": 0.1001}, limits)  # type: ignore[arg-type]
    assert [verdict.status for verdict in kept] == ["pass", "pass"]
    assert [verdict.status for verdict in missed] == ["fail", "fail"]
    assert not missed[0]
    assert str(missed[0]) == "top1 = 89.9 %: fail (at least 90 %; rules)"


def test_what_has_no_limit_or_may_not_be_judged_is_neither_passed_nor_failed() -> None:
    limits = {"top1": Limit(min=0.9, source="rules")}
    (free,) = judge({"auc": 0.1}, limits)  # type: ignore[arg-type]
    (quick,) = judge({"top1": 0.1}, limits, unjudged="a quick run")  # type: ignore[arg-type]
    assert (free.status, quick.status) == ("not judged", "not judged")
    assert quick.reason == "a quick run"


def test_a_limit_that_is_nearer_than_the_clock_can_tell_is_not_judged() -> None:
    limits: dict[Metric, Limit] = {"latency_p90_s": Limit(max=0.01, source="the product")}
    for value, status in ((0.0085, "pass"), (0.0095, "not judged"), (0.0125, "fail")):
        (verdict,) = judge(
            {"latency_p90_s": value}, limits, errors={"latency_p90_s": Margin(0.001, 0.001)}
        )
        assert verdict.status == status
        assert ("nearer than the device's clock" in verdict.reason) == (status == "not judged")


def test_a_limit_that_is_missed_by_the_bracket_alone_is_not_judged() -> None:
    limits: dict[Metric, Limit] = {"latency_p90_s": Limit(max=0.01, source="the product")}
    margin = Margin(below=0.001, above=0.0001)
    for value, status in ((0.0098, "pass"), (0.0105, "not judged"), (0.0115, "fail")):
        (verdict,) = judge({"latency_p90_s": value}, limits, errors={"latency_p90_s": margin})
        assert verdict.status == status
        assert ("the protocol times with each" in verdict.reason) == (status == "not judged")


def test_ram_without_the_stack_is_shown_and_not_judged() -> None:
    limits: dict[Metric, Limit] = {"ram_bytes": Limit(max=100, source="the board")}
    use = MemoryUse(text=1, data=10, bss=200, arena=None, stack_used=None, stack_reserved=None)
    (verdict,) = judge({"ram_bytes": use.ram_bytes}, limits, unknown=use.unknown)
    assert (verdict.value, verdict.status) == (210, "not judged")
    assert "says nothing of its stack" in verdict.reason


@pytest.mark.parametrize(
    ("value", "resolution", "text"),
    [
        (0.308176, 1e-6, "308.176 ms ± 1 µs"),
        (0.0054, 1e-3, "5 ms ± 1 ms"),
        (0.00580005, 1.1e-6, "5.800 ms ± 1.1 µs"),
        (0.0054, 1e-5, "5.40 ms ± 10 µs"),
        (0.00073, 8.4e-6, "730 µs ± 8.4 µs"),
        (2.5, 1e-9, "2.5 s"),
    ],
)
def test_a_figure_has_no_digits_beyond_its_resolution(
    value: float, resolution: float, text: str
) -> None:
    assert format_coarse(value, resolution, "s") == text


def test_time_stamps_of_equal_runs_differ_by_two_ticks_at_most() -> None:
    stamps = SingleStream(np.array([0.3]), "time stamps", 10**6, 1e-6)
    found = dict(stamps.errors(40e-9))
    assert found.pop("instructions").above == pytest.approx(50)
    latencies = ("latency_p50_s", "latency_p90_s", "latency_p99_s")
    assert found == dict.fromkeys(latencies, Margin(2e-6, 2e-6))
    assert SingleStream(np.array([0.3]), "timer", 25_000_000, 40e-9).errors(40e-9) == {}


def test_batches_and_single_queries_of_one_measure_have_one_unit() -> None:
    """A clock of whole milliseconds, and an inference of about a hundred of its ticks."""
    stamps = {"start_us": 0, "end_us": 198_000}
    batch = {"sample": "a", "times": [198_000], "count": 2, **stamps}
    single = {"sample": "b", "times": [101_000, 101_000], **stamps}
    result = single_stream_of([batch, single], None)
    assert result.times_s.tolist() == [0.099, 0.099, 0.101, 0.101]
