"""``make bench-models MODELS=FOLDER``: which models of a folder are compiled, and are they exact?

Each ``.tflite`` has an ``.npz`` beside it, with inputs ``input_0``, ``input_1``, … and the right
outputs ``output_0``, …, a row an inference, in their order: what a model keeps is kept. One that
may be set back between inferences has ``reset_output_0``, … too, and is right if it gives either.

Each model is compiled for a board, runs on this machine and as firmware on the emulated board, and
what it answers is compared byte by byte; where a firmware speaks text alone, by its thousandths.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from tinyhil import flash
from tinyhil.benchmarks import write_figures
from tinyhil.catalog.bench import select, stations
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.cycles import load_cycles
from tinyhil.catalog.task import Window
from tinyhil.device.dut import attached
from tinyhil.device.inference import Inference
from tinyhil.device.links import open_link
from tinyhil.device.queries.opening import asking
from tinyhil.device.session import Session
from tinyhil.emulator import counting, cycles
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import FirmwareError, ModelError
from tinyhil.image import build as firmware
from tinyhil.image.check import outputs_here
from tinyhil.image.compiler import CompiledModel
from tinyhil.image.disassembly import disassemble
from tinyhil.image.generic import task_for

_STEP_S = 120.0
_COLUMNS = 160
_THOUSANDTH = 0.0006
"""By which a number that was told to the thousandth may be off."""


@dataclass(frozen=True)
class Figure:
    """A model on a board; sizes in bytes, 0 of one that is refused."""

    model: str
    board: str
    here: str
    """What comes out on this machine: exact, or what is wrong."""
    there: str
    """What comes out on the board, or why the model is refused."""
    macs: int = 0
    bands: int = 1
    flash_bytes: int = 0
    ram_bytes: int = 0
    """All that the firmware takes: arena, input buffer, stack and variables."""
    whole_arena_bytes: int = 0
    """With the model's input and output."""
    instructions: int = 0
    """Of one inference, counted."""
    predicted_cycles: int = 0
    """Of these, without waits for memory; 0 for a core without costs."""
    build_s: float = 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print a table, write the figures; 1 if any output differs."""
    parser = argparse.ArgumentParser(prog="make bench-models", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--board", action="append", default=[], help="default: mps2-an386")
    parser.add_argument("--model", action="append", default=[], help="default: all of the folder")
    parser.add_argument(
        "--rows", type=int, help="the first ones alone: large inputs take long (default: all)"
    )
    options = parser.parse_args(arguments)
    boards = select(stations(load_boards(), None), options.board or ["mps2-an386"])
    files = [
        file
        for file in sorted(options.folder.glob("*.tflite"))
        if not options.model or file.stem in options.model
    ]
    if not files:
        parser.error(f"{options.folder}: there is no such model; they are .tflite files")
    console, figures = Console(), []
    if not console.is_terminal:
        console = Console(width=_COLUMNS)
    for station in boards:
        for file in files:
            figures.append(_measure(station.board, file, options.rows))
            console.print(_line(figures[-1]), soft_wrap=True, highlight=False)
            write_figures("models", [asdict(figure) for figure in figures])
    console.print(_table(figures))
    wrong = [one for one in figures if "unequal" in one.here + one.there]
    return 1 if wrong else 0


def rows(vectors: Mapping[str, NDArray[np.generic]], kind: str) -> list[bytes]:
    """The rows of a kind of arrays: one tensor after the other, each as its bytes."""
    names = sorted(name for name in vectors if name.startswith(kind))
    arrays = [vectors[name] for name in names]
    return [b"".join(one.tobytes() for one in row) for row in zip(*arrays, strict=True)]


def _measure(board: Board, file: Path, count: int | None) -> Figure:
    with np.load(file.with_suffix(".npz")) as vectors:
        known = dict(vectors)
    inputs = rows(known, "input_")[:count]
    kinds = [kind for kind in ("output_", "reset_output_") if f"{kind}0" in known]
    wanted = [rows(known, kind)[:count] for kind in kinds]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tinyhil-") as folder:
        try:
            task, compiled = firmware.compile_as(lambda one: task_for(file, one, {}), file, board)
            built = firmware.build_compiled(board, task, compiled, Path(folder))
        except (ModelError, FirmwareError) as error:
            told = error.message.replace(f"{file}: ", "")
            return Figure(file.stem, board.name, "", f"refused: {told}")
        took = time.monotonic() - began
        given = np.frombuffer(b"".join(inputs), np.uint8).reshape(len(inputs), -1)
        here = [row.tobytes() for row in outputs_here(compiled, given)]
        answers, ran = _ask(board, built, inputs, Path(folder, "counts"))
        core = load_cycles().cores.get(board.core)
        known_ = disassemble(built.image.path, board.toolchain.prefix) if core else {}
        predicted = cycles.total(cycles.predict(ran, known_, core)).cycles if core else 0.0
    image = built.image
    return Figure(
        file.stem,
        board.name,
        _verdict([here == one for one in wanted], "exact"),
        _board_verdict(compiled, answers, wanted),
        compiled.macs,
        compiled.bands,
        image.text_bytes + image.data_bytes,
        image.data_bytes + image.bss_bytes,
        compiled.whole_arena_bytes,
        ran.instructions,
        round(predicted),
        round(took, 1),
    )


def _verdict(equal: Sequence[bool], word: str) -> str:
    return word if any(equal) else "unequal"


def _board_verdict(
    compiled: CompiledModel, answers: Sequence[Inference], wanted: Sequence[Sequence[bytes]]
) -> str:
    """Byte by byte where the firmware tells its output, else by the numbers that it prints."""
    if answers[0].output:
        return _verdict([[one.output for one in answers] == each for each in wanted], "exact")
    told = np.array([answer.scores for answer in answers])
    near = [
        np.abs(told - np.array([real(compiled, row) for row in each])).max() <= _THOUSANDTH
        for each in wanted
    ]
    return _verdict(near, "exact in thousandths")


def real(compiled: CompiledModel, row: bytes) -> list[float]:
    """The numbers that a row of outputs stands for."""
    made: list[float] = []
    for tensor in compiled.outputs:
        part, row = row[: tensor.size], row[tensor.size :]
        types = {"float32": "<f4", "uint8": "u1", "int16": "<i2"}
        stored = np.frombuffer(part, types.get(tensor.dtype, "i1")).astype(np.float64)
        made += (tensor.scale * (stored - tensor.zero_point)).tolist()
    return made


def _ask(
    board: Board, built: firmware.Firmware, inputs: Sequence[bytes], counts: Path
) -> tuple[list[Inference], counting.Counts]:
    """The board's answers, and what QEMU counted of the last inference."""
    image = built.image
    plugins = [counting.plugin(board, image, load_cycles().flash, counts)]
    with ExitStack() as stack:
        station = stations({board.name: board}, None)[board.name]
        dut = stack.enter_context(attached(station, plugins=plugins))
        flash.flash(image, board, dut.probe_uid, Deadline.after(_STEP_S))
        session = Session(open_link("serial", dut))
        session.synchronize(Deadline.after(_STEP_S))
        info = session.identify(Deadline.after(_STEP_S))
        queries = stack.enter_context(asking(session, info, dut, image, "serial"))
        windows = (Window(data, 0) for data in inputs)
        answers = list(queries.each(windows, output=info.extension is not None))
    return answers, counting.read_counts(counts)


def _line(one: Figure) -> str:
    return f"{one.board} {one.model}: {one.there}"


def _table(figures: Sequence[Figure]) -> Table:
    table = Table(
        *("board", "model", "here", "on the board", "MACs", "bands", "flash", "RAM"),
        *("arena with\nin, out", "instructions", "cycles,\npredicted", "build, s"),
        box=None,
    )
    for one in figures:
        sizes = (one.macs, one.bands, one.flash_bytes, one.ram_bytes, one.whole_arena_bytes)
        numbers = (*sizes, one.instructions, one.predicted_cycles)
        there = "refused" if one.there.startswith("refused") else one.there
        cells = [f"{number:,}" if one.macs else "-" for number in numbers]
        table.add_row(one.board, one.model, one.here or "-", there, *cells, f"{one.build_s:g}")
    return table


if __name__ == "__main__":
    raise SystemExit(main())
