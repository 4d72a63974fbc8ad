"""The figures of one test, each compared with what its raw answers give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from tinyhil.catalog import metrics
from tinyhil.catalog.task import Task
from tinyhil.ground.tree import Tree, Unreadable
from tinyhil.publish.submission import rules
from tinyhil.publish.submission.evidence import Evidence, Source, energy_windows
from tinyhil.publish.submission.findings import Figure, Finding, State
from tinyhil.publish.submission.labels import load_labels, official_samples
from tinyhil.publish.submission.recompute import Quality, quality, windows
from tinyhil.publish.submission.summary import Claim, Name, Summary

Said = Iterator[Figure | Finding]

_TITLES: dict[Name, str] = {
    "top1": "top-1, %",
    "auc": "AUC",
    "throughput": "median throughput, inf/s",
    "energy": "median energy, µJ/inf",
    "latency": "latency of a single query, s",
}


@dataclass(frozen=True)
class Held:
    """The folder of one test of a task, compared with its raw answers."""

    tree: Tree
    folder: PurePosixPath
    task: Task
    division: str
    data: Path | None
    """The user's folder with ``datasets/``, or None."""

    @property
    def name(self) -> str:
        """``accuracy``, ``performance`` or ``energy``."""
        return self.folder.name

    @property
    def results(self) -> PurePosixPath:
        """The file with the claims."""
        return self.folder / "results.txt"


def accuracy(held: Held, summary: Summary, evidence: Evidence) -> Said:
    """Top-1 and AUC."""
    claims = summary.counting("top1", "auc")
    if not evidence.sources:
        for claim in claims:
            yield _unchecked(held, claim, evidence.lacking)
    for source in evidence.sources:
        try:
            labels, remarks = _labels(held, source)
            found = quality(held.task, source.inferences, labels)
        except Unreadable as error:
            for claim in claims:
                yield _unchecked(held, claim, f"{source.file.name}: {error}")
            continue
        yield from remarks
        for claim in claims:
            yield _quality_figure(held, claim, found, source)
        yield from _whole_set(held, found, source)
        if held.division == "closed":
            for problem in rules.target_problems(held.task, found.top1, found.auc):
                yield Finding("wrong", source.file, f"recomputed, {problem}: {rules.TARGET}")


def performance(held: Held, summary: Summary, evidence: Evidence) -> Said:
    """Median throughput, each window, and single queries where there are some."""
    median = summary.last("throughput")
    if not evidence.sources and median:
        yield _unchecked(held, median, evidence.lacking)
    for source in evidence.sources:
        try:
            measured = windows(source.inferences)
        except Unreadable as error:
            if median:
                yield _unchecked(held, median, f"{source.file.name}: {error}")
            continue
        rates = [count / seconds for _, count, seconds in measured]
        if median:
            yield _figure(held, median, float(np.median(rates)), source.file.name)
        yield from _each(held, summary.all("window throughput"), rates)
        for problem in rules.window_problems(measured):
            yield Finding("wrong", source.file, f"{problem}: {rules.WINDOWS}")
        if source.queries:
            queries = [(query.file, query.seconds) for query in source.queries]
            for problem in rules.single_stream_problems(queries):
                yield Finding("wrong", source.file, f"{problem}: {rules.SINGLE_STREAM}")
            yield from _latencies(held, summary, source)


def energy(held: Held, summary: Summary, evidence: Evidence) -> Said:
    """Median energy of an inference, each window, and the throughput by the time stamps."""
    claims = summary.counting("energy", "throughput")
    if not evidence.sources:
        for claim in claims:
            yield _unchecked(held, claim, evidence.lacking)
    for source in evidence.sources:
        try:
            measured, file = energy_windows(held.tree, source)
        except Unreadable as error:
            for claim in claims:
                yield _unchecked(held, claim, str(error))
            continue
        counts = [inference.count for inference in source.inferences]
        energies = [w.energy_j / n * 1e6 for w, n in zip(measured, counts, strict=True)]
        rates = [n / w.seconds for w, n in zip(measured, counts, strict=True)]
        for claim in claims:
            values = energies if claim.name == "energy" else rates
            yield _figure(held, claim, float(np.median(values)), file.name)
        yield from _each(held, summary.all("window energy"), energies)
        yield from _each(held, summary.all("window throughput"), rates)
        timed = [
            (inference.file, inference.count, window.seconds)
            for inference, window in zip(source.inferences, measured, strict=True)
        ]
        for problem in rules.window_problems(timed):
            yield Finding("wrong", source.file, f"{problem}: {rules.WINDOWS}")


FIGURES: Mapping[str, Callable[[Held, Summary, Evidence], Said]] = {
    "accuracy": accuracy,
    "performance": performance,
    "energy": energy,
}


def _latencies(held: Held, summary: Summary, source: Source) -> Said:
    times = np.array([query.seconds for query in source.queries], dtype=np.float64)
    for claim in summary.all("latency"):
        value = metrics.percentile(times, int(claim.sign))
        yield _figure(held, claim, value, f"{source.file.name}, p{claim.sign}")


def _whole_set(held: Held, found: Quality, source: Source) -> Iterator[Finding]:
    """Samples that are missing; of another list than the pinned one nothing can be told."""
    if not found.inferences.keys() & official_samples(held.task):
        text = "no sample is in the pinned list (later rounds use another for ic01): not compared"
        yield Finding("unchecked", source.file, text)
        return
    for problem in rules.sample_problems(held.task, found.inferences):
        yield Finding("wrong", source.file, f"{problem}: {rules.WHOLE_SET}")


def _labels(held: Held, source: Source) -> tuple[Mapping[str, int], list[Finding]]:
    """Classes of a source's samples: the data set's own ones count, if the user brought them."""
    if held.data is None:
        if source.labels is None:
            raise Unreadable("gives no classes: name the folder of the data sets with --data")
        return source.labels, []
    try:
        labels = load_labels(held.task, held.data)
    except Unreadable as error:
        if source.labels is None:
            raise Unreadable(f"gives no classes, and --data's label file {error}") from error
        return source.labels, []
    remarks = []
    if not labels.official:
        text = f"the labels of {held.task.name} are not the official ones"
        remarks.append(Finding("note", source.file, text))
    own = source.labels or {}
    if not labels.classes.keys() >= {inference.file for inference in source.inferences} and own:
        remarks.append(Finding("note", source.file, "its list of samples is not --data's"))
        return own, remarks
    differing = [name for name in own if own[name] != labels.classes.get(name)]
    if differing:
        text = (
            f"{len(differing)} classes are not the data set's, for example that of {differing[0]}"
        )
        remarks.append(Finding("wrong", source.file, text))
    return labels.classes, remarks


def _quality_figure(held: Held, claim: Claim, found: Quality, source: Source) -> Figure:
    if claim.name == "top1":
        if found.top1 is None:
            return _unchecked(held, claim, "the task has no top-1")
        return _figure(held, claim, 100 * found.top1, source.file.name)
    exact, stepped = found.auc, found.stepped_auc
    if exact is None or stepped is None:
        return _unchecked(held, claim, "a class has no sample")
    if claim.sign == "=":
        return _figure(held, claim, exact, source.file.name)
    return _figure(held, claim, stepped, f"{source.file.name}, 101 thresholds; exact {exact:.4f}")


def _each(held: Held, claims: tuple[Claim, ...], values: list[float]) -> Said:
    """Disagreements of the windows' own lines; those that agree need no word."""
    if claims and len(claims) != len(values):
        text = f"{len(claims)} windows, the session has {len(values)}"
        yield Finding("wrong", held.results, text, claims[0].line)
        return
    for claim, value in zip(claims, values, strict=False):
        if not claim.agrees_with(value):
            text = f"{claim.name} is {claim.text}, recomputed {_like(claim, value)}"
            yield Finding("wrong", held.results, text, claim.line)


def _figure(held: Held, claim: Claim, value: float, source: str) -> Figure:
    state: State = "equal" if claim.agrees_with(value) else "differs"
    title = _TITLES.get(claim.name, claim.name)
    return Figure(held.results, claim.line, title, claim.text, _like(claim, value), state, source)


def _like(claim: Claim, value: float) -> str:
    """A recomputed value with two digits more than the claim has."""
    return f"{value:.{min(claim.decimals, 12) + 2}f}"


def _unchecked(held: Held, claim: Claim, why: str) -> Figure:
    title = _TITLES.get(claim.name, claim.name)
    return Figure(held.results, claim.line, title, claim.text, "-", "not checkable", why)
