"""Rows against answers: each row must have come from the device, and each answer be in a row."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tinyhil.catalog.measure import MeasureName
from tinyhil.judge.verify.answers import Answer
from tinyhil.judge.verify.conversation import Heard
from tinyhil.judge.verify.findings import Findings

Row = Mapping[str, Any]

_SHOWN_LAPS = 64
"""Of an audit's answer, at most, in its row."""

_MOST_LOOKED_AT = 10_000
"""Of answers with one time stamp; a forged log may have any number of them."""


@dataclass(frozen=True)
class Claim:
    """One answer that a row says the device gave."""

    file: str
    line: int
    sample: str
    window: int
    """Of the sample, from 0."""
    start_us: int | None
    """None where the row has no time stamps."""
    end_us: int | None
    count: int
    scores: tuple[float, ...] | None = None
    laps: tuple[int, ...] | None = None
    laps_cut: bool = False
    """Whether only the first laps are claimed."""
    duration_us: int | None = None
    wrapped: tuple[int, int, int] | None = None
    """How often the clock began anew before its end, see `schema.Wrapped`; None where its stamps
    are no time of anything."""
    waited_s: float | None = None
    """On the host's clock, from question to answer, as the row has it."""
    paces: bool = False
    """Whether it only sets the pace: it is no later answer to what was asked before."""

    @property
    def across_us(self) -> int:
        """Of its end, what the device did not print."""
        return self.wrapped[0] * self.wrapped[1] if self.wrapped else 0


def claims(measure: str, file: str, line: int, row: Row) -> Iterator[Claim]:
    """What a row of a measure claims; rows that are not answers claim nothing."""
    timed = "count" in row or "times" in row
    wrapped = tuple(row.get("wrapped") or (0, 0, 0)) if timed else None
    host_s = row.get("host_s")
    waited_s = host_s[1] - host_s[0] if host_s else None
    made = _claims(measure, file, line, row)
    return (replace(claim, wrapped=wrapped, waited_s=waited_s) for claim in made)


def _claims(measure: str, file: str, line: int, row: Row) -> Iterator[Claim]:
    name, start, end = (
        row.get("sample", ""),
        row.get("start_us"),
        row.get("end_us"),
    )
    scores = tuple(row["scores"]) if row.get("scores") else None
    if "role" in row:
        if scores:
            laps = tuple(row["laps"]) if row.get("laps") else None
            count = row.get("count", 1)
            named = row.get("name") or ""
            yield Claim(file, line, named, 0, start, end, count, scores, laps, laps_cut=True)
    elif measure == MeasureName.ACCURACY:
        pairs = zip(row["scores"], row["stamps_us"], strict=True)
        for window, (scores, (start, end)) in enumerate(pairs):
            yield Claim(file, line, row["sample"], window, start, end, 1, scores=tuple(scores))
    elif measure == MeasureName.SINGLE_STREAM and row["unit"] == "us":
        duration = sum(row["times"])
        count = row.get("count", len(row["times"]))
        yield Claim(file, line, name, 0, start, end, count, scores, duration_us=duration)
    elif measure == MeasureName.SINGLE_STREAM:
        times = tuple(row["times"])
        yield Claim(file, line, name, 0, start, end, len(times), scores, laps=times)
    elif measure == MeasureName.ENERGY:
        yield Claim(file, line, name, 0, start, end, row["count"], scores)
    elif measure == MeasureName.THROUGHPUT:
        paces = row["count"] == 1
        yield Claim(file, line, name, 0, start, end, row["count"], scores, paces=paces)


def _difference_of_time(duration_us: int, answer: Answer) -> str | None:
    """How the time that a row has for text, but for whole periods of the clock, differs from that
    of an answer, or None."""
    if duration_us != answer.end - answer.start:
        return "a time that is not the one of the device's time stamps"
    return None if answer.timed else "a time in which something was sent: it is no latency"


class Matching:
    """Which answer each claim is of.

    Args:
        heard: what the raw logs of a task hold.
        tick_hz: of the device's timer; any number where it reported none.
        findings: where claims without an answer are noted.
    """

    def __init__(self, heard: Heard, tick_hz: int, findings: Findings) -> None:
        self.answers = heard.answers
        self.used: dict[int, Claim] = {}
        """Claim by the place of its answer."""
        self.unstamped = False
        """Whether a row had no time stamps: which answer it is of can't be told."""
        self._tick_hz = tick_hz
        self._findings = findings
        self._scores = {answer.scores for answer in self.answers}
        self._starts: dict[int, list[int]] = {}
        for place, answer in enumerate(self.answers):
            self._starts.setdefault(answer.start_us(tick_hz), []).append(place)

    def match(self, file: str, made: Iterable[Claim]) -> None:
        """Find the answer of each claim of a file; they must be in the order of the claims.

        From the last one backwards: a device that restarts may give an answer twice, even with the
        same stamps; if a row was lost with the first one, it is of the second.
        """
        before = dict.fromkeys((answer.log for answer in self.answers), len(self.answers))
        for claim in reversed(list(made)):
            if claim.start_us is None:
                self._find_unstamped(claim)
                continue
            place = self._find(claim, before)
            if place is None:
                self._findings.add(file, claim.line, self._missing(claim))
                continue
            before[self.answers[place].log] = place
            self.used[place] = claim

    def _find_unstamped(self, claim: Claim) -> None:
        self.unstamped = True
        if claim.scores not in self._scores:
            self._findings.add(claim.file, claim.line, "no raw log holds an answer with its scores")

    def _find(self, claim: Claim, before: Mapping[str, int]) -> int | None:
        places = self._starts.get(claim.start_us or 0, [])
        # What comes after those found in every log is over.
        end = bisect_left(places, max(before.values(), default=0))
        return next(
            (
                place
                for place in reversed(places[max(0, end - _MOST_LOOKED_AT) : end])
                if place not in self.used
                and place < before[self.answers[place].log]
                and not self._difference(claim, self.answers[place])
            ),
            None,
        )

    def _difference(self, claim: Claim, answer: Answer) -> str | None:
        """How a claim differs from an answer, or None."""
        if claim.count != answer.count:
            return f"{claim.count} inferences, the device was asked for {answer.count}"
        more_us = claim.across_us
        if claim.end_us is not None and not answer.ends_at(claim.end_us - more_us, self._tick_hz):
            return f"the end {claim.end_us - more_us} us, which is not the device's"
        if claim.scores is not None and claim.scores != answer.scores:
            return "scores that are not the device's"
        if claim.duration_us is not None:
            return _difference_of_time(claim.duration_us - more_us, answer)
        laps = answer.laps[: _SHOWN_LAPS if claim.laps_cut else None] if answer.laps else None
        if claim.laps is not None and claim.laps != laps:
            return "times that are not the device's"
        return None

    def _missing(self, claim: Claim) -> str:
        places = self._starts.get(claim.start_us, []) if claim.start_us is not None else []
        for place in places:
            answer = self.answers[place]
            difference = self._difference(claim, answer)
            where = f"{answer.log}, line {answer.line}"
            if difference:
                return f"says {difference} ({where})"
            return f"the answer in {where} belongs to another row, or is out of order"
        return "no raw log holds an answer with its figures"


def left_over(matching: Matching, *, restarted: bool) -> Iterator[Answer]:
    """Answers that are in no row although they should be; every measure must have ended.

    The first inferences of an input only set the pace; what was asked again after a new start of
    the conversation may be in the later row alone.

    Args:
        matching: in which every row has been looked for.
        restarted: whether a measure has started over after a kill, asking for other things: the
            last answers before a new start may then be in no row.
    """
    answers = matching.answers
    asked_later: dict[tuple[str, bytes, bool, int], int] = {}
    last_used: dict[tuple[str, int], int] = {}
    for place in matching.used:
        key = (answers[place].log, answers[place].epoch)
        last_used[key] = max(last_used.get(key, -1), place)
    for place in reversed(range(len(answers))):
        answer = answers[place]
        question = (answer.log, answer.digest, answer.laps is not None, answer.count)
        if place in matching.used:
            if matching.used[place].paces:
                continue
            asked_later[question] = max(asked_later.get(question, -1), answer.epoch)
        elif (
            asked_later.get(question, -1) <= answer.epoch
            and not (matching.unstamped and (answer.by_text or not answer.timed))
            and not _sets_pace(answer, answers[place + 1] if place + 1 < len(answers) else None)
            and not (restarted and last_used.get((answer.log, answer.epoch), -1) < place)
        ):
            yield answer


def _sets_pace(answer: Answer, follower: Answer | None) -> bool:
    """Whether an answer is one of those before a measurement, of which nothing is kept."""
    if not answer.timed or answer.laps is not None or answer.count != 1:
        return False
    if not answer.by_text or answer.warm_up:
        return True
    if answer.nth or follower is None or follower.log != answer.log:
        return answer.nth == 0
    return follower.nth == 1 or follower.epoch != answer.epoch
