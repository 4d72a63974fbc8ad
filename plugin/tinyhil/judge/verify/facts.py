"""What ``run.json`` says of a task, against what is kept with the run, and the reader's tinyhil."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.facts import Limit
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.data.material import LABELS, sum_list
from tinyhil.data.pins import load_pins
from tinyhil.flash import check_fit
from tinyhil.ground.errors import FirmwareError
from tinyhil.ground.text import printable
from tinyhil.judge.verify.findings import Findings
from tinyhil.judge.verify.kept import Kept
from tinyhil.measure.job import QUICK_SAMPLES
from tinyhil.measure.limits import audit_limits, limits_of
from tinyhil.record import FAULTS_MARK
from tinyhil.record.configuration import Configuration
from tinyhil.record.description import ImageSizes, JobFacts
from tinyhil.record.schema import KEPT, RUN

_DIVISIONS = {"official": "closed", "stand-in": "none", "custom": "open"}


def check_facts(
    facts: JobFacts, kept: Kept, configuration: Configuration, findings: Findings
) -> None:
    """Hold a task's facts against what they are made from; what differs is noted."""
    subject = facts.subject
    name, known = printable(subject.task), _Known.of(subject.board, subject.task)
    texts = [*_board(facts, kept, known), *_task(facts, kept, known)]
    texts += [*_data(facts, kept, configuration, known), *_image(facts, kept)]
    texts += _asked(facts, configuration)
    audits: Mapping[str, Limit] = {str(name): limit for name, limit in audit_limits().items()}
    # Those of audits are not kept, but the same for all: no objection may be passed over.
    said = {name: facts.limits[name] for name in audits if name in facts.limits}
    loose = {name: limit for name, limit in said.items() if _bound(limit) != _bound(audits[name])}
    texts += _other_limits(loose, {name: audits[name] for name in loose}, "that of all audits is")
    if kept.board and kept.task:
        named = _named(kept.board, kept.task)
        said = {metric: limit for metric, limit in facts.limits.items() if metric not in audits}
        wanted = {metric: limit for metric, limit in named.items() if metric not in audits}
        texts += _other_limits(said, wanted, f"the facts in {KEPT}/ say")
    for text in texts:
        findings.add(RUN, None, f"{name}: {text}")
    for text in _against_catalogue(facts, kept, known):
        findings.note(RUN, f"{name}: {text}")


@dataclass(frozen=True)
class _Known:
    """What the reader's tinyhil knows by these names."""

    board: Board | None
    task: Task | None

    @classmethod
    def of(cls, board: str, task: str) -> _Known:
        boards, tasks = _catalogue(Path.cwd())
        return cls(boards.get(board), tasks.get(task))


@lru_cache(maxsize=1)
def _catalogue(_here: Path) -> tuple[dict[str, Board], dict[str, Task]]:
    """Boards and tasks, also those of the project around here; read once for many runs."""
    return load_boards(), load_tasks()


def _board(facts: JobFacts, kept: Kept, known: _Known) -> Iterator[str]:
    board, subject = kept.board, facts.subject
    if board is None:
        return
    emulator = board.emulator
    wanted = {
        "board": board.name,
        "core": board.core,
        "emulated": board.emulated,
        "instruction_s": emulator.instruction_s if emulator else None,
    }
    said = {**vars(subject), "instruction_s": facts.instruction_s}
    for key, value in wanted.items():
        if said[key] != value:
            text = f"says {key} {printable(str(said[key]))}, the board's facts in {KEPT}/ say"
            yield f"{text} {printable(str(value))}"
    both = known.board and known.board.emulated and known.board.on_desks
    if known.board and known.board.emulated != subject.emulated and not both:
        yield f"the board {known.board.name} is {'' if known.board.emulated else 'not '}emulated"


def _task(facts: JobFacts, kept: Kept, known: _Known) -> Iterator[str]:
    """The task's name, and the division that data set and model belong to."""
    subject, task = facts.subject, kept.task
    if task is None:
        return
    if task.name != subject.task:
        yield f"the task's facts in {KEPT}/ are those of {printable(task.name)}"
    division = "none" if task.own else _DIVISIONS.get(subject.data_set)
    official = known.task.of_benchmark if known.task else None
    if official and division == "closed" and subject.model_sha256 not in (
        None, official.model_sha256
    ):  # fmt: skip
        division = "open"
    if subject.division != division:
        text = f"says division {printable(subject.division)}, a run of this model on such data is"
        yield f"{text} of '{division}'"
    if subject.division == "closed" and official is None:
        yield "says division closed, but its task is none of the benchmark's"


def _data(
    facts: JobFacts, kept: Kept, configuration: Configuration, known: _Known
) -> Iterator[str]:
    """How many samples are measured, and whether the data set is what it is called."""
    subject = facts.subject
    if kept.sums and kept.sums[LABELS] != facts.kept.labels:
        yield "its label file is not the data set's, whose sums it names"
    if kept.labels is not None:
        every = len(kept.labels)
        wanted = min(every, QUICK_SAMPLES) if configuration.quick else every
        if facts.samples != wanted:
            whole = "a quick run measures" if configuration.quick else "the whole data set has"
            yield f"says that {facts.samples} samples are measured, {whole} {wanted}"
    if kept.task and (subject.data_set == "random") != kept.task.draws_inputs:
        yield f"calls its data set {printable(subject.data_set)}, its task says otherwise"
    if subject.data_set == "official" and subject.data_sha256 != _pinned(known.task):
        yield "calls its data set official, whose sums are not the pinned ones"


def _pinned(task: Task | None) -> str | None:
    """SHA-256 of the list of sums of the official data set."""
    if task is None or task.of_benchmark is None:
        return None
    return hashlib.sha256(sum_list(load_pins(task.name))).hexdigest()


def _asked(facts: JobFacts, asked: Configuration) -> Iterator[str]:
    """What the run was asked to do, against what it did."""
    subject = facts.subject
    link, _, faults = subject.link.partition(", ")
    if asked.tasks and subject.task not in asked.tasks:
        yield "is measured, though the run was not asked to"
    if asked.link not in ("auto", link):
        yield f"says link {printable(subject.link)}, the run was asked for {printable(asked.link)}"
    if (faults == FAULTS_MARK) != bool(asked.faults):
        yield "its link and the run's options differ in faults on purpose"
    ours = subject.firmware_sha256 is not None and subject.model_sha256 is not None
    if asked.own_firmware == ours and subject.firmware_sha256 is not None:
        said = "the user's own, but names its model" if ours else "tinyhil's, but no model is named"
        yield f"the run's options call the image {said}"


def _image(facts: JobFacts, kept: Kept) -> Iterator[str]:
    image, model = kept.image, facts.subject.model_sha256
    if facts.subject.firmware_sha256 is None and facts.image is not None:
        yield "names sizes of an image that nobody has seen"
    if image is None:
        return
    sizes = ImageSizes.of(image)
    if facts.image != sizes:
        yield f"its sizes are not those of the image, which are {_sizes(sizes)}"
    if facts.build_id != image.build_id:
        yield f"its build id is not the image's, which is {image.build_id}"
    if model and not any(model.encode() in segment.data for segment in image.segments):
        yield "the image does not name its model: it was built of another one"
    if kept.board:
        try:
            check_fit(image, kept.board)
        except FirmwareError:
            yield f"the image was not linked for the memory of {kept.board.name}"


def _named(board: Board, task: Task) -> Mapping[str, Limit]:
    return {str(metric): limit for metric, limit in limits_of(board, task).items()}


def _other_limits(
    said: Mapping[str, Limit], wanted: Mapping[str, Limit], who: str
) -> Iterator[str]:
    """Limits that are not as `who` has them."""
    for metric in sorted({*said, *wanted}):
        ours, theirs = said.get(metric), wanted.get(metric)
        if ours != theirs:
            yield f"limit of {printable(metric)}: {_bound(ours)}, {who} {_bound(theirs)}"


def _against_catalogue(facts: JobFacts, kept: Kept, known: _Known) -> Iterator[str]:
    """What is not as in the reader's tinyhil, whose files may be others than the run's were."""
    board, task = kept.board, kept.task
    if board is None or task is None:
        return
    if known.board is None or known.task is None:
        name = board.name if known.board is None else task.name
        yield f"this tinyhil has no {printable(name)}: its facts and limits are the run's own"
        return
    stand_in = known.task.stand_in
    if facts.subject.data_set == "stand-in" and (
        stand_in is None or stand_in.data_sha256 != facts.subject.data_sha256
    ):
        yield "its stand-in data is not what this tinyhil makes"
    changed = [*_changed(board, known.board), *_changed(task, known.task)]
    if changed:
        yield f"facts that are not this tinyhil's: {', '.join(changed)}"
    limits = _named(known.board, known.task)
    yield from _other_limits(facts.limits, limits, "this tinyhil says")


def _changed(facts: Board | Task, known: Board | Task) -> Iterator[str]:
    """Names of keys; limits are told one by one, and how to flash and where files lie is no
    matter."""
    for name in type(known).model_fields:
        if name in ("limits", "targets", "flash", "own"):
            continue
        if getattr(facts, name) != getattr(known, name):
            yield f"'{name}' of {known.name}"


def _bound(limit: Limit | None) -> str:
    if limit is None:
        return "none"
    return f"at least {limit.min:g}" if limit.min is not None else f"at most {limit.max:g}"


def _sizes(sizes: ImageSizes) -> str:
    return f"text {sizes.text:,}, data {sizes.data:,}, bss {sizes.bss:,}"


def unseen(
    kept: Kept, facts: JobFacts, *, data: bool, named: int, answers: str | None
) -> Iterator[tuple[str, str]]:
    """What of a task is not looked at, and what that needs.

    Args:
        kept: what lies in the run.
        facts: of the task.
        data: whether the data set is at hand.
        named: inputs that the logs name, and whose bytes are not at hand.
        answers: what it needs to look at the answers; None where they were.
    """
    subject = facts.subject
    if subject.firmware_sha256 is None:
        yield "the image", "nobody has seen it"
    if named:
        yield "the bytes of samples, which its logs name by their sums", "--data DIR"
    elif not data and kept.task and kept.task.input.window_bytes is not None:
        yield "the bytes of windows", "--data DIR"
    if answers and kept.model is None and (data or subject.division != "closed"):
        yield "whether answers are right", "the image is the user's own, its model is not there"
    elif answers:
        yield "whether answers are right", printable(answers)
    if subject.data_set == "custom":
        yield "whose data it is", "only official data has pinned sums"
    if subject.emulated:
        yield "times against the host's clock", "a physical board"
