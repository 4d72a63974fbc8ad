"""Judges latency, instruction counts, throughput and energy."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinyhil.judge.gate import statistics
from tinyhil.judge.gate.figures import Latency, Window
from tinyhil.judge.gate.judging import Judgement, Pair, both, by_interval, exact
from tinyhil.judge.gate.statistics import Interval

Percentile = Literal["latency_p50_s", "latency_p90_s", "latency_p99_s"]

_HALF_AN_INSTRUCTION = 0.5
_STAMP_S = 1e-6
"""Resolution of a device's time stamps, where it was not measured."""
_SELDOM = 0.005
"""Share of the queries that moves no percentile."""


def percentile(metric: Percentile, pair: Pair) -> Judgement:
    """Judge a percentile of the times of single queries."""
    before, after = both(pair.old.latency, pair.new.latency, pair.old)
    if other := _other_inputs(before.inputs, after.inputs):
        return other
    digits = _digits_apart(before, after)
    printed_s = digits * max(before.digit_s, after.digit_s)
    if pair.old.emulated:
        rule = "emulated: compared as it is, to one tick of its clock"
        if before.clock != "timer":
            rule = f"emulated: compared as it is, to {_up_to(digits)}"
        error_s = max(before.error_s, after.error_s) + printed_s
        return exact(metric, pair, pair.values(metric), resolution=error_s, rule=rule)
    change = statistics.ratio_interval(
        *(_interval(metric, one, pair.alpha / 2, printed_s / 2) for one in (before, after))
    )
    return by_interval(metric, pair, change, "by order statistics the change is")


def _digits_apart(before: Latency, after: Latency) -> int:
    """How many digits more a first time stamp may have in one session than in the other: it is
    printed inside the time, and the longer a device runs, the more digits it has."""
    usual = {
        digits
        for latency in (before, after)
        for digits, count in latency.digits.items()
        if latency.bracket_s and count >= _SELDOM * sum(latency.digits.values())
    }
    return max(usual, default=0) - min(usual, default=0)


def _up_to(digits: float) -> str:
    return "two ticks of its time stamps" + (f" and {digits:.2g} printed digits" if digits else "")


def _interval(metric: Percentile, latency: Latency, alpha: float, printed_s: float) -> Interval:
    """Of a percentile, in seconds."""
    percent = metric.removeprefix("latency_p").removesuffix("_s")
    effective = latency.effective[percent]  # type: ignore[index] # one of its three keys
    values, counts = latency.pooled()
    found = statistics.percentile_interval(
        values, counts, int(percent), effective=effective, alpha=alpha
    )
    # A time is known up to a tick, and no better than it was rounded to.
    error_s = max(latency.step / latency.tick_hz, latency.error_s) + printed_s
    return Interval(max(0.0, found.low - error_s), found.high + error_s)


def instructions(pair: Pair) -> Judgement:
    """Judge the mean over all queries: finer than a percentile, which is whole ticks of a clock."""
    before, after = both(pair.old.latency, pair.new.latency, pair.old)
    if other := _other_inputs(before.inputs, after.inputs):
        return other
    means = before.mean_instructions(), after.mean_instructions()
    if means[0] is None or means[1] is None:
        return exact("instructions", pair, pair.values("instructions"))
    resolution, fine = _HALF_AN_INSTRUCTION, "half an instruction"
    if before.clock != "timer" and before.instruction_s:
        digits = abs(before.mean_digits - after.mean_digits)
        printed_s = digits * max(before.digit_s, after.digit_s)
        error_s = max(before.error_s, after.error_s) + printed_s
        resolution = error_s / before.instruction_s
        fine = f"{resolution:.0f}: {_up_to(digits if printed_s else 0)}"
    rule = f"emulated: mean of all queries, compared to {fine}"
    values = means[0], means[1]
    return exact("instructions", pair, values, resolution=resolution, rule=rule)


def throughput(pair: Pair) -> Judgement:
    """Judge inferences per second, window by window."""
    before, after = both(pair.old.windows, pair.new.windows, pair.old)
    if other := _other_inputs(before, after):
        return other
    digits = max(abs(before[name].digits - after[name].digits) for name in before)
    every = (*before.values(), *after.values())
    printed_s = digits * max(window.digit_s for window in every)
    share = max(
        (2 * (window.resolution_s or _STAMP_S) + printed_s) / window.device_s for window in every
    )
    if pair.old.emulated:
        values = pair.values("throughput_ips")
        rule = f"emulated: compared as it is, to {_up_to(digits)} in a window"
        return exact("throughput_ips", pair, values, resolution=values[0] * share, rule=rule)
    rates = [
        np.array([windows[name].inferences / windows[name].device_s for name in before])
        for windows in (before, after)
    ]
    found = _paired(rates, pair)
    change = Interval(found.low - share, found.high + share)
    return by_interval("throughput_ips", pair, change, _rule(before))


def energy(pair: Pair) -> Judgement:
    """Judge the energy of an inference, window by window."""
    before, after = both(pair.old.windows, pair.new.windows, pair.old)
    if other := _other_inputs(before, after):
        return other
    costs = [
        np.array([(windows[name].energy_j or 0.0) / windows[name].inferences for name in before])
        for windows in (before, after)
    ]
    if not all(np.all(cost > 0) for cost in costs):
        return Judgement("missing", "a window has no energy")
    return by_interval("energy_j", pair, _paired(costs, pair), _rule(before))


def _paired(values: list[NDArray[np.float64]], pair: Pair) -> Interval:
    return statistics.paired_interval(values[0], values[1], alpha=pair.alpha)


def _rule(windows: Mapping[str, Window]) -> str:
    return f"by Student's t over {len(windows)} pairs of windows the change is"


def _other_inputs(old: Collection[str], new: Collection[str]) -> Judgement | None:
    """Performance on other inputs is of other work."""
    missing, others = sorted(set(old) - set(new)), sorted(set(new) - set(old))
    if not missing and not others:
        return None
    text = f"inputs missing: {', '.join(missing) or 'none'}; others: {', '.join(others) or 'none'}"
    return Judgement("missing", text)
