"""Asking a replayed device, and what it must answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from tinyhil.catalog.task import Task, Window, load_tasks
from tinyhil.device.inference import Inference
from tinyhil.device.links import Link
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.queries.framed import FramedQueries
from tinyhil.device.queries.rate import Rate
from tinyhil.device.session import Session
from tinyhil.emulator.native import NativeDevice, NativeFacts, replayed_output
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.paths import ROOT

from .watched_link import Lose, WatchedLink

TASKS = load_tasks()
KWS01 = TASKS["kws01"]
INFER_US = 20_000
PROGRAMS = ROOT / "build" / "native"
"""Where the built devices are kept, as the benchmarks keep them."""


def started(task: Task = KWS01, *, wait: bool = False) -> NativeDevice:
    """A device that takes no time of this machine's; with `wait`, that of its inferences, so that
    there are some left to do when the first answers come."""
    facts = NativeFacts(task, infer_us=5_000 if wait else INFER_US, paced=False, wait=wait)
    return NativeDevice(facts, PROGRAMS)


@contextmanager
def opened(
    device: NativeDevice, through: Callable[[Link], Link] = lambda link: link
) -> Iterator[Session]:
    """A session that knows nothing of the device yet."""
    link = through(SerialLink(device.port, device.facts.baud))
    try:
        yield Session(link)
    finally:
        link.close()


@contextmanager
def asking(
    device: NativeDevice,
    through: Callable[[Link], Link] = lambda link: link,
    *,
    top: int | None = None,
    patience_s: float = 1.0,
    first_s: float = 5.0,
    change_s: float = 2.0,
) -> Iterator[FramedQueries]:
    """Queries by frames from the very start; at a rate up to `top`, if it is given."""
    with opened(device, through) as session:
        session.synchronize(Deadline.after(60))
        info = session.identify(Deadline.after(60))
        rate = Rate(session, device.facts.baud, top, change_s=change_s) if top else None
        with FramedQueries(
            session, info, rate=rate, patience_s=patience_s, first_s=first_s
        ) as queries:
            yield queries


@contextmanager
def losing(
    device: NativeDevice, lose: Lose, *, patience_s: float = 1.0, first_s: float = 5.0
) -> Iterator[FramedQueries]:
    """As `asking`, over a link that loses."""

    def through(link: Link) -> Link:
        return WatchedLink(link, lose)

    with asking(device, through, patience_s=patience_s, first_s=first_s) as queries:
        yield queries


def windows(task: Task, count: int, seed: int = 1) -> tuple[Window, ...]:
    """Random windows of a task, all but the first of a file overlapping where the task's do."""
    rng = np.random.default_rng(seed)
    made: list[Window] = []
    while len(made) < count:
        file = rng.bytes(task.input.bytes)
        if task.input.encoding == "float32":
            file = rng.normal(0, 20, task.input.bytes // 4).astype("<f4").tobytes()
        made += task.input.windows(file)
    return tuple(made[:count])


def scores(task: Task, data: bytes) -> tuple[float, ...]:
    """What the firmware's adapters make of a replayed output."""
    outputs = (replayed_output(task, data).astype(np.float64) + 128) / 256
    if task.result == "scores":
        return tuple(_thousandths(output) / 1000 for output in outputs)
    errors = np.frombuffer(data, "<f4").astype(np.float64) - outputs
    # Summed in the order of the firmware: np.sum has another one.
    return (_thousandths(sum(error * error for error in errors) / len(errors)) / 1000,)


def _thousandths(value: float) -> int:
    return int(np.rint(np.float32(value) * np.float32(1000)))


def all_right(asked: Iterable[Window], answers: Iterable[Inference], task: Task = KWS01) -> bool:
    """Whether there is each answer, once, in order."""
    given = [answer.scores for answer in answers]
    return given == [scores(task, window.data) for window in asked]
