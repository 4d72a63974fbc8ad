"""Whether the samples of a trace can be trusted: none lost, a supply that gives power."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tinyhil.ground.errors import MonitorError
from tinyhil.measure.energy.edges import MOST_DRIFT
from tinyhil.measure.energy.windows import Window
from tinyhil.record.traces import Trace, blocks_of

MOST_LOST = 1e-3
"""Share of samples that may be lost."""
_LAG_S = 1.0
"""By which samples may come later than others."""
_LEAST_W = 1e-7
"""Mean power of the least that runs an inference: a hundredth of a low-power core's."""


def check_lost(lost: int, of: int) -> None:
    """See that not too many samples were lost.

    Raises:
        MonitorError: more than `MOST_LOST` of them were.
    """
    if lost > MOST_LOST * of:
        raise MonitorError(
            f"{lost:,} of {of:,} samples were lost on their way, more than {100 * MOST_LOST:g} %",
            hint="give the monitor a USB port of its own, or choose a lower rate",
        )


def check_rate(samples: int, rate_hz: float, host_s: float) -> None:
    """See that the monitor takes as many samples a second as it is said to, where no clock of the
    device tells; a pause that nothing counts is one as well.

    Args:
        samples: that came, with the lost ones.
        rate_hz: of the monitor.
        host_s: in so many seconds of the host's clock.

    Raises:
        MonitorError: there are too few, or too many.
    """
    if abs(samples / rate_hz - host_s) > MOST_DRIFT * host_s + _LAG_S:
        raise MonitorError(
            f"{samples:,} samples came in {host_s:.1f} s, of a monitor that is said to take "
            f"{rate_hz:g} a second",
            hint="see the monitor's rate; give it a USB port of its own",
        )


def count_lost(trace: Trace) -> int:
    """Samples that never came."""
    return sum(int(np.isnan(block).sum()) for block in blocks_of(trace.power_w))


def check_samples(trace: Trace, windows: Sequence[tuple[int, int, Window]]) -> None:
    """See that enough samples came, of a supply that works.

    Args:
        trace: of the monitor.
        windows: first and last place of each, and what was used.

    Raises:
        MonitorError: the trace is of no use.
    """
    check_lost(count_lost(trace), len(trace.power_w))
    for first, last, window in windows:
        check_lost(window.lost + window.late, last - first)
    for first, last, window in windows:
        if not math.isfinite(window.power_w):
            raise MonitorError(
                "the monitor sent a sample that is no power", hint="plug the monitor in again"
            )
        if window.power_w < _LEAST_W:
            raise MonitorError(
                f"the monitor measured {window.power_w:.3g} W while the device inferred: its "
                "supply is stuck, or the device has another one",
                hint="see that the monitor alone supplies the device, and its jumper is set",
            )
        part = trace.power_w[first:last]
        if len(part) > 2 and all(float(np.ptp(block)) == 0 for block in blocks_of(part)):
            raise MonitorError(
                f"all {len(part):,} samples of a window are {float(part[0]):.6g} W: the "
                "instrument is stuck",
                hint="unplug the monitor and plug it in again; a real supply always has some noise",
            )
