"""Stand-in samples for image classification (``ic01``): made-up pictures in the official shape.

Each class is a figure of a few simple shapes that looks like what it is named after. A sample shows
it in any colour, size, place and tilt, lit and stained, on any background, behind something or
cut by the edge at times, with noise. Classes that look alike (cat and dog, deer and horse,
automobile and truck) are mistaken for each other, as in real pictures.

All values are integers, so the bytes of a set are the same everywhere (see `_draws`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from tinyhil.data.standin._draws import draw
from tinyhil.data.standin._paint import (
    TILTS,
    Bar,
    Disc,
    Figure,
    Patch,
    Place,
    backdrop,
    box,
    colour,
    finish,
    halved,
    paint,
    shades,
    texture,
)  # fmt: skip

CLASSES: Final[tuple[str, ...]] = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
"""Class names in the official order; a label is an index into them."""

SIZE: Final = 32

TEST_SEED: Final = 20_250_111
"""Seed of the held-out set; nothing may be trained on it."""
TEST_COUNT: Final = 200
"""Samples in the held-out set, as many as in the official one."""
TRAIN_SEED: Final = 20_250_112
"""Seed of the training set."""

FILE_NAME: Final = "ic01_{index:06d}_{name}_{label}.bin"
LABEL_COLUMNS: Final[tuple[int, ...]] = ()

_SCALES: Final = (15 * 16, 30 * 16)  # of a figure, in 1/16 pixel of the finished picture
_NOISE: Final = 45

# Tones of the shapes: 0 is the figure's colour, 1 dark, 2 light.
_FIGURES: Final[tuple[Figure, ...]] = (
    (  # airplane, from above
        (0, Patch(((-30, 0), (-60, -115), (-35, -115), (40, 0)))),
        (0, Patch(((40, 0), (-35, 115), (-60, 115), (-30, 0)))),
        (0, Patch(((-95, 0), (-118, -48), (-102, -48), (-70, 0)))),
        (0, Patch(((-70, 0), (-102, 48), (-118, 48), (-95, 0)))),
        (0, Bar(-100, 0, 95, 0, 16)),
        (1, Disc(92, 0, 10, 8)),
    ),
    (  # automobile, from the side
        (0, Patch(((-60, 10), (-35, -45), (35, -45), (75, 10)))),
        (2, Patch(((-42, 5), (-25, -33), (25, -33), (52, 5)))),
        (0, box(-118, 5, 118, 55)),
        (1, Disc(-65, 56, 28, 28)),
        (1, Disc(68, 56, 28, 28)),
    ),
    (  # bird, standing
        (0, Patch(((-40, -10), (-40, 30), (-118, 50), (-118, 25)))),
        (1, Bar(-5, 45, -10, 100, 6)),
        (1, Bar(20, 45, 25, 100, 6)),
        (0, Disc(0, 10, 66, 44)),
        (0, Disc(62, -38, 34, 32)),
        (2, Patch(((88, -48), (124, -34), (88, -24)))),
        (1, Disc(-10, 5, 38, 20)),
        (1, Disc(70, -44, 7, 7)),
    ),
    (  # cat, its face
        (0, Patch(((-82, 0), (-74, -105), (-15, -40)))),
        (0, Patch(((82, 0), (15, -40), (74, -105)))),
        (0, Disc(0, 20, 90, 72)),
        (2, Disc(-36, 5, 20, 15)),
        (2, Disc(36, 5, 20, 15)),
        (1, Disc(-36, 5, 7, 14)),
        (1, Disc(36, 5, 7, 14)),
        (1, Patch(((-12, 38), (12, 38), (0, 52)))),
    ),
    (  # deer
        (1, Bar(62, -62, 40, -120, 7)),
        (1, Bar(70, -62, 92, -120, 7)),
        (1, Bar(50, -92, 20, -105, 6)),
        (1, Bar(82, -92, 112, -105, 6)),
        (0, Bar(-50, 20, -55, 115, 8)),
        (0, Bar(-30, 20, -28, 115, 8)),
        (0, Bar(25, 20, 24, 115, 8)),
        (0, Bar(45, 20, 50, 115, 8)),
        (0, Disc(-5, 15, 70, 32)),
        (0, Bar(45, 5, 66, -48, 14)),
        (0, Disc(78, -48, 28, 16)),
        (2, Disc(-72, 5, 12, 12)),
    ),
    (  # dog, its face
        (0, Disc(0, 0, 72, 84)),
        (1, Bar(-72, -45, -88, 45, 24)),
        (1, Bar(72, -45, 88, 45, 24)),
        (2, Disc(0, 45, 44, 38)),
        (1, Disc(0, 30, 18, 13)),
        (1, Disc(-28, -15, 10, 10)),
        (1, Disc(28, -15, 10, 10)),
    ),
    (  # frog, from the front
        (0, Disc(-85, 75, 36, 28)),
        (0, Disc(85, 75, 36, 28)),
        (0, Disc(-52, -28, 30, 30)),
        (0, Disc(52, -28, 30, 30)),
        (0, Disc(0, 35, 96, 64)),
        (2, Disc(-52, -30, 19, 19)),
        (2, Disc(52, -30, 19, 19)),
        (1, Disc(-52, -30, 9, 9)),
        (1, Disc(52, -30, 9, 9)),
        (1, Bar(-60, 45, 60, 45, 6)),
    ),
    (  # horse
        (1, Bar(-75, -5, -105, 60, 13)),
        (0, Bar(-58, 15, -60, 112, 13)),
        (0, Bar(-32, 15, -28, 112, 13)),
        (0, Bar(32, 15, 28, 112, 13)),
        (0, Bar(56, 15, 60, 112, 13)),
        (0, Disc(0, 5, 84, 40)),
        (1, Bar(40, -20, 72, -92, 20)),
        (0, Bar(58, -8, 84, -75, 24)),
        (0, Bar(84, -80, 112, -48, 17)),
    ),
    (  # ship
        (1, Bar(-20, 20, -20, -118, 5)),
        (2, box(-70, -25, 50, 30)),
        (1, box(5, -75, 32, -25)),
        (1, box(-58, -10, -40, 8)),
        (1, box(-28, -10, -10, 8)),
        (0, Patch(((-122, 25), (122, 25), (88, 88), (-92, 88)))),
    ),
    (  # truck, from the side
        (0, box(-122, -80, 42, 50)),
        (2, box(50, -32, 104, 20)),
        (0, Patch(((46, -40), (88, -40), (120, 5), (120, 50), (46, 50)))),
        (2, Patch(((60, -28), (84, -28), (104, 4), (60, 4)))),
        (1, box(-122, 42, 120, 56)),
        (1, Disc(-85, 62, 24, 24)),
        (1, Disc(-32, 62, 24, 24)),
        (1, Disc(82, 62, 24, 24)),
    ),
)


def generate(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Make ``count`` samples; the first ``n`` of them are those of ``generate(n, seed)``.

    Args:
        count: number of samples, at least 0.
        seed: any number from 0 to 2**32 - 1; ``TEST_SEED`` is the held-out set.

    Returns:
        Samples, uint8, shape ``(count, 32, 32, 3)``: RGB, row by row; and labels, int64, shape
        ``(count,)``: indices into ``CLASSES``.

    Raises:
        ValueError: count is negative, or seed is out of range.
    """
    random = RandomState(seed)
    samples = np.empty((count, SIZE, SIZE, 3), dtype=np.uint8)
    labels = np.empty(count, dtype=np.int64)
    for index in range(count):
        labels[index] = draw(random, 0, len(CLASSES) - 1)
        samples[index] = _picture(random, _FIGURES[labels[index]])
    return samples, labels


def _picture(random: RandomState, figure: Figure) -> NDArray[np.uint8]:
    """One picture of a figure, uint8, shape ``(32, 32, 3)``."""
    size = 2 * SIZE  # painted twice as big
    canvas = backdrop(random, size)
    scale = 2 * draw(random, *_SCALES)
    room = size * 16 - scale * 3 // 4  # up to an eighth of the figure is cut at an edge
    place = Place(
        x=scale * 3 // 8 + draw(random, 0, room),
        y=scale * 3 // 8 + draw(random, 0, room),
        scale=scale,
        tilt=draw(random, -TILTS, TILTS),
        mirrored=draw(random, 0, 1) == 1,
    )
    mask = paint(canvas, place.grid(size), figure, shades(colour(random, 30, 230)))
    texture(random, canvas, mask)
    if draw(random, 0, 1) == 0:
        _occlude(random, canvas)
    return finish(random, halved(canvas), _NOISE)


def _occlude(random: RandomState, canvas: NDArray[np.int64]) -> None:
    """Something like a post or a wire in front of the figure."""
    ends = [draw(random, -128, 128) for _ in range(2)]
    post = Bar(ends[0], -128, ends[1], 128, draw(random, 3, 12))
    whole = Place(x=len(canvas) * 8, y=len(canvas) * 8, scale=len(canvas) * 16)
    paint(canvas, whole.grid(len(canvas)), ((0, post),), (colour(random, 20, 220),))
