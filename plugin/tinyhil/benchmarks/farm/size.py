"""``make farm-size``: what labgrid's calls cost where its coordinator knows a thousand boards.

The coordinator and an exporter a host, for real and on this machine alone, without boards: what is
timed is how a run gets its board and gives it back, for a small farm and for a large one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table

from tinyhil.benchmarks import write_figures
from tinyhil.benchmarks.farm import tools
from tinyhil.catalog.places import wanted
from tinyhil.device.far import coordinator, labgrid
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.progress import Progress, progress_bar

_KIND = "mps2-an386"
_TAKEN = 5
_START_S = 600.0
_LOOK_S = 1.0


@dataclass(frozen=True)
class Spent:
    """What one use has taken, in seconds: of a clock, of a core here, and of the coordinator's."""

    clock: float
    caller: float
    coordinator: float


def size(boards: int, hosts: int, folder: Path, progress: Progress) -> dict[str, float]:
    """Figures of a farm of some boards on some hosts, by name.

    Args:
        boards: how many.
        hosts: that they are plugged into, as many into each.
        folder: an empty one.
        progress: is told how many of them are offered.
    """
    with _farm(boards, hosts, folder, progress) as (served, exporters):
        took = [_spent(served, _once) for _ in range(_TAKEN)]
        listed = [_spent(served, coordinator.places) for _ in range(_TAKEN)]
        memory = served.memory_info().rss
        each = median(one.memory_info().rss for one in exporters)
    mib = 1 << 20
    return {
        "a board taken and given back, s": median(one.clock for one in took),
        "of a core of the run's host, s": median(one.caller for one in took),
        "of the coordinator's core, s": median(one.coordinator for one in took),
        "all boards listed, s": median(one.clock for one in listed),
        "its listing of the coordinator's core, s": median(one.coordinator for one in listed),
        "coordinator's memory, MiB": memory / mib,
        "an exporter's memory, MiB": each / mib,
    }


def _once() -> None:
    """As a run does it that takes any board of a type."""
    with labgrid.acquired(wanted(f"board={_KIND}", "here"), wait_s=_START_S):
        pass


def _spent(served: psutil.Process, use: Callable[[], object]) -> Spent:
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    theirs = served.cpu_times()
    use()
    after, done = resource.getrusage(resource.RUSAGE_CHILDREN), served.cpu_times()
    caller = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    core = done.user + done.system - theirs.user - theirs.system
    return Spent(time.monotonic() - began, caller, core)


@contextmanager
def _farm(
    boards: int, hosts: int, folder: Path, progress: Progress
) -> Iterator[tuple[psutil.Process, Sequence[psutil.Process]]]:
    """A coordinator that knows all these places, and exporters that offer them."""
    names = {
        f"bench{host}": [f"b{host}-{board}" for board in range(boards // hosts)]
        for host in range(hosts)
    }
    # It reads its places when it starts: JSON is YAML too.
    places = {name: _place(host, name) for host, some in names.items() for name in some}
    (folder / "places.yaml").write_text(json.dumps(places), encoding="utf-8")
    address = f"127.0.0.1:{tools.free_port()}"
    os.environ |= {
        "LG_COORDINATOR": address,
        coordinator.PROGRAM_VARIABLE: str(tools.LABGRID / "labgrid-client"),
    }
    with ExitStack() as stack:
        served = _started(stack, folder, "labgrid-coordinator", "-l", address)
        coordinator.once_there(coordinator.known, Deadline.after(_START_S))
        exporters = []
        for host, some in names.items():
            file = folder / f"{host}.yaml"
            offered = {name: {coordinator.BOARD: {"board": _KIND, "host": host}} for name in some}
            file.write_text(json.dumps(offered), encoding="utf-8")
            exporters.append(_started(stack, folder, "labgrid-exporter", "--name", host, str(file)))
        deadline = Deadline.after(_START_S)
        there = 0
        while there < len(places):
            if deadline.expired:
                raise TimeoutError(f"only {there} boards are offered after {_START_S:.0f} s")
            deadline.pause(_LOOK_S)
            there = sum(one.free for one in coordinator.places())
            progress(there, len(places))
        yield served, exporters


def _started(stack: ExitStack, folder: Path, program: str, *arguments: str) -> psutil.Process:
    """A program of labgrid's, until the stack is closed; what it says goes nowhere."""
    process = subprocess.Popen(
        [str(tools.LABGRID / program), *arguments], cwd=folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    stack.callback(process.wait)
    stack.callback(process.kill)
    return psutil.Process(process.pid)


def _place(host: str, name: str) -> dict[str, object]:
    """As the coordinator saves one."""
    match = {"exporter": host, "group": name, "cls": "*", "name": None, "rename": None}
    return {
        "aliases": [], "comment": "", "tags": {"board": _KIND}, "matches": [match],
        "acquired": None, "acquired_resources": [], "allowed": [], "created": 0.0,
        "changed": 0.0, "reservation": None,
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Time; print a table, write the figures."""
    parser = argparse.ArgumentParser(prog="make farm-size", description=__doc__)
    parser.add_argument("--boards", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--hosts", type=int, default=50, help="default: %(default)s")
    options = parser.parse_args(arguments)
    console, found = Console(), []
    for boards, hosts in ((8, 4), (options.boards, options.hosts)):
        with (
            tempfile.TemporaryDirectory(prefix="size-") as folder,
            progress_bar(console, f"{boards} boards on {hosts} hosts") as progress,
        ):
            found.append(size(boards, hosts, Path(folder), progress))
    small, large = found
    names = ("8 boards", f"{options.boards:,} boards")
    table = Table("figure", *names, title=f"load {os.getloadavg()[0]:.0f}", box=None)
    for figure in large:
        table.add_row(figure, f"{small[figure]:.3g}", f"{large[figure]:.3g}")
    console.print(table)
    figures = [
        {"figure": figure.partition(", ")[0], "value": large[figure],
         "unit": figure.rpartition(", ")[2], "compared_with": small[figure],
         "boards": options.boards, "load": round(os.getloadavg()[0], 1)}
        for figure in large
    ]  # fmt: skip
    console.print(f"figures: {write_figures('farm-size', figures)}", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
