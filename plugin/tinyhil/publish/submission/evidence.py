"""The raw answers in the folder of one test, from every file that holds some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from tinyhil.ground.tree import Tree, Unreadable
from tinyhil.publish.submission.findings import Finding
from tinyhil.publish.submission.layout import MAX_FILE_BYTES
from tinyhil.publish.submission.runner_json import MAX_BYTES, Answer, read_answers
from tinyhil.publish.submission.session_log import Inference, Query, SessionLog, read_log
from tinyhil.publish.submission.trace import MAX_BYTES as MAX_TRACE_BYTES
from tinyhil.publish.submission.trace import Window, read_trace, window_of


@dataclass(frozen=True)
class Source:
    """Raw answers of one file."""

    file: PurePosixPath
    inferences: tuple[Inference, ...]
    queries: tuple[Query, ...] = ()
    labels: Mapping[str, int] | None = None
    """Classes that the file itself gives, by sample."""
    answers: tuple[Answer, ...] = ()
    log: SessionLog | None = None


@dataclass(frozen=True)
class Evidence:
    """All raw answers of a test."""

    sources: tuple[Source, ...]
    findings: tuple[Finding, ...]
    rehearsal: str | None = None

    @property
    def lacking(self) -> str:
        """Why nothing can be recomputed."""
        unchecked = [finding for finding in self.findings if finding.level == "unchecked"]
        return "; ".join(f"{finding.file.name}: {finding.text}" for finding in unchecked)


def gather(tree: Tree, folder: PurePosixPath, model: str) -> Evidence:
    """Read ``log.txt`` and ``results.json`` of a test.

    Args:
        tree: the tree.
        folder: of the test.
        model: the task that the device must name.
    """
    sources: list[Source] = []
    findings: list[Finding] = []
    rehearsal = None
    file = folder / "log.txt"
    try:
        log = read_log(tree.lines(file, MAX_FILE_BYTES))
    except Unreadable as error:
        findings.append(Finding("unchecked", file, str(error)))
    else:
        rehearsal = log.rehearsal
        findings += [Finding("wrong", file, text, line) for line, text in log.problems]
        if log.model not in (None, model):
            findings.append(Finding("wrong", file, f"is a session of '{log.model}', not {model}"))
        if log.inferences:
            sources.append(_log_source(file, log))
    file = folder / "results.json"
    if tree.exists(file):
        try:
            answers = read_answers(tree.read(file, MAX_BYTES))
        except Unreadable as error:
            findings.append(Finding("unchecked", file, str(error)))
        else:
            if answers:
                sources.append(_json_source(file, answers))
    if not sources and not findings:
        findings.append(Finding("unchecked", folder / "log.txt", "holds no answers of a device"))
    return Evidence(tuple(sources), tuple(findings), rehearsal)


def energy_windows(tree: Tree, source: Source) -> tuple[list[Window], PurePosixPath]:
    """Energy and time of each inference of an energy session, and the file that holds it.

    Raises:
        Unreadable: there is no trace, or it does not fit the session.
    """
    if source.log is None:
        powers = [answer.power for answer in source.answers]
        if not all(powers):
            raise Unreadable("an inference has no power samples")
        return [window_of(power) for power in powers if power], source.file
    recording, stamps = (_traced(tree, source, kind) for kind in ("emon", "etime"))
    trace = read_trace(tree.read(recording, MAX_TRACE_BYTES), tree.read(stamps))
    return list(trace.windows(len(source.inferences))), recording


def _traced(tree: Tree, source: Source, kind: str) -> PurePosixPath:
    name = source.log.traces.get(kind) if source.log else None
    if name is None:
        raise Unreadable(f"the log names no file of the power monitor of the kind '{kind}'")
    place = source.file.parent / name
    if not tree.exists(place):
        raise Unreadable(f"{name} is not there")
    return place


def _log_source(file: PurePosixPath, log: SessionLog) -> Source:
    return Source(file, log.inferences, log.queries, labels=log.labels or None, log=log)


def _json_source(file: PurePosixPath, answers: tuple[Answer, ...]) -> Source:
    inferences = tuple(
        Inference(
            answer.file, number, answer.infer.iterations, answer.infer.seconds, answer.infer.results
        )
        for number, answer in enumerate(answers, start=1)
    )
    labels = {answer.file: answer.label for answer in answers if answer.label is not None}
    return Source(file, inferences, labels=labels or None, answers=answers)
