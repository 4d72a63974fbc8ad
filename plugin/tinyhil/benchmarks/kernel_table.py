"""The table of ``make bench-kernels``: one column a model, one row a figure, ours and others'."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.table import Table

from tinyhil.catalog.cycles import CycleFile


@dataclass(frozen=True)
class Figure:
    """One model on one board; sizes are in bytes, and what is predicted was not measured."""

    model: str
    data_set: str
    board: str
    core: str
    optimize: str
    """``speed``, ``size``, ``memory``; with ``-waits`` if the compiler knew of flash's waits."""
    macs: int
    instructions: int
    baseline_instructions: int | None
    """What was committed, of the same compiler."""
    goal_instructions: int | None
    peer_instructions: int | None
    peer_cycles: int | None
    """Predicted too, without waits."""
    mix: dict[str, int]
    """Instructions of the model by kind, and of them the jumps that were taken."""
    predicted_cycles: int
    """Without waits for flash."""
    predicted_cycles_waiting: int
    """With the waits of `flash_wait_states`."""
    flash_wait_states: int
    predicted_ms: float | None
    """At 120 MHz, as what follows; of a Cortex-M4 alone, whose public rows have that clock."""
    predicted_ms_waiting: float | None
    goal_ms: float | None
    """Without waits for flash."""
    best_public_ms: float | None
    """Measured on silicon, by others."""
    code_bytes: int
    """Without the model's constants."""
    peer_code_bytes: int | None
    constants_bytes: int
    peer_model_bytes: int
    """Its ``.tflite``, which the peer has in flash."""
    arena_bytes: int
    """Without the model's input and output."""
    goal_arena_bytes: int | None
    whole_arena_bytes: int
    """With both, as the peer counts it."""
    goal_whole_arena_bytes: int | None
    peer_arena_bytes: int | None


Cell = Callable[[Figure], str]

_ROWS: Sequence[tuple[str, Cell]] = (
    ("instructions", lambda one: _judged(one.instructions, one.goal_instructions)),
    ("  goal", lambda one: _number(one.goal_instructions)),
    ("  peer", lambda one: _number(one.peer_instructions)),
    ("  ratio to the peer", lambda one: _ratio(one.instructions, one.peer_instructions)),
    ("predicted cycles, no waits", lambda one: _judged(one.predicted_cycles, one.peer_cycles)),
    ("  a MAC", lambda one: f"{one.predicted_cycles / one.macs:.2f}"),
    ("  peer", lambda one: _number(one.peer_cycles)),
    ("predicted cycles, flash waits", lambda one: _number(one.predicted_cycles_waiting)),
    ("  a MAC", lambda one: f"{one.predicted_cycles_waiting / one.macs:.2f}"),
    ("predicted ms, no waits", lambda one: _judged(one.predicted_ms, one.goal_ms)),
    ("  goal", lambda one: _number(one.goal_ms)),
    (
        "predicted ms, flash waits",
        lambda one: _judged(one.predicted_ms_waiting, one.best_public_ms),
    ),
    ("  best public, measured", lambda one: _number(one.best_public_ms)),
    ("code", lambda one: _number(one.code_bytes)),
    ("constants", lambda one: _number(one.constants_bytes)),
    ("flash, both", lambda one: _judged(one.code_bytes + one.constants_bytes, _peer_flash(one))),
    ("  peer", lambda one: _number(_peer_flash(one))),
    ("arena without in, out", lambda one: _judged(one.arena_bytes, one.goal_arena_bytes)),
    ("  goal", lambda one: _number(one.goal_arena_bytes)),
    ("arena with in, out", lambda one: _judged(one.whole_arena_bytes, one.goal_whole_arena_bytes)),
    ("  goal", lambda one: _number(one.goal_whole_arena_bytes)),
    ("  peer", lambda one: _number(one.peer_arena_bytes)),
)


def kernel_table(figures: Sequence[Figure], facts: CycleFile) -> Table:
    """Of one board and goal.

    Args:
        figures: one a model.
        facts: what the cycles were predicted by.
    """
    first = figures[0]
    core = facts.cores[first.core]
    table = Table(
        "",
        *(figure.model for figure in figures),
        box=None,
        pad_edge=False,
        title=f"{first.board}, {first.core}, for {first.optimize}",
        title_justify="left",
        caption=f"cycles predicted by: {core.source} ({core.basis}; {core.note}). "
        f"Error: {core.error}",
        caption_justify="left",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for name, cell in _ROWS:
        cells = [cell(figure) for figure in figures]
        if set(cells) != {"-"}:
            table.add_row(name, *cells)
    return table


def notes(figures: Sequence[Figure], facts: CycleFile) -> str:
    """What all tables have in common."""
    flash = facts.flash
    ahead = "code in a row is read ahead" if flash.prefetch else "nothing is read ahead"
    return (
        "! is more than wanted. Instructions are counted in an emulator; cycles and milliseconds "
        "(at 120 MHz) are predicted from them, not measured. Flash waits: "
        f"{flash.wait_states} cycles for each {flash.fetch_bytes} bytes that no cache serves, "
        f"{ahead}: as on NUCLEO-L4R5ZI, where the public rows were measured; on other chips they "
        "differ. Sizes in bytes: code is the whole firmware's without the model; the peer's flash "
        "is its code and the model's file. Models: "
        f"{', '.join(sorted({figure.data_set for figure in figures}))}; peer: TensorFlow Lite "
        "Micro with CMSIS-NN, on the official models; for Cortex-M3, M0 and M0+ CMSIS-NN's plain C "
        "alone. Code for M0 and M0+ ran on a Cortex-M3."
    )


def _peer_flash(one: Figure) -> int | None:
    return None if one.peer_code_bytes is None else one.peer_code_bytes + one.peer_model_bytes


def _ratio(value: int, other: int | None) -> str:
    return "-" if other is None else ("! " if value > other else "") + f"{value / other:.2f}"


def _judged(value: float | None, most: float | None) -> str:
    over = value is not None and most is not None and value > most
    return ("! " if over else "") + _number(value)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
