"""``make bench-oracle``: every output of the models on the device against those of the oracle.

The oracle is TensorFlow Lite's reference kernels (``tflite-runtime`` 2.14, ``BUILTIN_REF``); its
outputs were taken once into files, so that nothing here depends on it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from tinyhil import flash
from tinyhil.benchmarks import BUILD, write_figures
from tinyhil.benchmarks.places import LESSER_PLACES
from tinyhil.catalog.bench import Station, select, stations
from tinyhil.catalog.board import load_boards
from tinyhil.catalog.task import Task, Window, load_tasks
from tinyhil.data.material import Material, material
from tinyhil.device.dut import attached
from tinyhil.device.links import names, open_link
from tinyhil.device.queries.opening import asking
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.paths import SUITES, official_data
from tinyhil.ground.progress import progress_bar
from tinyhil.image import build as firmware
from tinyhil.image.elf import Image

_STEP_S = 120.0


@dataclass(frozen=True)
class Figure:
    """How many outputs of one task on one board equal the oracle's, byte for byte."""

    board: str
    task: str
    data_set: str
    link: str
    outputs: int
    equal: int


@dataclass(frozen=True)
class Expected:
    """Inputs of inferences, in order, and the oracle's outputs."""

    windows: tuple[Window, ...]
    outputs: NDArray[np.int8]


def expected(task: Task, made: Material, oracle: Path, limit: int | None) -> Expected:
    """What the oracle has for a task, at most `limit` samples of it."""
    vectors = np.load(oracle / f"{task.name}.npz" if made.data.kind == "official" else
                      oracle / f"{task.name}_oracle.npz")  # fmt: skip
    names = vectors["output_names" if "output_names" in vectors else "names"].tolist()[:limit]
    by_name = {sample.name: sample.data for sample in made.data.samples}
    windows = [window for name in names for window in task.input.windows(by_name[name])]
    outputs = vectors["outputs"][: len(names)].reshape(len(windows), -1)
    return Expected(tuple(windows), outputs)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print a table, write the figures; 1 if any output differs."""
    parser = argparse.ArgumentParser(prog="make bench-oracle", description=__doc__)
    parser.add_argument("--board", action="append", default=[], help="name or glob; repeatable")
    parser.add_argument("--limit", type=int, help="samples per task; default: all")
    parser.add_argument(
        "--task", action="append", default=[], choices=sorted(load_tasks()), help="default: all"
    )
    parser.add_argument(
        "--link", default="rtt", choices=names(), help="how the samples travel; default: rtt"
    )
    parser.add_argument("--optimize", default="speed", choices=("speed", "size", "memory"))
    parser.add_argument(
        "--wait-states",
        type=int,
        choices=range(64),
        metavar="N",
        help="of flash; see tinyhil build",
    )
    options = parser.parse_args(arguments)
    wishes = firmware.Wishes(options.optimize, wait_states=options.wait_states)
    root = official_data()
    oracle = root / "oracle" if root else SUITES / "standin"
    boards = load_boards()
    lesser = {one.name: Station(one.name, one.of(boards), None) for one in LESSER_PLACES}
    chosen = select({**stations(boards, None), **lesser}, options.board or ["mps2-an386"])
    console, figures = Console(), []
    for station in chosen:
        for name, task in load_tasks().items():
            if options.task and name not in options.task:
                continue
            made = material(task, root, BUILD / "data")
            wanted = expected(task, made, oracle, options.limit)
            image = _built(station, task, made, wishes)
            figures.append(_compare(station, (task, made), wanted, image, options.link, console))
    console.print(_table(figures))
    write_figures("oracle", [asdict(figure) for figure in figures])
    # Where nothing was compared, nothing is proved.
    equal = [figure.equal == figure.outputs > 0 for figure in figures]
    return 0 if equal and all(equal) else 1


def _built(station: Station, task: Task, made: Material, wishes: firmware.Wishes) -> Image:
    folder = firmware.folder_of(BUILD, station.name, task.name, made.data.kind)
    return firmware.build(station.board, task, made.model, folder, wishes=wishes).image


def _compare(
    station: Station,
    of: tuple[Task, Material],
    wanted: Expected,
    image: Image,
    link: str,
    console: Console,
) -> Figure:
    (task, made), name, equal = of, station.name, 0
    with ExitStack() as stack:
        dut = stack.enter_context(attached(station))
        flash.flash(image, dut.board, dut.probe_uid, Deadline.after(_STEP_S))
        session = Session(open_link(link, dut))
        session.synchronize(Deadline.after(_STEP_S))
        info = session.identify(Deadline.after(_STEP_S))
        queries = stack.enter_context(asking(session, info, dut, image, link))
        progress = stack.enter_context(progress_bar(console, f"{name} {task.name}"))
        answers = queries.each(wanted.windows, output=True)
        for number, (answer, output) in enumerate(
            zip(answers, wanted.outputs, strict=True), start=1
        ):
            equal += answer.output == output.tobytes()
            progress(number, len(wanted.windows))
    return Figure(name, task.name, made.data.kind, link, len(wanted.windows), equal)


def _table(figures: list[Figure]) -> Table:
    table = Table("board", "task", "data", "link", "outputs", "equal to the oracle", box=None)
    for figure in figures:
        table.add_row(
            *(figure.board, figure.task, figure.data_set, figure.link),
            *(str(figure.outputs), str(figure.equal)),
        )
    return table


if __name__ == "__main__":
    raise SystemExit(main())
