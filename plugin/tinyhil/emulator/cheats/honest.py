"""An honest device in software, on a noisy bench; those that cheat are made from it.

It is a `ForeignDevice`: it speaks the official protocol over a real serial port. Time is played,
for the device and for its host, so that a minute's audit takes only as long as its bytes need,
and a seed gives the same noise again.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from tinyhil.emulator.foreign import ForeignDevice

_BYTE_S = 10 / 115200


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
    adapter_s: float = 0.002
    """How long a USB adapter holds what it has, at most, either way."""
    _noise: Random = field(init=False)
    _boot_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._noise = Random(self.seed)  # noqa: S311 - noise, not a secret
        self._boot_s = self.world.time_s - 1.0

    def hear(self, command: str) -> None:
        """The wire takes its time, for the answer too, and the USB adapter its own."""
        answer = 180 if command.startswith("infer") else 20
        delay_s = 2 * self.adapter_s * self._noise.random()
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
class SlowAdapter(HonestDevice):
    """Its adapter holds bytes for up to 16 ms, and the host sleeps through 60 ms now and then."""

    adapter_s: float = 0.016

    def hear(self, command: str) -> None:
        super().hear(command)
        self.world.pass_s(0.06 * (self._noise.random() < 0.01))


@dataclass
class MillisecondClock(HonestDevice):
    """Its time stamps are whole milliseconds, as the rules allow."""

    def clock_us(self) -> int:
        return super().clock_us() // 1000 * 1000


@dataclass
class BusyDevice(HonestDevice):
    """Something keeps interrupting it: times scatter by a tenth."""

    def cost(self, data: bytes, number: int, count: int) -> float:
        return super().cost(data, number, count) + 0.1 * self._noise.random()


@dataclass
class WrappingClock(HonestDevice):
    """Its clock counts 168 MHz in 32 bits, and begins anew when that is full."""

    def clock_us(self) -> int:
        return super().clock_us() % (2**32 // 168)


HONEST: tuple[type[HonestDevice], ...] = (
    HonestDevice,
    SlowAdapter,
    MillisecondClock,
    BusyDevice,
    WrappingClock,
)
