"""Feeds damaged commands and frames to the firmware's core, built for this machine with sanitizers;
see ``firmware/ports/host/fuzz.c`` for what is demanded of it.

As a program: ``python -m tests.fuzz_device`` in ``plugin``; exit code 1 if an input breaks the
core. The input and what makes it again are printed then.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from rich.console import Console

from tinyhil.catalog.task import load_tasks
from tinyhil.emulator.native_build import build_fuzzer
from tinyhil.ground.progress import progress_bar

from .processes import child

_BATCH = 125_000
_REPORT_S = 0.5


@dataclass(frozen=True)
class Batch:
    """Inputs that one process tries."""

    task: str
    program: Path
    first: int
    """Number of the first one: an input is made of its number alone."""
    count: int


@dataclass
class Tally:
    """What came of all batches so far. Each thread writes its own batch's number alone."""

    done: dict[Batch, int]
    """Inputs tried."""
    failure: str | None = None
    """What the first core said that broke."""


def run(batch: Batch, tally: Tally) -> None:
    """Try a batch, up to the first input of any batch that breaks a core."""
    command = [str(batch.program), str(batch.first), str(batch.count)]
    if tally.failure:
        return
    with child(command) as process:
        assert process.stdout is not None
        for line in process.stdout:
            tally.done[batch] = int(line.split()[0])
            if tally.failure:
                return
        _, said = process.communicate()
        if process.returncode != 0 and not tally.failure:
            tally.failure = (
                f"{said}\ntask {batch.task}, exit code {process.returncode}; again, with the "
                f"number N of the input:\npython -m tests.fuzz_device --task {batch.task} "
                "--first N --inputs 1"
            )


def fuzz(batches: Sequence[Batch], report: Callable[[int], None]) -> Tally:
    """Try all batches, as many at once as there are processors; `report` is told the inputs."""
    tally = Tally(dict.fromkeys(batches, 0))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(run, batch, tally) for batch in batches}
        while running:
            done, running = wait(running, timeout=_REPORT_S, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
            report(sum(tally.done.values()))
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz on all processors; 1 if something broke."""
    parser = argparse.ArgumentParser(prog="make fuzz-device", description=__doc__)
    tasks = load_tasks()
    parser.add_argument("--inputs", type=int, default=5_000_000, help="default: %(default)s")
    parser.add_argument("--first", type=int, default=0, help="its number; default: %(default)s")
    parser.add_argument("--task", choices=sorted(tasks), help="whose core; default: all in turn")
    options = parser.parse_args(arguments)
    chosen = [options.task] if options.task else sorted(tasks)
    console, started = Console(stderr=True), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        with console.status("building the core, with sanitizers"):
            programs = {name: build_fuzzer(tasks[name], Path(folder)) for name in chosen}
        batches = _batches(programs, options.first, options.inputs)
        with progress_bar(console, "fuzz") as progress:
            started = time.monotonic()
            tally = fuzz(batches, lambda done: progress(done, options.inputs))
    seconds, done = time.monotonic() - started, sum(tally.done.values())
    sys.stdout.write(
        f"{done} inputs to the cores of {', '.join(chosen)}, {seconds:.0f} s, "
        f"{done / seconds:.0f} inputs/s\n"
    )
    if tally.failure:
        sys.stdout.write(tally.failure + "\n")
    return 1 if tally.failure else 0


def _batches(programs: dict[str, Path], first: int, inputs: int) -> list[Batch]:
    """Every number once, the tasks in turn."""
    sizes = [min(_BATCH, inputs - start) for start in range(0, inputs, _BATCH)]
    starts = accumulate(sizes, initial=first)
    names = list(programs)
    return [
        Batch(name := names[turn % len(names)], programs[name], start, size)
        for turn, (start, size) in enumerate(zip(starts, sizes, strict=False))
    ]


if __name__ == "__main__":
    raise SystemExit(main())
