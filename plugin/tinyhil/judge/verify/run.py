"""Checks a whole run: its seal, then each task from the raw bytes up."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tinyhil.catalog.facts import Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import Task
from tinyhil.data.material import DataSet
from tinyhil.emulator.program import QEMU
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.progress import Progress
from tinyhil.ground.text import printable
from tinyhil.judge.verify.clocks import check_clocks, check_waits
from tinyhil.judge.verify.conversation import Heard, hear
from tinyhil.judge.verify.facts import check_facts, unseen
from tinyhil.judge.verify.findings import Finding, Findings
from tinyhil.judge.verify.headings import check_headings
from tinyhil.judge.verify.kept import Kept, read_all
from tinyhil.judge.verify.lines import check_figures, check_head
from tinyhil.judge.verify.lists import check_full_set, check_lists
from tinyhil.judge.verify.matching import Matching, claims, left_over
from tinyhil.judge.verify.places import check_files
from tinyhil.judge.verify.reference import check_answers
from tinyhil.judge.verify.samples import check_data, check_names, material_of, official_model
from tinyhil.measure.audit.answers import Scores
from tinyhil.record.description import Description, JobFacts, read_description
from tinyhil.record.reading import list_files, read_objects, read_rows
from tinyhil.record.rows import Row, plain
from tinyhil.record.schema import LINES, RAW, RUN, SEAL, SIGNATURE, TESTS, EndedTest, Line
from tinyhil.record.seal import differences, read_seal
from tinyhil.record.signing import UNSIGNED, Signature, read_signature
from tinyhil.record.store import record_lines

Item = TypeVar("Item")


@dataclass(frozen=True)
class Checked:
    """One measure of a run, computed again."""

    task: str
    """Name of the task."""
    measure: str
    """What is measured."""
    rows: int
    """Answers of the device that are kept of it."""
    metrics: Mapping[Metric, float]
    """As the rows give them; empty where the measure is not finished."""
    verdict: str
    """As the record has it; ``not finished`` if it has no line, ``error`` if it has no line without
    an error."""


@dataclass(frozen=True)
class Report:
    """What a check of a run has found."""

    run: str
    sealed: bool
    signature: Signature
    measures: tuple[Checked, ...]
    answers: int
    """Decoded from the raw logs."""
    transfers: int
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    """What is no disagreement, but has to be known."""
    unseen: tuple[str, ...]
    """What was not looked at, and what that needs."""


@dataclass
class _Check:
    """A check in progress."""

    folder: Path
    data: Path | None
    signers: Path | None
    description: Description
    files: tuple[str, ...]
    signature: Signature = UNSIGNED
    findings: Findings = field(default_factory=Findings)
    measures: list[Checked] = field(default_factory=list)
    answers: int = 0
    transfers: int = 0
    unseen: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Tasks of which something was not looked at, by what that is and what it needs."""


def verify(
    folder: Path,
    data: Path | None = None,
    progress: Progress | None = None,
    signers: Path | None = None,
) -> Report:
    """Recompute a run's metrics and verdicts from its raw bytes, and compare its seal.

    Args:
        folder: of the run; it may come from anywhere.
        data: folder of the data set, to compare what was sent with; None: what was sent is
            trusted as far as its CRCs go.
        progress: in tasks.
        signers: file of those who may sign a seal; then it must be signed.

    Raises:
        ConfigError: the folder is not a run of this version, holds a link or something too large,
            or `data` does not hold the run's data set.
    """
    files = list_files(folder)
    check = _Check(folder, data, signers, read_description(folder), files)
    _check_seal(check)
    lines = list(_read(check, LINES, record_lines(folder))) if LINES in files else []
    for number, line in lines:
        check_head(number, line, check.description, check.findings)
    jobs = check.description.jobs
    for done, (task, facts) in enumerate(jobs.items()):
        if progress:
            progress(done, len(jobs))
        own = [(number, line) for number, line in lines if line.task == task]
        _check_task(check, task, facts, own)
    if TESTS in files:
        for _ in _read(check, TESTS, read_objects(folder / TESTS, EndedTest)):
            pass
    check_files(files, check.description, check.findings)
    if check.signers is None:
        need = "--signers FILE" if check.signature.signed else "an unsigned seal names nobody"
        check.unseen["who sealed it", need] = []
    return Report(
        check.description.run,
        SEAL in files,
        check.signature,
        tuple(check.measures),
        check.answers,
        check.transfers,
        check.findings.all,
        check.findings.notes,
        tuple(
            " ".join((what, *(["of " + ", ".join(tasks)] if tasks else []), f"({need})"))
            for (what, need), tasks in check.unseen.items()
        ),
    )


def _check_seal(check: _Check) -> None:
    findings = check.findings
    if SEAL not in check.files:
        text = "is missing: the run was killed, or is not over yet; --hil-resume finishes it"
        findings.add(SEAL, None, text)
        return
    try:
        sealed = read_seal(check.folder)
        for difference in differences(check.folder, sealed):
            findings.add(difference.file, difference.line, difference.text)
    except ConfigError as error:
        findings.add_error(SEAL, error)
        return
    check.signature = read_signature(check.folder, sealed.sealed, check.signers)
    if check.signature.wrong:
        findings.add(SIGNATURE, None, check.signature.wrong)
    jobs = check.description.jobs.values()
    if QEMU in sealed.packages and not any(facts.subject.emulated for facts in jobs):
        findings.add(SEAL, None, f"names {QEMU}, but no board of run.json is emulated")
    wanted = {
        task: {
            "firmware": facts.subject.firmware_sha256,
            "model": facts.subject.model_sha256,
            "data": facts.subject.data_sha256,
        }
        for task, facts in check.description.jobs.items()
    }
    if sealed.run != check.description.run or sealed.tasks != wanted:
        findings.add(SEAL, None, "is of another run, firmware, model or data set than run.json")


def _check_task(
    check: _Check, task: str, facts: JobFacts, lines: Sequence[tuple[int, Line]]
) -> None:
    """Decode a task's logs, find its rows in them, and compute its figures again from the rows."""
    subject, asked = facts.subject, check.description.configuration
    if (subject.station, subject.board) != (asked.station, asked.board):
        check.findings.add(RUN, None, f"names two stations for {printable(task)}")
    prefix = f"{RAW}/{task}-"
    own = [name for name in check.files if name.startswith(prefix)]
    rows = {
        name: [row for _, row in _read(check, name, read_rows(check.folder / name))]
        for name in own
        if name.endswith(".jsonl")
    }
    logs = sorted({name.removesuffix(".gz") for name in own if name.endswith((".log", ".log.gz"))})
    kept = read_all(check.folder, facts, check.findings)
    material = material_of(check.data, kept.task, facts)
    samples = material and {
        hashlib.sha256(sample.data).hexdigest(): sample.data for sample in material[1].samples
    }
    try:
        heard = hear(check.folder, logs, check.findings, samples)
    except ConfigError as error:
        check.findings.add_error(prefix, error)
        return
    check.answers += len(heard.answers)
    check.transfers += heard.transfers
    matching = _match(check, heard, rows, prefix)
    _check_device(heard, facts, prefix, lines, check.findings)
    _check_boots(check, heard, lines)
    _check_kept(check, _Told(facts, kept, material), heard, matching, rows)
    finished: dict[str, tuple[int, Line]] = {}
    for number, line in lines:
        if line.measure in finished:
            check.findings.add(LINES, number, f"comes after the end of {line.measure}")
        elif not line.failed:
            finished[line.measure] = (number, line)
    failed = [line.measure for _, line in lines if line.measure not in finished]
    ended = {name: own for name, own in rows.items() if _measure_of(name, prefix) in finished}
    check_headings(facts, kept, asked, heard.device, ended, check.findings)
    _check_lines(check, facts, rows, finished, failed)
    for number, line in finished.values():
        if line.measure is MeasureName.ACCURACY:
            check_full_set(number, line, kept, facts, check.findings)
    if len(ended) == len(rows):
        _check_left_over(matching, finished, check.findings)
    else:
        need = "a measure is not finished"
        check.unseen.setdefault(("answers that no row has", need), []).append(printable(task))


@dataclass(frozen=True)
class _Told:
    """What a run tells of a task."""

    facts: JobFacts
    kept: Kept
    material: tuple[Task, DataSet] | None
    """Its data set, where it is at hand."""


def _check_kept(
    check: _Check,
    told: _Told,
    heard: Heard,
    matching: Matching,
    rows: Mapping[str, Sequence[Row]],
) -> None:
    """Hold a task against what lies in the run, against the host's clock, and against the data set
    where it is at hand."""
    facts, kept, material = told.facts, told.kept, told.material
    subject, asked = facts.subject, check.description.configuration
    check_facts(facts, kept, asked, check.findings)
    check_lists(kept, facts, asked, matching, rows, check.findings)
    check_waits(heard, matching.used, check.findings)
    if not subject.emulated:
        check_clocks(heard, matching.used, heard.device.tick_hz or 10**6, check.findings)
    why: str | None = "--data DIR"
    if material is not None:
        own_task = material[0]
        inputs = check_data(material, facts, asked, matching, rows, check.findings)
        model, ours = kept.model, kept.model is not None
        if model is None and check.data and subject.division == "closed":
            model = official_model(own_task, check.data)
        if model is not None:
            why = check_answers(own_task, model, inputs, matching, check.findings, ours=ours)
    for each in unseen(kept, facts, data=material is not None, named=heard.by_name, answers=why):
        check.unseen.setdefault(each, []).append(printable(subject.task))


def _match(check: _Check, heard: Heard, rows: Mapping[str, Sequence[Row]], prefix: str) -> Matching:
    """Find every row of a task among the answers."""
    matching = Matching(heard, heard.device.tick_hz or 10**6, check.findings)
    for name, found in rows.items():
        measure = _measure_of(name, prefix)
        made = (
            claim
            for number, row in enumerate(found, start=1)
            for claim in claims(measure, name, number, row)
        )
        matching.match(name, made)
        if measure == MeasureName.MEMORY:
            _check_memory(name, found, heard, check.findings)
    check_names(matching, heard.parts, check.findings)
    return matching


def _check_left_over(
    matching: Matching,
    finished: Mapping[str, tuple[int, Line]],
    findings: Findings,
) -> None:
    restarted = any(
        line.measure.audit and line.details.get("resumed") for _, line in finished.values()
    )
    for answer in left_over(matching, restarted=restarted):
        text = f"is the end of an answer ({answer.count} inferences) that no row has"
        findings.add(answer.log, answer.line, text)


def _check_device(
    heard: Heard,
    facts: JobFacts,
    prefix: str,
    lines: Sequence[tuple[int, Line]],
    findings: Findings,
) -> None:
    """What the device said about itself must be what ``run.json`` and the record say."""
    device, subject, log = heard.device, facts.subject, f"{prefix}serial.log"
    if device.task not in (None, subject.task):
        findings.add(log, None, f"the device said that it runs {printable(str(device.task))}")
    if facts.build_id and device.build_id not in (None, facts.build_id):
        text = "the device said that it runs another build than run.json says"
        findings.add(log, None, text)
    if subject.model_sha256 and device.model_sha256 not in (None, subject.model_sha256):
        text = "the device said that it holds another model than run.json says"
        findings.add(log, None, text)
    for number, line in lines:
        said, timed = line.details.get("running"), line.measure is MeasureName.SINGLE_STREAM
        if said != device.running and not line.failed and (timed or said is not None):
            findings.add(LINES, number, "says otherwise how the board runs than the device did")


def _check_boots(check: _Check, heard: Heard, lines: Sequence[tuple[int, Line]]) -> None:
    """A boot must be explained by a line of the record: the device was reset on purpose, or has
    restarted and was healed; a measure that ended with an error may have had any."""
    details = [line.details for _, line in lines]
    failed = any(line.failed for _, line in lines)
    killed = len(check.description.parts) > 1
    if failed or killed or any(one.get("restarts") for one in details):
        return
    counts = [one.get("resets_on_purpose", 0) for one in details]
    on_purpose = sum(count for count in counts if isinstance(count, int) and 0 < count <= 1)
    for log, line in heard.boots[on_purpose:]:
        text = "the device restarts here, and no line of the record says so"
        check.findings.add(log, line, text)


def _check_memory(name: str, rows: Sequence[Row], heard: Heard, findings: Findings) -> None:
    stacks = {(stack.used, stack.reserved) for stack in heard.stacks}
    for number, row in enumerate(rows, start=1):
        stack = (row["stack_used"], row["stack_reserved"])
        if stack != (None, None) and stack not in stacks:
            findings.add(name, number, "says another use of the stack than the device")
        if row["arena"] != heard.device.arena:
            findings.add(name, number, "says another tensor arena than the device")


def _check_lines(
    check: _Check,
    facts: JobFacts,
    rows: Mapping[str, Sequence[Row]],
    finished: Mapping[str, tuple[int, Line]],
    failed: Collection[str],
) -> None:
    """Compare the figures of each finished measure, and list those that are not."""
    task = facts.subject.task
    measures = {_measure_of(name, f"{RAW}/{task}-"): found for name, found in rows.items()}
    known: dict[str, Scores] = {}
    for measure in dict.fromkeys([*finished, *failed, *measures]):
        found = measures.get(measure, ())
        if measure not in finished:
            ended = "error" if measure in failed else "not finished"
            check.measures.append(Checked(task, measure, len(found), {}, ended))
            continue
        number, line = finished[measure]
        made = check_figures(
            number, line, found, check.description, check.findings, known, check.folder / RAW
        )
        if line.measure is MeasureName.ACCURACY and len(plain(found)) != facts.samples:
            text = f"has {len(plain(found))} rows of {facts.samples} samples"
            check.findings.add(f"{RAW}/{task}-{measure}.jsonl", None, text)
        metrics = made.metrics if made else {}
        check.measures.append(Checked(task, measure, len(found), metrics, line.verdict))


def _read(check: _Check, name: str, found: Iterator[Item]) -> Iterator[Item]:
    """What is found in a file up to the first line that is wrong, which is noted."""
    try:
        yield from found
    except ConfigError as error:
        check.findings.add_error(name, error)
        check.findings.add(name, None, "nothing of it after that was looked at")


def _measure_of(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).removesuffix(".jsonl")
