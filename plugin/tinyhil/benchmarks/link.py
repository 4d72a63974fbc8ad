"""``make bench-link``: how near to its wire's limit a device is fed, and the host's cost of it.

The devices are replayed ones: the firmware's own core as processes of this machine, behind a wire
that is paced as 8N1 and a USB adapter with its latency timer. Our two ways of asking are compared
with the official runner's, by a client of our own: 31 bytes a command, and a wait after each.
Times are the host's clock; nothing here says how fast a processor is.

Firmware of the field is played too, with the two ways in which it receives: with a buffer that an
interrupt fills, and polling. Our host, which lowers an adapter's timer where the system allows it,
is compared there with the official way at the adapter's own 16 ms as well.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import chain, islice, pairwise, product
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from tinyhil.benchmarks import BUILD, write_figures
from tinyhil.catalog.task import Task, Window, load_tasks
from tinyhil.device.links import Link
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.protocol import FULL_PIECE_BYTES, OFFICIAL_PIECE_BYTES
from tinyhil.device.queries.framed import FramedQueries
from tinyhil.device.queries.text import TextQueries
from tinyhil.device.raw_log import RecordedLink
from tinyhil.device.session import Session
from tinyhil.emulator.foreign import PacedDevice
from tinyhil.emulator.native import NativeDevice, NativeFacts
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.progress import progress_bar

BAUDS, TIMERS_MS = (115_200, 921_600), (1, 16)

SETS = {
    "kws01": (1000, 75_000),
    "vww01": (1000, 230_000),
    "ic01": (200, 225_000),
    "ad01": (248, 7570),
}
"""Samples of the full set, and how long an inference takes on a NUCLEO-L4R5ZI, in us: from the
session logs of a real submission (STMicroelectronics, v1.0)."""

_FOREIGN_TASKS = ("kws01", "ic01")
_LEARNT_BY, _TURNS, _WINDOWS_A_TURN = 4, 4, 4
"""Windows by which all is learnt of a firmware; turns of each way to ask; windows of a turn."""

_MEASURE_S = 4.0
"""A way is tried for at least so long, and at least one sample."""
_TOGETHER, _TOGETHER_S = 16, 15.0
_STEP_S = 60.0
_COLUMNS = 100


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


def stop_and_wait(link: Link, windows: Iterable[Window]) -> Iterator[None]:
    """Infer each window as the official runner does: a command, its answer, the next one."""
    deadline = Deadline.after(_STEP_S * 60)

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


@contextmanager
def talking(facts: NativeFacts, log: Path | None = None) -> Iterator[Session]:
    """A synchronized session with a replayed device."""
    with NativeDevice(facts, BUILD / "native") as device:
        link: Link = SerialLink(device.port, facts.baud)
        if log:
            link = RecordedLink(link, log)
        try:
            session = Session(link)
            session.synchronize(Deadline.after(_STEP_S))
            yield session
        finally:
            link.close()


def sample_windows(task: Task) -> Iterator[tuple[Window, ...]]:
    """Windows of one made-up sample after another, forever; their content does not matter."""
    rng = np.random.default_rng(1)
    while True:
        yield task.input.windows(rng.bytes(task.input.bytes))


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
    foreign = _foreign(console)
    console.print(_foreign_table(foreign))
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
        text = _time_windows(task, TextQueries(session).each)
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


def _foreign(console: Console) -> list[dict[str, float | str]]:
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
            session.synchronize(Deadline.after(_STEP_S))
            session.identify(Deadline.after(_STEP_S))
            queries = TextQueries(session, baud=baud)
            for _ in queries.each(next(sample_windows(task))[0] for _ in range(_LEARNT_BY)):
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


def _foreign_table(found: Sequence[dict[str, float | str]]) -> Table:
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
        info = session.identify(Deadline.after(_STEP_S))
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
            info = session.identify(Deadline.after(_STEP_S))
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
