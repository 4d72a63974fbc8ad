"""Performance: latency of single queries and throughput, by the device's own clock."""

from __future__ import annotations

import pytest

from tinyhil import Measurement, Metric

pytestmark = pytest.mark.latency


@pytest.mark.parametrize("metric", ["latency_p50_s", "latency_p90_s", "latency_p99_s"])
def test_single_stream_latency_keeps_its_limit(measurement: Measurement, metric: Metric) -> None:
    verdict = measurement.judge(metric)
    assert verdict, str(verdict)


def test_throughput_keeps_its_limit(measurement: Measurement) -> None:
    verdict = measurement.judge("throughput_ips")
    assert verdict, str(verdict)
