"""What an ideal instrument would measure: exact power over time, and the edges of a pin."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]


class Timeline(Protocol):
    """Power of a device from the second 0 on, as far as it is known."""

    live: bool
    """Whether the device runs now, so that who begins to look sees nothing of before."""

    @property
    def known_s(self) -> float:
        """Until when."""
        ...

    def energy_until(self, times_s: Times) -> Times:
        """Joules from the second 0 to each of the times, which are known."""
        ...

    def edges_between(self, start_s: float, end_s: float) -> list[tuple[int, float]]:
        """Number and second of each falling edge of the pin from `start_s` to before `end_s`."""
        ...


class Analytic:
    """A device that waits, infers and waits again, with a ripple: all of it a formula.

    Args:
        windows: first and last second of each stretch of inferring; an edge is at each.
        idle_w: power while it waits.
        busy_w: power while it infers.
        ripple_w: amplitude of a sine on top of both, below `idle_w`.
        ripple_hz: its frequency.
        tail_s: how long it waits at the end.
        stamp_s: of the edge that is made before all, by `timestamp`.
    """

    live = False

    def __init__(
        self,
        windows: Sequence[tuple[float, float]],
        *,
        idle_w: float = 0.002,
        busy_w: float = 0.020,
        ripple_w: float = 0.0,
        ripple_hz: float = 977.0,
        tail_s: float = 1.5,
        stamp_s: float = 0.05,
    ) -> None:
        self.windows = tuple(windows)
        self.edges_s = (stamp_s, *(second for pair in windows for second in pair))
        self.known_s = self.edges_s[-1] + tail_s
        self._ripple = ripple_w, 2 * np.pi * ripple_hz
        points = [0.0, *(second for pair in windows for second in pair), self.known_s]
        powers = [busy_w if place % 2 else idle_w for place in range(len(points) - 1)]
        self._points = np.array(points)
        self._energies = np.concatenate(([0.0], np.cumsum(np.diff(points) * powers)))

    def energy_until(self, times_s: Times) -> Times:
        """See `Timeline`."""
        ripple_w, omega = self._ripple
        found: Times = np.interp(times_s, self._points, self._energies)
        return found + ripple_w / omega * (1 - np.cos(omega * times_s))

    def edges_between(self, start_s: float, end_s: float) -> list[tuple[int, float]]:
        """See `Timeline`."""
        return [
            (number, second)
            for number, second in enumerate(self.edges_s)
            if start_s <= second < end_s
        ]

    def energy_j(self, window: int) -> float:
        """Of a window, exact."""
        start, end = self.energy_until(np.array(self.windows[window]))
        return float(end - start)


class Live:
    """A device that is running: it tells what it does as it goes, and may be asked from any thread.

    Args:
        power_w: until it first tells.
    """

    live = True

    def __init__(self, power_w: float) -> None:
        self._lock = threading.Lock()
        self._points, self._energies = [0.0], [0.0]
        self._power_w = power_w
        self._edges: list[tuple[int, float]] = []
        self._made = 0

    @property
    def known_s(self) -> float:
        """See `Timeline`."""
        return self._points[-1]

    def until(self, second: float, power_w: float | None = None, *, edge: bool = False) -> None:
        """It has gone on as it was until `second`, and uses `power_w` from then on.

        Args:
            second: not before the one that was told last.
            power_w: None: as before.
            edge: its pin falls then.
        """
        with self._lock:
            second = max(second, self._points[-1])
            used_j = (second - self._points[-1]) * self._power_w
            self._energies.append(self._energies[-1] + used_j)
            self._points.append(second)
            self._power_w = self._power_w if power_w is None else power_w
            if edge:
                self._edges.append((self._made, second))
                self._made += 1

    def energy_until(self, times_s: Times) -> Times:
        """See `Timeline`; what is before the first of the times is forgotten."""
        with self._lock:
            found: Times = np.interp(times_s, self._points, self._energies)
            while len(self._points) > 2 and self._points[1] < times_s[0]:
                del self._points[0], self._energies[0]
            return found

    def edges_between(self, start_s: float, end_s: float) -> list[tuple[int, float]]:
        """See `Timeline`; each is given once."""
        with self._lock:
            found = [edge for edge in self._edges if edge[1] < end_s]
            self._edges = self._edges[len(found) :]
            # What was before the instrument began, as the edge of a boot, nobody has seen.
            return [edge for edge in found if edge[1] >= start_s]
