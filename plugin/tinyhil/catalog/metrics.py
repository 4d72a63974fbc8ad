"""Measurements to metrics: pure functions, named and in units as everywhere in tinyhil."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from tinyhil.ground.errors import DeviceError

PERCENTILES = (50, 90, 99)


def percentile(times_s: NDArray[np.float64], percent: int) -> float:
    """The smallest measured time that at least `percent` % of the queries kept, in seconds.

    A time that was measured, never a mean of two: so an instruction count stays an integer, and the
    figure is what MLPerf LoadGen reports for single stream.
    """
    return float(np.percentile(times_s, percent, method="inverted_cdf"))


def throughput(windows: Sequence[tuple[int, float]]) -> float:
    """Median over the windows of inferences per second; a window is (inferences, seconds).

    Raises:
        statistics.StatisticsError: no windows.
    """
    return median(count / seconds for count, seconds in windows)


def normalised(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores ``(samples, classes)`` with each row scaled to the sum 1, as the field does.

    Raises:
        DeviceError: a row has no positive sum, so that it says nothing.
    """
    sums = scores.sum(axis=1, keepdims=True)
    if not np.all(sums > 0):
        row = int(np.argmin(sums))
        raise DeviceError(
            f"scores of sample {row} sum to {float(sums[row, 0]):g}",
            hint="the firmware answers without inferring, or its output is damaged",
        )
    shares: NDArray[np.float64] = scores / sums
    return shares


def top1(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> float:
    """Share of samples whose highest score is the true class's; the first one wins a tie."""
    return float(np.mean(np.argmax(scores, axis=1) == labels))


def auc(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> float | None:
    """Area under the ROC curve, one class against the rest, averaged over classes.

    A single column is not a class but a score that grows with anomaly, class 1. None where the area
    is not defined: when a class has no sample.
    """
    classes = scores.shape[1]
    if len(np.unique(labels)) != max(classes, 2):
        return None
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - a second of import, rarely needed

    if classes == 1:
        return float(roc_auc_score(labels, scores[:, 0]))
    if classes == 2:
        return float(roc_auc_score(labels, normalised(scores)[:, 1]))
    return float(roc_auc_score(labels, normalised(scores), multi_class="ovr"))


def confusion(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Counts ``(classes, classes)``: true class by row, predicted class by column."""
    counts = np.zeros((scores.shape[1],) * 2, dtype=np.int64)
    np.add.at(counts, (labels, np.argmax(scores, axis=1)), 1)
    return counts
