"""Order and knowledge: samples as they stand in the data set against shuffled and unseen ones.

MLPerf's compliance tests vary the order of samples for servers (TEST05 in
https://github.com/mlcommons/inference, compliance/nvidia); inputs that nobody has are ours.
"""

from __future__ import annotations

from collections.abc import Sequence

from tinyhil.audit.asking import Asker
from tinyhil.audit.evidence import paired
from tinyhil.audit.inputs import Input, in_order, unseen
from tinyhil.audit.report import Objection, Report
from tinyhil.audit.setting import MARGIN, MARGIN_REASON, Setting

Scores = tuple[float, ...]


def order(asker: Asker, setting: Setting) -> Report:
    """Audit the first samples of the data set: in its order, then shuffled among unseen ones."""
    random, task = setting.random, setting.task
    known = in_order(task, setting.samples, setting.rules.pairs, all_windows=setting.all_windows)
    neighbours = [unseen(task, one, random) for one in known]
    mixed = [*known, *neighbours]
    total = len(known) + len(mixed)
    plain = _time_all(asker, setting, known, range(len(known)), (0, total))
    places = random.sample(range(len(mixed)), len(mixed))
    shuffled = _time_all(asker, setting, mixed, places, (len(known), total))
    known_again, unseen_ones = shuffled[: len(known)], shuffled[len(known) :]

    objections = _other_answers(known, plain, known_again)
    comparisons = {
        "in_order": paired(_times(plain), _times(known_again), MARGIN),
        "known": paired(_times(known_again), _times(unseen_ones), MARGIN),
    }
    texts = {
        "in_order": "a sample takes {} where the data set has it than in a shuffled order ({})",
        "known": "a sample of the data set takes {} than a neighbour that is in no data set ({})",
    }
    objections += [
        _faster(texts[name].format(comparison.amount, comparison.grounds))
        for name, comparison in comparisons.items()
        if comparison.shorter
    ]
    figures = {name: comparison.as_json() for name, comparison in comparisons.items()}
    return Report("order", asker.asked, {"samples": len(known), **figures}, tuple(objections))


def _time_all(
    asker: Asker,
    setting: Setting,
    inputs: Sequence[Input],
    places: Sequence[int],
    done: tuple[int, int],
) -> list[tuple[float, Scores]]:
    """Time and scores of each input, asked for in the order of `places`."""
    found: list[tuple[float, Scores]] = [(0.0, ())] * len(inputs)
    for number, place in enumerate(places):
        answer = asker.time(inputs[place])
        found[place] = answer.each_s, answer.inference.scores
        setting.progress(done[0] + number + 1, done[1])
    return found


def _times(found: Sequence[tuple[float, Scores]]) -> list[float]:
    return [each_s for each_s, _ in found]


def _other_answers(
    known: Sequence[Input],
    plain: Sequence[tuple[float, Scores]],
    shuffled: Sequence[tuple[float, Scores]],
) -> list[Objection]:
    """The same sample must be answered the same, wherever it stands."""
    other = [
        one.name
        for one, (_, first), (_, second) in zip(known, plain, shuffled, strict=True)
        if first != second
    ]
    if not other:
        return []
    return [
        Objection(
            f"{len(other)} of {len(known)} samples are answered otherwise in a shuffled order than "
            f"in the data set's, {other[0]} for one",
            "none: an answer depends on the input alone",
            "look in the firmware for answers that are counted off, and for state that outlives "
            "a query",
        )
    ]


def _faster(seen: str) -> Objection:
    return Objection(
        seen,
        f"{MARGIN_REASON}; the rules disallow optimization based on the input, and to detect the "
        "benchmark",
        "look in the firmware for anything that was made from the data set, and for branches on "
        "the input; a model that skips zeros must skip a neighbour's too",
    )
