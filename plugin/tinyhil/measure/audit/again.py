"""The measures again, as they are, and then the same of inputs that no table holds.

First comes what a run asks of samples, in the official form: many queries of one, and windows of
many inferences after ten to warm up. Nothing gives the audit away up to there. Then the same is
asked of a neighbour, and in other forms: a device that does less in the form of the measures, or
for what it knows, takes less time there, or answers otherwise.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

from tinyhil.measure.audit import always_time, clock
from tinyhil.measure.audit.answers import Answer, Attempt
from tinyhil.measure.audit.asking import Asker
from tinyhil.measure.audit.evidence import SURE, Comparison, paired_wins, unpaired
from tinyhil.measure.audit.inputs import Input, drawn, labelled, numbered, permuted, unseen
from tinyhil.measure.audit.lives import Lives
from tinyhil.measure.audit.report import Objection, Report
from tinyhil.measure.audit.setting import MARGIN, MARGIN_REASON, Setting

_QUERIES = 205
"""Of one input in a row: an input's share of single stream."""

_WARM_UP = 10
"""The official one."""

_OTHER_WARM_UPS = (0, 1, 2, 3, 5, 7)

_BATCH_S = 2.0
_COMPARED = 48
"""Times of a role that are compared, spread evenly over all."""

_LABELLED = 200
"""Samples whose neighbours are asked, at most."""

_AT_ONCE = 10

_MANY_MARGIN = 0.05
_MANY_REASON = "5 %: a rare interrupt shows in long runs, and hardly in short ones"
_FAR_REASON = "5 %, as MLPerf's TEST05 allows: the same values in another order"
_DRIFT_MARGIN, _DRIFT_REASON = 0.05, "5 %: the same query costs the same at any time"
_ALONE_MARGIN = 0.03
_ALONE_REASON = "3 %: what a query does once, it does outside its time stamps"

_CASES = (
    ("early", "late", _DRIFT_MARGIN, _DRIFT_REASON, "the first queries of a sample", "later ones"),
    ("late", "early", _DRIFT_MARGIN, _DRIFT_REASON, "later queries of a sample", "the first ones"),
    ("known", "far", _MANY_MARGIN, _FAR_REASON, "queries of a sample", "those of its values mixed"),
    ("known", "plain", MARGIN, MARGIN_REASON, "queries behind a warm-up of ten", "others"),
    ("known", "near", MARGIN, MARGIN_REASON, "queries of a sample", "those of its neighbour"),
    ("known_window", "other_window", MARGIN, MARGIN_REASON,
     "windows behind a warm-up of ten", "others"),
    ("known_window", "near_window", MARGIN, MARGIN_REASON,
     "windows of a sample", "those of its neighbour"),
    ("known_window", "plain", _MANY_MARGIN, _MANY_REASON, "windows of many", "single queries"),
    ("near_window", "plain", _MANY_MARGIN, _MANY_REASON, "windows of many", "single queries"),
    ("known", "known_window", _MANY_MARGIN, _MANY_REASON, "single queries", "windows of many"),
    ("plain", "other_window", _MANY_MARGIN, _MANY_REASON, "single queries", "windows of many"),
    ("plain", "three", _ALONE_MARGIN, _ALONE_REASON, "single queries", "queries of three"),
)  # fmt: skip
"""What must not take less time than what, by how much, why, and both in words."""


def ask(asker: Asker, setting: Setting) -> None:
    """Ask as a run does, of a sample; then of its neighbour, and in other forms."""
    random, task = setting.random, setting.task
    one, _ = drawn(task, setting.samples, 2, random)
    near, far = numbered([unseen(task, one, random), permuted(task, one, random)], 1)
    asker.watch()
    _as_measured(asker, setting, one, "known")
    for number, near_next in enumerate(random.sample((True, False), 2), start=1):
        setting.progress(number, 4)
        if near_next:
            _as_measured(asker, setting, near, "near")
            asker.send(far)
            asker.infer(far, "far_pace")
            for _ in range(setting.rules.pairs):
                asker.infer(far, "far")
        else:
            _otherwise(asker, setting, one)
    _quality(asker, setting)
    asker.unwatch()


def _as_measured(asker: Asker, setting: Setting, one: Input, role: str) -> None:
    asker.send(one)
    first = asker.infer(one, f"{role}_pace")
    asker.infer(one, f"{role}_warm", 1, _WARM_UP)
    _queries(asker, setting, one, role, first)
    for _ in range(_windows(setting)):
        asker.infer(one, f"{role}_window", _length(setting, first), _WARM_UP)


def _windows(setting: Setting) -> int:
    """How many: two roles must be comparable."""
    return math.ceil(1.5 * setting.rules.runs)


def _length(setting: Setting, first: Answer) -> int:
    # Where instructions are counted a short one tells as much.
    most = 0.2 if setting.virtual else 1.02
    return setting.long_run(first, share=setting.random.uniform(most / 10, most))


def _queries(asker: Asker, setting: Setting, one: Input, role: str, first: Answer) -> None:
    """As many as single stream has; where the device tells each time, a batch at once."""
    least, most_s = setting.rules.pairs, 2 * setting.rules.clock_s
    each_s = first.waited_s if setting.virtual else first.each_s
    wanted = _QUERIES if role == "known" else _QUERIES // 3
    total = max(least, min(wanted, math.ceil(most_s / each_s)))
    if not asker.laps:
        for _ in range(total):
            asker.infer(one, role)
        return
    size = max(1, min(math.ceil(_BATCH_S / first.each_s), total // least))
    for _ in range(max(least, total // size)):
        asker.infer(one, role, size)


def _otherwise(asker: Asker, setting: Setting, one: Input) -> None:
    """The same input in forms that no measure has."""
    random, rules = setting.random, setting.rules
    asker.send(one)
    first = asker.infer(one, "plain_pace")
    roles = ["plain"] * rules.pairs + ["three"] * rules.pairs + ["other_window"] * _windows(setting)
    random.shuffle(roles)
    for role in roles:
        match role:
            case "plain":
                asker.infer(one, role)
            case "three":
                asker.infer(one, role, 3, random.randint(0, 1))
            case _:
                asker.infer(one, role, _length(setting, first), random.choice(_OTHER_WARM_UPS))


def _quality(asker: Asker, setting: Setting) -> None:
    """Samples among their neighbours, as an accuracy run gets them."""
    if setting.task.result != "scores":
        return
    random, task, began_s = setting.random, setting.task, asker.now()
    samples = iter(labelled(task, setting.samples, _LABELLED, random, first=3))
    while chunk := list(islice(samples, _AT_ONCE)):
        asked = [("sample", one) for one in chunk]
        asked += [("neighbour", unseen(task, one, random)) for one in chunk]
        random.shuffle(asked)
        for _ in asker.results(asked):
            pass
        if asker.now() - began_s > setting.rules.clock_s:
            return


def judge(attempt: Attempt) -> Report:
    """Object to what is cheaper, or answered otherwise, in the form of the measures."""
    figures: dict[str, object] = {}
    objections = [*_changed(attempt), *_only_known_right(attempt, figures)]
    for less, more, margin, reason, what, other in _CASES:
        comparison = unpaired(_some(attempt, less), _some(attempt, more), margin)
        figures[f"{less}_against_{more}"] = comparison.as_json()
        if comparison.shorter:
            objections.append(_faster(what, other, comparison, reason))
    left_out = []
    timed = [one for one in attempt.answers if one.answered_s > 0.0]
    lives = Lives.of(timed, virtual=attempt.virtual)
    objections += clock.backwards(lives)
    figures |= lives.figures()
    if attempt.virtual:
        left_out.append("the clock against the host's: an emulated board counts instructions")
    else:
        objections += clock.against_the_host(lives)
        objections += always_time.hidden(timed, figures)
        objections += always_time.in_uploads(attempt.other, timed, figures)
    if not attempt.all("neighbour"):
        left_out.append("whether only known samples are answered right: the task has no classes")
    return Report(len(attempt.answers), figures, tuple(objections), tuple(left_out))


def _some(attempt: Attempt, role: str) -> list[float]:
    """Times of a role; not the first ones, which are colder."""
    times = attempt.times("known" if role in ("early", "late") else role)
    part = max(12, len(times) // 8)
    if role == "early":
        return times[:part]
    if role == "late":
        return times[-part:]
    step = max(1, len(times) // _COMPARED)
    return times[len(times) // 10 :: step]


def _faster(what: str, other: str, comparison: Comparison, reason: str) -> Objection:
    return Objection(
        f"{what} take {comparison.amount} an inference than {other} ({comparison.grounds})",
        f"{reason}; the rules do not allow to know the benchmark, its queries or its samples",
        "look in the firmware for what depends on the form of a query, on how often it comes, or "
        "on the sample, and whether each inference really runs between the time stamps",
    )


def _changed(attempt: Attempt) -> Iterator[Objection]:
    """One input has one answer, in each form."""
    found: dict[tuple[int, bool], dict[tuple[float, ...], Answer]] = defaultdict(dict)
    for one in attempt.answers:
        if one.scores:
            found[one.place, one.role == "neighbour"].setdefault(one.scores, one)
    other = [list(seen.values()) for seen in found.values() if len(seen) > 1]
    if other:
        first, second, *_ = other[0]
        yield Objection(
            f"{first.name} is answered otherwise in queries of the form 'infer {second.count} "
            f"{second.warm_up}' ({second.role}) than of the form 'infer {first.count} "
            f"{first.warm_up}' ({first.role})",
            "none: the same code must run for accuracy and for performance",
            "look in the firmware for what depends on the form of a query",
        )


def _only_known_right(attempt: Attempt, figures: dict[str, object]) -> Iterator[Objection]:
    """A sample is not answered right more often than a neighbour, which no table holds."""
    pairs = attempt.pairs("sample", "neighbour")
    if not pairs:
        return
    right = [tuple(_best(one) == one.label for one in pair) for pair in pairs]
    wins, losses = right.count((True, False)), right.count((False, True))
    p = paired_wins(wins, losses)
    shares = [sum(pair[side] for pair in right) / len(right) for side in (0, 1)]
    figures |= {"samples_right": round(shares[0], 4), "neighbours_right": round(shares[1], 4),
                "right_by_chance_p": float(f"{p:.3g}")}  # fmt: skip
    if p < SURE:
        yield Objection(
            f"{100 * shares[0]:.1f} % of {len(pairs)} samples have their true class, of the same "
            f"samples with a step here and there {100 * shares[1]:.1f} %; that it is chance has "
            f"p = {p:.1g}",
            "what chance leads to in one of 10,000 audits; steps so small change few answers",
            "look in the firmware for a table of the data set, or of its classes",
        )


def _best(answer: Answer) -> int:
    return max(range(len(answer.scores)), key=answer.scores.__getitem__)
