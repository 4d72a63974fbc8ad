"""Measures: what is done with a session to get figures out of it. Times are the device's own.

Each function hands every answer to `keep` as it comes, so that a run that dies keeps what it had.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyhil.data import Sample
from tinyhil.deadline import Deadline
from tinyhil.errors import DeviceError
from tinyhil.session import DeviceInfo, Inference, SampleChannel, Session
from tinyhil.task import Task

Keep = Callable[[Mapping[str, Any]], None]
"""Takes one raw answer as a JSON object."""

Progress = Callable[[float, float], None]
"""Takes how much is done and how much there is; in a unit of the caller's."""

PERFORMANCE_INPUTS = 5
"""Different inputs of a performance measurement, as the official rules have it."""

Upload = Callable[[bytes, int], None]
"""Puts a sample into the device's input buffer; the number says how many of its first bytes are
the last ones of the sample before."""

_ANSWER_S = 10.0
"""How long a short command may take, and what every longer one may take beyond its pace."""

_UPLOAD_S_A_BYTE = 0.005
"""At most; text at 9600 baud, the slowest in use, takes half of it."""

_FIRST_INFERENCE_S = 120.0
"""How long an inference of unknown length may take on the host's clock."""

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
    session: Session,
    upload: Upload,
    task: Task,
    samples: Sequence[Sample],
    keep: Keep,
    progress: Progress,
    *,
    all_windows: bool = True,
) -> Accuracy:
    """Infer each sample once; where a sample holds several windows, each of them.

    Args:
        session: a synchronized session.
        upload: how samples get to the device.
        task: whose windows and results are expected.
        samples: in the order to send them.
        keep: see `Keep`.
        progress: in samples.
        all_windows: see `Input.windows`.

    Raises:
        LinkError, DeviceError: see `Session`.
    """
    rows: list[NDArray[np.float64]] = []
    inferences = 0
    pace = _Pace(session)
    for sample in samples:
        windows = task.input.windows(sample.data, all_windows=all_windows)
        answers: list[Inference] = []
        for window in windows:
            upload(window.data, window.keep)
            answers.append(pace.infer(1, 0))
            _check_results(sample, answers[-1], task.results)
            progress(len(rows) + len(answers) / len(windows), len(samples))
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
    session: Session,
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
        LinkError, DeviceError: see `Session`.
    """
    share = Rules(
        queries=math.ceil(rules.queries / len(inputs)),
        single_stream_s=rules.single_stream_s / len(inputs),
    )
    times: list[float] = []
    for number, (name, data) in enumerate(inputs):
        upload_by(session)(data, 0)
        own: list[float] = []
        pace = _Pace(session)
        pace.infer(1, 0)
        pace.infer(1, rules.warm_up)
        while len(own) < share.queries or sum(own) < share.single_stream_s:
            batch = _batch_size(info, pace, share, own)
            ticks, seconds = _batch(session, info, pace, batch)
            keep({"sample": name, "times": ticks, "unit": _unit(info)})
            own.extend(seconds)
            progress(number + min(1.0, _done(share, own)), len(inputs))
        times.extend(own)
    clock, hertz = ("timer", info.extension.tick_hz) if info.extension else ("time stamps", 10**6)
    return SingleStream(np.array(times, dtype=np.float64), clock, hertz)


def throughput(
    session: Session,
    inputs: Sequence[tuple[str, bytes]],
    rules: Rules,
    keep: Keep,
    progress: Progress,
) -> Throughput:
    """Run the official performance measurement: each input long enough by the device's clock.

    Raises:
        LinkError, DeviceError: see `Session`.
    """
    windows = []
    for number, (name, data) in enumerate(inputs):
        upload_by(session)(data, 0)
        pace = _Pace(session)
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


def upload_by(session: Session, channel: SampleChannel | None = None) -> Upload:
    """The way of samples over the session's link, or through a channel beside it."""

    def upload(data: bytes, keep: int) -> None:
        deadline = Deadline.after(_ANSWER_S + _UPLOAD_S_A_BYTE * len(data))
        if channel is None:
            session.load(data, deadline)
        else:
            session.load_through(channel, data, keep, deadline)

    return upload


class _Pace:
    """How long an inference takes, on both clocks; told by the ones before."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.device_s = 0.0
        self._host_s: float | None = None

    def infer(self, count: int, warm_up: int) -> Inference:
        """Infer with a deadline that leaves the host ten times of what it took before."""
        started = time.monotonic()
        inferences = count + warm_up
        budget = _FIRST_INFERENCE_S if self._host_s is None else 10 * inferences * self._host_s
        inference = self._session.infer(count, warm_up, Deadline.after(_ANSWER_S + budget))
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


def _batch(
    session: Session, info: DeviceInfo, pace: _Pace, count: int
) -> tuple[tuple[int, ...], list[float]]:
    """Raw times of `count` queries, and the same in seconds."""
    inference = pace.infer(count, 0)
    if info.extension is None:
        microseconds = inference.end_us - inference.start_us
        return (microseconds,), [microseconds * 1e-6]
    times = session.laps(count, Deadline.after(_ANSWER_S))
    hertz = info.extension.tick_hz
    _check_sum(inference, times, hertz)
    return times, [ticks / hertz for ticks in times]


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
