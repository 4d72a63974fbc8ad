"""``make bench-ports``: our firmware on every board that it has a port for.

Flash and RAM that it takes with each task's model, and by how much a board is too small for one.
Nothing runs. Where ``TINYHIL_DATA`` names the official data, the models are the official ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from tinyhil.benchmarks import BUILD, write_figures
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.data.material import stand_in_model
from tinyhil.ground.errors import FirmwareError
from tinyhil.ground.paths import official_data
from tinyhil.ground.progress import progress_bar
from tinyhil.image import build as firmware

_COLUMNS = 120


@dataclass(frozen=True)
class Figure:
    """One model on one board; sizes are in bytes."""

    board: str
    core: str
    task: str
    data_set: str
    flash_bytes: int | None
    """None where it does not fit, as the next."""
    ram_bytes: int | None
    """With the whole stack."""
    arena_bytes: int | None
    """The model's part of that."""
    too_small: str
    """What the user is told where it does not fit."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build every model for every board, print the table, write the figures."""
    ported = {name: board for name, board in load_boards().items() if board.port}
    parser = argparse.ArgumentParser(prog="make bench-ports", description=__doc__)
    parser.add_argument("--board", action="append", choices=ported, help="default: all; repeatable")
    parser.add_argument("--task", action="append", choices=load_tasks(), help="default: all")
    options = parser.parse_args(arguments)
    console = Console()
    if not console.is_terminal:
        console = Console(width=_COLUMNS)
    jobs = [
        (ported[name], load_tasks()[task])
        for task in options.task or load_tasks()
        for name in options.board or ported
    ]
    figures = []
    with progress_bar(console, "ports") as progress:
        for board, task in jobs:
            figures.append(_measure(board, task))
            progress(len(figures), len(jobs))
    for figure in figures:
        if figure.too_small:
            console.print(f"{figure.board}, {figure.task}: {figure.too_small}", soft_wrap=True)
    console.print(_table(figures))
    path = write_figures("ports", [asdict(figure) for figure in figures])
    console.print(f"figures: {path}", soft_wrap=True)
    return 0


def _measure(board: Board, task: Task) -> Figure:
    """Build it; boards that are compiled alike share a folder, and there all but their port."""
    root = official_data()
    model = root / task.official.model if root else stand_in_model(task)
    data_set = "official" if root else "stand-in"
    alike = "".join((*board.toolchain.flags, *board.toolchain.kernels))
    folder = BUILD / "ports" / alike / f"{task.name}-{data_set}"
    flash = ram = arena = None
    too_small = ""
    try:
        built = firmware.build(board, task, model, folder)
    except FirmwareError as error:
        too_small = error.message
    else:
        image = built.image
        flash, arena = image.text_bytes + image.data_bytes, built.model.arena_bytes
        ram = image.data_bytes + image.bss_bytes
    return Figure(board.name, board.core, task.name, data_set, flash, ram, arena, too_small)


def _table(figures: Sequence[Figure]) -> Table:
    tasks = sorted({figure.task for figure in figures})
    table = Table(
        "board", "core", *(f"{task} flash" if kind else "RAM" for task in tasks for kind in (1, 0)),
        box=None, pad_edge=False,
        caption="bytes; RAM with the whole stack; a dash: too small, see above. Models: "
        f"{', '.join(sorted({figure.data_set for figure in figures}))}",
    )  # fmt: skip
    for board in dict.fromkeys(figure.board for figure in figures):
        rows = {figure.task: figure for figure in figures if figure.board == board}
        sizes = ((rows[task].flash_bytes, rows[task].ram_bytes) for task in tasks)
        cells = ("-" if size is None else f"{size:,}" for pair in sizes for size in pair)
        table.add_row(board, rows[tasks[0]].core, *cells)
    return table


if __name__ == "__main__":
    raise SystemExit(main())
