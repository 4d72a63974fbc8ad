"""The number of queries: an inference must cost the same however many are announced at once."""

from __future__ import annotations

import math

from tinyhil.audit.asking import Asker
from tinyhil.audit.evidence import Comparison, unpaired
from tinyhil.audit.inputs import drawn
from tinyhil.audit.report import Objection, Report
from tinyhil.audit.setting import MARGIN, MARGIN_REASON, Setting

COLD_MARGIN = 0.10
_COLD_REASON = (
    "10 %: a processor's own caches may save that much of a small model's time; MLPerf's TEST04, "
    "on caching, draws its line there too"
)
_RARE_REASON = "10 %: an interrupt that comes seldom shows in long runs, and hardly in short ones"

_WARM_UP = 2
_FEW = 3
"""Inferences of a small batch, at most."""


def count(asker: Asker, setting: Setting) -> Report:
    """Audit batches of random sizes, small and large in random order, of one input.

    Warm batches are compared with warm ones; first inferences right after an upload, which are
    cold, with a wider margin.
    """
    random, rules = setting.random, setting.rules
    (one, *_) = drawn(setting.task, setting.samples, 2, random)
    asker.send(one.data)
    pace_s = asker.infer(one.name).each_s
    kinds = ["small"] * rules.pairs + ["large"] * rules.runs + ["first"] * rules.pairs
    random.shuffle(kinds)
    times: dict[str, list[float]] = {"small": [], "large": [], "first": []}
    sizes: list[int] = []
    for number, kind in enumerate(kinds):
        if kind == "first":
            answer = asker.time(one)
        else:
            size = random.randint(1, _FEW)
            if kind == "large":
                size = max(10, math.ceil(random.uniform(0.25, 1.0) * rules.window_s / pace_s))
            sizes.append(size)
            answer = asker.infer(one.name, size, _WARM_UP)
        times[kind].append(answer.each_s)
        setting.progress(number + 1, len(kinds))
    comparisons = {
        "large": unpaired(times["large"], times["small"], MARGIN),
        "small": unpaired(times["small"], times["large"], COLD_MARGIN),
        "after_the_first": unpaired(times["large"], times["first"], COLD_MARGIN),
    }
    figures = {name: comparison.as_json() for name, comparison in comparisons.items()}
    figures["batches"] = {"smallest": min(sizes), "largest": max(sizes), "count": len(sizes)}
    objections = tuple(
        _objection(name, comparison, max(sizes))
        for name, comparison in comparisons.items()
        if comparison.shorter
    )
    return Report("count", asker.asked, figures, objections)


def _objection(name: str, comparison: Comparison, largest: int) -> Objection:
    seen, allowed = {
        "large": (
            f"an inference takes {comparison.amount} when up to {largest} are announced than when "
            f"up to {_FEW} are",
            MARGIN_REASON,
        ),
        "small": (
            f"an inference takes {comparison.amount} when up to {_FEW} are announced than in long "
            f"runs of up to {largest}",
            _RARE_REASON,
        ),
        "after_the_first": (
            f"in long runs of up to {largest} an inference takes {comparison.amount} than the "
            "first one after an upload",
            _COLD_REASON,
        ),
    }[name]
    return Objection(
        f"{seen} ({comparison.grounds})",
        f"{allowed}; the rules disallow to know the number of queries, and to coalesce equal ones",
        "look in the firmware for what depends on the number of inferences, and whether each of "
        "them really runs",
    )
