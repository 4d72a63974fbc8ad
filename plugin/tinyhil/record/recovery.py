"""What was done to bring a board back in the middle of a measure, as its line tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from tinyhil.ground.text import shown

RECOVERY = "recovery"
"""Key of a line's details."""
Rung = Literal[
    "reconnect to the host",
    "reopen the port",
    "resynchronize",
    "reset by pin",
    "reset by probe",
    "reflash",
    "power cycle",
    "quarantine",
]
"""From what costs least to what costs most."""
_TEXT = 200
_FAULTS = 3
"""That are told: a record may hold any number of them."""


@dataclass(frozen=True)
class Step:
    """One thing that was tried."""

    rung: Rung
    why: str
    """The fault."""
    seconds: float
    """That it took, on the host's clock."""
    helped: bool
    """Whether the board was in step again, and the one under measurement."""
    said: str = ""
    """Why it did not help."""

    @classmethod
    def of(cls, rung: Rung, why: str, seconds: float, said: str = "") -> Step:
        """A step, with its texts bounded; it has helped if nothing is said of it."""
        return cls(rung, _line(why), round(seconds, 3), not said, _line(said))


_STEPS = TypeAdapter(tuple[Step, ...])


def as_details(steps: Sequence[Step]) -> dict[str, Any]:
    """For a line's details; nothing where nothing was tried."""
    return {RECOVERY: [asdict(step) for step in steps]} if steps else {}


def steps_of(details: Mapping[str, Any]) -> tuple[Step, ...]:
    """What the details of a line tell; a record may come from anywhere."""
    try:
        return _STEPS.validate_python(details.get(RECOVERY, ()))
    except ValidationError:
        return ()


def recovered_by(details: Mapping[str, Any]) -> tuple[Rung, ...]:
    """The rungs after which the measure went on, each once; none where it came to its end by
    itself."""
    return tuple(dict.fromkeys(step.rung for step in steps_of(details) if step.helped))


def told(details: Mapping[str, Any]) -> str:
    """The same in words; empty where nothing was tried."""
    steps = steps_of(details)
    seconds = sum(step.seconds for step in steps)
    faults = [*dict.fromkeys(shown(step.why, _TEXT) for step in steps)]
    more = [f"{len(faults) - _FAULTS} more"] if len(faults) > _FAULTS else []
    counts = Counter(
        step.rung if step.helped else f"{step.rung} (no help)"
        for step in steps
        if step.rung != "quarantine"
    )
    tried = ", ".join(rung if n == 1 else f"{rung} ({n} times)" for rung, n in counts.items())
    told = "; ".join([f"{seconds:.1f} s in all", *faults[:_FAULTS], *more])
    return f"{tried}; {told}" if steps else ""


def _line(text: str) -> str:
    return shown(" ".join(text.split()), _TEXT)
