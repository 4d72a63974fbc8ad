"""The number of queries: an inference must cost the same for any number announced at once."""

from __future__ import annotations

from tinyhil.measure.audit.answers import Attempt
from tinyhil.measure.audit.asking import Asker
from tinyhil.measure.audit.evidence import Comparison, unpaired
from tinyhil.measure.audit.inputs import drawn
from tinyhil.measure.audit.report import Objection, Report
from tinyhil.measure.audit.setting import MARGIN, MARGIN_REASON, Setting

_COLD_MARGIN = 0.10
_COLD_REASON = (
    "10 %: a processor's own caches may save that much of a small model's time; MLPerf's TEST04, "
    "on caching, draws its line there too"
)
_RARE_REASON = "10 %: a rare interrupt shows in long runs, and hardly in short ones"

_WARM_UP = 2
_FEW = 3
"""Inferences of a small batch, at most."""


def ask(asker: Asker, setting: Setting) -> None:
    """Ask one input in batches of random sizes, small and large in random order; between them
    come first inferences, right after an upload."""
    random, rules = setting.random, setting.rules
    (one,) = drawn(setting.task, setting.samples, 1, random)
    single = asker.time(one, "pace")
    roles = ["small"] * rules.pairs + ["large"] * rules.runs + ["first"] * rules.pairs
    random.shuffle(roles)
    for number, role in enumerate(roles, start=1):
        if role == "first":
            asker.time(one, role)
        elif role == "small":
            asker.infer(one, role, random.randint(1, _FEW), _WARM_UP)
        else:
            size = setting.long_run(single, share=random.uniform(0.25, 1.0))
            asker.infer(one, role, size, _WARM_UP)
        setting.progress(number, len(roles))


def judge(attempt: Attempt) -> Report:
    """Object if the time depends on the size.

    Warm batches are compared with warm ones; first inferences, which are cold, with a wider
    margin.
    """
    large, small, first = (attempt.times(role) for role in ("large", "small", "first"))
    sizes = [one.count for one in attempt.all("large")]
    often = f"in runs of {min(sizes)} to {max(sizes)}"
    few = f"in runs of up to {_FEW}"
    cases = [
        (often, few, unpaired(large, small, MARGIN), MARGIN_REASON),
        (few, often, unpaired(small, large, _COLD_MARGIN), _RARE_REASON),
        (
            often,
            "the first one after an upload",
            unpaired(large, first, _COLD_MARGIN),
            _COLD_REASON,
        ),
    ]
    names = ("large_against_small", "small_against_large", "large_against_first")
    figures: dict[str, object] = {"smallest_run": min(sizes), "largest_run": max(sizes)}
    figures |= {name: case[2].as_json() for name, case in zip(names, cases, strict=True)}
    objections = tuple(_objection(*case) for case in cases if case[2].shorter)
    return Report(len(attempt.answers), figures, objections)


def _objection(where: str, other: str, comparison: Comparison, reason: str) -> Objection:
    return Objection(
        f"{where} an inference takes {comparison.amount} than {other} ({comparison.grounds})",
        f"{reason}; the rules do not allow knowing the number of queries, or joining equal ones",
        "look in the firmware for what depends on the number of inferences, and whether each of "
        "them really runs",
    )
