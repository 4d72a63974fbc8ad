"""Intrusions on replayed devices: fast, and any number at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from tinyhil.benchmarks import BUILD
from tinyhil.benchmarks.intrusions import Event, IntrudedLink, Outcome, verdict_of
from tinyhil.catalog.task import Window, load_tasks
from tinyhil.device.identity import Guard
from tinyhil.device.info import DeviceInfo
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.queries import Queries
from tinyhil.device.queries.framed import FramedQueries
from tinyhil.device.queries.text import TextQueries
from tinyhil.device.session import Session
from tinyhil.emulator.native import NativeDevice, NativeFacts
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import IdentityError, TinyhilError

Protocol = Literal["frames", "text"]

_BAUD = 115_200
_STEP_S = 10.0
_PATIENCE_S = 3.0
_SAMPLES, _LAPS = 16, 5
_BATCHES = 3
_FACTS = NativeFacts(load_tasks()["kws01"], baud=_BAUD, infer_us=2000, paced=False, wait=False)
_INTRUDERS: dict[Event, NativeFacts] = {
    "other task": replace(_FACTS, task=load_tasks()["ic01"], variant=1),
    "other build": replace(_FACTS, build_id="b" * 40, variant=1, infer_us=3000),
    "other board": replace(_FACTS, variant=1, infer_us=3000),
}
"""With other answers and times, so that each of them can be told."""


@dataclass
class _Kept:
    """What a run has kept, and how much of it is proven."""

    rows: list[object]
    proven: int = 0

    def prove(self) -> None:
        self.proven = len(self.rows)


class _Bench:
    """A board with a probe and a port, and everyone who disturbs it."""

    def __init__(self, event: Event, stack: ExitStack, rng: random.Random) -> None:
        self._event = event
        self._stack = stack
        self._rng = rng
        self.at_probe = stack.enter_context(_device(_FACTS))
        self.link = IntrudedLink(SerialLink(self.at_probe.port, _BAUD), self._intrude)
        stack.callback(self.link.close)

    # The debug probe, see `identity.Proof`

    knows_token = True

    def of_token(self, token: str) -> None:
        if self.at_probe.memory("hil_token", 8).hex() != token:
            raise IdentityError("probe and port lead to two boards", hint="as it should be found")

    def of_image(self) -> None:
        raise AssertionError("a replayed device tells its build id")

    def _intrude(self, link: IntrudedLink) -> None:
        if self._event == "reset":
            self.at_probe.reset()
        elif self._event == "second session":
            other = Session(link.link)
            other.synchronize(Deadline.after(_STEP_S))
            other.identify(Deadline.after(_STEP_S))
        else:
            device = self._stack.enter_context(_device(_INTRUDERS[self._event]))
            link.link.close()
            link.link = SerialLink(device.port, _BAUD)
            if self._event != "other board":
                self.at_probe.stop()
                self.at_probe = device
            if self._rng.random() < 0.5:
                self._swallow_banner(link)

    def _swallow_banner(self, link: IntrudedLink) -> None:
        """The board may have booted long before it was plugged in."""
        came, deadline = b"", Deadline.after(_STEP_S)
        while b"m-ready" not in came:
            came += link.link.read(deadline)


def _device(facts: NativeFacts) -> NativeDevice:
    return NativeDevice(facts, BUILD / "native")


def clean(protocol: Protocol) -> tuple[list[object], int, int]:
    """The rows of an undisturbed run, and its bytes: up to its first query, and in all."""
    with ExitStack() as stack:
        bench = _Bench("reset", stack, random.Random(0))  # noqa: S311 - a seed, not a secret
        kept = _Kept([])
        begun = _run(protocol, bench, kept)[1]
        assert kept.proven == len(kept.rows)
        return kept.rows, begun, bench.link.passed


def attempt(
    protocol: Protocol, event: Event, seed: int, known: tuple[list[object], int, int]
) -> Outcome:
    """One run with an event at a random moment after the identification."""
    rng = random.Random(f"{protocol} {event} {seed}")  # noqa: S311 - a seed, not a secret
    rows, begun, passed = known
    kept, restarts = _Kept([]), 0
    error: TinyhilError | None = None
    with ExitStack() as stack:
        bench = _Bench(event, stack, rng)
        bench.link.due = rng.randrange(begun, passed)
        try:
            restarts = _run(protocol, bench, kept)[0].restarts
        except IdentityError as fault:
            del kept.rows[kept.proven :]
            error = fault
        except TinyhilError as fault:
            error = fault
    whole = error is not None or len(kept.rows) == len(rows)
    right = whole and kept.rows == rows[: len(kept.rows)]
    verdict = verdict_of(event, bench.link, right, error)
    return Outcome(event, bench.link.happened, verdict, str(error or ""), restarts)


def _run(protocol: Protocol, bench: _Bench, kept: _Kept) -> tuple[Guard, int]:
    """Ask for samples, then for timed inferences; the rows are what a record would keep.

    Returns:
        Who watched, and how many bytes had passed before the first query.
    """
    session = Session(bench.link)
    session.synchronize(Deadline.after(_STEP_S))
    info = session.identify(Deadline.after(_STEP_S))
    guard = session.guard
    assert guard is not None
    guard.prove_by(bench)
    guard.on_proof = kept.prove
    begun = bench.link.passed
    windows = tuple(Window(bytes([n]) * _FACTS.task.input.bytes, 0) for n in range(_SAMPLES))
    with _asking(protocol, session, info) as queries:
        for answer in queries.each(windows):
            kept.rows.append(answer.scores)
    guard.confirm(Deadline.after(_STEP_S))
    with _asking(protocol, session, info) as queries:
        queries.load(windows[0].data)
        for _ in range(_BATCHES):
            timed = queries.infer(_LAPS, 0, expected_s=0.1, laps=protocol == "frames")
            kept.rows.append((timed.end_us - timed.start_us, timed.scores, timed.laps))
    guard.confirm(Deadline.after(_STEP_S))
    return guard, begun


@contextmanager
def _asking(protocol: Protocol, session: Session, info: DeviceInfo) -> Iterator[Queries]:
    if protocol == "text":
        yield TextQueries(session, baud=_BAUD, answer_s=1.0, first_s=_PATIENCE_S)
        return
    with FramedQueries(session, info, patience_s=_PATIENCE_S, first_s=5.0) as queries:
        yield queries
