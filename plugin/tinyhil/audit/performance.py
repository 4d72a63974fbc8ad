"""Performance mode against accuracy mode: what a long timed run answers must be what one answers.

MLPerf's compliance tests ask the same of servers, by samples of their logs (TEST01 in
https://github.com/mlcommons/inference, compliance/nvidia); here each answer must be equal.
"""

from __future__ import annotations

import math

from tinyhil.audit.asking import Answer, Asker
from tinyhil.audit.inputs import Input, drawn
from tinyhil.audit.report import Objection, Report
from tinyhil.audit.setting import Setting
from tinyhil.measure import PERFORMANCE_INPUTS

Scores = tuple[float, ...]

_CANDIDATES = 24
"""Inputs looked at, to find some whose answers differ: a stale one is seen by that alone."""

_WARM_UP = 10
"""What the official runner asks for."""


def performance(asker: Asker, setting: Setting) -> Report:
    """Audit answers after performance runs, of inputs that a device can't foresee."""
    random, rules = setting.random, setting.rules
    candidates = drawn(setting.task, setting.samples, _CANDIDATES, random)
    truths = dict(zip(candidates, asker.results(candidates), strict=True))
    inputs = _differing(truths)
    runs = [(one, is_long) for one in inputs for is_long in (False, True)]
    random.shuffle(runs)
    before = truths[candidates[-1]]
    wrong: list[str] = []
    shape = (0, 0)
    for number, (one, is_long) in enumerate(runs):
        asker.send(one.data)
        if is_long:
            each_s = asker.infer(one.name).each_s
            shape = (max(10, math.ceil(1.02 * rules.window_s / each_s)), _WARM_UP)
        else:
            shape = (random.randint(2, 9), random.randint(0, 3))
        answer = asker.infer(one.name, *shape)
        wrong += _difference(one, shape, answer, truths[one], before)
        before = answer.inference.scores
        setting.progress(number + 1, len(runs))
    again = asker.results(inputs)
    changed = [one for one, scores in zip(inputs, again, strict=True) if scores != truths[one]]
    objections = []
    if wrong:
        objections.append(_objection(wrong, len(runs)))
    if changed:
        objections.append(_changed(changed, len(inputs)))
    figures = {
        "inputs": len(inputs),
        "runs": len(runs),
        "different_answers": len(wrong),
        "longest_run": shape_text(rules.window_s),
    }
    return Report("performance", asker.asked, figures, tuple(objections))


def shape_text(window_s: float) -> str:
    """How long the long runs are, in words."""
    return f"{window_s:g} s or 10 inferences, after {_WARM_UP} to warm up"


def _differing(truths: dict[Input, Scores]) -> list[Input]:
    """Inputs with as many different answers as there are, as many as a performance run has."""
    first = {scores: one for one, scores in reversed(truths.items())}
    chosen = [*first.values(), *(one for one in truths if one not in first.values())]
    return chosen[:PERFORMANCE_INPUTS]


def _difference(
    one: Input, shape: tuple[int, int], answer: Answer, truth: Scores, before: Scores
) -> list[str]:
    scores = answer.inference.scores
    if scores == truth:
        return []
    stale = ", which is the answer to the input before" if scores == before else ""
    return [f"{one.name} after 'infer {shape[0]} {shape[1]}': {_short(scores)}{stale}, and "
            f"{_short(truth)} when it is inferred once"]  # fmt: skip


def _objection(wrong: list[str], runs: int) -> Objection:
    return Objection(
        f"in {len(wrong)} of {runs} performance runs the answer is not that of an accuracy run; "
        f"{wrong[0]}",
        "none: the same code must run in both modes, and the reference is deterministic",
        "look in the firmware for what it does differently when many inferences are asked for, "
        "and whether each of them writes its result",
    )


def _changed(changed: list[Input], count: int) -> Objection:
    return Objection(
        f"after the performance runs an accuracy run answers otherwise than before for "
        f"{len(changed)} of {count} inputs, {changed[0].name} for one",
        "none: an answer depends on the input alone",
        "look for state that outlives a query, such as a buffer that is written beyond its end",
    )


def _short(scores: Scores) -> str:
    """The first few scores, as the device printed them."""
    shown = ", ".join(f"{score:.3f}" for score in scores[:4])
    return f"[{shown}{', …' if len(scores) > 4 else ''}]"
