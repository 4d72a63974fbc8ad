"""Devices in software that cheat on purpose, each in one way, for audits to catch.

All are `ForeignDevice`: they speak the official protocol over a real serial port. Time is played,
for the device and for its host, so that a minute's audit takes only as long as its bytes need,
and a seed gives the same noise again.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from tinyhil.emulator.foreign import ForeignDevice

_BYTE_S = 10 / 115200
_ADAPTER_S = 0.002
"""How long a USB adapter holds what it has, at most."""


@dataclass
class World:
    """The time that a device and its host share, in seconds; it passes only when told to."""

    time_s: float = 1000.0

    def now(self) -> float:
        """The host's monotonic clock."""
        return self.time_s

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.time_s += seconds


def model(data: bytes) -> Sequence[float]:
    """Three scores of the sum 1 that any byte of the input changes: a model nobody trained."""
    digest = hashlib.sha256(data).digest()
    numbers = [1 + value for value in struct.unpack_from("<3H", digest)]
    return [number / sum(numbers) for number in numbers]


@dataclass
class HonestDevice(ForeignDevice):
    """An honest device on a noisy bench.

    Times have the noise of a real board and worse: 0.3 % of it everywhere, as much again that comes
    and goes in half a minute, an interrupt of 5 % in one of fifty inferences, 0.5 % for a cold
    cache, and 0.1 % that depend on the input.
    """

    infer: Callable[[bytes], Sequence[float]] = model
    infer_us: int = 20_000
    world: World = field(default_factory=World)
    seed: int = 0
    _noise: Random = field(init=False)
    _boot_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._noise = Random(self.seed)  # noqa: S311 - noise, not a secret
        self._boot_s = self.world.time_s - 1.0

    def hear(self, command: str) -> None:
        """The wire takes its time, for the answer too, and the USB adapter its own."""
        answer = 180 if command.startswith("infer") else 20
        delay_s = 2 * _ADAPTER_S * self._noise.random()
        self.world.pass_s((len(command) + answer) * _BYTE_S + delay_s)

    def clock_us(self) -> int:
        """A crystal's clock, 50 parts in a million fast."""
        return int((self.world.time_s - self._boot_s) * 1.00005e6)

    def run(self, data: bytes, count: int, warm_up: int) -> tuple[Sequence[float], int, int]:
        """Every inference is really run, each for its time."""
        self._infer_all(data, count, range(warm_up))
        start = self.clock_us()
        self._infer_all(data, count, range(warm_up, warm_up + count))
        end = self.clock_us()
        return self.answer(data, count), start, end

    def answer(self, data: bytes, count: int) -> Sequence[float]:
        """Scores after `count` inferences."""
        del count
        return self.infer(data)

    def cost(self, data: bytes, number: int, count: int) -> float:
        """Time of the `number`-th inference of a command that asks for `count`, as a share of the
        usual."""
        del count
        share = 1.0 + self._noise.gauss(0.0, 0.003) + 0.001 * data[0] / 255
        share += 0.05 * (self._noise.random() < 0.02)
        share += 0.003 * math.sin(self.world.time_s * math.tau / 30)
        return share + 0.005 * (number == 0)

    def _infer_all(self, data: bytes, count: int, numbers: range) -> None:
        for number in numbers:
            self.world.pass_s(self.cost(data, number, count) * self.infer_us * 1e-6)


@dataclass
class FastClock(HonestDevice):
    """Its clock is 5 % fast."""

    def clock_us(self) -> int:
        return int(1.05 * super().clock_us())


@dataclass
class SlowClock(HonestDevice):
    """Its clock is 5 % slow, so that all it does seems faster."""

    def clock_us(self) -> int:
        return int(0.95 * super().clock_us())


@dataclass
class JumpingClock(HonestDevice):
    """Its clock leaps by half a second, once, while nothing is timed."""

    def clock_us(self) -> int:
        late = sum(command.startswith("infer") for command in self.commands) > 20
        return super().clock_us() + 500_000 * late


@dataclass
class HidingClock(HonestDevice):
    """Its clock stands still for a fifth of each timed region, and makes up for it later."""

    def run(self, data: bytes, count: int, warm_up: int) -> tuple[Sequence[float], int, int]:
        scores, start, end = super().run(data, count, warm_up)
        return scores, start, end - (end - start) // 5


@dataclass
class CachesTheLast(HonestDevice):
    """An input that is the same as the last one costs half."""

    _last: bytes = field(init=False, default=b"")

    def run(self, data: bytes, count: int, warm_up: int) -> tuple[Sequence[float], int, int]:
        found = super().run(data, count, warm_up)
        self._last = data
        return found

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (0.5 if data == self._last else 1.0)


@dataclass
class CachesAll(HonestDevice):
    """Any input that has come before costs 5 % less, even with others in between."""

    _met: set[bytes] = field(init=False, default_factory=set)

    def run(self, data: bytes, count: int, warm_up: int) -> tuple[Sequence[float], int, int]:
        found = super().run(data, count, warm_up)
        self._met.add(data)
        return found

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (0.95 if data in self._met else 1.0)


@dataclass
class LazyInPerformance(HonestDevice):
    """Asked for many inferences it skips most of the work, and answers what it answered last."""

    _told: Sequence[float] = field(init=False, default=(0.3, 0.3, 0.4))

    def answer(self, data: bytes, count: int) -> Sequence[float]:
        if count == 1:
            self._told = super().answer(data, count)
        return self._told

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (1.0 if count == 1 else 0.3)


@dataclass
class CoarseInPerformance(HonestDevice):
    """Asked for ten inferences or more it runs a cruder model, in the same time."""

    def answer(self, data: bytes, count: int) -> Sequence[float]:
        scores = super().answer(data, count)
        return scores if count < 10 else [round(score, 2) for score in scores]


@dataclass
class KnowsTheSamples(HonestDevice):
    """It knows the data set by heart: what is in it costs a tenth less."""

    known: frozenset[bytes] = frozenset()

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (0.9 if data in self.known else 1.0)


@dataclass
class KnowsTheOrder(HonestDevice):
    """It has the data set's answers in a table, and reads them off one by one."""

    table: Sequence[Sequence[float]] = ((1.0, 0.0, 0.0),)
    _place: int = field(init=False, default=-1)

    def answer(self, data: bytes, count: int) -> Sequence[float]:
        del data, count
        self._place += 1
        return self.table[self._place % len(self.table)]


@dataclass
class FollowsTheOrder(HonestDevice):
    """An input that follows the one that it follows in the data set costs a tenth less."""

    table: Mapping[bytes, bytes] = field(default_factory=dict)
    """By input, the next one of the data set."""
    _last: bytes = field(init=False, default=b"")
    _expected: bool = field(init=False, default=False)

    def run(self, data: bytes, count: int, warm_up: int) -> tuple[Sequence[float], int, int]:
        self._expected = self.table.get(self._last) == data
        self._last = data
        return super().run(data, count, warm_up)

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (0.9 if self._expected else 1.0)


@dataclass
class KnowsTheCount(HonestDevice):
    """Told to infer a hundred times or more, it runs 5 % faster."""

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (0.95 if count >= 100 else 1.0)


@dataclass
class FastWhenSingle(HonestDevice):
    """A single inference, as latency is measured by, costs a fifth less than one of many."""

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (0.8 if count <= 3 else 1.0)


@dataclass
class InfersOnce(HonestDevice):
    """Only the first inference of a command is one; the others answer at once."""

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (1.0 if number == 0 else 0.01)


@dataclass
class IgnoresTheInput(HonestDevice):
    """It answers the same to everything."""

    def answer(self, data: bytes, count: int) -> Sequence[float]:
        del data, count
        return (0.2, 0.7, 0.1)


@dataclass
class LooksAtTheBeginning(HonestDevice):
    """It answers by the first bytes of the input, which tell the samples apart."""

    def answer(self, data: bytes, count: int) -> Sequence[float]:
        return super().answer(data[: len(data) // 2], count)


@dataclass
class Rolls(HonestDevice):
    """It answers by chance."""

    def answer(self, data: bytes, count: int) -> Sequence[float]:
        return super().answer(data + self._noise.randbytes(8), count)


AuditName = Literal["clock", "caching", "performance", "order", "count", "dependence"]

CHEATS: Mapping[type[HonestDevice], AuditName] = {
    FastClock: "clock",
    SlowClock: "clock",
    JumpingClock: "clock",
    HidingClock: "clock",
    CachesTheLast: "caching",
    CachesAll: "caching",
    LazyInPerformance: "performance",
    CoarseInPerformance: "performance",
    KnowsTheSamples: "order",
    KnowsTheOrder: "order",
    FollowsTheOrder: "order",
    KnowsTheCount: "count",
    FastWhenSingle: "count",
    InfersOnce: "count",
    IgnoresTheInput: "dependence",
    LooksAtTheBeginning: "dependence",
    Rolls: "dependence",
}
"""By cheat, the audit whose task it is to catch it."""
