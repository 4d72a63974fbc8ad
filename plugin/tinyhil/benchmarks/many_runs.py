"""``make bench-many``: how long results, history and gate take over thousands of runs.

A real run is taken many times over, each with a time and a board of its own, and sealed: so a farm
of twelve boards looks after most of a year of nights. What does not differ is linked, not copied.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from tinyhil.benchmarks import write_figures
from tinyhil.record.description import read_description
from tinyhil.record.reading import list_files
from tinyhil.record.schema import LINES, RUN, SEAL, SIGNATURE
from tinyhil.record.seal import read_seal, rendered
from tinyhil.record.sums import sum_of

_FIRST = datetime(2026, 1, 1, 22, 30, tzinfo=UTC)
_LIMIT_S = 1.0


def make_runs(source: Path, runs: Path, count: int, stations: int) -> tuple[Path, ...]:
    """Make many runs of one, which stays as it is.

    Args:
        source: folder of a sealed run.
        runs: folder for the others, on the same file system.
        count: of runs.
        stations: boards that measure each night.
    """
    sealed = read_seal(source)
    names = [name for name in list_files(source) if name not in (RUN, LINES, SEAL, SIGNATURE)]
    description = json.loads((source / RUN).read_bytes())
    lines = [json.loads(line) for line in (source / LINES).read_bytes().splitlines()]
    made = []
    for number in range(count):
        night, board = divmod(number, stations)
        began = _FIRST + timedelta(days=night, seconds=board)
        station = f"{description['configuration']['station']}-{board}"
        folder = runs / f"{began:%Y%m%dT%H%M%SZ}_{station}"
        for name in names:
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.hardlink_to(source / name)
        (folder / RUN).write_text(json.dumps(_described(description, folder.name, station)))
        (folder / LINES).write_text("".join(
            json.dumps({**line, "run": folder.name, "station": station,
                        "started": began.isoformat()}) + "\n"
            for line in lines
        ))  # fmt: skip
        sums = {name: sum_of(folder / name) for name in (RUN, LINES)}
        changes = {
            "run": folder.name, "files": {**sealed.files, **sums},
            "configuration_sha256": sums[RUN].sha256,
        }  # fmt: skip
        (folder / SEAL).write_bytes(rendered(sealed.model_copy(update=changes)))
        made.append(folder)
    return tuple(made)


def _described(description: dict[str, Any], run: str, station: str) -> dict[str, Any]:
    jobs = {
        task: {**job, "subject": {**job["subject"], "station": station}}
        for task, job in description["jobs"].items()
    }
    configuration = {**description["configuration"], "station": station}
    return {**description, "run": run, "configuration": configuration, "jobs": jobs}


def timed(*command: str) -> float:
    """Seconds of a core that a command takes, as a process of its own, when it is not the first."""
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(spent[1:])


_HISTORY = """
import sys
from pathlib import Path
from tinyhil.publish.report.history import series
for task in sys.argv[2:]:
    assert len(series(Path(sys.argv[1]), task)[1]) > 1
"""


def seconds(runs: Sequence[Path]) -> dict[str, float]:
    """What each use of so many runs takes."""
    tasks = list(read_description(runs[-1]).jobs)
    command, where = ("-m", "tinyhil.cli.main"), str(runs[0].parent)
    return {
        "tinyhil results": timed(*command, "results", where, "--format", "json"),
        "results of one run": timed(*command, "results", str(runs[-1]), "--format", "json"),
        "history of a report": timed("-c", _HISTORY, str(runs[-1]), *tasks),
        "tinyhil gate": timed(*command, "gate", str(runs[-1]), str(runs[-1])),
        "tinyhil runs prune": timed(*command, "runs", "prune", where, "--days", "30"),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the runs, use them, print how long it took; 1 if one use took longer than a second."""
    parser = argparse.ArgumentParser(prog="make bench-many", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN", help="a sealed run, taken many times")
    parser.add_argument("--runs", type=int, default=3000, help="default: 3000")
    parser.add_argument("--stations", type=int, default=12, help="default: 12")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.run.parent) as made:
        runs = make_runs(options.run, Path(made) / "runs", options.runs, options.stations)
        found = seconds(runs)
    figures = [
        {"use": use, "runs": options.runs, "value": round(value, 3), "unit": "s of a core",
         "compared with": f"{_LIMIT_S:g} s"}
        for use, value in found.items()
    ]  # fmt: skip
    console = Console()
    for use, value in found.items():
        text = f"{use}: {value:.2f} s of a core over {options.runs:,} runs"
        console.print(text, soft_wrap=True)
    console.print(f"figures: {write_figures('many-runs', figures)}", soft_wrap=True)
    return 1 if max(found.values()) > _LIMIT_S else 0


if __name__ == "__main__":
    raise SystemExit(main())
