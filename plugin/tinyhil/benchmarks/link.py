"""``make bench-link``: how near to its wire's limit a device is fed, and the host's cost of it.

The devices are replayed ones: the firmware's own core as processes of this machine, behind a wire
that is paced as 8N1 and a USB adapter with its latency timer. Our two ways of asking are compared
with the official runner's, by a client of our own: 31 bytes a command, and a wait after each.
Times are the host's clock; nothing here says how fast a processor is.

Firmware of the field is played too: see `link_foreign`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import chain, islice, product
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tinyhil.benchmarks import BUILD, write_figures
from tinyhil.benchmarks.link_foreign import (
    BAUDS,
    LEARNT_BY,
    STEP_S,
    TIMERS_MS,
    compared,
    sample_windows,
    stop_and_wait,
    table_of,
)
from tinyhil.catalog.task import Task, Window, load_tasks
from tinyhil.device.links import Link
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.queries.framed import FramedQueries
from tinyhil.device.queries.text import TextQueries
from tinyhil.device.raw_log import RecordedLink
from tinyhil.device.session import Session
from tinyhil.emulator.native import NativeDevice, NativeFacts
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.progress import progress_bar

SETS = {
    "kws01": (1000, 75_000),
    "vww01": (1000, 230_000),
    "ic01": (200, 225_000),
    "ad01": (248, 7570),
}
"""Samples of the full set, and how long an inference takes on a NUCLEO-L4R5ZI, in us: from the
session logs of a real submission (STMicroelectronics, v1.0)."""

_MEASURE_S = 4.0
"""A way is tried for at least so long, and at least one sample."""
_TOGETHER, _TOGETHER_S = 16, 15.0
_COLUMNS = 120


@dataclass(frozen=True)
class Figure:
    """Time per sample of one task over one wire, in seconds of the host's clock."""

    task: str
    baud: int
    timer_ms: int
    """Latency timer of the USB adapter."""
    stop_and_wait_s: float
    """As the official runner does it; `speed_up` compares with it."""
    text_s: float
    framed_s: float
    limit_s: float
    """What the wire needs for the sample's new bytes alone; `efficiency` compares with it."""
    framed_infer_s: float
    """Framed, while a real board's inference runs."""
    infer_s: float

    @property
    def efficiency(self) -> float:
        """Share of the wire's time that is payload."""
        return self.limit_s / self.framed_s

    @property
    def samples(self) -> int:
        """Of the full set."""
        return SETS[self.task][0]


@contextmanager
def talking(facts: NativeFacts, log: Path | None = None) -> Iterator[Session]:
    """A synchronized session with a replayed device."""
    with NativeDevice(facts, BUILD / "native") as device:
        link: Link = SerialLink(device.port, facts.baud)
        if log:
            link = RecordedLink(link, log)
        try:
            session = Session(link)
            session.synchronize(Deadline.after(STEP_S))
            yield session
        finally:
            link.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print tables, write the figures."""
    parser = argparse.ArgumentParser(prog="make bench-link", description=__doc__)
    parser.parse_args(arguments)
    console = Console(width=_COLUMNS)
    cells = [
        (load_tasks()[name], baud, timer_ms)
        for baud, timer_ms, name in product(BAUDS, TIMERS_MS, SETS)
    ]
    with progress_bar(console, "wires") as progress, ThreadPoolExecutor(len(SETS)) as pool:
        figures = []
        for figure in pool.map(lambda cell: _measure(*cell), cells):
            figures.append(figure)
            progress(len(figures), len(cells))
    console.print(_samples_table(figures))
    sets = [_set_figure(figures, *wire) for wire in product(BAUDS, TIMERS_MS)]
    console.print(_sets_table(sets))
    foreign = compared(console)
    console.print(table_of(foreign))
    cpu = _together(console)
    console.print(
        f"{_TOGETHER} devices at once, {BAUDS[-1]} baud each, in one process with raw logs: "
        f"{cpu['cores']:.2f} cores of the host, {cpu['wire']:.1%} of the wires' limit"
    )
    rows = [
        {
            **asdict(figure),
            "efficiency": figure.efficiency,
            "unit": "s of the host's clock a sample",
        }
        for figure in figures
    ]
    path = write_figures("link", [*rows, *sets, *foreign, cpu])
    console.print(f"figures: {path}", soft_wrap=True)
    return 0


def _measure(task: Task, baud: int, timer_ms: int) -> Figure:
    _, infer_us = SETS[task.name]
    wire_only = NativeFacts(task, baud=baud, latency_ms=timer_ms, infer_us=0)
    real = NativeFacts(task, baud=baud, latency_ms=timer_ms, infer_us=infer_us)
    windows = task.input.windows(bytes(task.input.bytes))
    with talking(wire_only) as session:
        official = _time_windows(task, lambda some: stop_and_wait(session.link, some))
        queries = TextQueries(session)
        # What a session learns of a firmware takes some uploads once, and is of no sample.
        for _ in queries.each(islice(chain.from_iterable(sample_windows(task)), LEARNT_BY)):
            pass
        text = _time_windows(task, queries.each)
    return Figure(
        task.name,
        baud,
        timer_ms,
        stop_and_wait_s=official * len(windows),
        text_s=text * len(windows),
        framed_s=_time_framed(task, wire_only),
        limit_s=sum(len(window.data) - window.keep for window in windows) * 10 / baud,
        framed_infer_s=_time_framed(task, real),
        infer_s=infer_us * 1e-6 * len(windows),
    )


def _time_windows(task: Task, ask: Callable[[Iterable[Window]], Iterator[object]]) -> float:
    """Seconds a window, one after another for a while."""
    windows = chain.from_iterable(sample_windows(task))
    started, count = time.monotonic(), 0
    for _ in ask(windows):
        count += 1
        if time.monotonic() - started > _MEASURE_S:
            break
    return (time.monotonic() - started) / count


def _time_framed(task: Task, facts: NativeFacts) -> float:
    """Seconds a whole sample, from the first byte sent to the last answer."""
    with talking(facts) as session:
        info = session.identify(Deadline.after(STEP_S))
        with FramedQueries(session, info) as queries:
            pace = max(task.input.bytes * 10 / facts.baud, facts.infer_us * 1e-6)
            count = max(4, round(2 * _MEASURE_S / pace)) if task.name != "ad01" else 2
            some = [windows for windows, _ in zip(sample_windows(task), range(count), strict=False)]
            started = time.monotonic()
            answers = sum(1 for _ in queries.each(chain.from_iterable(some)))
            assert answers == sum(map(len, some))
            return (time.monotonic() - started) / count


def _set_figure(figures: Sequence[Figure], baud: int, timer_ms: int) -> dict[str, float | str]:
    """The four full sets over one wire."""
    own = [figure for figure in figures if (figure.baud, figure.timer_ms) == (baud, timer_ms)]
    official = sum(figure.samples * figure.stop_and_wait_s for figure in own)
    framed = sum(figure.samples * figure.framed_s for figure in own)
    infer = sum(figure.samples * figure.infer_s for figure in own)
    framed_infer = sum(figure.samples * figure.framed_infer_s for figure in own)
    return {
        "wire": f"{baud} baud, timer {timer_ms} ms",
        "stop_and_wait_s": official,
        "framed_s": framed,
        "times_faster": official / framed,
        "stop_and_wait_with_inference_s": official + infer,
        "framed_with_inference_s": framed_infer,
        "times_faster_with_inference": (official + infer) / framed_infer,
        "unit": "s for the four full sets, by the time per sample",
    }


def _together(console: Console) -> dict[str, float | str]:
    """What many devices at once cost the host; each is asked by its own thread."""
    tasks = [task for name, task in load_tasks().items() if name in SETS]
    with ExitStack() as stack, ThreadPoolExecutor(_TOGETHER) as pool:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        progress = stack.enter_context(progress_bar(console, f"{_TOGETHER} devices"))
        asked = []
        for number in range(_TOGETHER):
            task = tasks[number % len(tasks)]
            facts = NativeFacts(task, baud=BAUDS[-1], latency_ms=1, infer_us=0)
            session = stack.enter_context(talking(facts, logs / f"{number}.log"))
            info = session.identify(Deadline.after(STEP_S))
            asked.append((task, stack.enter_context(FramedQueries(session, info))))
        started, cpu = time.monotonic(), time.process_time()
        until = Deadline.after(_TOGETHER_S)
        fed = pool.map(lambda pair: _feed(pair[0], pair[1], until), asked)
        total = 0
        for number, payload in enumerate(fed, start=1):
            total += payload
            progress(number, _TOGETHER)
        elapsed = time.monotonic() - started
        cores = (time.process_time() - cpu) / elapsed
    return {
        "devices": _TOGETHER,
        "cores": cores,
        "cores_at_most": 1.0,
        "wire": total * 10 / BAUDS[-1] / elapsed / _TOGETHER,
        "unit": "cores of the host's processor, one process; share of the wires' time",
    }


def _feed(task: Task, queries: FramedQueries, deadline: Deadline) -> int:
    """Ask until the deadline; returns the new bytes of the samples."""
    payload = 0

    def some() -> Iterator[Window]:
        nonlocal payload
        made = sample_windows(task)
        again = next(made)  # The same sample: making one is not part of what is measured.
        while not deadline.expired:
            for window in again:
                payload += len(window.data) - window.keep
                yield window

    for _ in queries.each(some()):
        pass
    return payload


def _samples_table(figures: Sequence[Figure]) -> Table:
    table = Table(
        *("task", "baud", "timer, ms", "stop and wait", "text", "framed", "limit", "of limit"),
        title="ms of the host's clock a sample; paced UART, inference takes no time",
        box=None,
    )
    for figure in figures:
        times = (figure.stop_and_wait_s, figure.text_s, figure.framed_s, figure.limit_s)
        table.add_row(
            *(figure.task, str(figure.baud), str(figure.timer_ms)),
            *(f"{1e3 * seconds:.1f}" for seconds in times),
            f"{figure.efficiency:.1%}",
        )
    return table


def _sets_table(sets: Sequence[dict[str, float | str]]) -> Table:
    table = Table(
        *("wire", "stop and wait", "framed", "faster", "| with inference", "framed", "faster"),
        title="s for the four full sets; inference as on a NUCLEO-L4R5ZI",
        box=None,
    )
    columns = (
        *("stop_and_wait_s", "framed_s", "times_faster"),
        *("stop_and_wait_with_inference_s", "framed_with_inference_s"),
        "times_faster_with_inference",
    )
    for row in sets:
        values = [float(row[column]) for column in columns]
        texts = (
            f"{value:.1f} x" if number in (2, 5) else f"{value:.0f}"
            for number, value in enumerate(values)
        )
        table.add_row(str(row["wire"]), *texts)
    return table


if __name__ == "__main__":
    raise SystemExit(main())
