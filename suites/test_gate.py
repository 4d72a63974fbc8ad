"""Regression: no figure is worse than that of the baseline (``--hil-baseline``)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tinyhil import Comparison, Gated


def test_figure_is_no_worse_than_its_baseline(
    against_baseline: Callable[[Gated], Comparison], gated_metric: Gated
) -> None:
    comparison = against_baseline(gated_metric)
    if not comparison:
        pytest.fail(str(comparison), pytrace=False)
