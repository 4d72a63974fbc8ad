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
from tinyhil.record.rows import Row
from tinyhil.record.schema import LINES, Line


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
        samples = kept.labels[: facts.samples]
        for file, own in rows.items():
            measure = PurePosixPath(file).stem.partition("-")[2]
            if measure == MeasureName.ACCURACY:
                _check_samples(file, own, samples, windows, findings)
            elif measure in (MeasureName.SINGLE_STREAM, MeasureName.THROUGHPUT):
                names = {str(row["sample"]) for row in own if "role" not in row}
                if not names <= {name for name, _ in spread(samples)}:
                    findings.add(file, None, "is not of the inputs that the label list gives")
    if kept.task and kept.sums and kept.task.input.window_bytes is None:
        _check_sums(matching, kept.sums, findings)


def _check_samples(
    file: str,
    rows: Sequence[Row],
    samples: Sequence[tuple[str, int]],
    windows: int | None,
    findings: Findings,
) -> None:
    own = [(number, row) for number, row in enumerate(rows, start=1) if "role" not in row]
    for place, (number, row) in enumerate(own):
        if place >= len(samples) or (row["sample"], row["label"]) != samples[place]:
            text = "is not the sample that the label list has there, or not its class"
            findings.add(file, number, text)
        elif windows is not None and len(row["scores"]) != windows:
            findings.add(file, number, f"has {len(row['scores'])} windows, a sample has {windows}")


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
