"""``make farm-soak``: runs on a farm's boards, each struck by a fault of hosts, links or boards.

One run at a time on each host, by seed: a fault strikes at a moment drawn at random, and is mended
a moment later or only after the run. Half of the runs may bring their boards back. Each run must
end in its time: well, or with an error of the right class; no figure may be another one than that
of a run without a fault. Then nothing may be left behind, and the board must be usable: where a run
measured nothing, the next one there has no fault, and must end well.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from tinyhil.benchmarks import write_figures
from tinyhil.benchmarks.farm import hosts
from tinyhil.benchmarks.farm.faults import ALWAYS, ENDS, KINDS_OF_FAULT, Fault, Scene
from tinyhil.benchmarks.farm.jobs import Ended, Job, run
from tinyhil.benchmarks.farm.leftovers import left_behind, orphans_of
from tinyhil.benchmarks.farm.parts import Bench, Farm, PlayedBoard, running
from tinyhil.device.far.coordinator import known, once_there, take_back
from tinyhil.device.far.janitor import sweep
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import TinyhilError
from tinyhil.ground.progress import progress_bar

_MODULE = "tinyhil.benchmarks.farm.soak"
_RUN_S = 900.0
"""How long a run may take on a busy machine, with every call of it that waits as long as it may."""
_SETTLED_S, _EXPORTED_S = 60.0, 300.0
_LOOK_S = 0.05
_LATER_S = 4.0
_BRIEF_S = 3.0
_MOMENTS = ("collected", "of labgrid", "bytes held", "single-stream", "throughput")
"""What a run prints before a fault may strike."""
_CRASHES = ("Traceback (most recent call last)", "INTERNALERROR", "Exception ignored")


@dataclass(frozen=True)
class Plan:
    """A fault that is to strike."""

    number: int
    fault: Fault
    moment: str
    later_s: float
    brief: bool
    """Whether it is mended while the run goes on."""
    disk_kb: int
    recover: bool
    """Whether the run may bring its board back by itself."""


@dataclass
class Outcomes:
    """How the runs that were struck by one kind of fault have ended."""

    struck: int = 0
    well: int = 0
    recovered: int = 0
    """Of those, runs that brought their board back."""
    quarantined: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    """Runs with a figure that is not that of a run without a fault."""
    surprises: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    """From the fault to the end of the run."""


def plans(count: int, seed: int) -> Iterator[Plan]:
    """Faults by a seed, each kind as often as the others."""
    random = Random(seed)  # noqa: S311 - must be repeatable
    kinds: list[Fault] = []
    for number in range(count):
        kinds = kinds or random.sample(KINDS_OF_FAULT, len(KINDS_OF_FAULT))
        moment, later_s = random.choice(_MOMENTS), random.uniform(0, _LATER_S)
        brief, disk_kb = random.random() < 2 / 3, random.randrange(16, 300)
        recover = random.random() < 1 / 2
        yield Plan(number, kinds.pop(), moment, later_s, brief, disk_kb, recover)


class Soak:
    """All runs of a soak.

    Args:
        farm: that runs.
        folder: for the runs.
        planned: what is to strike.
        tell: is told after each run how many faults have struck.
    """

    def __init__(
        self, farm: Farm, folder: Path, planned: Iterator[Plan], tell: Callable[[int], None]
    ) -> None:
        self.outcomes: dict[str, Outcomes] = defaultdict(Outcomes)
        self.farm = farm
        self._folder = folder
        self._planned = planned
        self._tell = tell
        self._lock = threading.Lock()
        self._singles: dict[str, Path] = {}
        self._clean = 0
        self.clean_failed: list[str] = []

    def on(self, bench: Bench) -> None:
        """One run after the other on a host's boards, until no fault is left."""
        usable = dict.fromkeys((board.name for board in bench.boards), False)
        while plan := self._next():
            board = bench.boards[plan.number // 2 % len(bench.boards)]
            if not usable[board.name]:
                self._without_fault(board)
            usable[board.name] = self._struck(Scene(self.farm, bench, board), plan)
        for board in bench.boards:
            if not usable[board.name]:
                self._without_fault(board)

    def _next(self) -> Plan | None:
        with self._lock:
            return next(self._planned, None)

    def _without_fault(self, board: PlayedBoard) -> None:
        """The board must be usable, whatever has happened to it."""
        with self._lock:
            self._clean += 1
            number = self._clean
        # A coordinator's death may strike this one too, as it is everybody's: then once more.
        for attempt in range(3):
            folder = self._folder / f"clean-{number}-{attempt}"
            self.farm.await_exported(Deadline.after(_EXPORTED_S))
            ended = run(f"labgrid:{board.name}", folder, wait_s=_SETTLED_S, seconds=_RUN_S)
            if ended.status == 0 or not self.farm.coordinator.began > ended.began:
                break
        wrong: list[str] = []
        if ended.status == 0 and ended.run:
            with self._lock:
                single = self._singles.setdefault(board.kind, ended.run.folder)
            wrong = list(ended.wrong(single))
        if ended.status != 0 or wrong:
            with self._lock:
                text = f"clean run {number} on {board.name}: {ended.status} {wrong}"
                self.clean_failed.append(f"{text}\n{ended.last_words}")

    def _struck(self, scene: Scene, plan: Plan) -> bool:
        """A run with a fault; returns whether it showed that the board was usable."""
        folder = self._folder / f"run-{plan.number}"
        folder.mkdir()
        with _disk(folder / "runs", plan):
            hit = time.monotonic()
            if plan.fault.before:
                plan.fault.strike(scene)
            options = ("--hil-recover", "on" if plan.recover else "off")
            scene.job = job = Job(f"labgrid:{scene.board.name}", folder, _SETTLED_S, options)
            struck = plan.fault.before or _await(job, plan)
            if struck and not plan.fault.before:
                hit = time.monotonic()
                plan.fault.strike(scene)
                if plan.brief:
                    _pause(job, _BRIEF_S)
                    plan.fault.mend(scene)
            ended = job.wait(_RUN_S)
            took = time.monotonic() - hit
            if struck and not plan.brief and not plan.fault.before:
                plan.fault.mend(scene)
            left = list(self._left(scene, plan.fault.name))
            self._judge(scene, plan, ended, took if struck else None, left)
            return ended.finished() > 0 and not left

    def _left(self, scene: Scene, fault: str) -> Iterator[str]:
        """What is left behind of a run, after the janitor's work; a quarantine is ended."""
        deadline = Deadline.after(_SETTLED_S)
        while (orphans := list(orphans_of(scene.bench.host))) and not deadline.expired:
            deadline.pause(0.5)
        yield from orphans
        try:
            # Another run's fault may be that the coordinator is gone.
            once_there(lambda: self._clean_up(scene, fault), Deadline.after(_EXPORTED_S))
        except TinyhilError as error:
            yield f"the janitor: {error}"

    def _clean_up(self, scene: Scene, fault: str) -> None:
        list(sweep())
        if any(one.name == scene.board.name and one.quarantined for one in known()):
            take_back(scene.board.name)
            with self._lock:
                self.outcomes[fault].quarantined += 1

    def _judge(
        self, scene: Scene, plan: Plan, ended: Ended, took: float | None, left: Sequence[str]
    ) -> None:
        with self._lock:
            outcomes = self.outcomes[plan.fault.name]
            wrong = []
            if single := self._singles.get(scene.board.kind):
                wrong = list(ended.wrong(single))
            outcomes.wrong += bool(wrong)
            # A coordinator's death, which another plan has brought, strikes this run too.
            twice = self.farm.coordinator.began > ended.began
            told = [*surprises(plan.fault, ended, twice=twice), *wrong, *left]
            where = f"run {plan.number} on {scene.board.name}, {plan.fault.name}"
            if told:
                text = "\n".join(told)
                outcomes.surprises.append(f"{where} after '{plan.moment}': {text}")
            if took is not None:
                outcomes.struck += 1
                outcomes.slowest_s = max(outcomes.slowest_s, took)
                outcomes.well += ended.status == 0
                outcomes.recovered += ended.status == 0 and ended.recovered
                outcomes.errors.update(
                    ended.errors or ((f"status {ended.status}",) * (ended.status != 0))
                )
            self._tell(sum(one.struck for one in self.outcomes.values()))


def surprises(fault: Fault, ended: Ended, *, twice: bool = False) -> Iterator[str]:
    """What is not as it should be in how a run has ended.

    Args:
        fault: that has struck it.
        ended: how it has ended.
        twice: whether another fault has struck it too.
    """
    if ended.status is None:
        yield f"it did not end in {_RUN_S:.0f} s: {ended.last_words}"
        return
    if ended.status not in fault.statuses | (ENDS if twice else frozenset()):
        yield f"status {ended.status}: {ended.last_words}"
    for word in _CRASHES:
        if word in ended.said:
            yield f"it said {word}: {ended.last_words}"
    if other := set(ended.errors) - {name.lower() for name in ALWAYS | fault.errors}:
        yield f"errors of the class {', '.join(sorted(other))}: {ended.last_words}"
    if ended.status in (1, 4) and not ended.errors:
        yield f"it failed without an error's class: {ended.last_words}"


def _await(job: Job, plan: Plan) -> bool:
    """Wait for the moment that a fault strikes; False if the run has ended before."""
    deadline = Deadline.after(_RUN_S)
    while plan.moment not in job.said:
        if job.process.poll() is not None or deadline.expired:
            return False
        deadline.pause(_LOOK_S)
    return _pause(job, plan.later_s)


def _pause(job: Job, seconds: float) -> bool:
    """Wait as long as the run lives, at most some seconds; whether it lives."""
    try:
        job.process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


@contextmanager
def _disk(folder: Path, plan: Plan) -> Iterator[None]:
    """A disk of the runs' own, which is small where it is to be full."""
    if plan.fault.name != "disk full":
        yield
        return
    folder.mkdir()
    size = f"size={plan.disk_kb}k"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Strike; print a table by fault, write the figures; 1 if anything was not as it should be."""
    parser = argparse.ArgumentParser(prog="make farm-soak", description=__doc__)
    parser.add_argument("--faults", type=int, default=300, help="default: %(default)s")
    parser.add_argument("--boards", type=int, default=2, help="of a host; default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    options = parser.parse_args(arguments)
    hosts.enter(_MODULE)
    console, began = Console(), time.monotonic()
    with ExitStack() as stack:
        # Short: sockets have their names in it.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        with progress_bar(console, "the farm"):
            farm = stack.enter_context(running(folder, each=options.boards))
        progress = stack.enter_context(progress_bar(console, f"{options.faults} faults"))

        def tell(struck: int) -> None:
            progress(struck, options.faults)
            _write(soak, (), options, began)

        soak = Soak(farm, folder, plans(options.faults, options.seed), tell)
        threads = [threading.Thread(target=soak.on, args=(bench,)) for bench in farm.benches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        once_there(lambda: list(sweep()), Deadline.after(_EXPORTED_S))
        left = tuple(left_behind(farm))
    return _show(soak, left, options, began, console)


def _show(
    soak: Soak, left: Sequence[str], options: argparse.Namespace, began: float, console: Console
) -> int:
    told = [text for one in soak.outcomes.values() for text in one.surprises]
    told += [*soak.clean_failed, *left]
    for text in told:
        console.print(text, markup=False, highlight=False)
    table = Table(
        "fault",
        "struck",
        "well",
        "recovered",
        "quarantined",
        "wrong",
        "surprises",
        "slowest s",
        "errors",
        box=None,
    )
    for name, one in sorted(soak.outcomes.items()):
        errors = ", ".join(f"{error} {count}" for error, count in one.errors.most_common())
        cells = (
            *(name, one.struck, one.well, one.recovered, one.quarantined, one.wrong),
            *(len(one.surprises), f"{one.slowest_s:.0f}"),
        )
        table.add_row(*map(str, cells), errors)
    console.print(table)
    struck = sum(one.struck for one in soak.outcomes.values())
    console.print(f"{struck} faults in {time.monotonic() - began:.0f} s, {len(told)} surprises")
    path = _write(soak, left, options, began)
    console.print(f"figures: {path}", soft_wrap=True)
    return 1 if told else 0


def _write(soak: Soak, left: Sequence[str], options: argparse.Namespace, began: float) -> Path:
    """The figures so far: a soak that is ended early leaves them."""
    figures: list[dict[str, Any]] = [
        {"figure": name, "value": one.struck, "unit": "faults", "compared_with": None,
         "well": one.well, "recovered": one.recovered, "quarantined": one.quarantined,
         "errors": dict(one.errors), "wrong": one.wrong,
         "slowest_s": round(one.slowest_s, 1), "surprises": one.surprises}
        for name, one in sorted(soak.outcomes.items())
    ]  # fmt: skip
    surprising = sum(len(one.surprises) for one in soak.outcomes.values())
    figures.append({
        "figure": "surprises", "value": surprising + len(soak.clean_failed) + len(left),
        "unit": "runs", "compared_with": 0, "clean_failed": soak.clean_failed, "left": list(left),
        "seed": options.seed, "seconds": round(time.monotonic() - began),
    })  # fmt: skip
    return write_figures("farm-soak", figures)


if __name__ == "__main__":
    sys.exit(main())
