"""Performance mode against accuracy mode: a long timed run must answer what a single one answers.

MLPerf's compliance tests ask the same of servers, by samples of their logs (TEST01 in
https://github.com/mlcommons/inference, compliance/nvidia); here each answer must be equal.
"""

from __future__ import annotations

from tinyhil.catalog.rules import PERFORMANCE_INPUTS
from tinyhil.measure.audit.answers import Answer, Attempt, Scores
from tinyhil.measure.audit.asking import Asker
from tinyhil.measure.audit.inputs import Input, drawn
from tinyhil.measure.audit.report import Objection, Report
from tinyhil.measure.audit.setting import Setting

_CANDIDATES = 24
"""Inputs looked at, to find some whose answers differ: only so a stale one is seen."""

_WARM_UP = 10
"""What the official runner asks for."""


def ask(asker: Asker, setting: Setting) -> None:
    """Ask inputs that no device can foresee as an accuracy run does, then in performance runs of
    a few and of many inferences, then as an accuracy run again."""
    random = setting.random
    candidates = drawn(setting.task, setting.samples, _CANDIDATES, random)
    truths = list(asker.results([("accuracy", one) for one in candidates]))
    inputs = _differing(candidates, truths)
    runs = [(one, is_long) for one in inputs for is_long in (False, True)]
    random.shuffle(runs)
    # Of another input than the first run's, of which a single inference would hide a stale answer.
    single = asker.time(next(one for one in inputs if one != runs[0][0]), "pace")
    for number, (one, is_long) in enumerate(runs, start=1):
        shape = random.randint(2, 9), random.randint(0, 3)
        if is_long:
            shape = setting.long_run(single, share=1.02), _WARM_UP
        asker.send(one)
        asker.infer(one, "performance", *shape)
        setting.progress(number, len(runs))
    for _ in asker.results([("accuracy_again", one) for one in inputs]):
        pass
    for one in inputs:
        # Sent once and inferred twice, as a performance run does it, but with both answers told.
        asker.send(one)
        asker.infer(one, "sent")
        asker.infer(one, "kept")


def judge(attempt: Attempt) -> Report:
    """Object if an answer is not that of the accuracy run, there or later."""
    runs, truths = attempt.all("performance"), attempt.by_place("accuracy")
    wrong = [run for run in runs if run.scores != truths[run.place].scores]
    later = attempt.pairs("accuracy_again", "accuracy")
    changed = [second for second, first in later if second.scores != first.scores]
    objections = []
    if wrong:
        overwritten = _overwritten(attempt)
        objections.append(_wrong(attempt, wrong, len(runs), overwritten=overwritten))
    if changed:
        objections.append(_changed(changed, len(later)))
    figures = {
        "runs": len(runs),
        "different_answers": len(wrong),
        "longest_run": max(run.count for run in runs),
        "longest_run_s": max(run.device_s for run in runs),
    }
    return Report(len(attempt.answers), figures, tuple(objections))


def _differing(candidates: list[Input], scores: list[Scores]) -> list[Input]:
    """Inputs with as many different answers as there are, as many as a performance run has."""
    first = dict(zip(reversed(scores), reversed(candidates), strict=True))
    others = [one for one in candidates if one not in first.values()]
    return [*first.values(), *others][:PERFORMANCE_INPUTS]


def _overwritten(attempt: Attempt) -> bool:
    """Whether an input answers right once after it was sent, and not a second time."""
    truths = attempt.by_place("accuracy")
    sent, kept = attempt.by_place("sent"), attempt.by_place("kept")
    return bool(sent) and all(
        sent[place].scores == truths[place].scores and kept[place].scores != truths[place].scores
        for place in sent.keys() & kept.keys()
    )


def _wrong(attempt: Attempt, wrong: list[Answer], runs: int, *, overwritten: bool) -> Objection:
    run = wrong[0]
    truth = attempt.by_place("accuracy")[run.place].scores
    place = attempt.answers.index(run)
    before = next(one for one in reversed(attempt.answers[:place]) if one.place != run.place)
    stale = " (which is what it answered to the input before)" * (run.scores == before.scores)
    return Objection(
        f"in {len(wrong)} of {runs} performance runs the answer is not that of an accuracy run: "
        f"{run.name} has {_short(run.scores)}{stale} after 'infer {run.count} {run.warm_up}', and "
        f"{_short(truth)} when it is inferred once",
        "none: the same code must run in both modes, and the reference is deterministic",
        _OVERWRITTEN if overwritten else _OTHER_PATH,
    )


_OVERWRITTEN = (
    "the input is loaded once and overwritten by the engine; copy it before each inference (an "
    "engine that plans its memory reuses the input's from the second inference on)"
)
_OTHER_PATH = (
    "look in the firmware for what it does differently when many inferences are asked for, and "
    "whether each of them writes its result"
)


def _changed(changed: list[Answer], count: int) -> Objection:
    return Objection(
        f"after the performance runs an accuracy run answers differently from before for "
        f"{len(changed)} of {count} inputs, such as {changed[0].name}",
        "none: an answer depends on the input alone",
        "look for state that outlives a query, such as a buffer that is written past its end",
    )


def _short(scores: Scores) -> str:
    """The first few scores, as the device printed them."""
    shown = ", ".join(f"{score:.3f}" for score in scores[:4])
    return f"[{shown}{', …' if len(scores) > 4 else ''}]"
