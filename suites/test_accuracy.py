"""Quality over the whole data set."""

from __future__ import annotations

import pytest

from tinyhil import Measurement, Metric

pytestmark = pytest.mark.accuracy


@pytest.mark.parametrize("metric", ["top1", "auc"])
def test_quality_reaches_its_target(measurement: Measurement, metric: Metric) -> None:
    verdict = measurement.judge(metric)
    if not verdict.defined:
        pytest.skip(verdict.reason)
    assert verdict, str(verdict)
