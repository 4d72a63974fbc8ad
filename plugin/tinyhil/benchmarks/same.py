"""``make bench-same``: the same image measured again and again, and gated against itself.

Each run is a process of its own, as a user starts it, by the benchmark's whole rules: a board that
boots, an image that is flashed, latency, throughput and memory. Then every run is the baseline of
every later one. A difference of any kind is one that the gate has made up.

Three images speak in three ways: ours in frames, ours in text alone, and a program with the
official text protocol on a polled serial port, which prints its time stamps inside the time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tinyhil.benchmarks import BUILD, write_figures
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.data.material import stand_in_model
from tinyhil.ground.paths import FIRMWARE, ROOT
from tinyhil.ground.progress import progress_bar
from tinyhil.image import build as firmware
from tinyhil.image.linker import linker_memory
from tinyhil.judge.gate.compare import Gate
from tinyhil.judge.gate.figures import Latency
from tinyhil.judge.gate.reading import Measured, load

BOARD, TASK = "mps2-an386", "kws01"
_RUN_S = 900.0
_PROGRAM = ROOT / "plugin" / "tests" / "official_firmware" / "official.c"
_KERNELS = FIRMWARE / "kernels"
_FLAGS = ("-Os", "-Wall", "-Wextra", "-Werror", "-nostartfiles", "--specs=nano.specs",
          "--specs=nosys.specs", "-lm", "-Wl,--gc-sections,--defsym=end=__bss_end")  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """What the gate said of one image's runs."""

    image: str
    runs: int
    pairs: int
    """Of a run and a later one."""
    figures: int
    """That were compared in all."""
    regressions: int
    """Or a figure that is missing; there must be none."""
    improvements: int
    """There must be none either."""
    spread: float
    """Of the mean instructions of an inference, from the run with the fewest to that with the
    most."""
    allowed: float
    """What two ticks of the clock are: a difference up to there is none."""
    bracket: float
    """Instructions of each latency that are no inference; 0 where there are none."""
    unit: str = "instructions; comparisons of figures"


def official(board: Board, task: Task, model: Path, folder: Path) -> Path:
    """Build the official program of our tests: the text protocol alone, on a polled serial port.

    Raises:
        subprocess.CalledProcessError: it does not compile.
    """
    firmware.compile_for(task, model, None).write(folder)
    (folder / "board.ld").write_text(linker_memory(board), encoding="utf-8")
    target, link = folder / "official.elf", FIRMWARE / "ports" / "cortex-m" / "cortex-m.ld"
    sources = (_PROGRAM, folder / "model.c", *sorted((_KERNELS / "portable").glob("*.c")))
    compiler = firmware.require_tool(f"{board.toolchain.prefix}gcc")
    places = (
        f'-DTASK="{task.name}"',
        f"-I{folder}",
        f"-I{_KERNELS / 'include'}",
        f"-L{folder}",
        "-T",
        str(link),
    )
    command = [compiler, *board.toolchain.flags, *places, *map(str, sources), *_FLAGS]
    subprocess.run([*command, "-o", str(target)], check=True)
    return target


def images(folder: Path) -> Mapping[str, Path]:
    """The three images, built."""
    board, task = load_boards()[BOARD], load_tasks()[TASK]
    model = stand_in_model(task)
    built = {}
    for name, extension in (("frames", True), ("text", False)):
        made = firmware.build(board, task, model, folder / name, extension=extension)
        built[name] = made.image.path
    (folder / "official").mkdir(parents=True, exist_ok=True)
    return {**built, "text, polled": official(board, task, model, folder / "official")}


def run(image: Path, runs: Path) -> Path:
    """Measure an image; returns the run's folder.

    Raises:
        RuntimeError: it can't be measured, or a limit is missed.
    """
    options = ("-k", TASK, "-m", "latency or memory", "-p", "no:allure_pytest", "-q")
    chosen = ("--hil-board", BOARD, "--hil-firmware", str(image), "--hil-runs", str(runs))
    kept = {name: value for name, value in os.environ.items() if name != "TINYHIL_DATA"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "suites", *options, *chosen],
        check=False, cwd=ROOT, env=kept, timeout=_RUN_S, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"a run of {image} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    (folder,) = runs.glob(f"*_{BOARD}")
    return folder


def compare(image: str, runs: Sequence[Sequence[Measured]], console: Console) -> Figure:
    """Gate each run against each earlier one; what is no equality is printed."""
    found: Counter[str] = Counter()
    for baseline, candidate in combinations(runs, 2):
        for one in Gate(baseline).compare(candidate):
            found[one.status] += 1
            if one.status != "same":
                console.print(f"{image}: {one}", markup=False)
    latencies = [latency for measured in runs for latency in _latencies(measured)]
    means = [latency.mean_instructions() or 0.0 for latency in latencies]
    first = latencies[0]
    instruction_s = first.instruction_s or 1.0
    return Figure(
        image=image,
        runs=len(runs),
        pairs=len(runs) * (len(runs) - 1) // 2,
        figures=found.total(),
        regressions=found["worse"] + found["missing"],
        improvements=found["better"],
        spread=max(means) - min(means),
        allowed=max(latency.error_s for latency in latencies) / instruction_s,
        bracket=(first.bracket_s or 0.0) / instruction_s,
    )


def _latencies(measured: Sequence[Measured]) -> Iterator[Latency]:
    return (one.line.latency for one in measured if one.line.latency)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all, print the table; 1 if the gate saw a difference."""
    parser = argparse.ArgumentParser(prog="make bench-same", description=__doc__)
    parser.add_argument(
        "--times", type=int, default=20, help="runs after the first (default: %(default)s)"
    )
    parser.add_argument(
        "--firmware", type=Path, action="append", help="an image of yours instead; repeatable"
    )
    options = parser.parse_args(arguments)
    console = Console(width=100)
    yours = {path.name: path.resolve() for path in options.firmware or ()}
    chosen = yours or images(BUILD / "same")
    figures, count, made = [], 1 + max(1, options.times), 0
    with progress_bar(console, "runs") as bar, tempfile.TemporaryDirectory() as scratch:
        for place, (name, image) in enumerate(chosen.items()):
            measured = []
            for number in range(count):
                measured.append(load(run(image, Path(scratch) / f"{place}-{number}")))
                made += 1
                bar(made, count * len(chosen))
            figures.append(compare(name, measured, console))
    console.print(_table(figures))
    path = write_figures("same", [asdict(figure) for figure in figures])
    console.print(f"figures: {path}", soft_wrap=True)
    return 1 if any(one.regressions or one.improvements for one in figures) else 0


def _table(figures: Sequence[Figure]) -> Table:
    table = Table(
        *("image", "runs", "pairs", "figures", "regressions", "improvements", "spread of the"),
        *("the gate", "no"),
        title=f"the same image gated against itself, {TASK} on {BOARD}, emulated",
        box=None,
    )
    table.add_row(*("",) * 6, "mean, instr.", "allows", "inference")
    for one in figures:
        counts = (one.runs, one.pairs, one.figures, one.regressions, one.improvements)
        sizes = (one.spread, one.allowed, one.bracket)
        table.add_row(one.image, *map(str, counts), *(f"{size:,.1f}" for size in sizes))
    return table


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        raise SystemExit(main())
