"""The times of a measure, against one another and against the host's clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tinyhil.measure.audit import clock
from tinyhil.measure.audit.answers import Answer
from tinyhil.measure.audit.lives import Lives
from tinyhil.measure.audit.report import Objection
from tinyhil.measure.roles import CANARY
from tinyhil.record.resolution import tick_us
from tinyhil.record.rows import Row, plain

MARGIN = 0.10
_REASON = (
    "10 %: what a processor's own caches may save of a small model's time; MLPerf's TEST04, on "
    "caching, draws its line there too"
)
_KNOWN_MARGIN, _KNOWN_REASON = 0.05, "5 %, as MLPerf's TEST05 allows; such inputs cost the same"
_LONG_S = 0.5
"""A query of the device's time from which on a share of it can be told from a delay."""

_FINE = 20
"""Ticks of the clock that a time must have, to be compared."""

_LEAST = 20
"""Times of one input that have a beginning and an end."""

_UPLOAD_SHARE, _UPLOAD_S = 0.05, 0.002
"""Of an inference, and in any case: what a device may need at the end of an upload."""

_HINT = (
    "look in the firmware for what depends on the form or the number of queries, for results that "
    "outlive a query, and whether each inference really runs"
)


def judge(
    rows: Sequence[Row], answers: Sequence[Answer], *, virtual: bool, quick: bool
) -> tuple[list[Objection], dict[str, Any], list[str]]:
    """Objections, figures, and what could not be judged.

    That the clock's rate is off is a figure here, and an objection of the audit of the clock: as
    long as nothing is hidden in what it times, a wrong clock gains nothing.

    Args:
        rows: of the measure.
        answers: those that they hold.
        virtual: whether the device's clock counts instructions.
        quick: whether it was only a quick look.
    """
    timed = [one for one in answers if one.answered_s > 0.0]
    stamps = [{"start_us": one.start_us, "end_us": one.printed_us}
              for one in answers if one.end_us]  # fmt: skip
    fine_s = tick_us(stamps) * 1e-6 if stamps else 1e-6
    figures: dict[str, Any] = {"clock_tick_s": fine_s}
    told = [one for one in timed if one.device_s >= _FINE * fine_s or one.laps]
    objections = [*_known(told), *_becomes_faster(told), *_alone_or_many(told)]
    objections += _skipped(plain(rows), fine_s)
    whole = [one for one in timed if one.end_us]
    lives = Lives.of(whole, virtual=virtual)
    figures |= lives.figures()
    if virtual:
        why = "the device's clock against the host's: an emulated board counts instructions"
        return objections, figures, [why]
    left_out = []
    if len(whole) > 1 and lives.explained:
        figures["clock"] = clock.figures(lives)
        figures["clock"]["jumps_or_drifts"] = [one.seen for one in clock.against_the_host(lives)]
    elif whole:
        left_out.append("the clock's rate: it was set back, by a restart or otherwise")
    against_host = [*hidden(whole, figures), *in_uploads(rows, answers, figures)]
    if quick:
        left_out.append("time that is hidden from the device's clock: a quick look is too short")
    return objections + against_host * (not quick), figures, left_out


def _own(answers: Sequence[Answer], role: str) -> list[Answer]:
    return [one for one in answers if one.role == role]


def _known(answers: Sequence[Answer]) -> Iterator[Objection]:
    """A sample of the data set must not be cheaper than a neighbour that is in no data set."""
    changed = _own(answers, f"{CANARY}_query")
    if not changed:
        return
    like = {one.name for one in changed}
    same = [one for one in _own(answers, "query") if one.name in like]
    if not same:
        return
    before, after = (float(np.median(_each(group))) for group in (same, changed))
    if before < (1.0 - _KNOWN_MARGIN) * after:
        yield Objection(
            f"{changed[0].name} takes {_less(before, after)} than the same with a step here and "
            f"there ({before:.6f} s, {after:.6f} s)",
            _KNOWN_REASON,
            "look in the firmware for anything that was made from the data set",
        )


def _each(answers: Sequence[Answer]) -> list[float]:
    """The times of inferences, in the order they came; of a batch without laps its mean."""
    found: list[float] = []
    for one in answers:
        if one.laps:
            scale = one.each_s * len(one.laps) / max(1, sum(one.laps))
            found += [lap * scale for lap in one.laps]
        else:
            found.append(one.each_s)
    return found


def _becomes_faster(answers: Sequence[Answer]) -> Iterator[Objection]:
    """An input that is asked for again and again must not become cheaper."""
    by_input: dict[str, list[Answer]] = defaultdict(list)
    for one in _own(answers, "query"):
        by_input[one.name].append(one)
    for name, own in by_input.items():
        times = _each(own)
        if len(times) < _LEAST:
            continue
        first = float(np.median(times[: max(8, len(times) // 20)]))
        best = float(np.quantile(times[len(times) // 20 :], 0.2))
        if best < (1.0 - MARGIN) * first:
            yield Objection(
                f"{name}, asked for {len(times)} times in a row, takes {_less(best, first)} in a "
                f"fifth of them than at first ({best:.6f} s, {first:.6f} s)",
                _REASON,
                _HINT,
            )
            return


def _alone_or_many(answers: Sequence[Answer]) -> Iterator[Objection]:
    """An inference costs the same alone and in a window of many."""
    alone = [one.each_s for one in answers if one.role == "single"]
    many = [one.each_s for one in _own(answers, "query") if one.count > 1]
    if not alone or not many:
        return
    one_s, many_s = float(np.median(alone)), float(np.median(many))
    cheap_s, dear_s = min(one_s, many_s), max(one_s, many_s)
    if cheap_s < (1.0 - MARGIN) * dear_s:
        who = ("in windows of many", "alone") if many_s < one_s else ("alone", "in windows of many")
        yield Objection(
            f"{who[0]} an inference takes {_less(cheap_s, dear_s)} than {who[1]} ({cheap_s:.6f} s, "
            f"{dear_s:.6f} s)",
            _REASON,
            _HINT,
        )


def _skipped(rows: Sequence[Row], fine_s: float) -> Iterator[Objection]:
    """Each window costs the same: one that is much cheaper has left something out."""
    windows = [(row["end_us"] - row["start_us"]) * 1e-6 / row["count"]
               for row in rows if row.get("count") and "times" not in row
               and (row["end_us"] - row["start_us"]) * 1e-6 > _FINE * fine_s]  # fmt: skip
    if len(windows) > 1 and min(windows) < (1.0 - MARGIN) * float(np.median(windows)):
        yield Objection(
            f"in one window an inference takes {_less(min(windows), float(np.median(windows)))} "
            "than in the others",
            _REASON,
            _HINT,
        )


def hidden(answers: Sequence[Answer], figures: dict[str, Any]) -> Iterator[Objection]:
    """A long query must not keep the host waiting longer, beyond its own time, than a short one.

    What a short one waits longer is the wire and its adapter: its spread bounds what can be seen.
    """
    # With the first one after an upload the input travels.
    asked = [one for one in answers if not one.role.endswith(("pace", "first", "asked"))]
    waits = [(one.waited_s - one.device_s * (1 + one.warm_up / one.count), one) for one in asked]
    short = [wait for wait, one in waits if one.device_s < _LONG_S]
    long = [(wait, one) for wait, one in waits if one.device_s >= _LONG_S]
    if not short:
        return
    usual_s = float(np.quantile(short, 0.9))
    figures["link_delay_s"] = round(float(np.median(short)), 6)
    figures["link_jitter_s"] = round(usual_s - float(np.min(short)), 6)
    if not long:
        return
    wait_s, one = min(long, key=lambda pair: pair[0])
    allowed_s = clock.TOLERANCE * one.device_s * (1 + one.warm_up / one.count) + clock.WAKE_S
    figures["could_hide_s"] = round(usual_s - min(short) + allowed_s, 6)
    if wait_s - usual_s > allowed_s:
        yield clock.hides(one, wait_s, usual_s, allowed_s)


def in_uploads(
    rows: Sequence[Row], answers: Sequence[Answer], figures: dict[str, Any]
) -> Iterator[Objection]:
    """The last piece of an upload takes as long as any: nothing is inferred before it is asked."""
    times = [one.each_s for one in answers if one.each_s > 0.0]
    for row in rows:
        if row.get("role") != "uploads" or not times:
            continue
        (least_s, _, most_s), (_, last_s, _) = row["piece_s"], row["last_s"]
        allowed_s = most_s - least_s + max(_UPLOAD_SHARE * float(np.median(times)), _UPLOAD_S)
        figures["upload_could_hide_s"] = round(allowed_s, 6)
        if last_s - most_s > allowed_s:
            yield Objection(
                f"the last piece of an upload mostly takes {last_s:.6f} s, any other up to "
                f"{most_s:.6f} s: the device works there, where no time stamp sees it",
                f"{allowed_s:.6f} s more: what the pieces differ by, and 2 ms or 5 % of an "
                "inference",
                "let the firmware infer between its time stamps, and only there",
            )


def _less(shorter: float, longer: float) -> str:
    return f"{100 * (1 - shorter / longer):.3g} % less time"
