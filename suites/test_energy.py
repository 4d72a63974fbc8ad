"""Energy of an inference, by a power monitor. Firmware for it marks time by a pin and not by lines,
so nothing else is measured with it: these run only when asked for, with ``-m energy``."""

from __future__ import annotations

import pytest

from tinyhil import Measurement, Metric

pytestmark = [
    pytest.mark.energy,
    pytest.mark.skipif("'energy' not in config.option.markexpr", reason="runs with -m energy"),
]


@pytest.mark.parametrize("metric", ["energy_j", "power_w"])
def test_energy_keeps_its_limit(measurement: Measurement, metric: Metric) -> None:
    verdict = measurement.judge(metric)
    assert verdict, str(verdict)
