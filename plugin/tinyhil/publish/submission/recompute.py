"""Raw answers to figures, as the official runners make them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyhil.catalog import metrics
from tinyhil.catalog.task import Task
from tinyhil.ground.errors import DeviceError
from tinyhil.ground.tree import Unreadable
from tinyhil.publish.submission.session_log import Inference

_STEPS = 101


@dataclass(frozen=True)
class Quality:
    """Figures of an accuracy session."""

    top1: float | None
    """None where the task has no classes to choose from."""
    auc: float | None
    """One class against the rest, exact; None where a class has no sample."""
    stepped_auc: float | None
    """The same by 101 thresholds, as EEMBC's runner did."""
    inferences: Mapping[str, int]
    """How many of each sample."""


def quality(task: Task, inferences: Sequence[Inference], labels: Mapping[str, int]) -> Quality:
    """Top-1 and areas under the ROC curve; a sample's scores are the mean over its inferences.

    Raises:
        Unreadable: an answer has no scores, or another number than the task; a sample has no label.
    """
    answers: defaultdict[str, list[tuple[float, ...]]] = defaultdict(list)
    for inference in inferences:
        if inference.scores is None or len(inference.scores) != task.results:
            count = 0 if inference.scores is None else len(inference.scores)
            raise Unreadable(f"line {inference.line}: {count} results, the task has {task.results}")
        answers[inference.file].append(inference.scores)
    unknown = [name for name in answers if name not in labels]
    if unknown:
        raise Unreadable(f"{len(unknown)} samples have no label, for example '{unknown[0]}'")
    classes = np.array([labels[name] for name in answers], dtype=np.int64)
    if not len(classes) or classes.max() >= len(task.classes):
        raise Unreadable("there is no sample, or a label is not a class of the task")
    scores = np.array([np.mean(rows, axis=0) for rows in answers.values()], dtype=np.float64)
    try:
        return Quality(
            metrics.top1(classes, scores) if task.result == "scores" else None,
            metrics.auc(classes, scores),
            stepped_auc(classes, scores),
            {name: len(rows) for name, rows in answers.items()},
        )
    except DeviceError as error:
        raise Unreadable(error.message) from error


def stepped_auc(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> float | None:
    """Area under the ROC curve by 101 even thresholds, averaged over classes.

    EEMBC's runner, and so the rounds up to v1.2, reported this; it is lower than the exact area
    where scores crowd between two thresholds. Thresholds go from 0 to 1; for a single column, which
    grows with anomaly, from its lowest score to its highest. Source: ``mlcommons/tiny``,
    ``eval_functions_eembc.py``.

    Args:
        labels: ``(samples,)``
        scores: ``(samples, results)``

    Returns:
        The area, or None when a class has no sample.
    """
    single = scores.shape[1] == 1
    shares = scores if single else metrics.normalised(scores)
    low, high = (float(shares.min()), float(shares.max())) if single else (0.0, 1.0)
    thresholds = low + np.arange(0.0, 1.01, 0.01)[:_STEPS] * (high - low)
    areas = []
    for column, own in enumerate([1] if single else range(scores.shape[1])):
        true, false = labels == own, labels != own
        if not true.any() or not false.any():
            return None
        above = shares[:, column] > thresholds[:, np.newaxis]
        above[0] = True
        wrong, right = (above[:, which].mean(axis=1) for which in (false, true))
        areas.append(float(np.sum((right[:-1] + right[1:]) / 2 * (wrong[:-1] - wrong[1:]))))
    return float(np.mean(areas))


def windows(inferences: Sequence[Inference]) -> list[tuple[str, int, float]]:
    """Sample, count and seconds of each inference of a performance session.

    Raises:
        Unreadable: one has no time, or took none.
    """
    found = []
    for inference in inferences:
        if inference.seconds is None or inference.seconds <= 0.0:
            raise Unreadable(f"line {inference.line}: an inference without two time stamps")
        found.append((inference.file, inference.count, inference.seconds))
    if not found:
        raise Unreadable("there is no inference")
    return found
