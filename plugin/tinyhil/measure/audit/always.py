"""What every run checks of its own measures, without a question more than they ask.

A measure's rows hold the answers to all that it timed, and those of inputs that no table holds:
see `witness`. They are judged here, by the rows alone, so that a record is judged again the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinyhil.measure.audit import always_time
from tinyhil.measure.audit.answers import Answer, Scores, heading_of
from tinyhil.measure.audit.report import Objection, Report
from tinyhil.measure.roles import CANARY, SAME, TOLERANCE, distance
from tinyhil.record.rows import Row, plain

_MOSTLY, _HALF, _FEW = 0.9, 0.5, 3
"""Shares of answers, and how many canaries can say something."""

_OTHER_PATH = (
    "look in the firmware for what it does differently in this kind of query, for state that "
    "outlives a query, and whether each inference writes its result"
)


def judge(rows: Sequence[Row], known: Mapping[str, Scores]) -> Report | None:
    """What is to be said against a measure; None of rows without proofs, as older runs have them.

    Args:
        rows: all of the measure.
        known: answers of the measures before, by sample; see `remember`.
    """
    heading = heading_of(rows)
    if heading is None:
        return None
    answers = list(_answers(rows, heading["tick_hz"]))
    state = heading.get("state", False)
    objections = [] if state else [*_same(answers, known)]
    objections += _as_expected(rows, heading.get("exact"))
    found, figures, left_out = always_time.judge(
        rows, answers, virtual=heading["virtual"], quick=heading.get("quick", False)
    )
    objections += _too_fast(answers, heading.get("floor_s"))
    figures = {
        "seed": heading["seed"],
        "answers": len(answers),
        "canaries": sum(one.role.startswith(CANARY) for one in answers),
        "reference": "exact" in heading,
        **figures,
    }
    if state:
        left_out.append("answers: the model keeps a state, so they depend on the inferences before")
    elif "exact" not in heading:
        left_out.append(
            "answers to changed inputs: the model is not known here, so only that they "
            "stay the same was seen"
        )
    return Report(len(answers), figures, (*objections, *found), tuple(left_out))


def remember(rows: Sequence[Row]) -> dict[str, Scores]:
    """The answers of a measure, by the sample's name: of its first window."""
    found: dict[str, Scores] = {}
    for row in plain(rows):
        if "stamps_us" in row:
            found[row["sample"]] = tuple(row["scores"][0])
        elif row.get("scores"):
            found[row["sample"]] = tuple(row["scores"])
    return found


def _answers(rows: Sequence[Row], tick_hz: int | None) -> Iterator[Answer]:
    """All answers that rows hold, in the order they came."""
    for row in rows:
        if "role" not in row:
            yield from _own(row, tick_hz)
        elif row.get("scores") is not None:
            stamps = {"count": 1, "warm_up": 0, "laps": (), "host_s": (0.0, 0.0)}
            yield Answer.of({"place": 0, **stamps, **row}, tick_hz)


def _own(row: Row, tick_hz: int | None) -> Iterator[Answer]:
    """The answers of a row of the measure itself."""
    about: dict[str, Any] = {"place": 0, "name": row["sample"], "warm_up": row.get("warm_up", 0)}
    if "stamps_us" in row:
        # Windows of one sample are other inputs; they are told apart by their number.
        for number, (scores, (start, end)) in enumerate(
            zip(row["scores"], row["stamps_us"], strict=True)
        ):
            name = f"{row['sample']}, window {number + 1}" if number else row["sample"]
            stamps = {"start_us": start, "end_us": end, "count": 1, "host_s": (0.0, 0.0)}
            yield Answer.of({**about, **stamps, "role": "sample", "name": name, "scores": scores,
                             "laps": ()}, tick_hz)  # fmt: skip
        return
    laps = row.get("times", ()) if tick_hz else ()
    count = row.get("count") or len(row["times"])
    kept = {"role": "query", "scores": row.get("scores", ()), "count": count, "laps": laps,
            "start_us": row["start_us"], "end_us": row["end_us"],
            "host_s": row.get("host_s", (0.0, 0.0)), "wrapped": row.get("wrapped")}  # fmt: skip
    yield Answer.of({**about, **kept}, tick_hz)


def _same(answers: Sequence[Answer], known: Mapping[str, Scores]) -> Iterator[Objection]:
    """One input, one answer: whatever it was asked by."""
    found: dict[tuple[str, bool], dict[Scores, Answer]] = defaultdict(dict)
    for one in answers:
        if one.scores:
            found[one.name, one.role.startswith(CANARY)].setdefault(one.scores, one)
    several = {key: list(seen.values()) for key, seen in found.items() if len(seen) > 1}
    if several:
        (name, changed), (first, other, *_) = next(iter(several.items()))
        what = f"{name}, changed by a step here and there," if changed else name
        yield Objection(
            f"{len(several)} of {len(found)} inputs are not answered the same each time: {what} "
            f"has {_short(first)}, and {_short(other)}",
            "none: a timed query must answer what an accuracy run answers",
            _OTHER_PATH,
        )
    other_before = [one for one in answers if one.scores and not one.role.startswith(CANARY)
                    and known.get(one.name, one.scores) != one.scores]  # fmt: skip
    if other_before:
        one = other_before[0]
        yield Objection(
            f"{len({one.name for one in other_before})} inputs are answered differently from the "
            f"measure before: {one.name} has {_short(one)}, and had "
            f"[{_numbers(known[one.name])}]",
            "none: the same code must run in all measures",
            _OTHER_PATH,
        )


def _as_expected(rows: Sequence[Row], exact: bool | None) -> Iterator[Objection]:
    """Answers against those of the reference on the host."""
    if exact is None:
        return
    allowed = SAME if exact else TOLERANCE
    asked = [row for row in rows if "expected" in row]
    gaps = [(row["role"].startswith(CANARY), distance(row["scores"], row["expected"]), row)
            for row in asked]  # fmt: skip
    wrong = [row for changed, gap, row in gaps if changed and gap > allowed]
    canaries = [gap for changed, gap, _ in gaps if changed]
    samples = [gap <= allowed for changed, gap, _ in gaps if not changed]
    known, right = len(samples), sum(samples)
    for row in rows:
        if row.get("role") == "reference":
            known += row["answers"]
            right += row["equal"] if exact else row["answers"] - row["beyond_tolerance"]
    if exact and right < known:
        names = [name for row in rows for name in row.get("such_as", ())]
        yield _unlike(f"{known - right} of {known} answers to samples", names, allowed)
    if wrong and (exact or (known and right >= _MOSTLY * known and len(canaries) >= _FEW
                            and len(wrong) > _HALF * len(canaries))):  # fmt: skip
        names = [row["name"] for row in wrong]
        what = f"{len(wrong)} of {len(canaries)} answers to samples that were changed by a step"
        yield _unlike(what, names, allowed)


def _too_fast(answers: Sequence[Answer], floor_s: float | None) -> Iterator[Objection]:
    """No core computes the model in less time than its multiplications need."""
    times = [one.each_s for one in answers if one.role == "query" and one.each_s > 0.0]
    if floor_s is None or not times or (each_s := float(np.median(times))) >= floor_s:
        return
    yield Objection(
        f"an inference takes {each_s:.6f} s: in that time this core can't compute the model",
        f"{floor_s:.6f} s at least, by its multiplications and the core's clock",
        "look whether the inference runs between the time stamps, and whether the timer's "
        "frequency is right",
    )


def _unlike(what: str, names: Sequence[str], allowed: float) -> Objection:
    such = f", such as {names[0]}" if names else ""
    return Objection(
        f"{what} are not those of the model, computed on the host{such}",
        f"a difference of {allowed:g} in a score",
        "look in the firmware for answers that do not come from the model, such as a table of the "
        "data set; if the engine computes otherwise on purpose, measure it in the open division",
    )


def _short(answer: Answer) -> str:
    many = f"'infer {answer.count} {answer.warm_up}'"
    return f"[{_numbers(answer.scores)}] ({answer.role}, {many})"


def _numbers(scores: Scores) -> str:
    return ", ".join(f"{score:.3f}" for score in scores[:4]) + ", …" * (len(scores) > 4)
