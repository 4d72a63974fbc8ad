"""Latency in pytest-benchmark's table and storage, as well as in the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tinyhil import Measurement, Outcome

pytestmark = pytest.mark.latency


def test_device_latency(
    measurement: Measurement, device_benchmark: Callable[[Outcome], Sequence[float] | None]
) -> None:
    """The table holds exactly the times that the percentile is taken from."""
    outcome = measurement.outcome("latency_p90_s")
    times = device_benchmark(outcome)
    if times is None:
        pytest.skip("pytest-benchmark is off (--benchmark-disable, or xdist)")
    p90 = outcome.entry.metrics["latency_p90_s"]
    assert p90 in times
    assert sum(time <= p90 for time in times) >= 0.9 * len(times)
