"""Rows against the data set's own lists, which lie in the run: samples, true classes and sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from tinyhil.catalog.measure import MeasureName
from tinyhil.ground.text import printable
from tinyhil.judge.verify.findings import Findings
from tinyhil.judge.verify.kept import Kept
from tinyhil.judge.verify.matching import Matching
from tinyhil.measure.measures import spread
from tinyhil.record.configuration import Configuration
from tinyhil.record.description import JobFacts
from tinyhil.record.rows import Row, plain
from tinyhil.record.schema import LINES, Line

_WORDS = (
    "is not the sample that the label list has there, or not its class",
    "is not of the inputs that the label list gives",
)


def check_lists(
    kept: Kept,
    facts: JobFacts,
    configuration: Configuration,
    matching: Matching,
    rows: Mapping[str, Sequence[Row]],
    findings: Findings,
) -> None:
    """Compare with the lists of the data set.

    Args:
        kept: the lists, as far as they are there.
        facts: what the task was measured with.
        configuration: of the run.
        matching: of the task's rows.
        rows: of the task, by file.
        findings: where differences are noted.
    """
    windows = kept.windows(all_windows=configuration.all_windows)
    if kept.labels is not None:
        check_samples(rows, kept.labels[: facts.samples], _WORDS, findings, windows)
    if kept.task and kept.sums and kept.task.input.window_bytes is None:
        _check_sums(matching, kept.sums, findings)


def check_samples(
    rows: Mapping[str, Sequence[Row]],
    samples: Sequence[tuple[str, int]],
    words: tuple[str, str],
    findings: Findings,
    windows: int | None = None,
) -> None:
    """The samples that were measured must be these, in their order, each with its true class; and
    performance is measured on some of them.

    Args:
        rows: of the task, by file.
        samples: names and true classes.
        words: of a row of another sample, and of a measure of other inputs.
        findings: where differences are noted.
        windows: that each sample has; None where that is not known.
    """
    inputs = {name for name, _ in spread(samples)}
    for file, own in rows.items():
        measure = PurePosixPath(file).stem.partition("-")[2]
        if measure == MeasureName.ACCURACY:
            numbered = [pair for pair in enumerate(own, start=1) if "role" not in pair[1]]
            for place, (number, row) in enumerate(numbered):
                if place >= len(samples) or (row["sample"], row["label"]) != samples[place]:
                    findings.add(file, number, words[0])
                elif windows is not None and len(row["scores"]) != windows:
                    text = f"has {len(row['scores'])} windows, a sample has {windows}"
                    findings.add(file, number, text)
        elif measure in (MeasureName.SINGLE_STREAM, MeasureName.THROUGHPUT):
            asked = {str(row["sample"]) for row in plain(own)}
            if not asked <= inputs:
                findings.add(file, None, words[1])


def _check_sums(matching: Matching, sums: Mapping[str, str], findings: Findings) -> None:
    """What was sent as a sample must have the sum that the data set's list has of it."""
    for place, claim in sorted(matching.used.items()):
        if claim.laps_cut:
            continue  # An audit names what it makes after what it is made from.
        if sums.get(claim.sample) != matching.answers[place].digest.hex():
            text = f"{printable(claim.sample)} was not sent as the data set has it, by its sum"
            findings.add(claim.file, claim.line, text)


def check_full_set(
    number: int, line: Line, kept: Kept, facts: JobFacts, findings: Findings
) -> None:
    """A line must say truly how much there is to infer."""
    windows, said = kept.windows(all_windows=True), line.details.get("inferences_of_the_full_set")
    if windows is not None and said != facts.samples * windows:
        text = f"says {said} inferences of the full set, it has {facts.samples * windows}"
        findings.add(LINES, number, text)
