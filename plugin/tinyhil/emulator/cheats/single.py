"""Devices that cheat on purpose, each in one way, which one audit is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tinyhil.emulator.cheats.honest import HonestDevice


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
class SetBackClock(HonestDevice):
    """Its clock is set back by half a second, once, while nothing is timed."""

    def clock_us(self) -> int:
        late = self.world.time_s - self._boot_s > 5.0
        return super().clock_us() - 500_000 * late


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
