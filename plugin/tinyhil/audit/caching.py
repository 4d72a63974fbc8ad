"""Caching: whether an input that the device has met before is answered faster than a fresh one.

Every input travels whole before it is timed, met before or not, so that what an upload does to the
processor's own caches is the same for all.
"""

from __future__ import annotations

from tinyhil.audit.asking import Asker
from tinyhil.audit.evidence import paired
from tinyhil.audit.inputs import drawn
from tinyhil.audit.report import Objection, Report
from tinyhil.audit.setting import MARGIN, MARGIN_REASON, Setting


def caching(asker: Asker, setting: Setting) -> Report:
    """Audit repeated inputs: right after the first time, and again when others came between."""
    inputs = drawn(setting.task, setting.samples, setting.rules.pairs, setting.random)
    total = 3 * len(inputs)
    fresh: list[float] = []
    repeated: list[float] = []
    for number, one in enumerate(inputs):
        fresh.append(asker.time(one).each_s)
        repeated.append(asker.time(one).each_s)
        setting.progress(2 * number + 2, total)
    later = [0.0] * len(inputs)
    order = setting.random.sample(range(len(inputs)), len(inputs))
    for number, place in enumerate(order):
        later[place] = asker.time(inputs[place]).each_s
        setting.progress(2 * len(inputs) + number + 1, total)
    comparisons = {
        "repeated": paired(repeated, fresh, MARGIN),
        "met_earlier": paired(later, fresh, MARGIN),
    }
    texts = {
        "repeated": "an input that is sent twice in a row takes {} the second time ({})",
        "met_earlier": "an input that came before, with others between, takes {} than then ({})",
    }
    objections = tuple(
        _objection(texts[name].format(comparison.amount, comparison.grounds))
        for name, comparison in comparisons.items()
        if comparison.shorter
    )
    figures = {name: comparison.as_json() for name, comparison in comparisons.items()}
    return Report("caching", asker.asked, {"inputs": len(inputs), **figures}, objections)


def _objection(seen: str) -> Objection:
    return Objection(
        seen,
        f"{MARGIN_REASON}; the rules disallow to cache queries or responses",
        "look in the firmware for results that outlive a query, and for a check whether the input "
        "has changed",
    )
