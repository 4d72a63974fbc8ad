"""The part of ``make bench-link`` that plays firmware of the field: the official way, and ours.

Such firmware receives in two ways: with a buffer that an interrupt fills, and polling. Our host,
which lowers an adapter's timer where the system allows it, is compared with the official way at the
adapter's own 16 ms as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice, pairwise, product
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from tinyhil.catalog.task import Task, Window, load_tasks
from tinyhil.device.links import Link
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.protocol import FULL_PIECE_BYTES, OFFICIAL_PIECE_BYTES
from tinyhil.device.queries.text import TextQueries
from tinyhil.device.session import Session
from tinyhil.emulator.foreign import PacedDevice
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.progress import progress_bar

BAUDS, TIMERS_MS = (115_200, 921_600), (1, 16)
"""Rates, and latency timers of adapters."""

_FOREIGN_TASKS = ("kws01", "ic01")
LEARNT_BY, _TURNS, _WINDOWS_A_TURN = 4, 4, 4
"""Windows by which all is learnt of a firmware; turns of each way to ask; windows of a turn."""

STEP_S = 60.0
"""What no step takes."""


def stop_and_wait(link: Link, windows: Iterable[Window]) -> Iterator[None]:
    """Infer each window as the official runner does: a command, its answer, the next one."""
    deadline = Deadline.after(STEP_S * 60)

    def ask(command: str) -> None:
        link.write(command.encode("ascii"), deadline)
        answer = b""
        while not answer.endswith(b"m-ready\r\n"):
            answer += link.read(deadline)

    for window in windows:
        ask(f"db load {len(window.data)}%")
        for start in range(0, len(window.data), OFFICIAL_PIECE_BYTES):
            ask(f"db {window.data[start : start + OFFICIAL_PIECE_BYTES].hex()}%")
        ask("infer 1 0%")
        yield


def sample_windows(task: Task) -> Iterator[tuple[Window, ...]]:
    """Windows of one made-up sample after another, forever; their content does not matter."""
    rng = np.random.default_rng(1)
    while True:
        yield task.input.windows(rng.bytes(task.input.bytes))


def compared(console: Console) -> list[dict[str, float | str]]:
    """Firmware of the field at the boot rate, by both receive paths and both timers."""
    cells = list(product(_FOREIGN_TASKS, (False, True), TIMERS_MS))
    with progress_bar(console, "foreign") as progress, ThreadPoolExecutor(len(TIMERS_MS)) as pool:
        found = []
        for one in pool.map(lambda cell: _measure_foreign(*cell), cells):
            found.append(one)
            progress(len(found), len(cells))
    return found


def _measure_foreign(name: str, polled: bool, timer_ms: int) -> dict[str, float | str]:
    """Both ways over one wire, in turns, so that what else the host does meets both."""
    task, baud = load_tasks()[name], BAUDS[0]
    device = PacedDevice(name, _answer, infer_us=1, baud=baud, latency_ms=timer_ms, polled=polled)
    official: list[float] = []
    ours: list[float] = []
    with device:
        link = SerialLink(device.port, baud)
        try:
            session = Session(link)
            session.synchronize(Deadline.after(STEP_S))
            session.identify(Deadline.after(STEP_S))
            queries = TextQueries(session, baud=baud)
            for _ in queries.each(next(sample_windows(task))[0] for _ in range(LEARNT_BY)):
                pass  # It is learnt how the firmware writes: once a session, not a sample.
            for _ in range(_TURNS):
                official += _each_s(task, lambda some: stop_and_wait(link, some))
                ours += _each_s(task, queries.each)
        finally:
            link.close()
    return {
        "foreign": name,
        "receives": "polled" if polled else "by interrupt",
        "timer_ms": float(timer_ms),
        "stop_and_wait_s": median(official),
        "ours_s": median(ours),
        "wire_s": task.input.bytes * (2 + 4 / FULL_PIECE_BYTES) * 10 / baud,
        "ahead": float(session.ahead),
        "behind": float(session.behind or 0),
        "healed": float(sum(queries.healed.values())),
        "unit": "s of the host's clock a window, median; paced UART, inference takes no time",
    }


def _each_s(task: Task, ask: Callable[[Iterable[Window]], Iterator[object]]) -> list[float]:
    """Seconds of each window but the first, which waits for the last one of the turn before."""
    some = list(islice(chain.from_iterable(sample_windows(task)), 1 + _WINDOWS_A_TURN))
    stamps = [time.monotonic() for _ in ask(some)]
    return [later - earlier for earlier, later in pairwise(stamps)]


def _answer(data: bytes) -> Sequence[float]:
    return [1.0 - data[0] / 512, data[0] / 512]


def table_of(found: Sequence[dict[str, float | str]]) -> Table:
    table = Table(
        *("task", "receives", "timer, ms", "stop and wait", "ours", "wire's limit", "of limit"),
        *("faster", "at most", "than at 16 ms", "healed"),
        title=f"foreign firmware: ms a window at {BAUDS[0]} baud",
        box=None,
    )
    slow = {
        (one["foreign"], one["receives"]): float(one["stop_and_wait_s"])
        for one in found
        if one["timer_ms"] == max(TIMERS_MS)
    }
    for one in found:
        official, ours, wire = (float(one[k]) for k in ("stop_and_wait_s", "ours_s", "wire_s"))
        table.add_row(
            *(str(one["foreign"]), str(one["receives"]), f"{one['timer_ms']:g}"),
            *(f"{1e3 * s:.1f}" for s in (official, ours, wire)),
            *(f"{wire / ours:.1%}", f"{official / ours:.2f} x", f"{official / wire:.2f} x"),
            f"{slow[one['foreign'], one['receives']] / ours:.2f} x",
            f"{one['healed']:g}",
        )
    return table
