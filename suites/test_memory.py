"""What the firmware takes of the board's memory."""

from __future__ import annotations

import pytest

from tinyhil import Measurement, Metric

pytestmark = pytest.mark.memory


@pytest.mark.parametrize("metric", ["flash_bytes", "ram_bytes"])
def test_memory_use_keeps_its_limit(measurement: Measurement, metric: Metric) -> None:
    verdict = measurement.judge(metric)
    assert verdict, str(verdict)
