"""What is in the table's cells, for people: units, dashes, labels."""

from __future__ import annotations

from collections.abc import Sequence

from tinyhil.catalog.units import scaled
from tinyhil.catalog.wording import RANDOM, data_label
from tinyhil.ground.text import shown
from tinyhil.publish.results.rows import RECORDS, Figures, Row

DASH = "-"
_WIDTH = 200
_DIGITS = 4
"""Of a figure: figures that are compared here differ by more."""
TASKS = ("kws01", "vww01", "ic01", "ad01")
"""As the field orders them; those of later rounds follow, each where a row has it."""

SYSTEM = (
    "submitter",
    "division",
    "category",
    "station",
    "device",
    "processor",
    "accelerator",
    "software",
    "data",
    "model",
    "record",
)
FIGURES = ("latency p90", "latency 1/throughput", "energy", "quality")
MEMORY = ("flash", "RAM")
"""Figures that only runs have; a submission names no memory that a task uses."""


def tasks_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """The tasks of a table, the four of the benchmark always."""
    return tuple(dict.fromkeys([*TASKS, *(task for row in rows for task in row.tasks)]))


def figures_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """The figures of a table: those of every row, and memory where one knows it."""
    every = [figures for row in rows for figures in row.tasks.values()]
    known = any(figures.flash_bytes or figures.ram_bytes for figures in every)
    return (*FIGURES, *MEMORY) if known else FIGURES


def system_cells(row: Row) -> tuple[str, ...]:
    """The cells of `SYSTEM`."""
    return tuple(
        shown(cell, _WIDTH) or DASH
        for cell in (
            row.submitter,
            row.division,
            row.category,
            row.station,
            row.device,
            _times(row.processor_count, row.processor),
            _times(row.accelerator_count, row.accelerator),
            row.software,
            data_label(row.data_set),
            _models(row),
            row.trust.replace("changed", "CHANGED: it does not agree"),
        )
    )


def end_cells(row: Row) -> tuple[str, str]:
    """Details and code."""
    return shown(row.details, _WIDTH) or DASH, shown(row.code, _WIDTH) or DASH


_MARKS = {
    "modelled": "(modelled): of a model of the core's activity, not measured.",
    "short": "(short): a quick measurement, shorter than the rules ask.",
    "recovered": "(recovered): the board failed in the middle of a measure of this task, and was "
    "brought back; the run's record says how.",
}
"""What a mark beside a figure means, by the fact that it shows."""


def figure_cells(row: Row, task: str) -> tuple[str, ...]:
    """The cells of `FIGURES` and `MEMORY` for one task."""
    figures = row.tasks.get(task, Figures())
    energy, short = figures.energy_j, " (short)" if figures.short else ""
    short += " (recovered)" if figures.recovered else ""
    return (
        _marked(_latency(row, figures.latency_p90_s, figures.instructions), short),
        _marked(_latency(row, figures.latency_s, None), short),
        DASH if energy is None else scaled(energy, "J", _DIGITS) + " (modelled)" * figures.modelled,
        _quality(figures),
        _bytes(figures.flash_bytes),
        _bytes(figures.ram_bytes),
    )


def remarks(rows: Sequence[Row]) -> tuple[str, ...]:
    """What holds for many cells, each thing said once."""
    said: dict[str, None] = {}
    for row in rows:
        if row.emulated and row.instruction_s:
            said[
                f"{shown(row.device, _WIDTH)} is emulated: 'instr.' counts instructions (x "
                f"{row.instruction_s * 1e9:g} ns of emulated time), not a time measured on silicon."
            ] = None
        elif row.emulated:
            said["(emulated): an instruction count, not a time measured on silicon."] = None
        if row.mark and not row.instruction_s:
            said[f"{shown(row.device, _WIDTH)}: {shown(row.mark, _WIDTH)}."] = None
        if row.data_set == "stand-in":
            said["STAND-IN: our own data and model; do not compare with other results."] = None
        if row.data_set == "random":
            said[RANDOM] = None
        if row.record == "changed":
            said[
                f"{shown(row.details, _WIDTH)}: its record was CHANGED, or made up: do not trust "
                "its figures; `tinyhil verify` shows what does not agree."
            ] = None
        if row.record == RECORDS[0]:
            said[
                "as claimed: nothing has checked these figures; `tinyhil submission check` does."
            ] = None
        if any(figures.firmwares > 1 for figures in row.tasks.values()):
            said[
                f"{shown(row.details, _WIDTH)}: figures of one task come from several firmware "
                "images, the latest of each measure."
            ] = None
        for name, text in _MARKS.items():
            if any(getattr(figures, name) for figures in row.tasks.values()):
                said[text] = None
    if any(figures.duty_cycle is not None for row in rows for figures in row.tasks.values()):
        said["sww01 listens to one long recording: its energy is that of all of it."] = None
        said["FP, FN: false positives and negatives."] = None
    said["latency 1/throughput is how the official table makes its latency."] = None
    said["What tinyhil shows is not an MLPerf result unless MLCommons has published it."] = None
    return tuple(said)


def _bytes(count: float | None) -> str:
    return DASH if count is None else f"{count / 1024:,.1f} KiB"


def _marked(cell: str, mark: str) -> str:
    return cell if cell == DASH else cell + mark


def _latency(row: Row, seconds: float | None, instructions: float | None) -> str:
    if seconds is None:
        return DASH
    if not row.emulated:
        return scaled(seconds, "s", _DIGITS)
    if instructions is None and row.instruction_s:
        instructions = seconds / row.instruction_s
    if instructions is None:
        return f"{scaled(seconds, 's', _DIGITS)} (emulated)"
    return f"{instructions:,.0f} instr."


def _quality(figures: Figures) -> str:
    found = []
    if figures.top1 is not None:
        found.append(f"top-1 {100 * figures.top1:.4g} %")
    if figures.auc is not None:
        found.append(f"AUC {figures.auc:.4g}")
    if figures.false_positives is not None and figures.false_negatives is not None:
        found.append(f"{figures.false_positives} FP")
        found.append(f"{figures.false_negatives} FN")
    if figures.duty_cycle is not None:
        found.append(f"duty cycle {100 * figures.duty_cycle:.4g} %")
    if not found:
        return DASH
    return ", ".join(found) + (f" ({shown(figures.scope, _WIDTH)})" if figures.scope else "")


def _times(count: str, name: str) -> str:
    return f"{count} x {name}" if count and name else name


def _models(row: Row) -> str:
    """Each model once, with its tasks where there are several."""
    by_model: dict[str, list[str]] = {}
    for task, model in row.models.items():
        if model:
            by_model.setdefault(model, []).append(task)
    if len(by_model) == 1:
        return next(iter(by_model))
    return "; ".join(f"{', '.join(tasks)}: {model}" for model, tasks in by_model.items())
