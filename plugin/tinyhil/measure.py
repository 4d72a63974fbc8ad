"""Measures: what is done with a session to get figures out of it. Times are the device's own.

Each function hands every answer to `keep` as it comes, so that a run that dies keeps what it had.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyhil.data import Sample
from tinyhil.errors import DeviceError
from tinyhil.queries import Inference, Queries
from tinyhil.session import DeviceInfo
from tinyhil.task import Task

Keep = Callable[[Mapping[str, Any]], None]
"""Takes one raw answer as a JSON object."""

Progress = Callable[[float, float], None]
"""Takes how much is done and how much there is; in a unit of the caller's."""

PERFORMANCE_INPUTS = 5
"""Different inputs of a performance measurement, as the official rules have it."""

_BATCH_S = 2.0
"""Device time of one `infer` of many: short enough for a progress bar that moves."""


@dataclass(frozen=True)
class Rules:
    """How long a performance measurement must be."""

    queries: int = 1024
    """Of single stream, at least; MLPerf's rule."""
    single_stream_s: float = 60.0
    window_inferences: int = 10
    """Of each throughput window, at least."""
    window_s: float = 10.0
    warm_up: int = 10


QUICK = Rules(queries=40, single_stream_s=0.0, window_inferences=2, window_s=0.0, warm_up=1)
"""For a look, never for a verdict."""


@dataclass(frozen=True)
class Accuracy:
    """Scores of a data set."""

    names: tuple[str, ...]
    labels: NDArray[np.int64]
    """``(samples,)``"""
    scores: NDArray[np.float64]
    """``(samples, results)``, as the device printed them; means over a sample's windows."""
    inferences: int


@dataclass(frozen=True)
class SingleStream:
    """Latency of single queries, on the device's clock."""

    times_s: NDArray[np.float64]
    """``(queries,)``"""
    clock: str
    """Which of the device's clocks: ``timer`` ticks for each query, or ``time stamps``."""
    tick_hz: int


@dataclass(frozen=True)
class Throughput:
    """Windows of back-to-back inferences: (inferences, seconds on the device's clock) each."""

    windows: tuple[tuple[int, float], ...]


def accuracy(
    queries: Queries,
    task: Task,
    samples: Sequence[Sample],
    keep: Keep,
    progress: Progress,
    *,
    all_windows: bool = True,
) -> Accuracy:
    """Infer each sample once; where a sample holds several windows, each of them.

    Args:
        queries: the way to ask the device.
        task: whose windows and results are expected.
        samples: in the order to send them.
        keep: see `Keep`.
        progress: in samples.
        all_windows: see `Input.windows`.

    Raises:
        LinkError, DeviceError: see `Queries`.
    """
    rows: list[NDArray[np.float64]] = []
    inferences = 0
    windows = [task.input.windows(sample.data, all_windows=all_windows) for sample in samples]
    inferred = queries.each(chain.from_iterable(windows))
    for sample, own in zip(samples, windows, strict=True):
        answers: list[Inference] = []
        for answer in islice(inferred, len(own)):
            _check_results(sample, answer, task.results)
            answers.append(answer)
            progress(len(rows) + len(answers) / len(own), len(samples))
        keep(
            {
                "sample": sample.name,
                "label": sample.label,
                "scores": [answer.scores for answer in answers],
                "stamps_us": [(answer.start_us, answer.end_us) for answer in answers],
            }
        )
        inferences += len(answers)
        rows.append(np.mean([answer.scores for answer in answers], axis=0))
    return Accuracy(
        tuple(sample.name for sample in samples),
        np.array([sample.label for sample in samples], dtype=np.int64),
        np.array(rows, dtype=np.float64),
        inferences,
    )


def performance_inputs(task: Task, samples: Sequence[Sample]) -> tuple[tuple[str, bytes], ...]:
    """Name and bytes of the inputs of performance measurements.

    They are spread evenly over the data set, in its order; of a sample that holds several windows,
    the first one.
    """
    count = min(PERFORMANCE_INPUTS, len(samples))
    chosen = [samples[index * len(samples) // count] for index in range(count)]
    return tuple((sample.name, task.input.windows(sample.data)[0].data) for sample in chosen)


def single_stream(
    queries: Queries,
    info: DeviceInfo,
    inputs: Sequence[tuple[str, bytes]],
    rules: Rules,
    keep: Keep,
    progress: Progress,
) -> SingleStream:
    """Time each of many single queries; each input gets its share of the rules' length.

    A firmware of ours times every one of N back-to-back inferences; any other is sent N times
    `infer 1 0`, by its own time stamps.

    Raises:
        LinkError, DeviceError: see `Queries`.
    """
    share = Rules(
        queries=math.ceil(rules.queries / len(inputs)),
        single_stream_s=rules.single_stream_s / len(inputs),
    )
    times: list[float] = []
    for number, (name, data) in enumerate(inputs):
        queries.load(data)
        own: list[float] = []
        pace = _Pace(queries)
        pace.infer(1, 0)
        pace.infer(1, rules.warm_up)
        while len(own) < share.queries or sum(own) < share.single_stream_s:
            ticks, seconds = _batch(info, pace, _batch_size(info, pace, share, own))
            keep({"sample": name, "times": ticks, "unit": _unit(info)})
            own.extend(seconds)
            progress(number + min(1.0, _done(share, own)), len(inputs))
        times.extend(own)
    clock, hertz = ("timer", info.extension.tick_hz) if info.extension else ("time stamps", 10**6)
    return SingleStream(np.array(times, dtype=np.float64), clock, hertz)


def throughput(
    queries: Queries,
    inputs: Sequence[tuple[str, bytes]],
    rules: Rules,
    keep: Keep,
    progress: Progress,
) -> Throughput:
    """Run the official performance measurement: each input long enough by the device's clock.

    Raises:
        LinkError, DeviceError: see `Queries`.
    """
    windows = []
    for number, (name, data) in enumerate(inputs):
        queries.load(data)
        pace = _Pace(queries)
        pace.infer(1, 0)
        count, seconds = rules.window_inferences, -1.0
        while seconds < rules.window_s:
            count = max(count, math.ceil(1.02 * rules.window_s / pace.device_s))
            window = pace.infer(count, rules.warm_up)
            seconds = _seconds(window)
            keep({"sample": name, "count": count, **_stamps(window)})
        windows.append((count, seconds))
        progress(number + 1, len(inputs))
    return Throughput(tuple(windows))


class _Pace:
    """How long an inference takes, on both clocks; told by the ones before."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self.device_s = 0.0
        self._host_s: float | None = None

    def infer(self, count: int, warm_up: int, *, laps: bool = False) -> Inference:
        """Infer, telling how long it should take by what it took before."""
        started = time.monotonic()
        inferences = count + warm_up
        expected_s = None if self._host_s is None else inferences * self._host_s
        inference = self._queries.infer(count, warm_up, expected_s=expected_s, laps=laps)
        self._host_s = (time.monotonic() - started) / inferences
        self.device_s = _seconds(inference) / count
        if self.device_s <= 0.0:
            raise DeviceError(
                f"{count} inferences took no time by the device's clock",
                hint="its timer stands still; check the firmware's port",
            )
        return inference


def _batch_size(info: DeviceInfo, pace: _Pace, share: Rules, done: Sequence[float]) -> int:
    if info.extension is None:
        return 1
    missing_s = max(0.0, share.single_stream_s - sum(done))
    missing = max(share.queries - len(done), math.ceil(missing_s / pace.device_s), 1)
    return min(missing, math.ceil(_BATCH_S / pace.device_s), info.extension.lap_capacity)


def _batch(info: DeviceInfo, pace: _Pace, count: int) -> tuple[tuple[int, ...], list[float]]:
    """Raw times of `count` queries, and the same in seconds."""
    inference = pace.infer(count, 0, laps=True)
    if info.extension is None:
        microseconds = inference.end_us - inference.start_us
        return (microseconds,), [microseconds * 1e-6]
    if len(inference.laps) != count:
        raise DeviceError(
            f"asked for the times of {count} inferences, {len(inference.laps)} came",
            hint="build the firmware with this version of tinyhil",
        )
    hertz = info.extension.tick_hz
    _check_sum(inference, inference.laps, hertz)
    return inference.laps, [ticks / hertz for ticks in inference.laps]


def _check_sum(inference: Inference, ticks: Sequence[int], hertz: int) -> None:
    """The times of the queries must add up to what the time stamps around them say."""
    around, inside = _seconds(inference), sum(ticks) / hertz
    # A microsecond of rounding at each stamp, and one inference's loop around the laps.
    if abs(around - inside) > 2e-6 + 1e-3 * around:
        raise DeviceError(
            f"the times of {inference.count} inferences add up to {inside:.6f} s, the time stamps "
            f"around them say {around:.6f} s",
            hint="the device's timer and its time stamps disagree; check the firmware's port",
        )


def _check_results(sample: Sample, inference: Inference, results: int) -> None:
    if len(inference.scores) != results:
        raise DeviceError(
            f"{sample.name}: {len(inference.scores)} results came, the task has {results}",
            hint="the firmware was built for another model",
        )


def _done(share: Rules, own: Sequence[float]) -> float:
    by_time = sum(own) / share.single_stream_s if share.single_stream_s else 1.0
    return min(len(own) / share.queries, by_time)


def _unit(info: DeviceInfo) -> str:
    return f"ticks of 1/{info.extension.tick_hz} s" if info.extension else "us"


def _seconds(inference: Inference) -> float:
    return (inference.end_us - inference.start_us) * 1e-6


def _stamps(inference: Inference) -> dict[str, int]:
    return {"start_us": inference.start_us, "end_us": inference.end_us}
