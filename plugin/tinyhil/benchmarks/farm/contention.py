"""``make farm-contention``: jobs of many users want a farm's boards; is each served, and alone?

Four hosts with two boards each, labgrid's coordinator, and jobs on one more host that take boards
by type or by place, some hundred times. Each must end well, with the figures of a run that was
alone; no two runs may have the same board at the same time, by the times in their records and by
the locks that are looked at all the time; nothing listens on the network but sshd and labgrid's
coordinator; in the end nothing is held.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from tinyhil.benchmarks import write_figures
from tinyhil.benchmarks.farm import hosts
from tinyhil.benchmarks.farm.jobs import Ended, run
from tinyhil.benchmarks.farm.leftovers import exposed, left_behind
from tinyhil.benchmarks.farm.parts import Farm, running
from tinyhil.device.lock import Thing
from tinyhil.ground.progress import progress_bar

_WAIT_S = 3600.0
_LOOK_S = 0.1
_MODULE = "tinyhil.benchmarks.farm.contention"


@dataclass(frozen=True)
class Held:
    """A lock at a board, as seen from outside."""

    place: str
    holder: str
    """Process and time that it names."""
    first: float
    last: float
    """When it was seen, in seconds of the host's clock."""


class LockWatch(threading.Thread):
    """Looks at the locks of all boards' probes, from `start` until `stop`."""

    def __init__(self, farm: Farm) -> None:
        super().__init__(daemon=True)
        self._files = {
            board.name: bench.host.file("run", "lock", "tinyhil", Thing("probe", board.probe).file)
            for bench in farm.benches
            for board in bench.boards
        }
        self._ended = threading.Event()
        self._held: dict[str, Held] = {}
        self._past: list[Held] = []

    def run(self) -> None:
        while not self._ended.wait(_LOOK_S):
            for place, file in self._files.items():
                self._look(place, file)

    def stop(self) -> tuple[Held, ...]:
        """All that was held, one holder after the other."""
        self._ended.set()
        self.join()
        return (*self._past, *self._held.values())

    def _look(self, place: str, file: Path) -> None:
        try:
            said = json.loads(file.read_bytes() or b"{}")
        except (OSError, ValueError):
            said = {}
        now, holder = time.time(), f"{said.get('pid')} since {said.get('since')}"
        known = self._held.get(place)
        if known and known.holder != holder:
            self._past.append(self._held.pop(place))
            known = None
        if said:
            self._held[place] = Held(place, holder, known.first if known else now, now)


@dataclass
class Contest:
    """What is found out of all runs."""

    ended: list[Ended] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def judge(self, one: Ended, single: Path) -> None:
        """A run that was to end well."""
        if one.status != 0:
            self.faults.append(f"{one.folder.name}: status {one.status}: {one.last_words}")
        self.faults += (f"{one.folder.name}: {text}" for text in one.wrong(single))
        self.ended.append(one)


def twice(ended: Sequence[Ended], held: Sequence[Held]) -> Iterator[str]:
    """Boards that two runs had at the same time.

    By the records: no two runs of a place overlap. By the locks: each run lies in a time that one
    holder had the place, and no other run does.
    """
    runs = sorted((one.place, one.times, one.folder.name) for one in ended if one.times)
    for (place, before, name), (other, after, next_name) in pairwise(runs):
        if place == other and before[1] > after[0]:
            yield f"{place}: {name} and {next_name} at the same time, by their records"
    users: Counter[Held] = Counter()
    for place, (first, last), name in runs:
        there = [
            one for one in held if one.place == place and one.first < last and one.last > first
        ]
        if len(there) != 1:
            yield f"{place}: {len(there)} holders of its lock in the time of {name}"
        users.update(there)
    yield from (
        f"{one.place}: {count} runs with one lock" for one, count in users.items() if count > 1
    )


def choices(farm: Farm, random: Random) -> Iterator[tuple[str, str]]:
    """What jobs ask for, and the type of board that they get."""
    while True:
        board = random.choice(farm.boards)
        by_place = random.random() < 1 / 4
        yield f"labgrid:{board.name}" if by_place else f"labgrid:board={board.kind}", board.kind


def alone(farm: Farm, folder: Path) -> dict[str, Ended]:
    """A run on a board of each type, while nobody else runs."""
    found = {}
    for kind in sorted({board.kind for board in farm.boards}):
        found[kind] = one = run(f"labgrid:board={kind}", folder / f"alone-{kind}")
        if one.status != 0:
            raise RuntimeError(f"the single run on {kind} failed: {one.last_words}")
    return found


def contend(farm: Farm, folder: Path, options: argparse.Namespace, console: Console) -> Contest:
    """Let the jobs run."""
    contest, lock = Contest(), threading.Lock()
    with progress_bar(console, "single runs"):
        singles = alone(farm, folder)
    drawn = choices(farm, Random(options.seed))  # noqa: S311 - must be repeatable
    wanted = [next(drawn) for _ in range(options.runs)]
    watch = LockWatch(farm)
    watch.start()
    with progress_bar(console, f"{options.runs} runs, {options.jobs} at a time") as progress:

        def job(number: int) -> None:
            choice, kind = wanted[number]
            one = run(choice, folder / f"run-{number}", wait_s=_WAIT_S, seconds=_WAIT_S)
            with lock:
                contest.judge(one, singles[kind].run.folder)  # type: ignore[union-attr]
                contest.faults += exposed(farm)
                progress(len(contest.ended), options.runs)
                if options.verbose:
                    text = f"{number} {choice} {one.place} {one.status} {one.seconds:.0f} s"
                    console.print(text, markup=False, highlight=False)

        with ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(job, range(options.runs)))
    contest.faults += twice(contest.ended, watch.stop())
    contest.faults += left_behind(farm)
    return contest


def main(arguments: Sequence[str] | None = None) -> int:
    """Contend; print a table by board, write the figures; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="make farm-contention", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--jobs", type=int, default=6, help="at a time; default: %(default)s")
    parser.add_argument("--hosts", type=int, default=4, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--verbose", action="store_true", help="a line for each run")
    options = parser.parse_args(arguments)
    hosts.enter(_MODULE)
    console = Console()
    with ExitStack() as stack:
        # Short: sockets have their names in it.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="farm-")))
        with progress_bar(console, "the farm"):
            farm = stack.enter_context(running(folder, hosts=options.hosts))
        began = time.monotonic()
        contest = contend(farm, folder, options, console)
        took = time.monotonic() - began
        _show(farm, contest, console)
    figures = _figures(contest, options, took)
    console.print(f"{len(contest.ended)} runs in {took:.0f} s, {len(contest.faults)} faults")
    console.print(f"figures: {write_figures('farm-contention', figures)}", soft_wrap=True)
    return 1 if contest.faults else 0


def _show(farm: Farm, contest: Contest, console: Console) -> None:
    for fault in contest.faults:
        console.print(fault, markup=False, highlight=False)
    table = Table("place", "board", "host", "runs", "ended well", "median s", box=None)
    for bench in farm.benches:
        for board in bench.boards:
            mine = [one for one in contest.ended if one.place == board.name]
            median = f"{statistics.median(one.seconds for one in mine):.1f}" if mine else "-"
            well = sum(one.status == 0 for one in mine)
            cells = (board.name, board.kind, bench.host.name, len(mine), well, median)
            table.add_row(*map(str, cells))
    console.print(table)


def _figures(contest: Contest, options: argparse.Namespace, took: float) -> list[dict[str, Any]]:
    well = sum(one.status == 0 for one in contest.ended)
    seconds = [one.seconds for one in contest.ended]
    return [
        {"figure": "runs that ended well", "value": well, "unit": "runs",
         "compared_with": options.runs},
        {"figure": "faults", "value": len(contest.faults), "unit": "faults", "compared_with": 0,
         "told": contest.faults},
        {"figure": "all runs", "value": round(took, 1), "unit": "s", "compared_with": None,
         "jobs": options.jobs, "seed": options.seed},
        {"figure": "a run, from its start to its end with its wait for a board",
         "value": round(statistics.median(seconds), 1), "unit": "s, median",
         "compared_with": None, "most": round(max(seconds), 1)},
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
