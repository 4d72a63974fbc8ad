"""Dependence on the input: other inputs give other answers, the same input always the same one."""

from __future__ import annotations

from collections import defaultdict

from tinyhil.measure.audit.answers import Attempt, Scores
from tinyhil.measure.audit.asking import Asker
from tinyhil.measure.audit.inputs import constants, drawn, exchanged, numbered, permuted
from tinyhil.measure.audit.report import Objection, Report
from tinyhil.measure.audit.setting import Setting

_REPEATED = 4
"""Inputs that come again and again among the others."""

_TIMES = 4
_PARTS = 4
"""Of an input; each must matter."""

_LEAST_ATTEMPTS = 8
"""To say that a part does not matter: a sure answer may well survive a few exchanges."""


def ask(asker: Asker, setting: Setting) -> None:
    """Ask samples, permuted samples and constant inputs, some of them often and all in random
    order; then samples of which a part is another's, until each part has changed an answer."""
    random, task, rules = setting.random, setting.task, setting.rules
    samples = drawn(task, setting.samples, rules.attempts, random)
    made = [*(permuted(task, one, random) for one in samples[:_REPEATED])]
    made = numbered([*made, *constants(task, samples)], len(samples))
    again = samples[:_REPEATED] * (_TIMES - 1)
    asked = [("sample", one) for one in (*samples, *again)] + [("made", one) for one in made]
    random.shuffle(asked)
    answers: dict[int, Scores] = {}
    for (_, one), scores in zip(asked, asker.results(asked), strict=True):
        answers[one.place] = scores
        setting.progress(len(answers), len(samples) + len(made) + len(samples))
    silent = list(range(_PARTS))
    for number, one in enumerate(samples):
        if not silent:
            break
        other = samples[number - 1]
        mixed = {part: exchanged(task, one, other, part, _PARTS) for part in silent}
        tried = {part: made for part, made in mixed.items() if made.data != one.data}
        results = asker.results([(_part_role(part), made) for part, made in tried.items()])
        for part, scores in zip(tried, results, strict=True):
            if scores != answers[one.place]:
                silent.remove(part)
        setting.progress(len(answers) + number + 1, len(answers) + len(samples))


def judge(attempt: Attempt) -> Report:
    """Object if the same input has several answers, or different ones only one."""
    samples: dict[int, list[Scores]] = defaultdict(list)
    for one in attempt.all("sample"):
        samples[one.place].append(one.scores)
    from_samples = {scores for found in samples.values() for scores in found}
    every = from_samples | {one.scores for one in attempt.all("made")}
    objections = _unstable(attempt, samples)
    if len(every) == 1:
        count = len(samples) + len(attempt.by_place("made"))
        objections.append(_equal(f"{count} sampled, permuted and constant inputs", every))
    elif len(from_samples) == 1:
        objections.append(_equal(f"{len(samples)} samples", from_samples))
    figures: dict[str, object] = {"different_answers": len(every), "samples": len(samples)}
    left_out = []
    if not objections:  # Else no part can matter, or each one seems to.
        for part in range(_PARTS):
            tried = attempt.by_place(_part_role(part))
            figures[f"tried_part_{part + 1}"] = len(tried)
            if any(one.scores != samples[place][0] for place, one in tried.items()):
                continue
            if len(tried) >= _LEAST_ATTEMPTS:
                objections.append(_silent(part, len(tried)))
            else:
                left_out.append(_untold(part, len(tried)))
    return Report(len(attempt.answers), figures, tuple(objections), tuple(left_out))


def _part_role(part: int) -> str:
    return f"part_{part + 1}_of_another"


def _unstable(attempt: Attempt, samples: dict[int, list[Scores]]) -> list[Objection]:
    unstable = [place for place, found in samples.items() if len(set(found)) > 1]
    if not unstable:
        return []
    repeated = sum(len(found) > 1 for found in samples.values())
    name = attempt.by_place("sample")[unstable[0]].name
    return [
        Objection(
            f"{len(unstable)} of {repeated} inputs that came {_TIMES} times among others were not "
            f"answered the same each time; {name} has {len(set(samples[unstable[0]]))} answers",
            "none: the rules list what may be non-deterministic, and inference is not in the list",
            "look in the firmware for state that outlives a query, and for answers that do not "
            "come from the input",
        )
    ]


def _equal(what: str, scores: set[Scores]) -> Objection:
    shown = ", ".join(f"{score:.3f}" for score in next(iter(scores))[:4])
    return Objection(
        f"all of {what}, which differ, have the same answer, [{shown} …]",
        "at least two different answers",
        "check that the firmware infers what it was sent, and that the model's input is written "
        "before each inference",
    )


def _silent(part: int, attempts: int) -> Objection:
    return Objection(
        f"part {part + 1} of {_PARTS} of the input does not matter: it was replaced by another "
        f"sample's in {attempts} samples, and each was answered as before",
        "at least one changed answer",
        "check that the whole sample reaches the model, and that answers are not looked up by a "
        "part of it",
    )


def _untold(part: int, attempts: int) -> str:
    return (
        f"whether part {part + 1} of {_PARTS} of the input matters: only {attempts} samples that "
        f"differ there were drawn, and none showed it; {_LEAST_ATTEMPTS} are needed"
    )
