"""The device's times against the host's clock, which the raw logs hold too.

An emulated board's times are instruction counts, of which the host's clock says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from tinyhil.device.wraps import Period, between
from tinyhil.judge.verify.answers import Answer
from tinyhil.judge.verify.conversation import Heard
from tinyhil.judge.verify.findings import Findings
from tinyhil.judge.verify.matching import Claim

_JITTER_S = 0.02
"""By how much a coarse clock of a device may round up."""
_FASTER = 1.05
"""How much faster than the host's clock a device's may go; the audit of the clock looks closer."""
_LONGEST, _MORE_S = 1.5, 0.5
"""How much longer than the device says even the quickest answer may take on the host's clock: what
the firmware does before and after it is not timed."""
_LONG_S = 1.0
"""Answers that take at least so long are looked at."""


_ROUNDED_S = 2e-6
"""Of the host's clock, as rows and logs have it."""


def check_waits(heard: Heard, used: Mapping[int, Claim], findings: Findings) -> None:
    """The host's clock in a row goes from before the question to after the answer.

    Args:
        heard: what the raw logs of a task hold.
        used: what rows say of its answers, by their places.
        findings: where what can't be is noted.
    """
    for place, claim in used.items():
        answer = heard.answers[place]
        least_s = answer.came_s - answer.asked_s
        if claim.waited_s is not None and claim.waited_s < least_s - _ROUNDED_S:
            text = f"has the host wait {claim.waited_s:.6f} s, by the log it did {least_s:.6f} s"
            findings.add(claim.file, claim.line, text)


def check_clocks(heard: Heard, used: Mapping[int, Claim], tick_hz: int, findings: Findings) -> None:
    """Hold each answer's time on the device against the time between question and answer.

    Args:
        heard: what the raw logs of a task on a physical board hold.
        used: what rows say of its answers, by their places.
        tick_hz: of the device's timer.
        findings: where what can't be is noted.
    """
    before: dict[str, float] = {}
    slowest: dict[str, tuple[float, int, float, float]] = {}
    for place, answer in enumerate(heard.answers):
        claim = used.get(place)
        device_s = (answer.end - answer.start) / (10**6 if answer.by_text else tick_hz)
        if answer.by_text and answer.timed and claim and claim.wrapped:
            wrong = _of_periods(heard.period, answer, claim.wrapped)
            if wrong:
                findings.add(answer.log, answer.line, f"{_says(device_s)}; {wrong}")
                continue
            device_s += claim.across_us * 1e-6
        host_s = answer.came_s - answer.asked_s
        if device_s > host_s * _FASTER + _JITTER_S:
            text = f"{_says(device_s)}, question and answer were {host_s:.3f} s apart"
            findings.add(answer.log, answer.line, text)
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


def _after(period: Period) -> str:
    return f"{(period.us if period.known else period.least_us) * 1e-6:.3f} s"


def _says(device_s: float) -> str:
    return f"the device says that it took {device_s:.3f} s"


def _of_periods(period: Period, answer: Answer, wrapped: tuple[int, int, int]) -> str | None:
    """What is wrong with how often the device's clock began anew by a row, or None."""
    span_us, (times, period_us, error_us) = answer.end - answer.start, wrapped
    if span_us < 0 and not times:
        return "no time runs backwards"
    took = between(answer.asked_s, *answer.told_s, count=answer.count, warm_up=answer.warm_up)
    room, after = period.leaves_room(span_us, took), _after(period)
    about = f"question and answer leave {max(0.0, took[0]):.1f} to {took[1]:.1f} s for that"
    if times and not period.known:
        return f"its row has it begin anew {times} times meanwhile, which no log shows"
    if times and abs(period_us - period.us) > period.error_us + error_us:
        return f"its clock begins anew after {after}, its row has {period_us * 1e-6:.3f} s"
    if not period.known:
        far = room and not span_us * 1e-6 >= took[0] / _LONGEST - _MORE_S
        return f"{about}: its clock may begin anew after {after} or more" if far else None
    if room and times not in (fitting := period.fitting(span_us, took)):
        fits = " or ".join(map(str, fitting)) or "no number of"
        clock = f"one that begins anew after {after} did so {fits} times, and its row has {times}"
        return f"{about}: {clock}"
    return None
