"""What a measure keeps beside its own rows, so that they can be doubted: see `audit.always`.

Before anything is timed, each input is asked as an accuracy run asks it, in an order of its own; a
changed input, the canary, is among them and among the timed ones. Every answer is kept with its
scores and with the host's clock before and after it. These rows have a role, as those of audits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tinyhil.catalog.task import Task, Window
from tinyhil.device.inference import Inference
from tinyhil.device.queries import Queries
from tinyhil.measure.audit.answers import HEADING, Scores, heading_of
from tinyhil.measure.draws import Draws
from tinyhil.measure.roles import CANARY, SAME, TOLERANCE, distance
from tinyhil.measure.uploads import Uploads
from tinyhil.record.rows import Keep, Row

_KEPT_LAPS = 64
"""Of an answer that is no query of the measure."""

_SHOWN = 5


@dataclass(frozen=True)
class Proof:
    """How a measure proves its answers."""

    task: Task
    draws: Draws
    virtual: bool = False
    """Whether the device's clock counts instructions, as that of an emulated board."""
    quick: bool = False
    """A quick look has too few times to judge the clock by."""
    expected: Callable[[Sequence[bytes]], list[Scores]] | None = None
    """The reference's answers to inputs, where the model is known."""
    exact: bool = False
    """Whether the device runs our kernels, so that each answer must be the reference's."""
    floor_s: float | None = None
    """An inference can't take less on this core, see `floor`."""
    now: Callable[[], float] = time.monotonic
    """The host's clock, in seconds."""


@dataclass(frozen=True)
class Part:
    """One input of a timed measure."""

    name: str
    data: bytes
    canary: bool = False

    def role(self, name: str) -> str:
        """Of a row that is none of the measure's own."""
        return f"{CANARY}_{name}" if self.canary else name


@dataclass
class Witness:
    """Asks, and keeps what it saw; without a proof it keeps nothing."""

    queries: Queries
    keep: Keep
    proof: Proof | None
    tick_hz: int | None = None
    """Of the laps that the device reports."""
    done: Sequence[Row] = ()
    """Of a run that died."""
    _uploads: Uploads = field(default_factory=Uploads)
    _expected: dict[bytes, Scores] = field(default_factory=dict)
    _began_s: float = 0.0

    def __post_init__(self) -> None:
        if self.proof is None:
            return
        self._began_s = self.proof.now()
        self.queries.watch(self._uploads.heard, self.proof.now)
        if heading_of(self.done) is None:
            heading: dict[str, Any] = {
                "seed": self.proof.draws.seed,
                "virtual": self.proof.virtual,
            }
            heading |= {"quick": True} if self.proof.quick else {}
            heading |= {} if self.proof.floor_s is None else {"floor_s": self.proof.floor_s}
            heading |= {"state": True} if self.proof.task.keeps_state else {}
            exact = {} if self.proof.expected is None else {"exact": self.proof.exact}
            self.keep({"role": HEADING, "tick_hz": self.tick_hz, **heading, **exact})

    @property
    def now(self) -> Callable[[], float]:
        """The host's clock."""
        return self.proof.now if self.proof else time.monotonic

    def close(self) -> None:
        """The measure has ended."""
        if self.proof is None:
            return
        self.queries.watch(None, self.proof.now)
        for row in self._uploads.rows():
            self.keep(row)

    def foresee(self, inputs: Sequence[bytes]) -> None:
        """Have the reference's answers ready, where there is one."""
        if self.proof and self.proof.expected:
            self._expected |= zip(inputs, self.proof.expected(inputs), strict=True)

    def ask(self, parts: Sequence[Part]) -> None:
        """Ask each input as an accuracy run does, in an order of its own."""
        if self.proof is None:
            return
        self.foresee([part.data for part in parts])
        order = self.proof.draws.about("asked").sample(list(parts), len(parts))
        answers = self.queries.each(Window(part.data, 0) for part in order)
        for part, answer in zip(order, answers, strict=True):
            self.saw(part.role("asked"), part.name, answer, part.data)

    def saw(self, role: str, name: str, answer: Inference, data: bytes) -> None:
        """Keep an answer, with the one that the reference has."""
        if self.proof is None:
            return
        known = {"expected": self._expected[data]} if data in self._expected else {}
        row = {"role": role, "name": name, "scores": answer.scores, **answer.stamps}
        self.keep({**row, **known})

    def compare(self, windows: Sequence[Sequence[Window]], rows: Sequence[Row]) -> None:
        """Keep how many answers of an accuracy run are the reference's."""
        if self.proof is None or self.proof.expected is None:
            return
        given = [(row["sample"], scores) for row in rows for scores in row["scores"]]
        right = self.proof.expected([window.data for own in windows for window in own])
        off = [distance(scores, true) for (_, scores), true in zip(given, right, strict=True)]
        other = [name for (name, _), gap in zip(given, off, strict=True) if gap > TOLERANCE]
        exact = sum(gap < SAME for gap in off)
        self.keep(
            {
                "role": "reference",
                "answers": len(given),
                "equal": exact,
                "beyond_tolerance": len(other),
                "such_as": other[:_SHOWN],
            }
        )

    def timed(self, role: str, part: Part, answer: Inference, warm_up: int, host: Row) -> None:
        """Keep the answer to a timed query that is none of the measure's own."""
        if self.proof is None:
            return
        row = {
            "role": part.role(role),
            "name": part.name,
            "scores": answer.scores,
            "count": answer.count,
            "warm_up": warm_up,
            **answer.stamps,
            "laps": answer.laps[:_KEPT_LAPS],
        }
        self.keep({**row, **host})

    def proving(self, answer: Inference, host: Row) -> dict[str, Any]:
        """What a row of the measure's own holds for its proof."""
        return {"scores": answer.scores, **host} if self.proof else {}

    def host(self, asked_s: float, answered_s: float) -> dict[str, Any]:
        """The host's clock around an answer, since the measure began."""
        return {"host_s": [round(at - self._began_s, 6) for at in (asked_s, answered_s)]}
