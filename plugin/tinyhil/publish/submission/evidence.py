"""The raw answers in the folder of one test, from every file that holds some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tinyhil.ground.tree import Tree, Unreadable
from tinyhil.publish.submission import rules
from tinyhil.publish.submission.findings import Finding, Level
from tinyhil.publish.submission.layout import MAX_FILE_BYTES, TestFolder
from tinyhil.publish.submission.runner_json import MAX_BYTES, Answer, Streaming, read_answers
from tinyhil.publish.submission.runner_log import read_runner_log
from tinyhil.publish.submission.session_log import Inference, Query, SessionLog, read_log
from tinyhil.publish.submission.trace import MAX_BYTES as MAX_TRACE_BYTES
from tinyhil.publish.submission.trace import Stamped, Windows, read_trace, window_of


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
    lacking: str
    """Why nothing can be recomputed, where there is no source."""
    rehearsal: str | None = None
    runner: str = ""
    """Whose session it is, see `rules.RUNNERS`; empty where nothing tells."""
    streaming: tuple[Streaming, ...] = ()
    """Answers of the streaming task, from ``results.json``."""


@dataclass
class _Gathering:
    sources: list[Source] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    rehearsal: str | None = None
    runner: str = ""
    streaming: tuple[Streaming, ...] = ()

    def unreadable(self, file: PurePosixPath, why: str) -> None:
        self.findings.append(Finding("unchecked", file, why))
        self.lacking.append(f"{file.name}: {why}")


def gather(tree: Tree, folder: TestFolder, models: frozenset[str]) -> Evidence:
    """Read the log and the answers of a test.

    Args:
        tree: the tree.
        folder: of the test.
        models: the tasks that the device may name.
    """
    found = _Gathering()
    _read_answers(tree, folder.answers, found)
    _read_log(tree, folder.log, models, found)
    found.sources.reverse()
    if not found.sources and not found.streaming and not found.lacking:
        found.unreadable(folder.log, "holds no answers of a device")
    return Evidence(
        tuple(found.sources),
        tuple(found.findings),
        "" if found.sources else "; ".join(found.lacking),
        found.rehearsal,
        found.runner,
        found.streaming,
    )


def energy_windows(tree: Tree, source: Source) -> Windows:
    """Energy and time of each inference of an energy session, and what is to say of them.

    Raises:
        Unreadable: there is no trace, or it does not fit the session.
    """
    if source.log is None:
        powers = [answer.power for answer in source.answers]
        if not powers or not all(powers):
            raise Unreadable(f"{source.file.name}: an inference has no power samples")
        return Windows(tuple(window_of(power) for power in powers if power), source.file)
    recording, stamps = (_traced(tree, source, kind) for kind in ("emon", "etime"))
    stamped = [Stamped(each.count, each.seconds or each.host_s) for each in source.inferences]
    try:
        with tree.opened(recording, MAX_TRACE_BYTES) as file:
            return read_trace(file, tree.read(stamps)).windows(stamped, recording, stamps)
    except Unreadable as error:
        raise Unreadable(f"{recording.name}: {error}") from error


def _read_answers(tree: Tree, file: PurePosixPath, found: _Gathering) -> None:
    if not tree.exists(file):
        return
    found.runner = "MLCommons"
    try:
        answers, streaming = read_answers(tree.read(file, MAX_BYTES))
    except Unreadable as error:
        found.unreadable(file, str(error))
        return
    found.streaming = streaming
    if answers:
        found.sources.append(_json_source(file, answers))


def _read_log(tree: Tree, file: PurePosixPath, models: frozenset[str], found: _Gathering) -> None:
    try:
        log = read_log(tree.lines(file, MAX_FILE_BYTES))
        model = log.model
        if log.inferences or "dut" in log.sources:
            found.runner = "tinyhil" if "tinyhil" in log.sources else "EEMBC"
            found.findings += _problems(file, log)
            found.rehearsal = log.rehearsal
            if log.inferences:
                labels = log.labels or None
                found.sources.append(Source(file, log.inferences, log.queries, labels, log=log))
            else:
                found.lacking.append(f"{file.name}: holds no answers of a device")
        else:
            inferences, model = read_runner_log(tree.lines(file, MAX_FILE_BYTES))
            found.runner = found.runner or ("MLCommons" if inferences or model else "")
            # What the runner keeps unrounded counts where it is there.
            if inferences and not found.sources:
                found.sources.append(Source(file, inferences))
    except Unreadable as error:
        found.unreadable(file, str(error))
        return
    if model is not None and model not in models:
        text = f"is a session of '{model}', not {' or '.join(sorted(models))}"
        found.findings.append(Finding("wrong", file, text))


def _problems(file: PurePosixPath, log: SessionLog) -> Iterator[Finding]:
    for problem in log.problems:
        # The rest can be the wire's or the runner's fault; figures that it touches say so.
        level: Level = "wrong" if problem.kind == "error" else "unchecked"
        yield Finding(level, file, str(problem), problem.line, rules.EVIDENCE)
    if log.sessions > 1:
        text = f"holds {log.sessions} sessions; of each sample the one in the longest is read"
        yield Finding("note", file, text)


def _traced(tree: Tree, source: Source, kind: str) -> PurePosixPath:
    name = source.log.traces.get(kind) if source.log else None
    if name is None:
        raise Unreadable(
            f"{source.file.name}: names no file of the power monitor of the kind '{kind}'"
        )
    place = source.file.parent / name
    if not tree.exists(place):
        raise Unreadable(f"{name} is not there")
    return place


def _json_source(file: PurePosixPath, answers: tuple[Answer, ...]) -> Source:
    inferences = tuple(
        Inference(
            answer.file, number, answer.infer.iterations, answer.infer.seconds, answer.infer.results
        )
        for number, answer in enumerate(answers, start=1)
    )
    labels = {answer.file: answer.label for answer in answers if answer.label is not None}
    return Source(file, inferences, labels=labels or None, answers=answers)
