"""Tries one step after the other: each has a deadline, and after one that fails none is tried."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Literal

from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import TinyhilError
from tinyhil.ground.text import shown

GRACE_S = 5.0
"""How much later than its deadline a step may end that looks at it only now and then."""

_SHOWN = 600
"""Characters of what was found."""


@dataclass(frozen=True)
class Step:
    """One step of an examination."""

    name: str
    """Of the step."""
    state: Literal["ok", "failed", "left out", "not tried"]
    """``left out``: this station has nothing to try there; ``not tried``: one before has failed."""
    found: str
    """What was found, or what is wrong."""
    advice: str
    """The next step, where there is one."""
    seconds: float
    """How long it took."""


class LeftOutError(Exception):
    """There is nothing to try; the text says why."""


@dataclass(frozen=True)
class Trial:
    """A step to be tried."""

    name: str
    seconds: float
    """Its deadline."""
    run: Callable[[Deadline], str]
    """Says what it has found; raises a `TinyhilError`, or `LeftOutError`."""


def tried(trials: Sequence[Trial], close: Callable[[], None]) -> Iterator[Step]:
    """Try the steps in order; what they have opened is closed at the end.

    They run in a thread of their own, so that one that hangs, as in a driver, ends with its
    deadline too.

    Args:
        trials: the steps.
        close: lets go of what they have opened; never fails.
    """
    asked: SimpleQueue[Trial | None] = SimpleQueue()
    answers: SimpleQueue[Step] = SimpleQueue()
    closed = threading.Event()

    def work() -> None:
        while trial := asked.get():
            answers.put(_try(trial))
        close()
        closed.set()

    # A daemon: a driver that hangs for good must not keep the process.
    threading.Thread(target=work, daemon=True).start()
    over = False
    try:
        for trial in trials:
            if over:
                yield Step(trial.name, "not tried", "", "", 0.0)
                continue
            asked.put(trial)
            try:
                step = answers.get(timeout=trial.seconds + GRACE_S)
            except Empty:
                step = _hung(trial)
            over = step.state == "failed"
            yield step
    finally:
        asked.put(None)
        closed.wait(GRACE_S)


def _try(trial: Trial) -> Step:
    began = time.monotonic()

    def ended(state: Literal["ok", "failed", "left out"], found: str, advice: str = "") -> Step:
        seconds = round(time.monotonic() - began, 3)
        return Step(trial.name, state, shown(found, _SHOWN), advice, seconds)

    try:
        return ended("ok", trial.run(Deadline.after(trial.seconds)))
    except LeftOutError as reason:
        return ended("left out", str(reason))
    except TinyhilError as error:
        return ended("failed", error.message, error.hint)
    except Exception as error:  # Of a driver: it must not take the other lines with it.
        return ended("failed", f"{type(error).__name__}: {error}", "please report this as a bug")


def _hung(trial: Trial) -> Step:
    return Step(
        trial.name,
        "failed",
        f"was not done in {trial.seconds:g} s, and does not answer",
        "plug the probe and the board out and in again, then try again",
        trial.seconds + GRACE_S,
    )
