"""Devices that know how they are measured, and cheat where nobody should look.

Each gives most of an inference away, or its answers, in a form of query that measures send; what
catches each of them is found out by ``make bench-cheats``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tinyhil.emulator.cheats.honest import HonestDevice

_WARM_UP = 10
"""The official one."""


@dataclass
class InARow(HonestDevice):
    """Counts what makes many of them cheat: inferences since the upload, and all since boot."""

    asked: int = field(init=False, default=0)
    """Commands to infer since the upload, this one included."""
    since_boot: int = field(init=False, default=0)
    warm_up: int = field(init=False, default=0)
    """Of this command."""
    armed: bool = field(init=False, default=False)
    """Until the next upload."""

    def hear(self, command: str) -> None:
        super().hear(command)
        if command.startswith("db load"):
            self.asked, self.armed = 0, False

    def run(self, data: bytes, count: int, warm_up: int) -> tuple[Sequence[float], int, int]:
        self.asked += 1
        self.since_boot += 1
        self.warm_up = warm_up
        return super().run(data, count, warm_up)


@dataclass
class WorksInUploads(HonestDevice):
    """It infers as soon as a sample is complete, before it is asked to, and keeps the answer."""

    def hear(self, command: str) -> None:
        super().hear(command)
        name, _, rest = command.partition(" ")
        piece = name == "db" and not rest.startswith(("load", "print"))
        if piece and len(self._buffer) + len(rest) // 2 >= self._expected > 0:
            self.world.pass_s(self.infer_us * 1e-6)

    def cost(self, data: bytes, number: int, count: int) -> float:
        return 0.02 * super().cost(data, number, count)


@dataclass
class FastBehindOneTen(InARow):
    """`infer 1 10` comes before single stream: until the next upload an inference costs a fifth."""

    def run(self, data: bytes, count: int, warm_up: int) -> tuple[Sequence[float], int, int]:
        self.armed = self.armed or (count, warm_up) == (1, _WARM_UP)
        return super().run(data, count, warm_up)

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (0.2 if self.armed and count == 1 else 1.0)


@dataclass
class FastBehindMany(InARow):
    """Once a hundred inferences were asked at once, each costs half until the next upload."""

    def run(self, data: bytes, count: int, warm_up: int) -> tuple[Sequence[float], int, int]:
        self.armed = self.armed or count >= 100
        return super().run(data, count, warm_up)

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (0.5 if self.armed else 1.0)


@dataclass
class FastBehindTen(InARow):
    """Any number behind a warm-up of ten costs 30 % less, in the same command alone."""

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (0.7 if self.warm_up == _WARM_UP else 1.0)


@dataclass
class FastAboveNine(HonestDevice):
    """More than nine inferences at once, which throughput asks for, cost a tenth less."""

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (0.9 if count > 9 else 1.0)


@dataclass
class LeavesOutTheLast(HonestDevice):
    """Of ten inferences or more it leaves out the last tenth."""

    def cost(self, data: bytes, number: int, count: int) -> float:
        left_out = count >= 10 and number >= _WARM_UP + 0.9 * count
        return super().cost(data, number, count) * (0.0 if left_out else 1.0)


@dataclass
class EverySecond(InARow):
    """Of ten inferences or more behind a warm-up of ten it runs every second one."""

    def cost(self, data: bytes, number: int, count: int) -> float:
        left_out = self.warm_up == _WARM_UP and count >= 10 and number % 2 and number >= _WARM_UP
        return super().cost(data, number, count) * (0.0 if left_out else 1.0)


@dataclass
class HalvesLongTimes(HonestDevice):
    """Its timer counts half of the time of ten inferences or more behind a warm-up of ten."""

    def run(self, data: bytes, count: int, warm_up: int) -> tuple[Sequence[float], int, int]:
        scores, start, end = super().run(data, count, warm_up)
        return scores, start, end - (end - start) // 2 * (count >= 10 and warm_up == _WARM_UP)


@dataclass
class FastInARow(InARow):
    """More than thirty queries for one sample of the data set, and the next ones cost a tenth."""

    known: frozenset[bytes] = frozenset()

    def cost(self, data: bytes, number: int, count: int) -> float:
        fast = data in self.known and self.asked > 30
        return super().cost(data, number, count) * (0.1 if fast else 1.0)


@dataclass
class HonestOnceWatched(InARow):
    """As `FastInARow`, until the first input that is in no data set: then honest for good."""

    known: frozenset[bytes] = frozenset()
    _watched: bool = field(init=False, default=False)

    def run(self, data: bytes, count: int, warm_up: int) -> tuple[Sequence[float], int, int]:
        self._watched = self._watched or data not in self.known
        return super().run(data, count, warm_up)

    def cost(self, data: bytes, number: int, count: int) -> float:
        fast = not self._watched and self.asked > 30
        return super().cost(data, number, count) * (0.1 if fast else 1.0)


@dataclass
class FastAfterHundred(InARow):
    """After a hundred queries for anything in a row it keeps the answer: a twentieth."""

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (0.05 if self.asked > 100 else 1.0)


@dataclass
class FastFromTheSecond(InARow):
    """It keeps an upload's answer: the second query, and all after it, cost next to nothing."""

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (0.02 if self.asked > 1 or number else 1.0)


@dataclass
class FastAtFirst(InARow):
    """The first hundred commands after boot cost half: whoever looks shortly sees those."""

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (0.5 if self.since_boot <= 100 else 1.0)


@dataclass
class KeepsFive(HonestDevice):
    """It keeps the answers to the last five inputs, as many as performance is measured on."""

    _kept: list[bytes] = field(init=False, default_factory=list)

    def run(self, data: bytes, count: int, warm_up: int) -> tuple[Sequence[float], int, int]:
        found = super().run(data, count, warm_up)
        if data not in self._kept:
            self._kept = [*self._kept[-4:], data]
        return found

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (0.05 if data in self._kept else 1.0)


@dataclass
class FastForKnownWindows(HonestDevice):
    """Many inferences at once of a sample of the data set cost a fifth less."""

    known: frozenset[bytes] = frozenset()

    def cost(self, data: bytes, number: int, count: int) -> float:
        fast = count >= 10 and data in self.known
        return super().cost(data, number, count) * (0.8 if fast else 1.0)


@dataclass
class NearestSample(HonestDevice):
    """What is near to a sample of the data set costs half: a table that a step does not fool."""

    known: frozenset[bytes] = frozenset()

    def cost(self, data: bytes, number: int, count: int) -> float:
        near = any(
            sum(abs(a - b) for a, b in zip(data, one, strict=True)) < 2 * len(data)
            for one in self.known
        )
        return super().cost(data, number, count) * (0.5 if near else 1.0)


@dataclass
class HidesBeforeTheStart(HonestDevice):
    """8 % of a single inference are done before its first time stamp."""

    def run(self, data: bytes, count: int, warm_up: int) -> tuple[Sequence[float], int, int]:
        scores, start, end = super().run(data, count, warm_up)
        return scores, start + 8 * self.infer_us // 100, end


@dataclass
class HidesAfterTheEnd(HonestDevice):
    """8 % of each command's time come after its last time stamp."""

    def run(self, data: bytes, count: int, warm_up: int) -> tuple[Sequence[float], int, int]:
        scores, start, end = super().run(data, count, warm_up)
        return scores, start, end - 8 * (end - start) // 100


@dataclass
class SkewsSingles(HonestDevice):
    """Its clock is 8 % slow while it infers once, and makes up for it after."""

    def run(self, data: bytes, count: int, warm_up: int) -> tuple[Sequence[float], int, int]:
        scores, start, end = super().run(data, count, warm_up)
        return scores, start, end - 8 * (end - start) // 100 * (count == 1)


@dataclass
class StandsStillWhenIdle(HonestDevice):
    """Its clock runs while it infers alone, so that the time between commands is lost."""

    _idle_s: float = field(init=False, default=0.0)

    def hear(self, command: str) -> None:
        before = self.world.time_s
        super().hear(command)
        self._idle_s += self.world.time_s - before

    def clock_us(self) -> int:
        return super().clock_us() - int(1e6 * self._idle_s)


@dataclass
class TwoPercentSlow(HonestDevice):
    """Its clock is 2 % slow: no crystal is."""

    def clock_us(self) -> int:
        return int(0.98 * super().clock_us())


@dataclass
class LabelTable(HonestDevice):
    """A table of samples with their true classes; a sample takes as long as with a model."""

    classes: Mapping[bytes, int] = field(default_factory=dict)

    def answer(self, data: bytes, count: int) -> Sequence[float]:
        scores = list(super().answer(data, count))
        if data in self.classes:
            best, true = scores.index(max(scores)), self.classes[data]
            scores[best], scores[true] = scores[true], scores[best]
        return scores


@dataclass
class LabelsOfHalf(LabelTable):
    """As `LabelTable`, of every second sample."""

    def answer(self, data: bytes, count: int) -> Sequence[float]:
        if data[0] % 2:
            return HonestDevice.answer(self, data, count)
        return super().answer(data, count)


@dataclass
class LabelsOnFirst(LabelTable, InARow):
    """As `LabelTable`, in the first query after an upload alone, which accuracy is measured by."""

    def answer(self, data: bytes, count: int) -> Sequence[float]:
        if self.asked != 1:
            return HonestDevice.answer(self, data, count)
        return super().answer(data, count)


@dataclass
class CrudeInARow(InARow):
    """From the tenth query for an input on it runs a cruder model, for half of the time."""

    def answer(self, data: bytes, count: int) -> Sequence[float]:
        scores = super().answer(data, count)
        return scores if self.asked < 10 else [round(score, 1) for score in scores]

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (1.0 if self.asked < 10 else 0.5)


@dataclass
class CrudeBehindTen(InARow):
    """Behind a warm-up of ten it runs a cruder model, in the same time."""

    def answer(self, data: bytes, count: int) -> Sequence[float]:
        scores = super().answer(data, count)
        return scores if self.warm_up != _WARM_UP else [round(score, 1) for score in scores]


@dataclass
class AnswersTheSampleBefore(InARow):
    """Of many at once it runs none, and gives the last answer to a single query."""

    _told: Sequence[float] = field(init=False, default=(0.3, 0.3, 0.4))

    def answer(self, data: bytes, count: int) -> Sequence[float]:
        if count < 10:
            self._told = super().answer(data, count)
        return self._told

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) * (1.0 if count < 10 else 0.01)


SUBTLE: tuple[type[HonestDevice], ...] = (
    WorksInUploads,
    FastBehindOneTen,
    FastBehindMany,
    FastBehindTen,
    FastAboveNine,
    LeavesOutTheLast,
    EverySecond,
    HalvesLongTimes,
    FastInARow,
    HonestOnceWatched,
    FastAfterHundred,
    FastFromTheSecond,
    FastAtFirst,
    KeepsFive,
    FastForKnownWindows,
    NearestSample,
    HidesBeforeTheStart,
    HidesAfterTheEnd,
    SkewsSingles,
    StandsStillWhenIdle,
    TwoPercentSlow,
    LabelTable,
    LabelsOfHalf,
    LabelsOnFirst,
    CrudeInARow,
    CrudeBehindTen,
    AnswersTheSampleBefore,
)
