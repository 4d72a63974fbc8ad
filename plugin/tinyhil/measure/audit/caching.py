"""Caching: whether an input that the device has seen before is answered faster than a new one.

Every input is sent completely before it is timed, seen before or not, so that what an upload does
to the processor's own caches is the same for all.
"""

from __future__ import annotations

from tinyhil.measure.audit.answers import Attempt
from tinyhil.measure.audit.asking import Asker
from tinyhil.measure.audit.evidence import paired
from tinyhil.measure.audit.inputs import drawn
from tinyhil.measure.audit.report import Objection, Report
from tinyhil.measure.audit.setting import MARGIN, MARGIN_REASON, Setting

_SEEN = {
    "repeated": "an input that is sent twice in a row takes {} the second time ({})",
    "met_earlier": "an input that came earlier, but not last, takes {} than the first time ({})",
}


def ask(asker: Asker, setting: Setting) -> None:
    """Ask each input twice in a row, and again after all the others."""
    inputs = drawn(setting.task, setting.samples, setting.rules.pairs, setting.random)
    total = 3 * len(inputs)
    for number, one in enumerate(inputs, start=1):
        asker.time(one, "fresh")
        asker.time(one, "repeated")
        setting.progress(2 * number, total)
    later = setting.random.sample(inputs, len(inputs))
    for number, one in enumerate(later, start=1):
        asker.time(one, "met_earlier")
        setting.progress(2 * len(inputs) + number, total)


def judge(attempt: Attempt) -> Report:
    """Object if either is faster than the first time."""
    comparisons = {role: paired(attempt.pairs(role, "fresh"), MARGIN) for role in _SEEN}
    return Report(
        len(attempt.answers),
        {role: comparison.as_json() for role, comparison in comparisons.items()},
        tuple(
            Objection(
                _SEEN[role].format(comparison.amount, comparison.grounds),
                f"{MARGIN_REASON}; the rules do not allow caching of queries or responses",
                "look in the firmware for results that outlive a query, and for a check whether "
                "the input has changed",
            )
            for role, comparison in comparisons.items()
            if comparison.shorter
        ),
        comparisons["repeated"].left_out,
    )
