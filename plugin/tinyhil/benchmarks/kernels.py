"""``make bench-kernels``: our kernels against the field's best open ones, model by model.

Each model is built into the reference firmware, flashed and run on an emulated board; a figure is
the device's own count of one inference. Peers' figures come from ``suites/peers.toml``. It fails
where a model needs more instructions than ``suites/instructions.toml`` says; ``--save`` writes that
file anew (KERNELS="--save").
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field
from rich.console import Console
from rich.table import Table

from tinyhil import flash
from tinyhil.benchmarks import write_figures
from tinyhil.benchmarks.baseline import TOLERANCE, baseline, key, save
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
from tinyhil.image.compiler import CompiledModel, Goal, compile_model

BOARDS: Mapping[str, tuple[Goal, ...]] = {
    "mps2-an386": ("speed", "size"),
    "mps3-an547": ("speed",),
}
"""And what is optimized for: Helium's kernels keep weights at 8 bits anyway."""
_STEP_S = 120.0
_LAPS = 3
_COLUMNS = 120


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
    """One model on one board, with the peer's figure next to each of ours; sizes are in bytes."""

    model: str
    data_set: str
    board: str
    optimize: Goal
    instructions: int
    baseline_instructions: int | None
    """What was committed, of the same compiler."""
    peer_instructions: int
    code_bytes: int
    """Without the model's constants."""
    peer_code_bytes: int | None
    constants_bytes: int
    peer_model_bytes: int
    """Its ``.tflite``, which the peer has in flash."""
    arena_bytes: int
    """Without the model's input and output."""
    whole_arena_bytes: int
    """With both, as the peer counts it."""
    peer_arena_bytes: int | None

    @property
    def slower(self) -> bool:
        """Whether it takes more than what was committed."""
        limit = self.baseline_instructions
        return limit is not None and self.instructions > limit * (1 + TOLERANCE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every model on every board, print the table, write the figures.

    Returns:
        1 if a model needs more instructions than the committed baseline says, else 0.
    """
    parser = argparse.ArgumentParser(prog="make bench-kernels", description=__doc__)
    parser.add_argument("--save", action="store_true", help="commit these counts as the baseline")
    parser.add_argument("--model", action="append", help="default: all; repeatable")
    parser.add_argument("--board", action="append", choices=BOARDS, help="default: all; repeatable")
    options = parser.parse_args(arguments)
    console = Console()
    if not console.is_terminal:
        console = Console(width=_COLUMNS)
    models = load(SUITES / "peers.toml", PeerFile).models
    boards = load_boards()
    known = baseline()
    jobs = [
        (boards[name], goal, chosen)
        for name, goals in BOARDS.items()
        for goal in goals
        for chosen in _models(models, official_data())
        if name in (options.board or BOARDS) and chosen[0] in (options.model or models)
    ]
    figures = []
    with progress_bar(console, "kernels") as progress:
        for board, goal, (model, path, data_set) in jobs:
            figures.append(_measure(board, goal, model, path, data_set, models, known))
            progress(len(figures), len(jobs))
    for name in options.board or BOARDS:
        console.print(_table(name, [figure for figure in figures if figure.board == name]))
    path = write_figures("kernels", [asdict(figure) for figure in figures])
    console.print(f"figures: {path}", soft_wrap=True)
    if options.save:
        save({_key(figure): figure.instructions for figure in figures})
        return 0
    slower = [figure for figure in figures if figure.slower]
    for figure in slower:
        console.print(
            f"SLOWER: {_key(figure)} needs {figure.instructions:,} instructions, "
            f"{figure.baseline_instructions:,} are committed",
            soft_wrap=True,
        )
    return 1 if slower else 0


def _key(figure: Figure) -> str:
    return key(figure.board, figure.model, figure.data_set, figure.optimize)


def _models(models: dict[str, PeerModel], root: Path | None) -> Iterator[tuple[str, Path, str]]:
    """Name, file and data set of every model that is there."""
    for name, model in models.items():
        if root:
            yield name, root / model.file, "official"
        elif model.stand_in:
            yield name, SUITES / model.stand_in, "stand-in"


def _measure(
    board: Board,
    goal: Goal,
    name: str,
    path: Path,
    data_set: str,
    models: dict[str, PeerModel],
    known: Mapping[str, int],
) -> Figure:
    """Count the instructions of one inference on an input of zeros.

    The kernels' counts hardly depend on the input; no sample is needed.
    """
    task, peer = _task(name, compile_model(path)), models[name].peer(board)
    assert board.emulator is not None
    with tempfile.TemporaryDirectory() as folder:
        built = firmware.build(board, task, path, Path(folder), wishes=firmware.Wishes(goal))
        image, compiled = built.image, built.model
        with attached(stations({board.name: board}, None)[board.name]) as dut:
            flash.flash(image, board, dut.probe_uid, Deadline.after(_STEP_S))
            session = Session(open_link(dut))
            session.synchronize(Deadline.after(_STEP_S))
            info = session.identify(Deadline.after(_STEP_S))
            with asking(session, info, dut, image, "serial") as queries:
                queries.load(bytes(task.input.inference_bytes))
                laps = queries.infer(_LAPS, 0, expected_s=None, laps=True).laps
            assert info.extension is not None, "it is our own firmware"
            seconds = max(laps) / info.extension.tick_hz
    return Figure(
        model=name,
        data_set=data_set,
        board=board.name,
        optimize=goal,
        instructions=round(seconds / board.emulator.instruction_s),
        baseline_instructions=known.get(key(board.name, name, data_set, goal)),
        peer_instructions=peer.instructions,
        code_bytes=image.text_bytes - compiled.weights_bytes,
        peer_code_bytes=peer.code_bytes,
        constants_bytes=compiled.weights_bytes,
        peer_model_bytes=path.stat().st_size,
        arena_bytes=compiled.arena_bytes,
        whole_arena_bytes=compiled.whole_arena_bytes,
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


def _table(board: str, figures: list[Figure]) -> Table:
    table = Table(
        "model", "for", "instructions", "peer", "ratio", "code", "constants", "flash", "peer",
        "arena", "whole", "peer",
        box=None, pad_edge=False,
        title=board, title_justify="left",
        caption="emulated: instruction counts, not a time measured on silicon; sizes in bytes. "
        "Code is the whole firmware's without the model, flash both; the peer's its code and the "
        "model's file. Arena: without the model's input and output; whole: with both, as the "
        f"peer's. Models: {', '.join(sorted({figure.data_set for figure in figures}))}; "
        "peer: TensorFlow Lite Micro with CMSIS-NN, on the official models",
    )  # fmt: skip
    for figure in figures:
        peer_code = figure.peer_code_bytes
        table.add_row(
            figure.model,
            figure.optimize,
            f"{figure.instructions:,}",
            f"{figure.peer_instructions:,}",
            f"{figure.instructions / figure.peer_instructions:.2f}",
            f"{figure.code_bytes:,}",
            f"{figure.constants_bytes:,}",
            f"{figure.code_bytes + figure.constants_bytes:,}",
            "-" if peer_code is None else f"{peer_code + figure.peer_model_bytes:,}",
            f"{figure.arena_bytes:,}",
            f"{figure.whole_arena_bytes:,}",
            "-" if figure.peer_arena_bytes is None else f"{figure.peer_arena_bytes:,}",
        )
    return table


if __name__ == "__main__":
    raise SystemExit(main())
