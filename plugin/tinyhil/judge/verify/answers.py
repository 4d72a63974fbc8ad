"""What a device answered, as the raw logs show it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Answer:
    """The answer to one query that the host could accept: complete, in its place, for its input."""

    log: str
    """Path of the raw log below the run's folder."""
    line: int
    """Of the log, where the answer was complete."""
    epoch: int
    """How often the conversation had been started by then: what is asked before and after a new
    start may be the same question."""
    digest: bytes
    """Of the input, see `digest_of`."""
    timed: bool
    """Whether it is of the kind whose time stamps are a latency."""
    count: int
    warm_up: int
    nth: int
    """How many answers to the same upload of the input came before."""
    start: int
    """Ticks of `hertz` since the device's boot."""
    end: int
    scores: tuple[float, ...]
    laps: tuple[int, ...] | None
    """Ticks of `hertz` of each inference; None where they were not asked for."""
    by_text: bool
    """Whether by the official protocol, in microseconds, and not by frames."""
    asked_s: float = 0.0
    """On the host's clock since the link was opened: when it was asked."""
    came_s: float = 0.0
    """And when all of it had come."""
    told_s: tuple[float, float] = (0.0, 0.0)
    """And when the lines of its two stamps had, by text."""

    def start_us(self, tick_hz: int) -> int:
        """Its first time stamp in microseconds, rounded down as everywhere."""
        return self.start if self.by_text else self.start * 1_000_000 // tick_hz

    def ends_at(self, end_us: int, tick_hz: int) -> bool:
        """Whether this is its last time stamp; ticks may have been rounded either way."""
        if self.by_text:
            return self.end == end_us
        return abs(self.end * 1_000_000 // tick_hz - end_us) <= 1


_FIXED = ("vendor", "profile", "task", "build_id", "model_sha256")


@dataclass(frozen=True)
class Device:
    """What the device said about itself; None for what it did not."""

    vendor: str | None = None
    profile: str | None = None
    task: str | None = None
    build_id: str | None = None
    tick_hz: int | None = None
    arena: int | None = None
    model_sha256: str | None = None
    running: Mapping[str, Any] | None = None
    """How the board runs, as a record has it."""

    def changes(self, later: Device) -> Iterator[str]:
        """Names of what it reported differently later, though it can't change while it runs."""
        for name in _FIXED:
            before, after = getattr(self, name), getattr(later, name)
            if None not in (before, after) and before != after:
                yield name

    def merged(self, later: Device) -> Device:
        """The same with what it reported later; the later one counts."""
        told = {name: value for name, value in vars(later).items() if value is not None}
        return replace(self, **told)


@dataclass(frozen=True)
class Stack:
    """Bytes of the stack, as the device reported them."""

    used: int
    reserved: int


def digest_of(data: bytes) -> bytes:
    """Names an input without keeping it."""
    return hashlib.sha256(data).digest()
