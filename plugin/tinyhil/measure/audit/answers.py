"""What a device answered to an audit: raw rows, read back. Everything is judged from these.

The first row of an attempt, the heading, says how it was asked. A run that died in an audit has
rows of it that nothing can be added to, as what the device was about to be asked must not be
known: the audit starts again, with its own heading.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tinyhil.ground.errors import DataError
from tinyhil.record.rows import Row

HEADING = "heading"
"""Role of the first row of an attempt."""

Scores = tuple[float, ...]


def heading_of(rows: Iterable[Row]) -> Row | None:
    """The heading of a measure that keeps what proves it; None of one that does not."""
    return next((row for row in rows if row.get("role") == HEADING), None)


@dataclass(frozen=True)
class Answer:
    """One answer of the device."""

    role: str
    """What it was asked for."""
    place: int
    """Which input of the audit it belongs to: the same place, the same input."""
    name: str
    """Of the input, for people."""
    scores: Scores
    count: int = 1
    warm_up: int = 0
    start_us: int = 0
    """On the device's clock; times are 0 where none were asked for."""
    end_us: int = 0
    wrapped: tuple[int, int, int] = (0, 0, 0)
    """How often its clock began anew between them, after which time, and what that may be off by,
    in microseconds."""
    laps: tuple[int, ...] = ()
    """Ticks of the first inferences, where told."""
    asked_s: float = 0.0
    """On the host's clock, before the query left."""
    answered_s: float = 0.0
    """On the host's clock, after the answer was read."""
    each_s: float = 0.0
    """Time of an inference on the device's clock, the mean of them."""
    label: int | None = None
    """True class of the input, where that matters."""

    @property
    def device_s(self) -> float:
        """Of all inferences together, on the device's clock."""
        return (self.end_us - self.start_us) * 1e-6

    @property
    def printed_us(self) -> int:
        """The second stamp as the device printed it."""
        return self.end_us - self.wrapped[0] * self.wrapped[1]

    @property
    def waited_s(self) -> float:
        """Of query and answer, on the host's clock."""
        return self.answered_s - self.asked_s

    @classmethod
    def of(cls, row: Row, tick_hz: int | None) -> Answer:
        """Read a row.

        Args:
            row: of an answer.
            tick_hz: of the laps; None where there are none.
        """
        plain = {key: row[key] for key in ("role", "place", "name")} | {
            "scores": tuple(row["scores"]),
            "label": row.get("label"),
        }
        if "count" not in row:
            return cls(**plain)
        laps, count = tuple(row["laps"]), row["count"]
        if tick_hz is not None and len(laps) == count:  # They are finer, if all are there.
            each_s = sum(laps) / tick_hz / count
        else:
            each_s = (row["end_us"] - row["start_us"]) * 1e-6 / count
        asked_s, answered_s = row["host_s"]
        return cls(
            **plain,
            count=count,
            warm_up=row["warm_up"],
            start_us=row["start_us"],
            end_us=row["end_us"],
            wrapped=tuple(row.get("wrapped") or (0, 0, 0)),
            laps=laps,
            asked_s=asked_s,
            answered_s=answered_s,
            each_s=each_s,
        )


@dataclass(frozen=True)
class Attempt:
    """The answers of one audit, in the order they came."""

    heading: Row
    answers: tuple[Answer, ...]
    other: tuple[Row, ...] = ()
    """Rows that are no answers."""

    @classmethod
    def last(cls, rows: Sequence[Row]) -> Attempt:
        """The last attempt among the rows of an audit.

        Raises:
            DataError: there is none.
        """
        starts = [place for place, row in enumerate(rows) if row["role"] == HEADING]
        if not starts:
            raise DataError(
                "the rows of an audit have no heading",
                hint="its raw rows were altered; measure again",
            )
        heading, *own = rows[starts[-1] :]
        answers = tuple(Answer.of(row, heading["tick_hz"]) for row in own if "scores" in row)
        return cls(heading, answers, tuple(row for row in own if "scores" not in row))

    @property
    def virtual(self) -> bool:
        """See `Setting.virtual`."""
        return bool(self.heading["virtual"])

    def all(self, role: str) -> list[Answer]:
        """The answers of a role, in the order they came."""
        return [answer for answer in self.answers if answer.role == role]

    def by_place(self, role: str) -> dict[int, Answer]:
        """The answers of a role by their place; the last one of each."""
        return {answer.place: answer for answer in self.all(role)}

    def pairs(self, role: str, other: str) -> list[tuple[Answer, Answer]]:
        """The answers of two roles to the same inputs."""
        first, second = self.by_place(role), self.by_place(other)
        return [(first[place], second[place]) for place in sorted(first.keys() & second.keys())]

    def times(self, role: str) -> list[float]:
        """Of an inference, by each answer of a role, in seconds on the device's clock."""
        return [answer.each_s for answer in self.all(role)]
