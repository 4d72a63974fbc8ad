"""Rows of the results table from a submission tree, as it claims them; `check` says if true."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tinyhil.ground.tree import Tree, Unreadable
from tinyhil.publish.results.rows import RECORDS, Figures, Row
from tinyhil.publish.submission.layout import (
    Submitter,
    SystemFolder,
    TaskFolder,
    described_at,
    submitters,
    systems,
)
from tinyhil.publish.submission.names import DIVISIONS
from tinyhil.publish.submission.summary import Name, Summary, read_summary
from tinyhil.publish.submission.system import Description, read_description

_COUNTED = re.compile(r"([0-9]{1,3}) ?[x\u00d7] (.+)")


def rows_of_tree(root: Path) -> tuple[Row, ...]:
    """A row for each system of a tree, and for each of its models where folders tell them apart.

    Raises:
        ConfigError: `root` holds no submission.
    """
    tree = Tree(root)
    return tuple(
        replace(_row(tree, submitter, system, model), source=_source(tree, submitter))
        for submitter in submitters(tree)
        for system in systems(tree, submitter)
        for model in dict.fromkeys(folder.model for folder in system.tasks)
    )


def _row(tree: Tree, submitter: Submitter, system: SystemFolder, model: str) -> Row:
    description = _described(tree, submitter, system)
    own = [folder for folder in system.tasks if folder.model == model]
    tasks = {folder.task.name: _figures(tree, folder) for folder in own if folder.task}
    models = {folder.task.name: model for folder in own if folder.task} if model else {}
    processor, processors = _counted(description, "Processor(s) Name", "Processor count")
    accelerator, accelerators = _counted(description, "Accelerator", "Accelerator count")
    frequency = description.get("Processor(s) Frequencies")
    rehearsal = description.get("Rehearsal")
    return Row(
        submitter=description.get("Submitter") or submitter.name,
        division=submitter.division or description.get("Division").lower(),
        category=description.get("Status"),
        device=description.get("Board Name") or system.name,
        processor=f"{processor} @ {frequency}" if processor and frequency else processor,
        processor_count=processors,
        accelerator=accelerator,
        accelerator_count=accelerators,
        software=_software(description),
        models={**models, **description.models},
        tasks=tasks,
        details=str(system.place),
        code=_code(tree, submitter, system.name),
        emulated="emulated" in rehearsal,
        mark=rehearsal,
        record=RECORDS[0],
    )


def _source(tree: Tree, submitter: Submitter) -> str:
    """The folder that holds the divisions, such as a round's, where there is one."""
    path = Path(tree.root.resolve(), submitter.place).parent
    return path.parent.name if path.name in DIVISIONS else path.name


def _described(tree: Tree, submitter: Submitter, system: SystemFolder) -> Description:
    place, _ = described_at(tree, submitter, system)
    try:
        return read_description(tree.read(place)) if place else Description({}, {}, ())
    except Unreadable:
        return Description({}, {}, ())


def _figures(tree: Tree, folder: TaskFolder) -> Figures:
    accuracy, performance, energy = (
        _summary(tree, folder, test) for test in ("accuracy", "performance", "energy")
    )
    latencies = [claim for claim in performance.all("latency") if claim.sign == "90"]
    has_classes = folder.task is not None and folder.task.result == "scores"
    top1 = accuracy.last("top1") if has_classes else None
    auc, rate, cost = accuracy.last("auc"), performance.last("throughput"), energy.last("energy")
    counts = [
        _streamed(energy, performance, name) for name in ("false positives", "false negatives")
    ]
    duty = _streamed(energy, performance, "duty cycle")
    return Figures(
        latency_p90_s=latencies[-1].value if latencies else None,
        throughput_ips=rate.value if rate else None,
        energy_j=float(f"{cost.text}e-6") if cost else None,
        top1=top1.value / 100 if top1 else None,
        auc=auc.value if auc else None,
        evidence=(str(tree.root / folder.place),),
        false_positives=None if counts[0] is None else int(counts[0]),
        false_negatives=None if counts[1] is None else int(counts[1]),
        duty_cycle=duty,
    )


def _streamed(energy: Summary, performance: Summary, name: Name) -> float | None:
    """A figure of the streaming task: that of the energy session counts."""
    claim = energy.last(name) or performance.last(name)
    return claim.value if claim else None


def _summary(tree: Tree, folder: TaskFolder, test: str) -> Summary:
    found = folder.tests.get(test)
    try:
        return read_summary(tree.text(found.results)) if found else Summary((), (), ())
    except Unreadable:
        return Summary((), (), ())


def _counted(description: Description, name: str, count: str) -> tuple[str, str]:
    """A part's name and how many of it, given by its own field or as in ``2x Cortex-M4``."""
    value = description.get(name)
    match = _COUNTED.fullmatch(value)
    if match and not description.get(count):
        return match[2], match[1]
    return value, description.get(count)


def _software(description: Description) -> str:
    keys = ("Inference Framework", "Software Libraries", "ML Model Compiler(s)")
    return ", ".join(dict.fromkeys(filter(None, map(description.get, keys))))


def _code(tree: Tree, submitter: Submitter, system: str) -> str:
    places = (submitter.place / "code" / system, submitter.place / "code")
    there = (place for place in places if tree.files(place) or tree.folders(place))
    return str(next(there, ""))
