"""Stand-in samples for keyword spotting (``kws01``): made-up words in the official shape.

A word is a short sequence of invented speech sounds ("phones"). Each phone is a point in the
space of the 10 features; a sample glides through the phones of its word with the start, tempo,
voice, loudness and noise of a made-up speaker. Words that share sounds (Go and No, Off and On)
are therefore easily mistaken for each other, as in real speech, and "Unknown" is any other word.

The bytes of a set are pinned by their SHA-256, so every value is integer arithmetic (see
`_draws`): no floating-point unit or math library changes it. Values are in 1/256 of one int8
step (``_ONE``) until the last line.

The range of the features follows the official set (zero point 83, feature 0 wide, the higher ones
narrower and narrower); none of its data is in here.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from tinyhil.data.standin._draws import bell, draw

CLASSES: Final[tuple[str, ...]] = (
    "Down", "Go", "Left", "No", "Off", "On", "Right", "Stop", "Up", "Yes", "Silence", "Unknown",
)  # fmt: skip
"""Class names in the official order; a label is an index into them."""

FRAMES: Final = 49
FEATURES: Final = 10

TEST_SEED: Final = 20_250_101
"""Seed of the held-out set; nothing may be trained on it."""
TEST_COUNT: Final = 1000
"""Samples in the held-out set, as many as in the official one."""
TRAIN_SEED: Final = 20_250_102
"""Seed of the training set."""

FILE_NAME: Final = "kws01_{index:06d}_{name}_{label}.bin"
LABEL_COLUMNS: Final[tuple[int, ...]] = ()

_ONE: Final = 256  # one int8 step
_ZERO: Final = 83  # rest position of features 1 to 9, and zero point of the models
_PHONE_SEED: Final = 7

# Phone: loudness of feature 0 in int8 steps, and usual length in frames.
_PHONES: Final[dict[str, tuple[int, int]]] = {
    "d": (24, 3), "g": (20, 3), "l": (52, 4), "n": (48, 5), "r": (50, 4), "s": (30, 6),
    "t": (14, 3), "p": (12, 3), "f": (18, 5), "y": (54, 4), "k": (16, 3), "m": (46, 5),
    "w": (52, 4), "z": (34, 5), "v": (32, 4), "b": (22, 3),
    "aw": (88, 10), "ow": (84, 10), "eh": (82, 8), "ao": (90, 9), "ay": (86, 10), "ah": (84, 7),
    "iy": (76, 8), "uw": (74, 9), "ae": (88, 8), "er": (78, 9),
}  # fmt: skip

# The ten words, in the order of CLASSES.
_WORDS: Final[tuple[tuple[str, ...], ...]] = (
    ("d", "aw", "n"), ("g", "ow"), ("l", "eh", "f", "t"), ("n", "ow"), ("ao", "f"), ("ao", "n"),
    ("r", "ay", "t"), ("s", "t", "ao", "p"), ("ah", "p"), ("y", "eh", "s"),
)  # fmt: skip
_SILENCE: Final = len(_WORDS)
_CONSONANTS: Final = tuple(p for p, (_, frames) in _PHONES.items() if frames <= 6)
_VOWELS: Final = tuple(p for p in _PHONES if p not in _CONSONANTS)

# How much features 1 to 9 (noise: 0 to 9) differ, in int8 steps. Together these make the set as
# hard as it is: with a stray of 240/256 instead, the model would score 98 %.
_SPREAD: Final = np.array([18, 13, 10, 8, 7, 6, 5, 4, 4], dtype=np.int64)
_VOICE: Final = np.array([6, 4, 3, 3, 2, 2, 2, 2, 2], dtype=np.int64)
_ACCENT: Final = 368  # how far a spoken phone strays from its target, in 1/256 of _SPREAD
_STRESS: Final = 12  # the same for its loudness, in int8 steps
_NOISE: Final = np.array([10, 7, 6, 5, 4, 4, 3, 3, 3, 3], dtype=np.int64)


def generate(count: int, seed: int) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Make ``count`` samples; the first ``n`` of them are those of ``generate(n, seed)``.

    Args:
        count: number of samples, at least 0.
        seed: any number from 0 to 2**32 - 1; ``TEST_SEED`` is the held-out set.

    Returns:
        Samples, int8, shape ``(count, 49, 10)``: 49 frames of 10 features, already quantized for
        the model; and labels, int64, shape ``(count,)``: indices into ``CLASSES``.

    Raises:
        ValueError: count is negative, or seed is out of range.
    """
    random = RandomState(seed)
    phones = _phone_targets()
    samples = np.empty((count, FRAMES, FEATURES), dtype=np.int8)
    labels = np.empty(count, dtype=np.int64)
    for index in range(count):
        labels[index] = draw(random, 0, len(CLASSES) - 1)
        samples[index] = _sample(random, int(labels[index]), phones)
    return samples, labels


def _phone_targets() -> dict[str, NDArray[np.int64]]:
    """Where each phone sits in feature space, relative to rest; shape ``(10,)``, in 1/256 steps."""
    random = RandomState(_PHONE_SEED)
    targets = {}
    for name, (loudness, _) in _PHONES.items():
        colour = random.randint(-_ONE, _ONE + 1, size=FEATURES - 1, dtype=np.int64) * _SPREAD
        targets[name] = np.concatenate(([loudness * _ONE], colour)).astype(np.int64)
    return targets


def _unknown_word(random: RandomState) -> tuple[str, ...]:
    """A word of two to five phones that is not one of the ten."""
    while True:
        word = []
        vowel = draw(random, 0, 1)
        for _ in range(draw(random, 2, 5)):
            choice = _VOWELS if vowel else _CONSONANTS
            word.append(choice[draw(random, 0, len(choice) - 1)])
            vowel = 1 - vowel
        if tuple(word) not in _WORDS:
            return tuple(word)


def _sample(
    random: RandomState, label: int, phones: dict[str, NDArray[np.int64]]
) -> NDArray[np.int8]:
    """One sample of a class, int8, shape ``(49, 10)``."""
    floor = draw(random, -135, -20) * _ONE  # feature 0 of the room without a voice
    frames = np.zeros((FRAMES, FEATURES), dtype=np.int64)
    if label != _SILENCE:
        word = _WORDS[label] if label < _SILENCE else _unknown_word(random)
        frames += _spoken(random, word, phones, floor)
    frames[:, 0] += floor
    frames[:, 1:] += _ZERO * _ONE
    frames += bell(random, (FRAMES, FEATURES)) * _NOISE * draw(random, 60, 200) // 256
    return np.clip((frames + _ONE // 2) // _ONE, -128, 127).astype(np.int8)


def _spoken(
    random: RandomState,
    word: tuple[str, ...],
    phones: dict[str, NDArray[np.int64]],
    floor: int,
) -> NDArray[np.int64]:
    """A speaker's track through a word, relative to the room; shape ``(49, 10)``, 1/256 steps."""
    tempo = draw(random, 180, 360)  # 256 is the usual one
    lengths = [_PHONES[p][1] * tempo * draw(random, 190, 340) // 256 for p in word]
    total = sum(lengths)
    start = draw(random, 2 * _ONE, max(2 * _ONE, (FRAMES - 2) * _ONE - total))
    targets = np.stack([phones[p] for p in word])
    targets[:, 0] += draw(random, -24, 24) * _ONE - floor
    targets[:, 0] += bell(random, (len(word),)) * _STRESS
    targets[:, 1:] += bell(random, (len(word), FEATURES - 1)) * _SPREAD * _ACCENT // 256
    targets[:, 1:] += bell(random, (FEATURES - 1,)) * _VOICE

    edges = start + np.cumsum([0, *lengths], dtype=np.int64)
    centres = (edges[:-1] + edges[1:]) // 2
    times = np.concatenate(([edges[0] - _ONE], centres, [edges[-1] + _ONE]))
    rest = np.zeros((1, FEATURES), dtype=np.int64)
    return _smooth(_interpolate(times, np.concatenate((rest, targets, rest))))


def _interpolate(times: NDArray[np.int64], points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Straight lines through ``points``, shape ``(n, 10)``, at rising ``times``; per frame."""
    now = np.arange(FRAMES, dtype=np.int64) * _ONE
    right = np.clip(np.searchsorted(times, now, side="right"), 1, len(times) - 1)
    left = right - 1
    weight = np.clip((now - times[left]) * 256 // (times[right] - times[left]), 0, 256)
    climb = (points[right] - points[left]) * weight[:, np.newaxis] // 256
    return np.asarray(points[left] + climb, dtype=np.int64)


def _smooth(track: NDArray[np.int64]) -> NDArray[np.int64]:
    """Round the corners of a track ``(49, 10)``: each frame and its neighbours, 1:2:1."""
    padded = np.concatenate((track[:1], track, track[-1:]))
    return (padded[:-2] + 2 * padded[1:-1] + padded[2:] + 2) // 4
