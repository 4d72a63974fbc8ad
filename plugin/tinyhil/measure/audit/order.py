"""Order and knowledge: samples in the data set's order against shuffled and unseen ones.

MLPerf's compliance tests vary the order of samples for servers (TEST05 in
https://github.com/mlcommons/inference, compliance/nvidia); inputs that are in no data set are our
addition.
"""

from __future__ import annotations

from itertools import pairwise

from tinyhil.measure.audit.answers import Attempt
from tinyhil.measure.audit.asking import Asker
from tinyhil.measure.audit.evidence import paired
from tinyhil.measure.audit.inputs import Input, in_order, unseen
from tinyhil.measure.audit.report import Objection, Report
from tinyhil.measure.audit.setting import MARGIN, MARGIN_REASON, Setting

_SEEN = {
    ("in_order", "shuffled"): (
        "a sample takes {} in the data set's order than in a shuffled order ({})"
    ),
    ("shuffled", "unseen"): (
        "a sample of the data set takes {} than a neighbour that is in no data set ({})"
    ),
}


def ask(asker: Asker, setting: Setting) -> None:
    """Ask the first samples of the data set in its order, then shuffled among unseen ones.

    The first one follows none, so it is only a start.
    """
    random, task = setting.random, setting.task
    lead, *known = in_order(
        task, setting.samples, setting.rules.pairs + 1, all_windows=setting.all_windows
    )
    mixed = [("shuffled", one) for one in known]
    mixed += [("unseen", unseen(task, one, random)) for one in known]
    while True:
        random.shuffle(mixed)
        if not any(_follows(*two) for two in pairwise(mixed)):
            break
    asked = [("lead", lead), *(("in_order", one) for one in known), *mixed]
    for number, (role, one) in enumerate(asked, start=1):
        asker.time(one, role)
        setting.progress(number, len(asked))


def _follows(first: tuple[str, Input], second: tuple[str, Input]) -> bool:
    """Whether two in a row are samples as the data set has them."""
    return first[0] == second[0] == "shuffled" and second[1].place == first[1].place + 1


def judge(attempt: Attempt) -> Report:
    """Object if the order changes an answer, or if known samples are faster in any way."""
    comparisons = {roles: paired(attempt.pairs(*roles), MARGIN) for roles in _SEEN}
    faster = [
        Objection(
            _SEEN[roles].format(comparison.amount, comparison.grounds),
            f"{MARGIN_REASON}; the rules do not allow optimization by the input, or detecting "
            "the benchmark",
            "look in the firmware for anything that was made from the data set, and for branches "
            "on the input; a model that skips zeros must skip a neighbour's too",
        )
        for roles, comparison in comparisons.items()
        if comparison.shorter
    ]
    figures = {
        "_against_".join(roles): comparison.as_json() for roles, comparison in comparisons.items()
    }
    objections = (*_other_answers(attempt), *faster)
    left_out = comparisons["shuffled", "unseen"].left_out
    return Report(len(attempt.answers), figures, objections, left_out)


def _other_answers(attempt: Attempt) -> list[Objection]:
    """The same sample must be answered the same, at any place."""
    pairs = attempt.pairs("in_order", "shuffled")
    other = [first for first, second in pairs if first.scores != second.scores]
    if not other:
        return []
    return [
        Objection(
            f"{len(other)} of {len(pairs)} samples are answered differently in a shuffled order "
            f"than in the data set's, such as {other[0].name}",
            "none: an answer depends on the input alone",
            "look in the firmware for answers that come from a counter, and for state that "
            "outlives a query",
        )
    ]
