"""The device's clock against the host's: drift and jumps, and time that is hidden while it infers.

A time stamp of the device was made after its query left the host and before its answer came. So
host time is known between bounds, as in NTP (Mills, "Internet time synchronization", IEEE
Transactions on Communications 39, 1991), and what a serial port adds makes the bounds wider and
never wrong: an objection needs no assumption about the wire.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyhil.measure.audit.answers import Answer, Attempt
from tinyhil.measure.audit.asking import Asker
from tinyhil.measure.audit.inputs import drawn
from tinyhil.measure.audit.lives import Lives
from tinyhil.measure.audit.report import Objection, Report
from tinyhil.measure.audit.setting import Setting

TOLERANCE = 0.01
_TOLERANCE_REASON = (
    "1 %: a crystal is off by 0.01 %, a trimmed RC oscillator by up to 1 % at 25 °C (STM32L162, "
    "DocID022881, table 31); a clock that is off by more can't be used to measure"
)

_ROUNDING_S = 2e-6
"""Of two stamps in whole microseconds."""

WAKE_S = 0.05
"""How much later a busy host may wake from a long wait than from a short one; seen: 4 ms on two
cores with ten processes."""

_LONG_QUERIES = 5
_LONG_SHARE = 1 / 12
"""Of the run that each of them takes."""

_ROUNDS = 8
_SHAPES = {"single": (1, 0), "triple": (3, 1)}
"""Queries of an emulated board, inferences and warm-up: each must take the same ticks each time."""

_HINT = (
    "check the frequency that the firmware counts its ticks by, and whether its timer runs on "
    "while the core sleeps; if both are right, this firmware's figures are wrong"
)


def ask(asker: Asker, setting: Setting) -> None:
    """Ask one input again and again, long runs among the short ones; on an emulated board, the
    same few queries."""
    (one,) = drawn(setting.task, setting.samples, 1, setting.random)
    single, rules = asker.time(one, "first"), setting.rules
    if setting.virtual:
        for number in range(_ROUNDS):
            for role, shape in _SHAPES.items():
                asker.infer(one, role, *shape)
            setting.progress(number + 1, _ROUNDS)
        return
    long_run = max(10, math.ceil(rules.clock_s * _LONG_SHARE / single.each_s))
    began_s, long_runs = asker.now(), 0
    while (passed_s := asker.now() - began_s) < rules.clock_s:
        if passed_s >= (long_runs + 0.5) * rules.clock_s / _LONG_QUERIES:
            long_runs += 1
            asker.infer(one, "long", long_run)
        else:
            asker.infer(one, "short")
        setting.progress(passed_s, rules.clock_s)


def judge(attempt: Attempt) -> Report:
    """Object to what no clock that runs right does."""
    lives = Lives.of(attempt.answers, virtual=attempt.virtual)
    objections = backwards(lives)
    if attempt.virtual:
        return _virtual(attempt, lives, objections)
    objections += [*against_the_host(lives), *_hidden(attempt)]
    return Report(len(attempt.answers), figures(lives), tuple(objections))


@dataclass(frozen=True)
class _Stamps:
    """Time stamps in order: the device's clock, and the bounds of the host's, in seconds."""

    device: NDArray[np.float64]
    earliest: NDArray[np.float64]
    latest: NDArray[np.float64]

    @classmethod
    def of(cls, answers: Sequence[Answer]) -> _Stamps:
        device = [at * 1e-6 for one in answers for at in (one.start_us, one.end_us)]
        return cls(
            np.array(device),
            np.repeat([one.asked_s for one in answers], 2),
            np.repeat([one.answered_s for one in answers], 2),
        )


def against_the_host(lives: Lives) -> list[Objection]:
    """Between any two stamps of a life the clock must have run within the tolerance of the host's:
    what is worst, of clocks too fast and too slow."""
    found = [one for life in lives.each for one in _off(_Stamps.of(life))]
    worst = {beyond_s > 0.0: (beyond_s, seen) for beyond_s, seen in sorted(found, key=_amount)}
    return [objection for _, objection in worst.values()]


def _amount(found: tuple[float, Objection]) -> float:
    return abs(found[0])


def _off(stamps: _Stamps) -> Iterator[tuple[float, Objection]]:
    """The worst pair of one life, if the clock was too fast and if it was too slow there.

    All pairs, at the cost of one pass: the pair (i, j) is too fast if
    ``device[j] - fast * latest[j] > device[i] - fast * earliest[i]``, so of all i before j the one
    with the smallest right side decides.
    """
    fast, slow = 1.0 + TOLERANCE, 1.0 - TOLERANCE
    for rate, sign, near, far in (
        (fast, 1.0, stamps.earliest, stamps.latest),
        (slow, -1.0, stamps.latest, stamps.earliest),
    ):
        before = sign * (stamps.device - rate * near)
        lowest = np.minimum.accumulate(before)
        beyond = sign * (stamps.device - rate * far) - lowest - _ROUNDING_S
        last = int(np.argmax(beyond))
        if beyond[last] > 0.0:
            first = int(np.argmin(before[: last + 1]))
            host_s, beyond_s = float(far[last] - near[first]), sign * float(beyond[last])
            yield beyond_s, _pair(stamps, first, last, host_s, beyond_s)


def _pair(stamps: _Stamps, first: int, last: int, host_s: float, beyond_s: float) -> Objection:
    """The worst pair of stamps, in words."""
    device_s = float(stamps.device[last] - stamps.device[first])
    run_s = float(stamps.latest[-1] - stamps.earliest[0])
    at_s = float(stamps.earliest[first] - stamps.earliest[0])
    bound = "at most" if beyond_s > 0 else "at least"
    runs = "fast" if beyond_s > 0 else "slow"
    if host_s > run_s / 2:
        what = f"its clock runs {runs} by {100 * abs(device_s / host_s - 1):.2f} % or more"
    else:
        what = f"its clock jumps by {beyond_s:+.6f} s or more, {at_s:.2f} s into the run"
    return Objection(
        f"{what}: {device_s:.6f} s went by on it between two time stamps, on the host's clock "
        f"{bound} {max(0.0, host_s):.6f} s",
        _TOLERANCE_REASON,
        _HINT,
    )


def backwards(lives: Lives) -> list[Objection]:
    """No stamp may be earlier than the one before, but where a counter is full and begins anew."""
    if lives.explained:
        return []
    steps = [(one[-1].end_us, other[0].start_us) for one, other in pairwise(lives.each)]
    before, after = max(steps, key=lambda step: step[1])
    return [
        Objection(
            f"its clock runs backwards between two queries, from {before * 1e-6:.6f} s to "
            f"{after * 1e-6:.6f} s",
            "a counter that is full and begins again at 0, after the same time each time; else "
            "none: time stamps are microseconds since boot",
            "check that nothing sets or resets the timer",
        )
    ]


def _hidden(attempt: Attempt) -> list[Objection]:
    """A long run must not keep the host waiting longer, beyond its own time, than a short one.

    A clock that stands still for a part of the timed region, and makes up for it later, passes
    every comparison over longer times.
    """
    # Not the first one: with it the input travels.
    short = [one.waited_s - one.device_s for one in attempt.all("short")]
    long = [(one.waited_s - one.device_s, one) for one in attempt.all("long")]
    if not short or not long:
        return []
    # The wire delays a tenth of all queries by more than this. That it delayed every long one so
    # is nearly impossible, and the least delayed one is looked at.
    usual_s = float(np.quantile(short, 0.9))
    wait_s, one = min(long, key=lambda pair: pair[0])
    allowed_s = TOLERANCE * one.device_s + WAKE_S
    if wait_s - usual_s <= allowed_s:
        return []
    return [hides(one, wait_s, usual_s, allowed_s)]


def hides(one: Answer, wait_s: float, usual_s: float, allowed_s: float) -> Objection:
    """The host waited too long for an answer.

    Args:
        one: the answer.
        wait_s: how much longer than by the device's clock.
        usual_s: how much longer it waits for a single inference.
        allowed_s: how much more than that would have passed.
    """
    return Objection(
        f"its clock hides time while it infers: {one.count} inferences took "
        f"{one.device_s:.6f} s by its time stamps, but the host waited {wait_s:.6f} s longer; "
        f"for one inference it mostly waits up to {usual_s:.6f} s longer",
        f"{allowed_s:.6f} s more, of which {WAKE_S:g} s are for a host that wakes late; the "
        f"rest is {_TOLERANCE_REASON}",
        "check that nothing stops the timer during inferences; where the firmware works "
        "between the time stamps and the answer, its figures are not those of the inference",
    )


def figures(lives: Lives) -> dict[str, Any]:
    """Bounds of the clock's rate over all its lives, as shares of the host's."""
    runs = [_Stamps.of(life) for life in lives.each]
    device_s = sum(float(one.device[-1] - one.device[0]) for one in runs)
    longest_s = sum(float(one.latest[-1] - one.earliest[0]) for one in runs)
    shortest_s = sum(max(0.0, float(one.earliest[-1] - one.latest[0])) for one in runs)
    waited_s = [one.waited_s for life in lives.each for one in life]
    return {
        "run_s": round(longest_s, 3),
        "stamps": 2 * len(waited_s),
        "rate_at_least": round(device_s / longest_s, 6) if longest_s > 0 else None,
        "rate_at_most": round(device_s / shortest_s, 6) if shortest_s > 0 else None,
        "round_trip_s": round(float(np.median(waited_s)), 6),
        "tolerance": TOLERANCE,
        **lives.figures(),
    }


def _virtual(attempt: Attempt, lives: Lives, objections: list[Objection]) -> Report:
    """Of a clock that counts instructions: it never runs backwards, and repeats to the tick.

    While such a board sleeps its clock keeps the host's time, while it works it runs as fast as
    the host emulates: nothing can be said of its rate.
    """
    left_out = ["the rate of the clock against the host's: an emulated board counts instructions"]
    if attempt.answers[0].laps:
        objections += [*_unequal_sums(attempt.answers), *_unequal_laps(attempt)]
    else:
        left_out.append(
            "that equal inferences take equal ticks: this firmware does not report ticks"
        )
    figures = {"stamps": 2 * len(attempt.answers), **lives.figures()}
    return Report(len(attempt.answers), figures, tuple(objections), tuple(left_out))


def _unequal_sums(answers: Sequence[Answer]) -> list[Objection]:
    """The laps must add up to what the stamps around them say, to the stamps' rounding."""
    for one in answers:
        inside_s = one.each_s * one.count
        if abs(inside_s - one.device_s) > _ROUNDING_S + 1e-3 * one.device_s:
            return [
                Objection(
                    f"the times of {one.count} inferences add up to {inside_s:.6f} s, "
                    f"its time stamps around them say {one.device_s:.6f} s",
                    "two microseconds of rounding, and 0.1 % for the loop around the inferences",
                    "check the firmware's port: its timer and its time stamps disagree",
                )
            ]
    return []


def _unequal_laps(attempt: Attempt) -> list[Objection]:
    """The same query must take the same ticks each time."""
    for role in _SHAPES:
        found = {one.laps for one in attempt.all(role)}
        if len(found) > 1:
            first, second, *_ = sorted(found)
            return [
                Objection(
                    f"the same query took {len(found)} different times, such as {first} and "
                    f"{second} ticks",
                    "none: instructions are counted, with interrupts masked",
                    "check that the firmware restarts its timer before a timed region, and masks "
                    "interrupts in it",
                )
            ]
    return []
