"""``make farm-night``: what a board of the farm costs over the same board on the desk, by part.

One host with one board. The parts of a run are timed one by one, here over labgrid and ssh, and on
the host itself; then whole runs of all tasks, in the way of a night.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tinyhil.benchmarks import BUILD, write_figures
from tinyhil.benchmarks.farm import hosts
from tinyhil.benchmarks.farm.jobs import TASK
from tinyhil.benchmarks.farm.parts import Farm, PlayedBoard, running
from tinyhil.catalog.bench import Station, station_of_place, stations
from tinyhil.catalog.board import load_boards
from tinyhil.catalog.task import load_tasks
from tinyhil.data.material import stand_in_data, stand_in_model
from tinyhil.device.dut import attached
from tinyhil.device.links.serial import open_link
from tinyhil.device.session import Session
from tinyhil.flash import flash
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.paths import ROOT
from tinyhil.image.build import build

_MODULE = "tinyhil.benchmarks.farm.night"
_S = 300.0
_NIGHT_S = 4 * 3600.0
_LOADS = 10
_ROUND_TRIPS = 50
_PARTS = ("reserve", "ssh and serve", "flash", "open and synchronize", "a round trip",
          "a sample of text", "release", "a run of all tasks")  # fmt: skip


def parts_of(station: Station) -> dict[str, float]:
    """Seconds of each part of a run on a board, which is flashed with an image in any case."""
    task = load_tasks()[TASK]
    sample = stand_in_data(task, BUILD / "data").samples[0].data
    firmware = build(station.board, task, stand_in_model(task), BUILD / "night")
    other = build(station.board, task, stand_in_model(task), BUILD / "night-energy", energy=True)
    found: dict[str, float] = {}
    marks = [time.monotonic()]

    def told(_: str) -> None:
        marks.append(time.monotonic())

    with attached(station, wait_s=_S, tell=told) as dut:
        marks.append(time.monotonic())
        if len(marks) > 2:
            found["reserve"] = marks[1] - marks[0]
        found["ssh and serve"] = marks[-1] - marks[-2]
        flash(other.image, dut.board, dut.probe_uid, Deadline.after(_S))
        found["flash"] = _timed(
            lambda: flash(firmware.image, dut.board, dut.probe_uid, Deadline.after(_S))
        )
        began = time.monotonic()
        link = open_link(dut, Deadline.after(_S))
        session = Session(link)
        session.synchronize(Deadline.after(_S))
        found["open and synchronize"] = time.monotonic() - began
        found["a round trip"] = statistics.median(
            _timed(lambda: session.identify(Deadline.after(_S))) for _ in range(_ROUND_TRIPS)
        )
        found["a sample of text"] = statistics.median(
            _timed(lambda: session.load(sample, Deadline.after(_S))) for _ in range(_LOADS)
        )
        link.close()
        began = time.monotonic()
    return {**found, "release": time.monotonic() - began}


def _timed(step: Callable[[], object]) -> float:
    began = time.monotonic()
    step()
    return time.monotonic() - began


def _night(command: Sequence[str], folder: Path, options: Sequence[str]) -> float:
    """Seconds of a run of all tasks."""
    # On another host a program begins in its root folder.
    whole = [
        *(*command, "env", "-C", str(ROOT)),
        *(sys.executable, "-m", "pytest", "suites", "-p", "no:cacheprovider"),
        *("--hil-build", str(BUILD), "--hil-runs", str(folder), *options),
    ]
    began = time.monotonic()
    done = subprocess.run(whole, capture_output=True, text=True, timeout=_NIGHT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"a run failed: {(done.stdout + done.stderr)[-3000:]}")
    return time.monotonic() - began


def compared(farm: Farm, board: PlayedBoard, quick: bool) -> dict[str, dict[str, float]]:
    """Seconds on the desk and over the farm, by part."""
    bench = board.host.folder / "bench.toml"
    here = board.host.command()
    there = (sys.executable, "-m", _MODULE, "--desk", board.name, "--bench", str(bench))
    desk: dict[str, float] = json.loads(
        subprocess.run([*here, *there], check=True, capture_output=True, cwd=ROOT).stdout
    )
    boards = load_boards()
    over = parts_of(station_of_place(f"labgrid:board={board.kind}", boards))
    more = ("--hil-quick",) if quick else ()
    for found, command, choice in (
        (desk, here, ("--hil-bench", str(bench), "--hil-board", board.name)),
        (over, (), ("--hil-board", f"labgrid:{board.name}")),
    ):
        found["a run of all tasks"] = _night(command, farm.folder / "runs", (*choice, *more))
    return {"desk": desk, "farm": over}


def main(arguments: Sequence[str] | None = None) -> int:
    """Time; print a table, write the figures."""
    parser = argparse.ArgumentParser(prog="make farm-night", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="whole runs are quick ones")
    parser.add_argument("--desk", metavar="STATION", help=argparse.SUPPRESS)
    parser.add_argument("--bench", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.desk:
        station = stations(load_boards(), options.bench)[options.desk]
        sys.stdout.write(json.dumps(parts_of(station)))
        return 0
    hosts.enter(_MODULE)
    console = Console()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="night-")))
        farm = stack.enter_context(running(folder, hosts=1, each=1))
        found = compared(farm, farm.boards[0], options.quick)
    figures = _figures(found)
    table = Table("part", "desk, s", "farm, s", title=f"load {os.getloadavg()[0]:.0f}", box=None)
    for one in figures:
        table.add_row(str(one["figure"]), *(_cell(one[key]) for key in ("compared_with", "value")))
    console.print(table)
    console.print(f"figures: {write_figures('farm-night', figures)}", soft_wrap=True)
    return 0


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _figures(found: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    return [
        {"figure": part, "value": found["farm"].get(part), "unit": "s",
         "compared_with": found["desk"].get(part), "load": round(os.getloadavg()[0], 1)}
        for part in _PARTS
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
