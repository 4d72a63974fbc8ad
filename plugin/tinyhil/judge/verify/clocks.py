"""The device's times against the host's clock, which the raw logs hold too.

An emulated board's times are instruction counts, of which the host's clock says nothing.
"""

from __future__ import annotations

from tinyhil.judge.verify.conversation import Heard
from tinyhil.judge.verify.findings import Findings

_JITTER_S = 0.02
"""By how much a coarse clock of a device may round up."""
_FASTER = 1.05
"""How much faster than the host's clock a device's may go; the audit of the clock looks closer."""
_LONGEST, _MORE_S = 1.5, 0.5
"""How much longer than the device says even the quickest answer may take on the host's clock: what
the firmware does before and after it is not timed."""
_LONG_S = 1.0
"""Answers that take at least so long are looked at."""


def check_clocks(heard: Heard, tick_hz: int, findings: Findings) -> None:
    """Hold each answer's time on the device against the time between question and answer.

    Args:
        heard: what the raw logs of a task on a physical board hold.
        tick_hz: of the device's timer.
        findings: where what can't be is noted.
    """
    before: dict[str, float] = {}
    slowest: dict[str, tuple[float, int, float, float]] = {}
    for answer in heard.answers:
        device_s = (answer.end - answer.start) / (10**6 if answer.by_text else tick_hz)
        host_s = answer.came_s - answer.asked_s
        if device_s > host_s * _FASTER + _JITTER_S:
            text = f"the device says that it took {device_s:.3f} s, question and answer were"
            findings.add(answer.log, answer.line, f"{text} {host_s:.3f} s apart")
        # A query that was sent ahead waits until the one before is answered.
        alone_s = answer.came_s - max(answer.asked_s, before.get(answer.log, 0.0))
        before[answer.log] = answer.came_s
        whole_s = device_s * (answer.count + answer.warm_up) / answer.count
        if answer.timed and whole_s > _LONG_S:
            found = ((alone_s - _MORE_S) / whole_s, answer.line, whole_s, alone_s)
            slowest[answer.log] = min(found, slowest.get(answer.log, found))
    for log, (factor, line, whole_s, alone_s) in slowest.items():
        if factor > _LONGEST:
            text = f"even the quickest answer took {alone_s:.3f} s on the host's clock, the device"
            findings.add(log, line, f"{text} says {whole_s:.3f} s")
