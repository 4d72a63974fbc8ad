"""Measures: what is done with a session to get figures out of it. Times are the device's own.

Each function hands every answer to `keep` as it comes, as a row, so that a run that dies keeps what
it had.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from itertools import chain, islice
from typing import Any

from tinyhil.catalog.rules import PERFORMANCE_INPUTS, Rules
from tinyhil.catalog.task import Task
from tinyhil.data.material import Sample
from tinyhil.device.inference import Inference
from tinyhil.device.info import DeviceInfo
from tinyhil.device.queries import Queries
from tinyhil.ground.errors import DeviceError
from tinyhil.ground.progress import Progress
from tinyhil.record.resolution import tick_us
from tinyhil.record.rows import (
    Accuracy,
    Keep,
    Queried,
    Row,
    Share,
    SingleStream,
    Throughput,
    accuracy_of,
    by_input,
    refuse_rows_of,
    seconds_of,
    single_stream_of,
    throughput_of,
)

__all__ = [
    "Accuracy",
    "Keep",
    "SingleStream",
    "Throughput",
    "accuracy",
    "performance_inputs",
    "single_stream",
    "throughput",
]

_LEAST_TICKS = 100
"""Of the clock in a time: its two ends are known to a tick, so this is to 1 % at worst."""

_STANDS_STILL_S, _MOST_TO_FIND = 2.0, 1 << 18
"""On the host's clock, and inferences, that no clock in use is too coarse for."""

_STAMPS_KEPT = 30
"""Of which the clock's resolution is told."""

_BATCH_S = 2.0
"""Device time of one `infer` of many: short enough for a progress bar that moves."""


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
    rows: list[Row] = []
    windows = [task.input.windows(sample.data, all_windows=all_windows) for sample in samples]
    inferred = queries.each(chain.from_iterable(windows))
    for sample, own in zip(samples, windows, strict=True):
        answers: list[Inference] = []
        for answer in islice(inferred, len(own)):
            _check_results(sample, answer, task.results)
            answers.append(answer)
            progress(len(rows) + len(answers) / len(own), len(samples))
        row = {
            "sample": sample.name,
            "label": sample.label,
            "scores": [answer.scores for answer in answers],
            "stamps_us": [(answer.start_us, answer.end_us) for answer in answers],
        }
        keep(row)
        rows.append(row)
    return accuracy_of(rows)


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
    *,
    done: Sequence[Row] = (),
) -> SingleStream:
    """Time each of many single queries; each input gets its share of the rules' length.

    Our own firmware times every one of N back-to-back inferences; any other is sent N times
    `infer 1 0`, by its own time stamps, or, where those are too coarse for one inference, batches
    that are long enough.

    Args:
        queries: the way to ask the device.
        info: what it said about itself.
        inputs: name and bytes of each.
        rules: how long it must be.
        keep: see `Keep`.
        progress: in inputs.
        done: rows of a run that died, which are not measured again.

    Raises:
        LinkError, DeviceError: see `Queries`.
        DataError: `done` is of something else.
    """
    share = Share(
        queries=math.ceil(rules.queries / len(inputs)),
        seconds=rules.single_stream_s / len(inputs),
    )
    hertz = info.extension.tick_hz if info.extension else None
    parts = [Queried(share, hertz or 10**6, rows) for rows in by_input(inputs, done)]
    for number, ((name, data), own) in enumerate(zip(inputs, parts, strict=True)):
        if own.enough:
            continue
        refuse_rows_of([part.rows for part in parts[number + 1 :]])
        queries.load(data)
        pace = _Pace(queries)
        pace.find()
        warming = _warm_up(info, pace, rules, own)
        if warming:
            keep({"sample": name, **warming})
            own.add({"sample": name, **warming})
        if own.rows:
            last = own.rows[-1]
            pace.device_s = seconds_of(last) / last.get("count", len(last["times"]))
        while not own.enough:
            row = {"sample": name, **_batch(info, pace, _batch_size(info, pace, share, own))}
            keep(row)
            own.add(row)
            progress(number + own.share_done, len(inputs))
    return single_stream_of([row for part in parts for row in part.rows], hertz)


def throughput(
    queries: Queries,
    inputs: Sequence[tuple[str, bytes]],
    rules: Rules,
    keep: Keep,
    progress: Progress,
    *,
    done: Sequence[Row] = (),
    by_text: bool = False,
) -> Throughput:
    """Run the official performance measurement: each input long enough by the device's clock.

    Args:
        queries: the way to ask the device.
        inputs: name and bytes of each.
        rules: how long it must be.
        keep: see `Keep`.
        progress: in inputs.
        done: rows of a run that died, which are not measured again.
        by_text: whether a time is the difference of two stamps that are printed: a single query is
            kept then too, which shows what they cost.

    Raises:
        LinkError, DeviceError: see `Queries`.
        DataError: `done` is of something else.
    """
    parts = by_input(inputs, done)
    for number, ((name, data), own) in enumerate(zip(inputs, parts, strict=True)):
        if own and own[-1]["count"] > 1 and seconds_of(own[-1]) >= rules.window_s:
            continue
        refuse_rows_of(parts[number + 1 :])
        queries.load(data)
        pace = _Pace(queries)
        first = pace.find()
        count, seconds = rules.window_inferences, -1.0
        if by_text and first.count == 1 and not own:
            own.append({"sample": name, "count": 1, **_stamps(first)})
            keep(own[-1])
        elif own:
            count = max(count, own[-1]["count"])
            pace.device_s = seconds_of(own[-1]) / own[-1]["count"]
        while seconds < rules.window_s:
            count = max(count, math.ceil(1.02 * rules.window_s / pace.device_s))
            row = {"sample": name, "count": count, **_stamps(pace.infer(count, rules.warm_up))}
            seconds = seconds_of(row)
            keep(row)
            own.append(row)
        progress(number + 1, len(inputs))
    return throughput_of([row for own in parts for row in own])


class _Pace:
    """How long an inference takes, on both clocks; learned from the ones before."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self.device_s = 0.0
        self._host_s: float | None = None
        self._rows: list[Row] = []
        self._batch = 1

    def find(self) -> Inference:
        """Infer until the device's clock shows how long an inference takes.

        Raises:
            DeviceError: it shows none, for as long as no clock is too coarse.
        """
        count, started = 1, time.monotonic()
        inference = self.infer(count, 0, may_be_too_short=True)
        while self.device_s <= 0.0:
            if time.monotonic() - started > _STANDS_STILL_S or count >= _MOST_TO_FIND:
                raise _no_time(count)
            count *= 8
            inference = self.infer(count, 0, may_be_too_short=True)
        return inference

    @property
    def batch(self) -> int:
        """How many inferences a time must be of, for the clock's resolution to matter no more."""
        if len(self._rows) <= _STAMPS_KEPT:  # More stamps tell nothing new.
            least_s = self.device_s / _LEAST_TICKS
            tick_s = tick_us(self._rows, least_us=least_s * 1e6) * 1e-6
            self._batch = math.ceil(tick_s / least_s) if tick_s > least_s else 1
        return self._batch

    def infer(
        self, count: int, warm_up: int, *, laps: bool = False, may_be_too_short: bool = False
    ) -> Inference:
        """Infer; how long it should take is known from the ones before."""
        started = time.monotonic()
        inferences = count + warm_up
        expected_s = None if self._host_s is None else inferences * self._host_s
        inference = self._queries.infer(count, warm_up, expected_s=expected_s, laps=laps)
        self._host_s = (time.monotonic() - started) / inferences
        if len(self._rows) <= _STAMPS_KEPT:
            self._rows.append(_stamps(inference))
        self.device_s = seconds_of(_stamps(inference)) / count
        if self.device_s <= 0.0 and not may_be_too_short:
            raise _no_time(count)
        return inference


def _no_time(count: int) -> DeviceError:
    return DeviceError(
        f"{count} inferences took no time by the device's clock",
        hint="its timer does not run, or its resolution is far coarser than an inference: check "
        "the firmware's port",
    )


def _batch_size(info: DeviceInfo, pace: _Pace, share: Share, own: Queried) -> int:
    if info.extension is None:
        return pace.batch
    missing_s = max(0.0, share.seconds - own.seconds)
    missing = max(share.queries - own.queries, math.ceil(missing_s / pace.device_s), 1)
    return min(missing, math.ceil(_BATCH_S / pace.device_s), info.extension.lap_capacity)


def _warm_up(info: DeviceInfo, pace: _Pace, rules: Rules, own: Queried) -> dict[str, Any] | None:
    """Infer before an input's first query that counts.

    Returns:
        The row that shows what a single query takes longer than one of many, without its sample's
        name; None where that is known, or not to be seen: a timer starts with the inference.
    """
    known = any(row.get("bracket") for row in own.rows)
    if known or info.extension is not None or pace.batch > 1 or rules.warm_up == 0:
        pace.infer(pace.batch, rules.warm_up)
        return None
    return {**_batch(info, pace, 1 + rules.warm_up), "bracket": True}


def _batch(info: DeviceInfo, pace: _Pace, count: int) -> dict[str, Any]:
    """The row of `count` queries, without its sample's name."""
    inference = pace.infer(count, 0, laps=True)
    if info.extension is None:
        took = inference.end_us - inference.start_us
        many = {"count": count} if count > 1 else {}
        return {"times": (took,), "unit": "us", **_stamps(inference), **many}
    if len(inference.laps) != count:
        raise DeviceError(
            f"asked for the times of {count} inferences, {len(inference.laps)} came",
            hint="build the firmware with this version of tinyhil",
        )
    hertz = info.extension.tick_hz
    _check_sum(inference, inference.laps, hertz)
    return {"times": inference.laps, "unit": f"ticks of 1/{hertz} s", **_stamps(inference)}


def _check_sum(inference: Inference, ticks: Sequence[int], hertz: int) -> None:
    """The times of the queries must add up to what the time stamps around them say."""
    around, inside = seconds_of(_stamps(inference)), sum(ticks) / hertz
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


def _stamps(inference: Inference) -> dict[str, int]:
    return {"start_us": inference.start_us, "end_us": inference.end_us}
