"""``make bench-checks RUN=FOLDER``: what the default checks of a run cost, by task and measure.

The device's own time, from the rows: of queries that only prove others, warm-ups with them, beside
those that a figure is made of. The model on this machine is timed on the run's whole set, where the
data are at hand; it is built before.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tinyhil.benchmarks import BUILD, write_figures
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import load_tasks
from tinyhil.data.material import material
from tinyhil.ground.errors import TinyhilError
from tinyhil.image.reference import reference
from tinyhil.measure.roles import CANARY
from tinyhil.record.reading import read_rows
from tinyhil.record.rows import Row, seconds_of
from tinyhil.record.schema import RAW
from tinyhil.record.store import read_run

_TIMES = ("own_s", "canaries_s", "others_s", "all_s")
_MEASURES = (MeasureName.ACCURACY, MeasureName.SINGLE_STREAM, MeasureName.THROUGHPUT)


@dataclass(frozen=True)
class Cost:
    """Of one measure."""

    task: str
    measure: str
    own_s: float
    """Of queries that figures are made of."""
    canaries_s: float
    """Of changed samples, which are in no figure."""
    others_s: float
    """Of other queries that only prove those of the figures."""
    all_s: float
    """The whole measure, by the host's clock."""
    unit: str = "seconds of the device's clock; all_s: of the host's"


def _seconds(row: Row) -> float:
    """Of the device, with the warm-up before."""
    if "stamps_us" in row:
        return float(sum(end - start for start, end in row["stamps_us"]) * 1e-6)
    count: int = row.get("count", len(row.get("times", ())) or 1)
    warm_up: int = row.get("warm_up", 0)
    return seconds_of(row) * (count + warm_up) / count


def costs(folder: Path) -> Iterator[Cost]:
    """Of each measure of a run that has such checks.

    Raises:
        ConfigError: the folder is no run, or a file of it can't be read.
    """
    for line in read_run(folder).lines:
        if line.measure not in _MEASURES:
            continue
        own_s = canaries_s = others_s = 0.0
        for _, row in read_rows(folder / RAW / f"{line.task}-{line.measure}.jsonl"):
            if not {"stamps_us", "start_us"} & row.keys():
                continue  # Says something of the others.
            role = row.get("role")
            if role is None:
                own_s += _seconds(row)
            elif role.startswith(CANARY):
                canaries_s += _seconds(row)
            else:
                others_s += _seconds(row)
        yield Cost(line.task, str(line.measure), own_s, canaries_s, others_s, line.seconds)


def host_seconds(name: str, data: Path | None) -> float:
    """Of the model on this machine, for all samples of a task.

    Raises:
        TinyhilError: there are no data, or the model can't be built here.
    """
    task = load_tasks()[name]
    given = material(task, data, BUILD / "data")
    if given.model_file is None:
        return 0.0
    with tempfile.TemporaryDirectory() as folder:
        program = reference(task, given.model_file, Path(folder))
        if program is None:
            return 0.0
        windows = partial(task.input.windows, all_windows=False)
        inputs = [window.data for sample in given.data.samples for window in windows(sample.data)]
        start = time.perf_counter()
        program.answers(inputs)
        return time.perf_counter() - start


def _table(found: Sequence[Cost]) -> Table:
    """A row for each measure, and one for each task."""
    table = Table("task", "measure", box=None)
    for name in ("figures", "canaries", "", "other checks", "", "all"):
        table.add_column(name, justify="right")
    for task in dict.fromkeys(cost.task for cost in found):
        own = [cost for cost in found if cost.task == task]
        for cost in own:
            spent = (cost.own_s, cost.canaries_s, cost.others_s, cost.all_s)
            table.add_row(task, cost.measure, *_cells(*spent))
        sums = (sum(getattr(cost, name) for cost in own) for name in _TIMES)
        table.add_row(task, "together", *_cells(*sums), style="bold")
    return table


def _cells(own_s: float, canaries_s: float, others_s: float, all_s: float) -> Iterator[str]:
    whole = own_s + canaries_s + others_s
    yield f"{own_s:.2f}"
    for spent in (canaries_s, others_s):
        yield f"{spent:.2f}"
        yield f"{spent / whole:.1%}"
    yield f"{all_s:.1f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; ``reports/bench/checks.json`` keeps it."""
    parser = argparse.ArgumentParser(prog="make bench-checks", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a run")
    parser.add_argument("--data", type=Path, help="folder of the official data")
    options = parser.parse_args(arguments)
    try:
        found = list(costs(options.run))
    except TinyhilError as error:
        parser.error(str(error))
    console = Console()
    console.print("Seconds of the device's clock; all: of the host's.")
    console.print(_table(found))
    for task in dict.fromkeys(cost.task for cost in found):
        spent_s = host_seconds(task, options.data)
        console.print(f"{task}: the model on this machine, whole set: {spent_s:.1f} s")
    write_figures("checks", [asdict(cost) for cost in found])
    return 0


if __name__ == "__main__":
    sys.exit(main())
