"""``make bench-resume``: runs killed at random moments and resumed, against one that was not.

Each run is a process of its own, as a user starts it, and is killed by SIGKILL when its folder has
grown to a size drawn at random, or up to half a second later. In the end its figures and rows must
be those of a run that was not killed: nothing twice, nothing lost.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from tinyhil.benchmarks import write_figures
from tinyhil.catalog.measure import MeasureName
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.paths import ROOT
from tinyhil.ground.progress import progress_bar
from tinyhil.judge.verify.run import verify
from tinyhil.record.reading import read_rows
from tinyhil.record.rows import plain
from tinyhil.record.schema import Line
from tinyhil.record.store import read_run

_RUN_S = 900.0
_LOOK_S = 0.01
_LATER_S = 0.5
_STAMP_S = 2e-6
"""Time stamps are in whole microseconds: a time between two may differ by that."""


@dataclass(frozen=True)
class Setting:
    """What is run."""

    board: str
    task: str
    quick: bool
    seed: int

    @property
    def options(self) -> tuple[str, ...]:
        """Of pytest."""
        quick = ["--hil-quick"] if self.quick else []
        return ("--hil-board", self.board, "--hil-seed", str(self.seed), *quick)


@dataclass(frozen=True)
class Trial:
    """A run that was killed and resumed until it was finished."""

    kills: int
    rows: int
    asked_again: int
    """Answers that the device gave, and no row had yet when the run was killed."""
    torn: int
    """Lines that were cut off."""
    differences: tuple[str, ...]
    """From the run that was not killed, and what `verify` finds."""


def run_whole(setting: Setting, runs: Path) -> Path:
    """Run one to its end; returns its folder.

    Raises:
        RuntimeError: it fails.
    """
    with _process(setting, "--hil-runs", str(runs)) as process:
        _finish(process)
    (folder,) = _folders(runs)
    return folder


def run_killed(setting: Setting, runs: Path, lived: Path, kills: int, random: Random) -> Trial:
    """Kill a run some times, let it finish, and compare it.

    Raises:
        RuntimeError: it fails for another reason than being killed.
    """
    sizes = sorted(random.uniform(0, _size(lived)) for _ in range(kills))
    killed = 0
    for size in [*sizes, None]:
        found = _folders(runs)
        options = ("--hil-resume", str(found[0])) if found else ("--hil-runs", str(runs))
        with _process(setting, *options) as process:
            if size is None:
                _finish(process)
            elif _await_size(process, runs, size, random.uniform(0, _LATER_S)):
                killed += 1
            else:
                break  # It has finished before.
    (folder,) = _folders(runs)
    parts = json.loads((folder / "run.json").read_text())["parts"]
    report, other = verify(folder), verify(lived)
    differences = [f"verify: {finding}" for finding in report.findings]
    return Trial(
        killed,
        sum(made.rows for made in report.measures),
        report.answers - other.answers,
        sum(len(part["cut"]) for part in parts),
        (*differences, *compare(lived, folder)),
    )


def compare(lived: Path, folder: Path) -> Iterator[str]:
    """Where a run's measures, figures and rows differ from those of another one."""
    lines, others = _lines(folder), _lines(lived)
    if lines.keys() != others.keys():
        yield f"measures: {sorted(lines)}, not {sorted(others)}"
    yield from differing(lived, folder)


def differing(lived: Path, folder: Path) -> Iterator[str]:
    """Where figures and rows differ, in the measures that both runs have finished."""
    lines, others = _lines(folder), _lines(lived)
    for measure in sorted(lines.keys() & others.keys()):
        line, other = lines[measure], others[measure]
        if line.failed or other.failed:
            continue
        for name in sorted({*line.metrics, *other.metrics}):
            value, wanted = line.metrics.get(name), other.metrics.get(name)
            spread = _spread(other) if name == "throughput_ips" else 0.0
            if value is None or wanted is None or abs(value - wanted) > spread * wanted:
                yield f"{name}: {value}, not {wanted}"
        for path in sorted((lived / "raw").glob(f"*-{measure}.jsonl")):
            rows, known = (_rows(run / "raw" / path.name) for run in (folder, lived))
            if rows != known:
                yield f"{path.name}: {len(rows)} rows, not the same as the {len(known)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill, resume, compare; print a table, write the figures; 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="make bench-resume", description=__doc__)
    parser.add_argument("--board", default="mps2-an386", help="default: %(default)s")
    parser.add_argument("--task", default="kws01", help="default: %(default)s")
    parser.add_argument("--kills", type=int, default=50, help="kills in all; default: %(default)s")
    parser.add_argument("--per-run", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument(
        "--full", action="store_true", help="full runs by the rules, not quick ones"
    )
    options = parser.parse_args(arguments)
    setting = Setting(options.board, options.task, not options.full, options.seed)
    console, random = Console(), Random(setting.seed)  # noqa: S311 - must be repeatable
    trials: list[Trial] = []
    with tempfile.TemporaryDirectory(prefix="tinyhil-resume-") as scratch:
        with progress_bar(console, "a run that is not killed") as progress:
            lived = run_whole(setting, Path(scratch, "lived"))
        with progress_bar(console, f"{options.kills} kills") as progress:
            while (killed := sum(trial.kills for trial in trials)) < options.kills:
                progress(killed, options.kills)
                kills = min(options.per_run, options.kills - killed)
                runs = Path(scratch, f"killed-{len(trials)}")
                trials.append(run_killed(setting, runs, lived, kills, random))
    _show(trials, console)
    write_figures("resume", [_figure(setting, trials)])
    return 1 if any(trial.differences for trial in trials) else 0


def _show(trials: Sequence[Trial], console: Console) -> None:
    table = Table("run", "kills", "rows", "asked again", "torn lines", "differences", box=None)
    for number, trial in enumerate(trials, start=1):
        cells = (number, trial.kills, trial.rows, trial.asked_again, trial.torn)
        table.add_row(*map(str, cells), "; ".join(trial.differences) or "none")
    console.print(table)
    kills = sum(trial.kills for trial in trials)
    wrong = sum(bool(trial.differences) for trial in trials)
    console.print(
        f"{kills} kills in {len(trials)} runs; {wrong} runs differ from the one that was not killed"
    )


def _figure(setting: Setting, trials: Sequence[Trial]) -> dict[str, Any]:
    return {
        **asdict(setting),
        "unit": "runs that differ from one that was not killed",
        "value": sum(bool(trial.differences) for trial in trials),
        "compared_with": 0,
        "kills": sum(trial.kills for trial in trials),
        "trials": [asdict(trial) for trial in trials],
    }


@contextmanager
def _process(setting: Setting, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A run in a process of its own, which does not outlive the block."""
    command = [sys.executable, "-m", "pytest", "suites", "-k", setting.task, "-q"]
    # No report: it is made of what is compared, and takes longer than a quick run.
    command += ["-p", "no:allure_pytest", "-p", "no:cacheprovider", *setting.options, *options]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, text=True
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            if process.returncode not in (0, -signal.SIGKILL):
                output.seek(0)
                raise RuntimeError(f"the run failed:\n{output.read()[-4000:]}")


def _finish(process: subprocess.Popen[str]) -> None:
    process.wait(timeout=_RUN_S)


def _await_size(process: subprocess.Popen[str], runs: Path, size: float, later_s: float) -> bool:
    """Kill the run when its folder has this size, or a little later; False if it ends before."""
    deadline = Deadline.after(_RUN_S)
    while sum(map(_size, _folders(runs))) < size:
        if process.poll() is not None or deadline.expired:
            return False
        time.sleep(_LOOK_S)
    try:
        process.wait(timeout=later_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def _folders(runs: Path) -> list[Path]:
    """Run folders that can be resumed: those with a description."""
    return sorted(path.parent for path in runs.glob("*/run.json"))


def _size(folder: Path) -> int:
    """Bytes of the raw files of a run."""
    with os.scandir(folder / "raw") as entries:
        return sum(entry.stat().st_size for entry in entries)


def _lines(folder: Path) -> dict[MeasureName, Line]:
    found = read_run(folder).lines
    measures = [line.measure for line in found]
    assert len(set(measures)) == len(measures), f"measured twice: {measures}"
    return {line.measure: line for line in found}


def _spread(line: Line) -> float:
    """How much of a throughput the rounding of time stamps may be."""
    shortest = min(window["device_s"] for window in line.details["windows"])
    return float(_STAMP_S / shortest)


def _rows(path: Path) -> list[dict[str, Any]]:
    """The measure's own rows, without when they were, which is another time in each run."""
    rows = plain(row for _, row in read_rows(path)) if path.exists() else []
    return [
        {
            name: value
            for name, value in row.items()
            if name not in ("start_us", "end_us", "stamps_us", "host_s")
        }
        for row in rows
    ]


if __name__ == "__main__":
    sys.exit(main())
