"""Whether the edges of a trace are those that the device made: their number, order and spacing.

What is measured is always between two edges that one `infer` made, never between two that happen to
follow each other: an edge that is missing, doubled or late ends the measure, and no gap between two
inferences can be taken for one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tinyhil.ground.errors import MonitorError

NEAR, NEAR_S = 0.02, 0.2
"""How far a time by the host's clock may be from the one between two edges: a share, and what a
line takes on its way, in seconds."""

MOST_DRIFT = 0.01
"""Between the clocks of monitor and device: as much as a device's own oscillator may be off."""
MOST_LATE = 1e-3
"""By how much one window may be longer or shorter than the others say, beyond what its samples
tell: so much of its energy at most is of something else."""
_BOUNCE_S, _BOUNCE_SAMPLES = 2e-3, 4
_LEAST, _LEAST_S = 0.5, 1.0
"""Of the host's time of an answer, at least so much is between the edges, but for some seconds of
text before and behind."""

_CLOCK = 0.1
"""A clock that runs worse is no clock."""

_WIRING = "check the wire from the device's time stamp pin to the monitor, and its ground"


@dataclass(frozen=True)
class Timed:
    """One `infer`, by each clock that tells; in seconds."""

    monitor_s: float
    """Between its two edges."""
    device_s: float | None
    """By the device's own clock, where it says."""
    host_s: float | None = None
    """From the command to the end of its answer."""
    resolution_s: float = 0.0
    """Of an edge."""
    share: float = 1.0
    """Of its inferences, of those that are between the edges, and not before them to warm up."""


def bounce(rate_hz: float) -> int:
    """How many samples apart two edges may be that are one edge, seen twice."""
    return max(_BOUNCE_SAMPLES, math.ceil(_BOUNCE_S * rate_hz))


def check_number(places: Sequence[int], rate_hz: float, wanted: int, what: str) -> None:
    """See that as many edges came as the device made.

    Args:
        places: of the edges.
        rate_hz: of the trace.
        wanted: by what the device was asked for.
        what: it was asked for.

    Raises:
        MonitorError: more came, or fewer.
    """
    if len(places) == wanted:
        return
    text = f"the power monitor saw {len(places)} edges of the pin where {what} makes {wanted}"
    near = [b - a for a, b in pairwise(places) if b - a < bounce(rate_hz)]
    if len(places) > wanted and near:
        text += f": two of them within {max(1, min(near)) / rate_hz * 1e6:.0f} us, a double edge"
    elif len(places) > wanted:
        text += ": an edge that no inference made"
    elif places:
        text += ": one is missing"
    else:
        raise MonitorError(text, hint=f"{_WIRING}; the firmware must mark time by a pin (--energy)")
    raise MonitorError(text, hint=f"{_WIRING}; a pin that floats needs a resistor")


def check_pair(one: Timed) -> None:
    """See that two edges can be those of the `infer` that was just asked.

    Raises:
        MonitorError: they are much nearer than it took, or much further apart.
    """
    least_s = most_s = one.monitor_s
    if one.device_s:
        off_s = MOST_DRIFT * one.device_s + 2 * one.resolution_s
        least_s, most_s = one.device_s - off_s, one.device_s + off_s
    elif one.host_s is not None:
        least_s = _LEAST * one.share * (one.host_s - _LEAST_S)
        most_s = one.host_s * (1 + NEAR) + NEAR_S
    if least_s <= one.monitor_s <= most_s:
        return
    took_s = one.device_s or one.host_s or 0.0
    text = f"the edges are {one.monitor_s:.4f} s apart, the inferences took {took_s:.4f} s"
    if one.monitor_s < _BOUNCE_S + 2 * one.resolution_s:
        text += ": a double edge"
    elif one.device_s and abs(one.monitor_s / one.device_s - 1) < _CLOCK:
        off = 100 * (one.monitor_s / one.device_s - 1)
        text += f": the monitor's clock and the device's differ by {off:+.2f} %, or an edge is late"
    elif one.device_s and one.monitor_s > 2 * one.device_s:
        text += ": an edge is late, or the device's clock began anew in between, as one that wraps"
    else:
        text += ": an edge is late, or of something else"
    raise MonitorError(text, hint=f"{_WIRING}; see the device's clock_hz")


def check_spacing(timed: Sequence[Timed]) -> None:
    """See that the edges of each `infer` are as far apart as its inferences took.

    Raises:
        MonitorError: an edge is late, or the monitor's clock and the device's run apart.
    """
    for one in timed:
        check_pair(one)
    known = [one for one in timed if one.device_s]
    if not known:
        return
    ratios = np.array([one.monitor_s / (one.device_s or 1.0) for one in known])
    # One inference is short: a sample more or less is much of it.
    longest_s = max(one.monitor_s for one in known)
    long = [
        ratio for one, ratio in zip(known, ratios, strict=True) if 2 * one.monitor_s > longest_s
    ]
    middle = float(np.median(long))
    if abs(middle - 1) > MOST_DRIFT:
        raise MonitorError(
            f"the monitor's clock and the device's differ by {100 * (middle - 1):+.2f} %",
            hint="one of the two runs wrong: check the device's clock_hz, and the monitor's rate",
        )
    for one in known:
        expected_s = middle * (one.device_s or 0.0)
        off_s = one.monitor_s - expected_s
        if abs(off_s) > MOST_LATE * expected_s + 2 * one.resolution_s:
            raise MonitorError(
                f"the edges are {one.monitor_s:.4f} s apart, the device says "
                f"{one.device_s:.4f} s: an edge is off by {abs(off_s) * 1e3:.1f} ms",
                hint=_WIRING,
            )


def is_near(seconds: float, told: float | None, late_s: float = NEAR_S) -> bool:
    """Whether a time between edges is what somebody's clock says that the inferences took.

    Args:
        seconds: between the edges.
        told: by the clock; None where it tells nothing.
        late_s: by how much it may be off beside a share of the time.
    """
    return told is not None and abs(seconds - told) <= late_s + NEAR * told
