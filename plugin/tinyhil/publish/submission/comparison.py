"""The figures of one test, each compared with what its raw answers give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tinyhil.catalog import metrics
from tinyhil.ground.tree import Unreadable
from tinyhil.measure.energy.windows import Window
from tinyhil.publish.submission import rules
from tinyhil.publish.submission.evidence import Evidence, Source, energy_windows
from tinyhil.publish.submission.findings import Figure, Finding, together
from tinyhil.publish.submission.held import Held, compared, like, not_checkable
from tinyhil.publish.submission.labels import (
    Labels,
    SampleList,
    list_of,
    load_labels,
    official_lists,
)
from tinyhil.publish.submission.recompute import Quality, clock_problems, quality, windows
from tinyhil.publish.submission.summary import Claim, Name, Summary

Said = Iterator[Figure | Finding]

_WRAPS = (
    "a counter that is full begins again at 0: print time stamps of one that is wide enough, such "
    "as of 64 bits"
)
_GAPS = "a time stamp is missing, and the runner took the gaps between the inferences for them"


@dataclass(frozen=True)
class Classes:
    """True classes of a source's samples, and where they are from."""

    classes: Mapping[str, int]
    wanted: SampleList | None
    """The list that the samples are of; None where nobody knows it."""
    remarks: tuple[Finding, ...]


def accuracy(held: Held, summary: Summary, evidence: Evidence) -> Said:
    """Top-1 and AUC."""
    claims = summary.counting("top1", "auc")
    if not evidence.sources:
        for claim in claims:
            yield not_checkable(held, claim, evidence.lacking)
    for source in evidence.sources:
        try:
            known = _classes(held, source)
            found = quality(held.task, source.inferences, known.classes)
        except Unreadable as error:
            for claim in claims:
                yield not_checkable(held, claim, f"{source.file.name}: {error}")
            continue
        yield from known.remarks
        for claim in claims:
            yield _quality_figure(held, claim, found, _name(source, known))
        if not claims:
            told = [] if found.top1 is None else [f"top-1 {100 * found.top1:.1f} %"]
            told += [] if found.auc is None else [f"AUC {found.auc:.3f}"]
            yield _unclaimed(source, told)
        yield from _whole_set(held, found, source, known)
        if held.division == "closed":
            problems = rules.target_problems(held.task, found.top1, found.auc)
            yield from _broken(source, [f"recomputed, {p}" for p in problems], rules.TARGET)


def performance(held: Held, summary: Summary, evidence: Evidence) -> Said:
    """Median throughput, each window, and single queries where there are some."""
    median = summary.last("throughput")
    if not evidence.sources and median:
        yield not_checkable(held, median, evidence.lacking)
    for source in evidence.sources:
        if slow := list(clock_problems(source.inferences)):
            text = together([text for _, text in slow])
            yield Finding("wrong", source.file, text, slow[0][0], rules.EVIDENCE, _WRAPS)
        try:
            measured = windows(source.inferences)
        except Unreadable as error:
            if median:
                yield not_checkable(held, median, f"{source.file.name}: {error}")
            continue
        rates = [count / seconds for _, count, seconds in measured]
        if median:
            yield compared(held, median, float(np.median(rates)), _listed(held, source))
        else:
            yield _unclaimed(source, [f"median throughput {np.median(rates):.3f} inf/s"])
        yield from _each(held, summary.all("window throughput"), rates)
        yield from _broken(source, rules.window_problems(measured), rules.WINDOWS)
        if source.queries:
            queries = [(query.file, query.seconds) for query in source.queries]
            problems = rules.single_stream_problems(queries)
            yield from _broken(source, problems, rules.SINGLE_STREAM)
            yield from _latencies(held, summary, source)


def energy(held: Held, summary: Summary, evidence: Evidence) -> Said:
    """Median energy of an inference, each window, and the throughput by the time stamps."""
    claims = summary.counting("energy", "throughput")
    if not evidence.sources:
        for claim in claims:
            yield not_checkable(held, claim, evidence.lacking)
    # Answers without samples say nothing where the log names a recording.
    telling = [one for one in evidence.sources if one.log or any(a.power for a in one.answers)]
    for source in telling or evidence.sources:
        try:
            measured = energy_windows(held.tree, source)
        except Unreadable as error:
            for claim in claims:
                yield not_checkable(held, claim, str(error))
            continue
        counts = [inference.count for inference in source.inferences]
        values = _per_inference(measured.windows, counts)
        gaps = _per_inference(measured.gaps, counts)
        cause = ""
        for claim in claims:
            value = float(np.median(values[claim.name]))
            figure = compared(held, claim, value, _listed(held, source, measured.file.name))
            yield figure
            gap = gaps[claim.name]
            if figure.state == "differs" and gap and claim.agrees_with(float(np.median(gap))):
                cause = _GAPS
        if measured.remark:
            place = measured.stamps or measured.file
            taken = f"{measured.remark}: the pairs are taken that fit the log's times"
            yield Finding("note", place, taken, cause=cause)
        if measured.strange:
            place = measured.stamps or measured.file
            yield Finding("unchecked", place, measured.strange, cause=cause)
        each: dict[Name, list[float]] = {
            "window energy": values["energy"],
            "window total energy": [window.energy_j * 1e6 for window in measured.windows],
            "window power": [window.power_w * 1e6 for window in measured.windows],
            "window throughput": values["throughput"],
            "window runtime": [window.seconds for window in measured.windows],
        }
        for name, made in each.items():
            yield from _each(held, summary.all(name), made, cause)
        timed = [
            (inference.file, inference.count, window.seconds)
            for inference, window in zip(source.inferences, measured.windows, strict=True)
        ]
        yield from _broken(source, rules.window_problems(timed), rules.WINDOWS)


FIGURES: Mapping[str, Callable[[Held, Summary, Evidence], Said]] = {
    "accuracy": accuracy,
    "performance": performance,
    "energy": energy,
}


def _per_inference(measured: tuple[Window, ...], counts: list[int]) -> dict[Name, list[float]]:
    """Energy in microjoules and inferences per second, window by window."""
    pairs = list(zip(measured, counts, strict=False))
    return {
        "energy": [window.energy_j / count * 1e6 for window, count in pairs],
        "throughput": [count / window.seconds for window, count in pairs],
    }


def _latencies(held: Held, summary: Summary, source: Source) -> Said:
    times = np.array([query.seconds for query in source.queries], dtype=np.float64)
    for claim in summary.all("latency"):
        value = metrics.percentile(times, int(claim.sign))
        yield compared(held, claim, value, f"{source.file.name}, p{claim.sign}")


def _whole_set(held: Held, found: Quality, source: Source, known: Classes) -> Iterator[Finding]:
    """Samples that are missing; of a list that nobody knows nothing can be told."""
    if known.wanted is None:
        text = "no official list has these samples, and --data gives none: not compared"
        yield Finding("unchecked", source.file, text, rule=rules.WHOLE_SET)
        return
    problems = rules.sample_problems(held.task, found.inferences, known.wanted)
    yield from _broken(source, problems, rules.WHOLE_SET)


def _classes(held: Held, source: Source) -> Classes:
    """Classes of a source's samples: the official ones count, then --data's, then its own."""
    names = {inference.file for inference in source.inferences if inference.ended}
    official = list_of(held.task, names)
    own = source.labels or {}
    labels, why = _brought(held)
    brought = dict(labels.classes) if labels else {}
    pinned = {name: one for each in official_lists(held.task) for name, one in each.classes.items()}
    # Lists share names with each other and perhaps with the user's own set: each knows its own.
    classes = pinned | brought | dict(official.classes if official else {})
    remarks = []
    if labels and not labels.official:
        text = f"the labels of {held.task.official.data} in --data are not the official ones"
        remarks.append(Finding("note", source.file, text))
    wanted = official
    if wanted is None and labels and len(names & labels.classes.keys()) * 2 > len(names):
        wanted = SampleList("list of --data", frozenset(labels.classes), labels.classes)
    if not names <= classes.keys():
        if not own:
            raise Unreadable(f"gives no classes{why}")
        if labels:
            remarks.append(Finding("note", source.file, "its list of samples is not --data's"))
        return Classes(own, wanted, tuple(remarks))
    differing = [name for name in own if own[name] != classes.get(name)]
    if differing:
        text = (
            f"{len(differing)} classes are not the data set's, for example that of {differing[0]}"
        )
        remarks.append(Finding("wrong", source.file, text, rule=rules.OFFICIAL_DATA))
    return Classes(classes, wanted, tuple(remarks))


def _brought(held: Held) -> tuple[Labels | None, str]:
    """The label file of the user's; or None, and why there is none."""
    if held.data is None:
        return None, ": name the folder of the data sets with --data"
    try:
        return load_labels(held.task, held.data), ", and neither does --data's label file"
    except Unreadable as error:
        return None, f", and --data's label file {error}"


def _quality_figure(held: Held, claim: Claim, found: Quality, source: str) -> Figure:
    """A claim next to what the runner that printed it makes of the answers."""
    value, told, why = found.auc, "", found.undefined
    if claim.name == "top1":
        value, why = found.top1, "the task has no top-1"
        if value is None and found.balance is not None:
            value, told = found.balance, ", best mean of precision and recall"
        value = None if value is None else 100 * value
    elif claim.sign == ":":
        exact = f"no exact one: {why}" if value is None else f"exact {value:.4f}"
        value, told, why = found.stepped_auc, f", 101 thresholds; {exact}", "a class has no sample"
    if value is None:
        return not_checkable(held, claim, f"{source}: {why}")
    return compared(held, claim, value, source + told)


def _name(source: Source, known: Classes) -> str:
    """What a figure is recomputed from, with the list where a task has several."""
    name = known.wanted.name if known.wanted else ""
    return f"{source.file.name}, {name}" if name else source.file.name


def _listed(held: Held, source: Source, file: str = "") -> str:
    """What a figure of performance is recomputed from, with the list where a task has several."""
    official = list_of(held.task, {inference.file for inference in source.inferences})
    name = official.name if official else ""
    return ", ".join(filter(None, (file or source.file.name, name)))


def _unclaimed(source: Source, figures: list[str]) -> Finding:
    text = f"no claim to compare with; the answers give {', '.join(figures) or 'no figure'}"
    return Finding("note", source.file, text)


def _each(held: Held, claims: tuple[Claim, ...], values: list[float], cause: str = "") -> Said:
    """Disagreements of the windows' own lines; those that agree need no word."""
    if claims and len(claims) != len(values):
        text = f"{len(claims)} windows, the session has {len(values)}"
        yield Finding("wrong", held.results, text, claims[0].line, rules.EVIDENCE, cause)
        return
    wrong = [
        (claim, f"{claim.name} is {claim.text}, recomputed {like(claim, value)}")
        for claim, value in zip(claims, values, strict=False)
        if not claim.agrees_with(value)
    ]
    if wrong:
        text = together([text for _, text in wrong])
        yield Finding("wrong", held.results, text, wrong[0][0].line, rules.EVIDENCE, cause)


def _broken(source: Source, problems: list[str], rule: str) -> Iterator[Finding]:
    """One finding for all that breaks one rule in a file."""
    if problems:
        yield Finding("wrong", source.file, together(problems), rule=rule)
