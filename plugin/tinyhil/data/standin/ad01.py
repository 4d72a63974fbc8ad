"""Stand-in samples for anomaly detection (``ad01``): made-up machine hum in the official shape.

A sample is a log-mel spectrogram of 200 frames with 128 bins. One of four machines hums: its
own floor with harmonics on it, which swell slowly, all as loud as the microphone is near, and
noise. In an anomaly something is wrong: harmonics are shifted, missing or added, it clicks, or
something rubs once a turn. How much so is drawn, too, and the faintest are as good as normal; as
in real recordings, not all can be found.

All values are integers in 1/256 dB until the last line, which divides by that power of two: exact
in float32, so the bytes of a set are the same everywhere (see `_draws`).

The range of the values follows the official set; none of its data is in here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from tinyhil.data.standin._draws import bell, draw

CLASSES: Final[tuple[str, ...]] = ("normal", "anomaly")
"""Class names in the official order; a label is an index into them."""

FRAMES: Final = 200
BINS: Final = 128
WINDOW_FRAMES: Final = 5
"""Frames of one input of the model; the next one starts one frame later."""

TEST_SEED: Final = 20_250_121
"""Seed of the held-out set; nothing may be trained on it."""
TEST_COUNT: Final = 248
"""Samples in the held-out set, as many as in the official one."""
TRAIN_SEED: Final = 20_250_122
"""Seed of the training set."""

FILE_NAME: Final = "{name}_{index:06d}.bin"
LABEL_COLUMNS: Final = (WINDOW_FRAMES * BINS * 4, BINS * 4)
"""Bytes of a window, and from the start of one to the start of the next."""

_ONE: Final = 256  # one decibel
_MACHINES: Final = 4
_MACHINE_SEED: Final = 11
_HARMONICS: Final = 9
_SWELL: Final = 60  # frames that a slow change takes, at most

# Together these make the set as hard as it is.
_SEVERITY: Final = (14, 256)  # of a fault, in 1/256 of the worst
_NOISE: Final = (1360, 1680)  # of all bins, its standard deviation in 1/256 of 148/256 dB

Sound = NDArray[np.int64]


@dataclass(frozen=True)
class _Machine:
    """What a machine sounds like at rest from change and noise; in 1/256 dB."""

    floor: Sound
    """Loudness of each bin without harmonics, shape ``(128,)``."""
    bins: tuple[int, ...]
    """Where the harmonics are."""
    heights: tuple[int, ...]
    """How far they rise above the floor."""


def generate(count: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Make ``count`` samples; the first ``n`` of them are those of ``generate(n, seed)``.

    Args:
        count: number of samples, at least 0.
        seed: any number from 0 to 2**32 - 1; ``TEST_SEED`` is the held-out set.

    Returns:
        Samples, little-endian float32, shape ``(count, 200, 128)``: decibels; and labels, int64,
        shape ``(count,)``: indices into ``CLASSES``.

    Raises:
        ValueError: count is negative, or seed is out of range.
    """
    random = RandomState(seed)
    machines = _machines()
    samples = np.empty((count, FRAMES, BINS), dtype="<f4")
    labels = np.empty(count, dtype=np.int64)
    for index in range(count):
        labels[index] = draw(random, 0, 1)
        machine = machines[draw(random, 0, _MACHINES - 1)]
        samples[index] = _recording(random, machine, labels[index] == 1) / np.float32(_ONE)
    return samples, labels


def _machines() -> list[_Machine]:
    """The machines, the same in every set."""
    random = RandomState(_MACHINE_SEED)
    slope = -np.arange(BINS, dtype=np.int64) * 27 * _ONE // BINS  # towards the high bins
    machines = []
    for _ in range(_MACHINES):
        humps = _smooth(random, BINS, 16) * 5
        pitch = draw(random, 9, 12)
        machines.append(
            _Machine(
                floor=slope + humps - 10 * _ONE,
                bins=tuple(pitch * k + draw(random, -2, 2) for k in range(1, _HARMONICS + 1)),
                heights=tuple(draw(random, 8, 20) * _ONE for _ in range(_HARMONICS)),
            )
        )
    return machines


def _smooth(random: RandomState, length: int, steps: int) -> Sound:
    """A slow random change, -256 to 256, with a knot every ``steps``; shape ``(length,)``."""
    knots = random.randint(-_ONE, _ONE + 1, size=length // steps + 2, dtype=np.int64)
    index, rest = np.divmod(np.arange(length, dtype=np.int64), steps)
    return np.asarray((knots[index] * (steps - rest) + knots[index + 1] * rest) // steps)


def _peak(at: int, height: Sound) -> Sound:
    """A harmonic three bins wide to either side; shape ``(200, 128)`` for 200 heights."""
    distance = np.abs(np.arange(BINS, dtype=np.int64) - at)
    return np.asarray(height[:, np.newaxis] * np.maximum(0, 4 - distance) // 4)


def _recording(random: RandomState, machine: _Machine, anomalous: bool) -> Sound:
    """One recording in 1/256 dB, shape ``(200, 128)``."""
    sound = np.zeros((FRAMES, BINS), dtype=np.int64)
    if anomalous:
        fault = _FAULTS[draw(random, 0, len(_FAULTS) - 1)]
        machine, sound = fault(random, machine, draw(random, *_SEVERITY))
    sound = sound + machine.floor + draw(random, -3 * _ONE, 3 * _ONE)
    swell = _smooth(random, FRAMES, draw(random, _SWELL // 3, _SWELL)) * 3
    for at, height in zip(machine.bins, machine.heights, strict=True):
        sound += _peak(at, height + swell)
    noise = bell(random, (FRAMES, BINS)) * draw(random, *_NOISE) // 256
    return np.asarray(sound + noise)


def _shifted(random: RandomState, machine: _Machine, severity: int) -> tuple[_Machine, Sound]:
    """The upper harmonics sit higher or lower."""
    step = (1 + severity * 3 // 256) * (2 * draw(random, 0, 1) - 1)
    first = draw(random, 2, _HARMONICS - 3)
    bins = (*machine.bins[:first], *(at + step for at in machine.bins[first:]))
    return replace(machine, bins=bins), _silence()


def _missing(random: RandomState, machine: _Machine, severity: int) -> tuple[_Machine, Sound]:
    """Three neighbouring harmonics are weak or gone."""
    first = draw(random, 0, _HARMONICS - 3)
    heights = tuple(
        height * (256 - severity) // 256 if first <= index < first + 3 else height
        for index, height in enumerate(machine.heights)
    )
    return replace(machine, heights=heights), _silence()


def _added(random: RandomState, machine: _Machine, severity: int) -> tuple[_Machine, Sound]:
    """A whine and its first overtone between the harmonics."""
    at = draw(random, 12, BINS // 2 - 8)
    height = 4 * _ONE + severity * 14
    sound = _peak(at, np.full(FRAMES, height, dtype=np.int64))
    return machine, sound + _peak(2 * at, np.full(FRAMES, height, dtype=np.int64))


def _clicks(random: RandomState, machine: _Machine, severity: int) -> tuple[_Machine, Sound]:
    """Single frames are louder at all frequencies."""
    clicks = random.randint(0, 12, size=FRAMES, dtype=np.int64) == 0
    heights = np.where(clicks, 4 * _ONE + severity * 16, 0)
    return machine, np.repeat(heights[:, np.newaxis], BINS, axis=1)


def _rubbing(random: RandomState, machine: _Machine, severity: int) -> tuple[_Machine, Sound]:
    """A wide band is louder for a part of every turn."""
    turn, width = draw(random, 12, 40), draw(random, 20, 50)
    first = draw(random, 8, BINS - width - 1)
    sound = _silence()
    rubs = np.arange(FRAMES, dtype=np.int64) % turn < turn // 3
    sound[rubs, first : first + width] = 2 * _ONE + severity * 10
    return machine, sound


def _silence() -> Sound:
    """Nothing added to any bin."""
    return np.zeros((FRAMES, BINS), dtype=np.int64)


_FAULTS: Final[tuple[Callable[[RandomState, _Machine, int], tuple[_Machine, Sound]], ...]] = (
    _shifted, _missing, _added, _clicks, _rubbing,
)  # fmt: skip
