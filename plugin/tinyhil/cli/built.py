"""What `tinyhil build` tells of a firmware: operator by operator, and in sum."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.table import Table

from tinyhil.catalog.board import Board
from tinyhil.catalog.cycles import load_cycles
from tinyhil.image.build import Firmware
from tinyhil.image.limits import FRAME_OUTPUT_BYTES, FRAME_RESULTS, FRAME_SAMPLE_BYTES
from tinyhil.publish.model_page.picture import line, peak_text

if TYPE_CHECKING:
    from tinyhil.image.check import Comparison
    from tinyhil.image.compiler import CompiledModel, OperatorSummary
    from tinyhil.measure.profile import OperatorCount, Profile


OPTIONAL = ("MACs left out", "scratch", "output", "form")
"""Columns that a narrow terminal does without, the first one first."""


def built_table(
    board: Board, built: Firmware, counted: Profile | None, without: frozenset[str]
) -> Table:
    """One row an operator, with the kernel that the compiler chose for it."""
    # The cost model knows the kernels of Armv7E-M; of Helium's it says nothing.
    predicted = "mve" not in board.toolchain.kernels
    dead = any(operator.macs_left_out for operator in built.model.operators)
    columns: dict[str, Callable[[OperatorSummary, OperatorCount | None], str]] = {
        "#": lambda one, _: str(one.index),
        "operator": lambda one, _: one.name,
        "output": lambda one, _: "x".join(map(str, one.output_shape)),
        "kernel": lambda one, _: one.kernel or "-",
        "form": lambda one, _: one.form or "-",
        "scratch": lambda one, _: f"{one.scratch_bytes:,}",
    }
    if built.model.bands > 1:
        columns["bands"] = lambda one, _: str(one.bands)
    columns["MACs"] = lambda one, _: f"{one.macs:,}"
    if dead:
        columns["MACs left out"] = lambda one, _: f"{one.macs_left_out:,}"
    if predicted:
        columns["instructions,\npredicted"] = lambda one, _: _count(one.instructions)
    if counted:
        columns["instructions,\ncounted"] = lambda _, ran: _count(ran.instructions if ran else None)
    if predicted or counted:
        columns["cycles,\npredicted"] = _cycles
    shown = {name: cell for name, cell in columns.items() if name not in without}
    table = Table(*shown, box=None)
    operators = built.model.operators
    ran = counted.operators if counted else [None] * len(operators)
    for operator, count in zip(operators, ran, strict=True):
        table.add_row(*(cell(operator, count) for cell in shown.values()))
    return table


def summary(built: Firmware, checked: Comparison | None, *, of_a_task: bool, frames: bool) -> str:
    """Sizes; what was left out, and why that is no pruning; what a check has found.

    Args:
        built: model and image.
        checked: what the check of the model says, if there was one.
        of_a_task: whether the model is of a task that is known.
        frames: whether they carry its samples and results.
    """
    model, image = built.model, built.image
    lines = [
        f"{model.macs:,} MACs, {model.weights_bytes:,} bytes of weights",
        f"tensor arena {model.arena_bytes:,} bytes without input and output, "
        f"{model.whole_arena_bytes:,} with them",
        f"text {image.text_bytes:,}, data {image.data_bytes:,}, bss {image.bss_bytes:,} bytes",
    ]
    if not frames:
        lines.append(
            f"{model.input.size:,} bytes of input, {model.output.elements:,} results: frames carry "
            f"{FRAME_SAMPLE_BYTES:,} and {FRAME_RESULTS:,},\n"
            f"and {FRAME_OUTPUT_BYTES:,} bytes of output, so the firmware speaks the text protocol "
            "alone"
        )
    if model.bands > 1:
        lines.append(_in_bands(model))
    if model.state_bytes:
        lines.append(f"state kept between inferences {model.state_bytes:,} bytes")
    if any(one.disagrees for one in model.operators):
        lines.append(
            "* another form has fewer instructions but more cycles (predicted), or the other way\n"
            "round: in this flash, or if nothing is known of it, in one that waits "
            f"{load_cycles().flash.wait_states} cycles\n"
            "behind small caches, as NUCLEO-L4R5ZI's: try --wait-states"
        )
    constant = sum(one.constant_channels for one in model.operators)
    unread = sum(one.unread_channels for one in model.operators)
    if constant or unread:
        left_out = sum(one.macs_left_out for one in model.operators)
        lines.append(
            f"left out as dead: {constant:,} constant channels, {unread:,} unread, "
            f"{left_out:,} MACs\n"
            "(proved for every input: no output changes, so it is dead code, not pruning)"
        )
    if not of_a_task:
        lines.append(
            "of no task: samples are the bytes of its input, results its outputs; a task of random "
            "inputs measures latency and memory, no quality:"
        )
    if checked:
        lines.append(_checked(checked))
    return "\n".join(lines)


def _in_bands(model: CompiledModel) -> str:
    """What computing the first operators in bands saves and costs."""
    last = max(one.index for one in model.operators if one.bands > 1)
    again = sum(one.macs_again for one in model.operators)
    return (
        f"operators up to {last} are computed in {model.bands} bands of rows: the arena would be "
        f"{model.arena_at_once_bytes:,} bytes otherwise;\n"
        f"{again:+,} MACs ({again / (model.macs - again):+.1%}), as bands have rows in common"
    )


def _cycles(one: OperatorSummary, ran: OperatorCount | None) -> str:
    """Of the instructions that ran, where they were counted."""
    return _count(ran.cycles if ran else one.cycles) + (" *" if one.disagrees else "")


def arena_text(model: CompiledModel, columns: int, encoding: str) -> str:
    """The arena over time in a line, and where it is fullest."""
    plain = not encoding.lower().startswith("utf")
    used = line(model, max(8, columns - 2), plain=plain)
    return f"arena in use, step by step ({len(model.steps)} steps):\n{used}\n{peak_text(model)}"


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _checked(checked: Comparison) -> str:
    """What a check of the compiled model has found."""
    if checked.differing:
        return (
            f"checked: WRONG for {checked.differing:,} of {checked.inputs:,} random "
            f"inputs; {checked.first}; seed {checked.seed}. Report it, with the model."
        )
    return (
        f"checked: {checked.inputs:,} random inputs (seed {checked.seed}) give the same outputs as "
        f"the model's general form, on this machine; {checked.seconds:.1f} s"
    )
