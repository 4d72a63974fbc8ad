"""``make bench-kernels``: our kernels against the field's best open ones, model by model.

Each model is built into the reference firmware, flashed and run on an emulated board; a figure is
the device's own count of one inference. Peers' figures come from ``suites/peers.toml``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field
from rich.console import Console
from rich.table import Table

from tinyhil import flash
from tinyhil.benchmarks import write_figures
from tinyhil.catalog.bench import stations
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.facts import Facts, load
from tinyhil.catalog.task import Input, Task, load_tasks
from tinyhil.device.dut import attached
from tinyhil.device.links.serial import open_link
from tinyhil.device.queries.opening import asking
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.paths import SUITES, official_data
from tinyhil.ground.progress import progress_bar
from tinyhil.image import build as firmware
from tinyhil.image.compiler import CompiledModel, compile_model

BOARDS = ("mps2-an386", "mps3-an547")
_STEP_S = 120.0
_LAPS = 3
_COLUMNS = 100


class Peer(Facts):
    """What another runtime needs for one model on one core."""

    instructions: int
    code_bytes: int | None = None
    arena_bytes: int | None = None


class PeerModel(Facts):
    """One model, and what peers need for it."""

    file: str
    stand_in: str | None = None
    cortex_m4: Peer = Field(alias="cortex-m4")
    cortex_m55: Peer = Field(alias="cortex-m55")

    def peer(self, board: Board) -> Peer:
        """Figures for the board's core."""
        return self.cortex_m4 if board.core == "cortex-m4" else self.cortex_m55


class PeerFile(Facts):
    """The whole of ``suites/peers.toml``."""

    schema_version: Literal[1] = Field(alias="schema")
    models: dict[str, PeerModel]


@dataclass(frozen=True)
class Figure:
    """One model on one board, with the peer's figure next to each of ours."""

    model: str
    data_set: str
    board: str
    instructions: int
    peer_instructions: int
    code_bytes: int
    peer_code_bytes: int | None
    arena_bytes: int
    peer_arena_bytes: int | None


def main() -> int:
    """Measure every model on every board, print the table, write the figures."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_COLUMNS)
    models = load(SUITES / "peers.toml", PeerFile).models
    boards = load_boards()
    chosen = list(_models(models, official_data()))
    figures = []
    with progress_bar(console, "kernels") as progress:
        for name in BOARDS:
            for model, path, data_set in chosen:
                peer = models[model].peer(boards[name])
                figures.append(_measure(boards[name], model, path, data_set, peer))
                progress(len(figures), len(BOARDS) * len(chosen))
    console.print(_table(figures))
    path = write_figures("kernels", [asdict(figure) for figure in figures])
    console.print(f"figures: {path}", soft_wrap=True)
    return 0


def _models(models: dict[str, PeerModel], root: Path | None) -> Iterator[tuple[str, Path, str]]:
    """Name, file and data set of every model that is there."""
    for name, model in models.items():
        if root:
            yield name, root / model.file, "official"
        elif model.stand_in:
            yield name, SUITES / model.stand_in, "stand-in"


def _measure(board: Board, name: str, path: Path, data_set: str, peer: Peer) -> Figure:
    """Count the instructions of one inference on an input of zeros.

    The kernels' counts hardly depend on the input; no sample is needed.
    """
    task = _task(name, compile_model(path))
    assert board.emulator is not None
    with tempfile.TemporaryDirectory() as folder:
        built = firmware.build(board, task, path, Path(folder))
        image, compiled = built.image, built.model
        with attached(stations({board.name: board}, None)[board.name]) as dut:
            flash.flash(image, board, dut.probe_uid, Deadline.after(_STEP_S))
            session = Session(open_link(dut))
            session.synchronize(Deadline.after(_STEP_S))
            info = session.identify(Deadline.after(_STEP_S))
            with asking(session, info, dut, image, "serial") as queries:
                queries.load(bytes(task.input.inference_bytes))
                laps = queries.infer(_LAPS, 0, expected_s=None, laps=True).laps
            seconds = max(laps) / board.clock_hz
    return Figure(
        model=name,
        data_set=data_set,
        board=board.name,
        instructions=round(seconds / board.emulator.instruction_s),
        peer_instructions=peer.instructions,
        code_bytes=image.text_bytes - compiled.weights_bytes,
        peer_code_bytes=peer.code_bytes,
        arena_bytes=compiled.arena_bytes,
        peer_arena_bytes=peer.arena_bytes,
    )


def _task(name: str, compiled: CompiledModel) -> Task:
    """The task of this name, or one whose samples are the model's input as it is."""
    tasks = load_tasks()
    if name in tasks:
        return tasks[name]
    whole = Input(bytes=compiled.input.size, encoding="int8")
    classes = tuple(str(number) for number in range(compiled.output.size))
    return tasks["kws01"].model_copy(update={"name": name, "input": whole, "classes": classes})


def _table(figures: list[Figure]) -> Table:
    table = Table(
        "board", "model", "instructions", "peer", "ratio", "code", "peer", "arena", "peer",
        box=None, pad_edge=False,
        caption="emulated: instruction counts, not a time measured on silicon; sizes in bytes, "
        "code without the model; models: "
        f"{', '.join(sorted({figure.data_set for figure in figures}))}; "
        "peer: TensorFlow Lite Micro with CMSIS-NN, on the official models",
    )  # fmt: skip
    for figure in figures:
        table.add_row(
            figure.board,
            figure.model,
            f"{figure.instructions:,}",
            f"{figure.peer_instructions:,}",
            f"{figure.instructions / figure.peer_instructions:.2f}",
            *(
                f"{size:,}" if size is not None else "-"
                for size in (
                    figure.code_bytes,
                    figure.peer_code_bytes,
                    figure.arena_bytes,
                    figure.peer_arena_bytes,
                )
            ),
        )
    return table


if __name__ == "__main__":
    raise SystemExit(main())
