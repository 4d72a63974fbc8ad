"""Raw answers to figures, as the official runners make them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyhil.catalog import metrics
from tinyhil.catalog.task import Task
from tinyhil.device.wraps import Period, between
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
    """One class against the rest, exact; None where it is not defined."""
    undefined: str
    """Why there is no exact area; empty where there is one."""
    stepped_auc: float | None
    """The same by 101 thresholds on the scores as they came, as EEMBC's runner did."""
    balance: float | None
    """What both runners print as top-1 of a task without classes, see `balance`; a share."""
    inferences: Mapping[str, int]
    """How many of each sample."""


def quality(task: Task, inferences: Sequence[Inference], labels: Mapping[str, int]) -> Quality:
    """Top-1 and areas under the ROC curve; a sample's scores are the mean over its inferences.

    Raises:
        Unreadable: an answer has no scores, or another number than the task; a sample has no label.
    """
    answers: defaultdict[str, list[tuple[float, ...]]] = defaultdict(list)
    for inference in inferences:
        if not inference.ended:
            continue
        count = len(inference.scores or ())
        if inference.scores is None or count != task.results:
            raise Unreadable(f"line {inference.line}: {count} results, the task has {task.results}")
        answers[inference.file].append(inference.scores)
    if not answers:
        raise Unreadable(_none_ended(inferences))
    unknown = [name for name in answers if name not in labels]
    if unknown:
        raise Unreadable(f"{len(unknown)} samples have no label, for example '{unknown[0]}'")
    classes = np.array([labels[name] for name in answers], dtype=np.int64)
    if classes.max() >= len(task.classes):
        raise Unreadable("a label is not a class of the task")
    scores = np.array([np.mean(rows, axis=0) for rows in answers.values()], dtype=np.float64)
    exact, undefined = _exact_auc(classes, scores)
    return Quality(
        metrics.top1(classes, scores) if task.result == "scores" else None,
        exact,
        undefined,
        stepped_auc(classes, scores),
        balance(classes, scores) if task.result != "scores" else None,
        {name: len(rows) for name, rows in answers.items()},
    )


def _exact_auc(classes: NDArray[np.int64], scores: NDArray[np.float64]) -> tuple[float | None, str]:
    try:
        area = metrics.auc(classes, scores)
    except DeviceError as error:
        return None, error.message
    return area, "" if area is not None else "a class has no sample"


def stepped_auc(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> float | None:
    """Area under the ROC curve by 101 even thresholds, averaged over classes.

    EEMBC's runner, and so the rounds up to v1.2, reported this; it is lower than the exact area
    where scores crowd between two thresholds. Thresholds go from 0 to 1 over the scores as they
    came, whatever their sum; for a single column, which grows with anomaly, from its lowest score
    to its highest. Source: ``mlcommons/tiny``, ``eval_functions_eembc.py``.

    Args:
        labels: ``(samples,)``
        scores: ``(samples, results)``

    Returns:
        The area, or None when a class has no sample.
    """
    single = scores.shape[1] == 1
    low, high = (float(scores.min()), float(scores.max())) if single else (0.0, 1.0)
    thresholds = low + np.arange(0.0, 1.01, 0.01)[:_STEPS] * (high - low)
    areas = []
    for column, own in enumerate([1] if single else range(scores.shape[1])):
        true, false = labels == own, labels != own
        if not true.any() or not false.any():
            return None
        above = scores[:, column] > thresholds[:, np.newaxis]
        above[0] = True
        wrong, right = (above[:, which].mean(axis=1) for which in (false, true))
        areas.append(float(np.sum((right[:-1] + right[1:]) / 2 * (wrong[:-1] - wrong[1:]))))
    return float(np.mean(areas))


def balance(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> float | None:
    """What both runners print as top-1 of anomaly detection: the best mean of precision and recall.

    Over 100 thresholds from the lowest score on. No rule asks for it. Source: ``mlcommons/tiny``,
    ``eval_functions_eembc.py`` and ``benchmark/runner/main.py``.

    Args:
        labels: ``(samples,)``, 1 for an anomaly.
        scores: ``(samples, 1)``

    Returns:
        A share, or None when there is no anomaly.
    """
    anomalies, column = labels == 1, scores[:, 0]
    if not anomalies.any():
        return None
    thresholds = column.min() + np.arange(0.0, 1.0, 0.01) * (column.max() - column.min())
    above = column > thresholds[:, np.newaxis]
    hits, alarms = above[:, anomalies].sum(axis=1), above.sum(axis=1)
    precision = np.divide(hits, alarms, out=np.zeros(len(alarms)), where=alarms > 0)
    return float(np.max((precision + hits / anomalies.sum()) / 2))


def windows(inferences: Sequence[Inference]) -> list[tuple[str, int, float]]:
    """Sample, count and seconds of each inference of a performance session.

    Raises:
        Unreadable: one has no time, or took none.
    """
    if not any(inference.ended for inference in inferences):
        raise Unreadable(_none_ended(inferences))
    found = []
    for inference in inferences:
        if not inference.ended:
            raise Unreadable(f"line {inference.line}: an inference without an end")
        if inference.seconds is not None and inference.seconds < 0.0:
            raise Unreadable(
                f"line {inference.line}: the time stamps run backwards, as those of a counter do "
                "that is full and begins again at 0 in between"
            )
        if inference.seconds is None or inference.seconds <= 0.0:
            raise Unreadable(f"line {inference.line}: an inference without two time stamps")
        found.append((inference.file, inference.count, inference.seconds))
    return found


def clock_problems(inferences: Sequence[Inference]) -> Iterator[tuple[int, str]]:
    """Inferences that took longer by the log's own times than by their time stamps, and by so much
    that the device's clock can have begun anew in between: the line of each, and what to say."""
    pairs = [inference.stamps_us for inference in inferences if inference.stamps_us]
    period = Period().above(*(stamp for pair in pairs for stamp in pair)) if pairs else Period()
    for inference in inferences:
        if inference.stamps_us is None or not inference.host_s:
            continue
        first, last = inference.stamps_us
        took = between(0.0, 0.0, inference.host_s, count=inference.count, warm_up=0)
        if (last - first) * 1e-6 < took[0] and period.leaves_room(last - first, took):
            stamps = f"{(last - first) * 1e-6:.3f} s by its time stamps"
            yield inference.line, f"{stamps}, {inference.host_s:.3f} s by the log's own times"


def _none_ended(inferences: Sequence[Inference]) -> str:
    return f"{len(inferences)} inferences, none with its end" if inferences else "no inference"
