"""The figures of the streaming wake word, each compared with what its raw answers give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from pydantic import TypeAdapter, ValidationError

from tinyhil.catalog.rules import STREAMING
from tinyhil.ground.tree import Tree, Unreadable
from tinyhil.publish.submission import rules
from tinyhil.publish.submission.evidence import Evidence
from tinyhil.publish.submission.findings import Figure, Finding, together
from tinyhil.publish.submission.held import Held, compared, not_checkable
from tinyhil.publish.submission.layout import MAX_FILE_BYTES
from tinyhil.publish.submission.runner_json import DutyCycle, Heard, Streaming, Truth, loads
from tinyhil.publish.submission.runner_log import read_detections
from tinyhil.publish.submission.summary import Name, Summary
from tinyhil.publish.submission.trace import window_of

TRUTH = "sww_long_test.json"
"""In the folder of the data set: when the wake word is spoken."""


@dataclass(frozen=True)
class Detections:
    """How a device heard the wake word in a recording."""

    true_positives: int
    false_negatives: int
    false_positives: int

    @property
    def problems(self) -> list[str]:
        """What is above the limits."""
        limits = {
            "false positives": (self.false_positives, STREAMING.false_positives),
            "false negatives": (self.false_negatives, STREAMING.false_negatives),
        }
        return [
            f"{count} {name}, at most {limit}"
            for name, (count, limit) in limits.items()
            if count > limit
        ]


def detections(heard: Heard) -> Detections:
    """Count as the runner does; the first detection only marks the start.

    Raises:
        Unreadable: there is none.
    """
    if not heard.detections:
        raise Unreadable("no detection, so nothing marks the start")
    times = np.array(heard.detections, dtype=np.float64)
    left = np.sort(times[1:] - times[0]) / 1000.0
    found = 0
    for begin, end in heard.detection_windows:
        hits = (left >= begin) & (left <= end + STREAMING.late_s)
        found += bool(hits.any())
        left = left[~hits]
    wrong, last = 0, -np.inf
    for time in left:
        if time > last + STREAMING.debounce_s:
            wrong, last = wrong + 1, time
    return Detections(found, len(heard.detection_windows) - found, wrong)


def duty_cycle(work: DutyCycle) -> tuple[float, float]:
    """The share of the time in which the device works, and pieces it could do in a second.

    Raises:
        Unreadable: there are not two pieces, or they do not follow each other.
    """
    count = min(len(work.start_times_s), len(work.stop_times_s))
    if count < 2:
        raise Unreadable("no duty cycle: fewer than two pieces")
    starts, stops = np.array(work.start_times_s[:count]), np.array(work.stop_times_s[:count])
    busy, period = float(np.mean(stops - starts)), float(np.mean(np.diff(starts)))
    if min(busy, period) <= 0.0:
        raise Unreadable("the times of the duty cycle do not grow")
    return busy / period, 1.0 / busy


def streaming(held: Held, summary: Summary, evidence: Evidence) -> Iterator[Figure | Finding]:
    """False positives and negatives, duty cycle and energy, of any test of the task."""
    lacking = evidence.lacking or "results.json is not there"
    entry = evidence.streaming[0] if evidence.streaming else None
    values: dict[Name, float | str] = {}
    for names, give in _PARTS.items():
        try:
            values |= give(entry) if entry else dict.fromkeys(names, lacking)
        except Unreadable as error:
            values |= dict.fromkeys(names, str(error))
    source = held.test.answers.name
    if entry is None and held.data:
        try:
            values |= _counts(_heard_in_log(held, held.data))
            source = f"{held.test.log.name}, windows of --data"
        except Unreadable as error:
            told = f"{lacking}; {held.test.log.name}: {error}"
            values |= {"false negatives": told, "false positives": told}
    for name, value in values.items():
        claim = summary.last(name)
        if claim is None:
            continue
        if isinstance(value, str):
            yield not_checkable(held, claim, value)
        else:
            yield compared(held, claim, value, source)
    counts = [summary.last(name) for name in ("false negatives", "false positives")]
    if all(counts) and held.division == "closed":
        missed, wrong = (int(claim.value) for claim in counts if claim)
        if problems := Detections(0, missed, wrong).problems:
            yield Finding("wrong", held.results, together(problems), rule=rules.STREAMED)


def _heard_in_log(held: Held, data: Path) -> Heard:
    """The detections that the runner logs, with the windows of the user's copy of the data set."""
    truth = Tree(data).read(PurePosixPath(held.task.official.data, TRUTH))
    found = read_detections(held.tree.lines(held.test.log, MAX_FILE_BYTES))
    try:
        return TypeAdapter(tuple[Truth, ...]).validate_python(loads(truth))[0].heard(found)
    except (ValidationError, IndexError) as error:
        raise Unreadable(f"{TRUTH} of --data holds no windows") from error


def _counts(heard: Heard) -> dict[Name, float | str]:
    found = detections(heard)
    return {"false negatives": found.false_negatives, "false positives": found.false_positives}


def _heard(entry: Streaming) -> dict[Name, float | str]:
    return _counts(entry.infer)


def _worked(entry: Streaming) -> dict[Name, float | str]:
    if entry.dutycycle is None:
        raise Unreadable("results.json holds no duty cycle")
    share, rate = duty_cycle(entry.dutycycle)
    return {"duty cycle": share, "streaming throughput": rate}


def _used(entry: Streaming) -> dict[Name, float | str]:
    if entry.power is None:
        raise Unreadable("results.json holds no power samples")
    return {"energy": window_of(entry.power).energy_j * 1e6}


_PARTS: Mapping[tuple[Name, ...], Callable[[Streaming], Mapping[Name, float | str]]] = {
    ("false negatives", "false positives"): _heard,
    ("duty cycle", "streaming throughput"): _worked,
    ("energy",): _used,
}
