"""Painting made-up pictures in integer arithmetic, the same on every platform.

A figure is a list of simple shapes in its own units: about 256 across, from -128 to 128, ``u``
to the right and ``v`` downwards. `place` says where each pixel of a canvas lies in these units, so
that shapes are tested there and need no rotation, scaling or mirroring themselves. A canvas is
int64, shape ``(size, size, 3)``, RGB, with values around 0 to 255 that only `finish` clips.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from tinyhil.data.standin._draws import bell, draw

Canvas = NDArray[np.int64]
Colour = NDArray[np.int64]
Mask = NDArray[np.bool_]

UNITS: Final = 256  # a figure's own size
TILTS: Final = 4  # a figure turns by as many steps of 5.6 degrees to either side
_COS: Final = (256, 255, 251, 245, 237)  # of 0 to 4 steps, in 1/256
_SIN: Final = (0, 25, 50, 74, 98)
_FINE: Final = 16  # places are in 1/16 pixel


@dataclass(frozen=True)
class Grid:
    """Where the pixels of a canvas lie in the units of one figure; int64, ``(size, size)``."""

    u: NDArray[np.int64]
    v: NDArray[np.int64]


class Shape(Protocol):
    """Part of a figure."""

    def covers(self, grid: Grid) -> Mask:
        """Which pixels lie inside."""


@dataclass(frozen=True)
class Disc:
    """An ellipse around ``(u, v)`` with the half axes ``a`` and ``b``."""

    u: int
    v: int
    a: int
    b: int

    def covers(self, grid: Grid) -> Mask:
        """Which pixels lie inside."""
        across, down = (grid.u - self.u) * self.b, (grid.v - self.v) * self.a
        return np.asarray(across * across + down * down <= (self.a * self.b) ** 2)


@dataclass(frozen=True)
class Bar:
    """A thick line with round ends from ``(u0, v0)`` to ``(u1, v1)``, not the same point."""

    u0: int
    v0: int
    u1: int
    v1: int
    radius: int

    def covers(self, grid: Grid) -> Mask:
        """Which pixels lie inside."""
        along_u, along_v = self.u1 - self.u0, self.v1 - self.v0
        u, v = grid.u - self.u0, grid.v - self.v0
        square = along_u * along_u + along_v * along_v
        dot, cross = u * along_u + v * along_v, u * along_v - v * along_u
        middle = (dot >= 0) & (dot <= square) & (cross * cross <= self.radius**2 * square)
        start = u * u + v * v <= self.radius**2
        end = (u - along_u) ** 2 + (v - along_v) ** 2 <= self.radius**2
        return np.asarray(middle | start | end)


@dataclass(frozen=True)
class Patch:
    """A convex polygon; its corners run clockwise on the screen."""

    corners: tuple[tuple[int, int], ...]

    def covers(self, grid: Grid) -> Mask:
        """Which pixels lie inside."""
        inside = np.ones(grid.u.shape, dtype=np.bool_)
        for (u0, v0), (u1, v1) in zip(
            self.corners, self.corners[1:] + self.corners[:1], strict=True
        ):
            inside &= (u1 - u0) * (grid.v - v0) >= (v1 - v0) * (grid.u - u0)
        return inside


def box(left: int, top: int, right: int, bottom: int) -> Patch:
    """An upright rectangle."""
    return Patch(((left, top), (right, top), (right, bottom), (left, bottom)))


Figure = tuple[tuple[int, Shape], ...]
"""Shapes from back to front, each with its tone: an index into the colours of `paint`."""


@dataclass(frozen=True)
class Place:
    """Where and how a figure is placed; places and ``scale`` in 1/16 pixel."""

    x: int
    y: int
    scale: int
    """Size of the figure's 256 units, at least 16."""
    tilt: int = 0
    """Steps of 5.6 degrees clockwise, -4 to 4."""
    mirrored: bool = False

    def grid(self, size: int) -> Grid:
        """Where each pixel of a canvas of ``size`` squared lies in the figure's units."""
        steps = np.arange(size, dtype=np.int64) * _FINE + _FINE // 2
        x, y = (steps - self.x)[np.newaxis, :], (steps - self.y)[:, np.newaxis]
        cos, sin = _COS[abs(self.tilt)], _SIN[abs(self.tilt)] * (1 if self.tilt >= 0 else -1)
        u = (x * cos + y * sin) // self.scale  # cosine and figure both have 256 units
        v = (y * cos - x * sin) // self.scale
        return Grid(-u if self.mirrored else u, v)


def colour(random: RandomState, low: int, high: int) -> Colour:
    """Any colour with channels from ``low`` to ``high``."""
    return np.asarray(random.randint(low, high + 1, size=3, dtype=np.int64))


def shades(base: Colour) -> tuple[Colour, Colour, Colour]:
    """Tones for a figure: the colour itself, a dark one, a light one."""
    return base, base // 3, (base + 2 * 255) // 3


def paint(
    canvas: Canvas, grid: Grid, figure: Iterable[tuple[int, Shape]], tones: tuple[Colour, ...]
) -> Mask:
    """Paint a figure and return the pixels that it covers."""
    covered = np.zeros(grid.u.shape, dtype=np.bool_)
    for tone, shape in figure:
        mask = shape.covers(grid)
        canvas[mask] = tones[tone]
        covered |= mask
    return covered


def clouds(random: RandomState, size: int, cells: int) -> NDArray[np.int64]:
    """Smooth noise, -256 to 255, shape ``(size, size)``: ``cells`` squared draws, interpolated."""
    knots = random.randint(-256, 256, size=(cells + 1, cells + 1), dtype=np.int64)
    steps = np.arange(size, dtype=np.int64) * cells
    index, rest = steps // size, steps % size
    rows = knots[index] * (size - rest)[:, np.newaxis] + knots[index + 1] * rest[:, np.newaxis]
    columns = rows[:, index] * (size - rest) + rows[:, index + 1] * rest
    return np.asarray(columns // (size * size), dtype=np.int64)


def backdrop(random: RandomState, size: int) -> Canvas:
    """A far and a near plane with a tilted horizon, each with its colour and texture."""
    far, near = colour(random, 60, 230), colour(random, 30, 200)
    steps = np.arange(size, dtype=np.int64)
    slope = draw(random, -40, 40)
    horizon = draw(random, size * 3 // 10, size * 9 // 10)
    below = steps[:, np.newaxis] > horizon + (steps - size // 2) * slope // 256
    canvas = np.where(below[..., np.newaxis], near, far)
    texture = clouds(random, size, draw(random, 2, 5)) * draw(random, 4, 40) // 256
    grain = clouds(random, size, size // 4) * draw(random, 0, 40) // 256
    return np.asarray(canvas + (texture + np.where(below, grain, 0))[..., np.newaxis])


def texture(random: RandomState, canvas: Canvas, mask: Mask) -> None:
    """Make what a figure covers uneven: lit from one side, and stained."""
    size = len(canvas)
    steps = np.arange(size, dtype=np.int64) - size // 2
    light = (steps * draw(random, -60, 60) + steps[:, np.newaxis] * draw(random, -60, 60)) // size
    stains = clouds(random, size, draw(random, 3, 8)) * draw(random, 0, 36) // 256
    canvas[mask] += (light + stains)[mask][:, np.newaxis]


def finish(random: RandomState, canvas: Canvas, noise: int) -> NDArray[np.uint8]:
    """Expose the picture, add noise and clip to bytes.

    Args:
        random: where exposure and noise are drawn from.
        canvas: the picture, shape ``(size, size, 3)``.
        noise: the strongest noise there is, its standard deviation in 1/256 of 148.
    """
    gain, tint = draw(random, 180, 300), colour(random, -12, 12)
    grain = bell(random, canvas.shape) * draw(random, noise // 4, noise) // 256
    exposed = (canvas - 128) * gain // 256 + 128 + tint + grain
    return np.asarray(np.clip(exposed, 0, 255), dtype=np.uint8)


def halved(canvas: Canvas) -> Canvas:
    """Half the size, each pixel the mean of four: smooth edges for what was painted big."""
    return np.asarray(
        (canvas[::2, ::2] + canvas[1::2, ::2] + canvas[::2, 1::2] + canvas[1::2, 1::2] + 2) // 4
    )
