"""Stand-in samples for visual wake words (``vww01``): made-up scenes in the official shape.

Each sample is a scene with things in it: signs, trees, houses, cars, dogs, balls. In half of them
a simple figure of a person stands, walks or waves as well, near or far, dressed in any colours, at
times partly hidden or cut by the edge. Some things are built to be mistaken for one: a post with a
round sign, a slim tree, a coat stand with a coat.

All values are integers, so the bytes of a set are the same everywhere (see `_draws`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from tinyhil.data.standin._draws import draw
from tinyhil.data.standin._paint import (
    Bar,
    Canvas,
    Colour,
    Disc,
    Figure,
    Patch,
    Place,
    backdrop,
    box,
    colour,
    finish,
    paint,
    texture,
)  # fmt: skip

CLASSES: Final[tuple[str, ...]] = ("no person", "person")
"""Class names in the official order; a label is an index into them."""

SIZE: Final = 96

TEST_SEED: Final = 20_250_131
"""Seed of the held-out set; nothing may be trained on it."""
TEST_COUNT: Final = 1000
"""Samples in the held-out set, as many as in the official one."""
TRAIN_SEED: Final = 20_250_132
"""Seed of the training set."""

FILE_NAME: Final = "vww01_{index:06d}_{label}.bin"
LABEL_COLUMNS: Final[tuple[int, ...]] = ()

# Heights in 1/16 pixel, and the strongest noise. These make the set as hard as it is.
_PERSON: Final = (60 * 16, 104 * 16)
_THING: Final = (24 * 16, 64 * 16)
_NOISE: Final = 16

_SKIN: Final = ((236, 200, 170), (214, 164, 124), (160, 110, 76), (96, 64, 46))
_HAIR: Final = ((40, 30, 24), (90, 60, 36), (190, 150, 90), (150, 150, 150))


def generate(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Make ``count`` samples; the first ``n`` of them are those of ``generate(n, seed)``.

    Args:
        count: number of samples, at least 0.
        seed: any number from 0 to 2**32 - 1; ``TEST_SEED`` is the held-out set.

    Returns:
        Samples, uint8, shape ``(count, 96, 96, 3)``: RGB, row by row; and labels, int64, shape
        ``(count,)``: indices into ``CLASSES``.

    Raises:
        ValueError: count is negative, or seed is out of range.
    """
    random = RandomState(seed)
    samples = np.empty((count, SIZE, SIZE, 3), dtype=np.uint8)
    labels = np.empty(count, dtype=np.int64)
    for index in range(count):
        labels[index] = draw(random, 0, 1)
        samples[index] = _scene(random, labels[index] == 1)
    return samples, labels


def _scene(random: RandomState, with_person: bool) -> NDArray[np.uint8]:
    """One picture, uint8, shape ``(96, 96, 3)``."""
    canvas = backdrop(random, SIZE)
    for _ in range(draw(random, 0, 2)):
        _put(random, canvas, *_thing(random), _THING)
    if with_person:
        _put(random, canvas, *_person(random), _PERSON)
    else:
        _put(random, canvas, *_thing(random), _PERSON)
    if draw(random, 0, 3) == 0:
        _put(random, canvas, *_thing(random), _THING)  # may hide what is behind it
    return finish(random, canvas, _NOISE)


def _put(
    random: RandomState,
    canvas: Canvas,
    figure: Figure,
    tones: tuple[Colour, ...],
    heights: tuple[int, int],
) -> None:
    """Paint a figure somewhere, up to an eighth of it over an edge."""
    scale = draw(random, *heights)
    room = SIZE * 16 - scale * 3 // 4
    place = Place(
        x=scale * 3 // 8 + draw(random, 0, room),
        y=scale * 3 // 8 + draw(random, 0, room),
        scale=scale,
        tilt=draw(random, -1, 1),
        mirrored=draw(random, 0, 1) == 1,
    )
    texture(random, canvas, paint(canvas, place.grid(SIZE), figure, tones))


def _person(random: RandomState) -> tuple[Figure, tuple[Colour, ...]]:
    """Someone: head, hair, torso, arms and legs, each limb in two parts that bend."""
    shoulder, hip = draw(random, 22, 32), draw(random, 12, 20)
    limb = draw(random, 8, 12)
    figure: Figure = (
        *_limb(random, 3, (-hip + 2, 25), (draw(random, -45, 10), 122), limb + 2, 10),
        *_limb(random, 3, (hip - 2, 25), (draw(random, -10, 45), 122), limb + 2, 10),
        (2, Patch(((-shoulder, -68), (shoulder, -68), (hip + 6, 32), (-hip - 6, 32)))),
        *_limb(random, 2, (-shoulder + 4, -60), _hand(random, -1), limb, 14),
        *_limb(random, 2, (shoulder - 4, -60), _hand(random, 1), limb, 14),
        (0, Bar(0, -80, 0, -66, 9)),
        (1, Disc(draw(random, -3, 3), -104, 23, 24)),
        (0, Disc(draw(random, -4, 4), -97, 20, 23)),
    )
    tones = (_one_of(random, _SKIN), _one_of(random, _HAIR))
    return figure, (*tones, colour(random, 20, 235), colour(random, 20, 200))


def _hand(random: RandomState, side: int) -> tuple[int, int]:
    """Where a hand is: down, or up when waving."""
    waving = draw(random, 0, 4) == 0
    return side * draw(random, 30, 70), draw(random, -120, -60) if waving else draw(random, -20, 35)


def _limb(
    random: RandomState,
    tone: int,
    start: tuple[int, int],
    end: tuple[int, int],
    radius: int,
    bend: int,
) -> Figure:
    """Two bars with a joint between them, somewhat off the straight line."""
    joint = (
        (start[0] + end[0]) // 2 + draw(random, -bend, bend),
        (start[1] + end[1]) // 2 + draw(random, -bend // 2, bend // 2),
    )
    return (tone, Bar(*start, *joint, radius)), (tone, Bar(*joint, *end, radius - 1))


def _one_of(random: RandomState, colours: tuple[tuple[int, int, int], ...]) -> Colour:
    """One of some colours, a little changed."""
    return np.array(colours[draw(random, 0, len(colours) - 1)], dtype=np.int64) + colour(
        random, -12, 12
    )


def _thing(random: RandomState) -> tuple[Figure, tuple[Colour, ...]]:
    """Anything but a person, with its colours."""
    figure = _THINGS[draw(random, 0, len(_THINGS) - 1)](random)
    return figure, (colour(random, 20, 230), colour(random, 20, 230), colour(random, 10, 90))


def _sign(random: RandomState) -> Figure:
    """A post with a round sign at the top."""
    return (2, Bar(0, -80, 0, 125, draw(random, 5, 9))), (0, Disc(0, -95, 28, 28))


def _tree(random: RandomState) -> Figure:
    """A trunk and a crown."""
    width = draw(random, 30, 70)
    return (
        (2, Bar(0, -20, 0, 120, draw(random, 8, 16))),
        (0, Disc(0, -60, width, 64)),
        (0, Disc(-width // 2, -30, width // 2, 40)),
    )


def _house(random: RandomState) -> Figure:
    """Walls with a roof, a door and a window."""
    door = draw(random, -60, 20)
    return (
        (0, box(-95, -30, 95, 110)),
        (1, Patch(((-110, -30), (0, -110), (110, -30)))),
        (2, box(door, 40, door + 36, 110)),
        (2, box(45, 0, 80, 35)),
    )


def _car(random: RandomState) -> Figure:
    """A car from the side."""
    roof = draw(random, -55, -35)
    return (
        (0, Patch(((-60, 10), (-35, roof), (35, roof), (75, 10)))),
        (0, box(-118, 5, 118, 55)),
        (2, Disc(-65, 56, 28, 28)),
        (2, Disc(68, 56, 28, 28)),
    )


def _dog(random: RandomState) -> Figure:
    """A dog from the side."""
    tail = draw(random, -60, 10)
    return (
        *((0, Bar(u, 30, u, 110, 12)) for u in (-55, -30, 30, 55)),
        (0, Bar(-60, 10, -105, tail, 9)),
        (0, Disc(0, 15, 75, 36)),
        (0, Disc(78, -30, 38, 30)),
        (1, Disc(62, -30, 13, 28)),
    )


def _ball(random: RandomState) -> Figure:
    """A ball with a stripe."""
    radius = draw(random, 40, 90)
    return (0, Disc(0, 30, radius, radius)), (1, Disc(0, 30, radius // 3, radius))


def _coat_stand(random: RandomState) -> Figure:
    """A coat on a stand: shoulders and a torso, but neither head nor legs."""
    shoulder = draw(random, 22, 40)
    return (
        (2, Bar(0, -95, 0, 110, 6)),
        (2, Bar(-30, 118, 30, 118, 6)),
        (0, Patch(((-shoulder, -68), (shoulder, -68), (shoulder + 8, 50), (-shoulder - 8, 50)))),
        (0, Bar(-shoulder, -60, -shoulder - 10, 20, 10)),
        (0, Bar(shoulder, -60, shoulder + 10, 20, 10)),
    )


_THINGS: Final[tuple[Callable[[RandomState], Figure], ...]] = (
    _sign, _tree, _house, _car, _dog, _ball, _coat_stand,
)  # fmt: skip
