"""Dependence on the input: other inputs give other answers, the same input always the same one."""

from __future__ import annotations

from collections.abc import Sequence

from tinyhil.audit.asking import Asker
from tinyhil.audit.inputs import Input, constants, drawn, exchanged, permuted
from tinyhil.audit.report import Objection, Report
from tinyhil.audit.setting import Setting

Scores = tuple[float, ...]

_REPEATED = 4
"""Inputs that come again and again among the others."""

_TIMES = 4
_PARTS = 4
"""Of an input; each must matter."""

_LEAST_ATTEMPTS = 8
"""To say that a part does not matter: a sure answer may well survive a few exchanges."""


def dependence(asker: Asker, setting: Setting) -> Report:
    """Audit answers to samples, permuted samples, constant inputs, and mixtures of two samples."""
    random, task, rules = setting.random, setting.task, setting.rules
    samples = drawn(task, setting.samples, rules.attempts, random)
    others = [*(permuted(task, one, random) for one in samples[:_REPEATED])]
    others += constants(task, samples)
    asked = [*samples, *others, *samples[:_REPEATED] * (_TIMES - 1)]
    random.shuffle(asked)
    answers: dict[Input, list[Scores]] = {}
    for one, scores in zip(asked, asker.results(asked), strict=True):
        answers.setdefault(one, []).append(scores)
    setting.progress(1, 2)
    objections = [*_unstable(answers), *_constant(answers)]
    figures: dict[str, object] = {
        "inputs": len(answers),
        "different_answers": len({found[0] for found in answers.values()}),
    }
    left_out: tuple[str, ...] = ()
    if not objections:  # Else parts can't matter, or all seem to.
        attempts, silent = _silent_parts(asker, samples, answers)
        figures["attempts_a_part"] = [attempts.get(part, 0) for part in range(_PARTS)]
        enough = [part for part in silent if attempts.get(part, 0) >= _LEAST_ATTEMPTS]
        objections += [_silent(part, attempts[part]) for part in enough]
        left_out = tuple(
            f"whether part {part + 1} of {_PARTS} of the input matters: only "
            f"{attempts.get(part, 0)} samples that differ there were drawn, and none showed it"
            for part in silent
            if part not in enough
        )
    setting.progress(2, 2)
    return Report("dependence", asker.asked, figures, tuple(objections), left_out)


def _unstable(answers: dict[Input, list[Scores]]) -> list[Objection]:
    unstable = [one for one, found in answers.items() if len(set(found)) > 1]
    repeated = sum(len(found) > 1 for found in answers.values())
    if not unstable:
        return []
    first = unstable[0]
    return [
        Objection(
            f"{len(unstable)} of {repeated} inputs that came {_TIMES} times among others were not "
            f"answered the same each time; {first.name} has {len(set(answers[first]))} answers",
            "none: the rules restrict what is not deterministic, and no inference is among it",
            "look in the firmware for state that outlives a query, and for answers that do not "
            "come from the input",
        )
    ]


def _constant(answers: dict[Input, list[Scores]]) -> list[Objection]:
    found = {scores for every in answers.values() for scores in every}
    samples = [one for one in answers if one.label is not None]
    from_samples = {scores for one in samples for scores in answers[one]}
    if len(found) > 1 and len(from_samples) > 1:
        return []
    what = "constant, permuted and sampled inputs" if len(found) == 1 else "samples"
    count = len(answers) if len(found) == 1 else len(samples)
    return [
        Objection(
            f"all of {count} different {what} have the same answer, "
            f"[{', '.join(f'{score:.3f}' for score in from_samples.pop()[:4])} …]",
            "two different answers at least",
            "check that the firmware infers what it was sent, and that the model's input is "
            "written before each inference",
        )
    ]


def _silent_parts(
    asker: Asker, samples: Sequence[Input], answers: dict[Input, list[Scores]]
) -> tuple[dict[int, int], list[int]]:
    """Exchange each part of samples until an answer changes.

    Returns:
        How many exchanges each part was given, and the parts of which none changed an answer.
    """
    silent = list(range(_PARTS))
    attempts: dict[int, int] = {}
    for place, one in enumerate(samples):
        other = samples[place - 1]
        mixed = {part: exchanged(one, other, part, _PARTS) for part in silent}
        tried = {part: made for part, made in mixed.items() if made.data != one.data}
        for (part, _), scores in zip(
            tried.items(), asker.results(list(tried.values())), strict=True
        ):
            attempts[part] = attempts.get(part, 0) + 1
            if scores != answers[one][0]:
                silent.remove(part)
        if not silent:
            break
    return attempts, silent


def _silent(part: int, attempts: int) -> Objection:
    return Objection(
        f"part {part + 1} of {_PARTS} of the input does not matter: it was exchanged for another "
        f"sample's in {attempts} samples, and each was answered as before",
        "one changed answer at least",
        "check that the whole sample reaches the model, and that answers are not looked up by a "
        "part of it",
    )
