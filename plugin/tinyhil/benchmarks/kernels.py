"""``make bench-kernels``: our kernels against the field's best open ones, model by model.

Each model is built into the reference firmware, flashed and run on an emulated board; a figure is
the device's own count of one inference. Its cycles are predicted from the instructions that ran, by
``suites/cycles.toml``. Peers' figures, the best public ones and our goals come from
``suites/peers.toml``. It fails where a model needs more instructions than
``suites/instructions.toml`` says; ``--save`` writes that file anew (KERNELS="--save").
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console

from tinyhil.benchmarks import write_figures
from tinyhil.benchmarks.baseline import TOLERANCE, baseline, key, save
from tinyhil.benchmarks.kernel_table import Figure, kernel_table, notes
from tinyhil.benchmarks.peers import PeerModel, load_peers
from tinyhil.benchmarks.places import LESSER_PLACES, Place
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.cycles import CycleFile, load_cycles
from tinyhil.catalog.task import Input, Task, load_tasks
from tinyhil.emulator import cycles
from tinyhil.ground.paths import SUITES, official_data
from tinyhil.ground.progress import progress_bar
from tinyhil.image import build as firmware
from tinyhil.image.compiler import CompiledModel, Goal, compile_model
from tinyhil.image.disassembly import disassemble
from tinyhil.measure.profile import count


@dataclass(frozen=True)
class Aim:
    """What a firmware is compiled for."""

    goal: Goal
    flash_waits: bool = False
    """Whether the compiler is told how long flash waits."""

    @property
    def name(self) -> str:
        """In tables and in the baseline."""
        return f"{self.goal}-waits" if self.flash_waits else self.goal


_M4 = (Aim("speed"), Aim("speed", flash_waits=True), Aim("size"), Aim("memory"))
_AIMS: Mapping[Place, tuple[Aim, ...]] = {
    Place("mps2-an386", "cortex-m4"): _M4,
    **dict.fromkeys(
        (Place("mps3-an547", "cortex-m55"), Place("mps2-an385", "cortex-m3"), *LESSER_PLACES),
        (Aim("speed"),),
    ),
}
"""Helium's kernels keep weights at 8 bits anyway; plain C has one form of each operator."""
PLACES: Mapping[str, Place] = {place.name: place for place in _AIMS}
_COLUMNS = 120
_CLOCK_HZ = 120e6
"""Of the public rows."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every model on every board, print the table, write the figures.

    Returns:
        1 if a model needs more instructions than the committed baseline says, else 0.
    """
    parser = argparse.ArgumentParser(prog="make bench-kernels", description=__doc__)
    parser.add_argument("--save", action="store_true", help="commit these counts as the baseline")
    parser.add_argument("--model", action="append", help="default: all; repeatable")
    parser.add_argument("--board", action="append", choices=PLACES, help="default: all; repeatable")
    parser.add_argument(
        "--wait-states",
        type=int,
        choices=range(64),
        metavar="N",
        help="of flash; default: as in suites/cycles.toml",
    )
    options = parser.parse_args(arguments)
    console = Console()
    if not console.is_terminal:
        console = Console(width=_COLUMNS)
    models, facts = load_peers(), _facts(options.wait_states)
    boards = load_boards()
    known = baseline()
    jobs = [
        (place, aim, chosen)
        for name, place in PLACES.items()
        for aim in _AIMS[place]
        for chosen in _models(models, official_data())
        if name in (options.board or PLACES) and chosen[0] in (options.model or models)
    ]
    figures = []
    with progress_bar(console, "kernels") as progress:
        for place, aim, chosen in jobs:
            found = _measure(place, place.of(boards), aim, chosen, models[chosen[0]], facts)
            figures.append(replace(found, baseline_instructions=known.get(_key(found))))
            progress(len(figures), len(jobs))
    for name, what in dict.fromkeys((place.name, aim.name) for place, aim, _ in jobs):
        same = [one for one in figures if (one.board, one.optimize) == (name, what)]
        console.print(kernel_table(same, facts), "")
    console.print(notes(figures, facts))
    path = write_figures("kernels", [asdict(figure) for figure in figures])
    console.print(f"figures: {path}", soft_wrap=True)
    if options.save:
        save({_key(figure): figure.instructions for figure in figures})
        return 0
    if not known:
        console.print("no counts of this compiler are committed: nothing to hold these against")
    slower = [figure for figure in figures if _slower(figure)]
    for figure in slower:
        console.print(
            f"SLOWER: {_key(figure)} needs {figure.instructions:,} instructions, "
            f"{figure.baseline_instructions:,} are committed",
            soft_wrap=True,
        )
    return 1 if slower else 0


def _slower(figure: Figure) -> bool:
    """Whether it takes more than what was committed."""
    limit = figure.baseline_instructions
    return limit is not None and figure.instructions > limit * (1 + TOLERANCE)


def _facts(wait_states: int | None) -> CycleFile:
    facts = load_cycles()
    if wait_states is None:
        return facts
    flash_ = facts.flash.model_copy(update={"wait_states": wait_states})
    return facts.model_copy(update={"flash": flash_})


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
    place: Place,
    board: Board,
    aim: Aim,
    which: tuple[str, Path, str],
    peer: PeerModel,
    facts: CycleFile,
) -> Figure:
    """Count the instructions of one inference on an input of zeros.

    The kernels' counts hardly depend on the input; no sample is needed.
    """
    name, path, data_set = which
    task = _task(name, compile_model(path))
    with tempfile.TemporaryDirectory() as folder:
        told = facts.flash.wait_states if aim.flash_waits else None
        wishes = firmware.Wishes(aim.goal, wait_states=told)
        built = firmware.build(board, task, path, Path(folder), wishes=wishes)
        instructions, predicted = _run(
            board, task, built, Path(folder, "counts"), facts, place.core
        )
    ours, theirs, goals = built.model, peer.peer(place.core), peer.goals
    waiting = predicted.waiting(facts.flash)
    public = place.core == "cortex-m4"
    return Figure(
        model=name,
        data_set=data_set,
        board=place.name,
        core=place.core,
        optimize=aim.name,
        macs=ours.macs,
        instructions=instructions,
        baseline_instructions=None,
        goal_instructions=peer.goal(place.core, aim.name),
        peer_instructions=theirs.instructions,
        peer_cycles=theirs.cycles,
        mix=dict(predicted.mix),
        predicted_cycles=round(predicted.cycles),
        predicted_cycles_waiting=round(waiting),
        flash_wait_states=facts.flash.wait_states,
        predicted_ms=predicted.cycles / _CLOCK_HZ * 1e3 if public else None,
        predicted_ms_waiting=waiting / _CLOCK_HZ * 1e3 if public else None,
        goal_ms=goals.predicted_ms if goals and public else None,
        best_public_ms=peer.best_public_ms if public else None,
        code_bytes=built.image.text_bytes - ours.weights_bytes,
        peer_code_bytes=theirs.code_bytes,
        constants_bytes=ours.weights_bytes,
        peer_model_bytes=path.stat().st_size,
        arena_bytes=ours.arena_bytes,
        goal_arena_bytes=goals.arena_bytes if goals else None,
        whole_arena_bytes=ours.whole_arena_bytes,
        goal_whole_arena_bytes=goals.whole_arena_bytes if goals else None,
        peer_arena_bytes=theirs.arena_bytes,
    )


def _run(
    board: Board,
    task: Task,
    built: firmware.Firmware,
    counts: Path,
    facts: CycleFile,
    core: str,
) -> tuple[int, cycles.Prediction]:
    """Instructions that the device counted, and the cycles of those that ran."""
    ran = count(board, task, built, counts, facts)
    assert ran.device is not None, "it is our own firmware, of small models"
    vectors = "mve" in board.toolchain.kernels
    known = disassemble(built.image.path, board.toolchain.prefix, vectors=vectors)
    return ran.device, cycles.total(cycles.predict(ran.calls, known, facts.cores[core]))


def _task(name: str, compiled: CompiledModel) -> Task:
    """The task of this name, or one whose samples are the model's input as it is."""
    tasks = load_tasks()
    if name in tasks:
        return tasks[name]
    whole = Input(bytes=compiled.input.size, encoding="int8")
    classes = tuple(str(number) for number in range(compiled.output.size))
    return tasks["kws01"].model_copy(update={"name": name, "input": whole, "classes": classes})


if __name__ == "__main__":
    raise SystemExit(main())
