"""Reads ``results.txt`` as the official checker does: a figure counts if text is before it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Name = Literal[
    "top1",
    "auc",
    "throughput",
    "energy",
    "latency",
    "window throughput",
    "window energy",
    "window total energy",
    "window power",
    "window runtime",
    "false negatives",
    "false positives",
    "duty cycle",
    "streaming throughput",
]
"""`latency` is only ours: the official runners do not report it for single queries. The last four
are the streaming task's."""

_NUMBER = r"([0-9.]+)"
_FORMS: dict[Name, re.Pattern[str]] = {
    "top1": re.compile(rf"Top[- ]1%?\s?([:=]) {_NUMBER}"),
    "auc": re.compile(rf"AUC\s?([:=]) {_NUMBER}"),
    "throughput": re.compile(rf"Median throughput (is)\s+{_NUMBER} inf\./sec\."),
    "energy": re.compile(rf"Median energy cost (is) {_NUMBER} uJ/inf"),
    "latency": re.compile(rf"Latency p(50|90|99) is {_NUMBER} sec\."),
    "window throughput": re.compile(rf"Throughput\s*(:)\s*{_NUMBER} inf\./sec\."),
    "window energy": re.compile(rf"Energy/Inf\.?\s*(:)\s*{_NUMBER} uJ/inf"),
    "window total energy": re.compile(rf"Energy\s*(:)\s*{_NUMBER} uJ(?!/)"),
    "window power": re.compile(rf"Power\s*(:)\s*{_NUMBER} uW"),
    "window runtime": re.compile(rf"Runtime\s*(:)\s*{_NUMBER} sec\."),
    "false negatives": re.compile(r"(,) ([0-9]{1,9}) False negatives"),
    "false positives": re.compile(r"(,) ([0-9]{1,9}) False positives"),
    "duty cycle": re.compile(rf"Average duty cycle(:) {_NUMBER}"),
    "streaming throughput": re.compile(rf"Estimated throughput(:) {_NUMBER} inf\./sec\."),
}
_WITH_TEXT = ("top1", "auc", "throughput")
"""What is not read at the start of a line."""

_MAX_CLAIMS = 1000
_RELATIVE = 1e-12


@dataclass(frozen=True)
class Claim:
    """A figure as it is in the file."""

    name: Name
    text: str
    line: int
    sign: str
    """What is before the number: ``:`` is how EEMBC's runner wrote, ``=`` how today's does; of
    a latency, its percentile."""

    @property
    def value(self) -> float:
        """The number; the official checker fails on text that is not a number.

        Raises:
            ValueError: it is not a number.
        """
        return float(self.text)

    @property
    def decimals(self) -> int:
        """Digits after the point."""
        return len(self.text.partition(".")[2])

    def agrees_with(self, value: float) -> bool:
        """Whether it is `value`, rounded to as many digits.

        A runner may divide in another order, so the last bits of a double are worth nothing.
        """
        written = 10.0**-self.decimals * (0.5 + 1e-6)
        return abs(self.value - value) <= max(written, _RELATIVE * abs(value))


@dataclass(frozen=True)
class Summary:
    """All figures of a file, in its order."""

    claims: tuple[Claim, ...]
    unread: tuple[Claim, ...]
    """Figures that the official checker passes over, as no text is before them."""
    broken: tuple[Claim, ...]
    """Figures that are not numbers."""

    def last(self, name: Name) -> Claim | None:
        """The figure that counts: the last one of this name."""
        return next((claim for claim in reversed(self.claims) if claim.name == name), None)

    def counting(self, *names: Name) -> tuple[Claim, ...]:
        """The figures of these names that count."""
        return tuple(claim for name in names if (claim := self.last(name)))

    def all(self, name: Name) -> tuple[Claim, ...]:
        """All figures of this name."""
        return tuple(claim for claim in self.claims if claim.name == name)


def read_summary(text: str) -> Summary:
    """Find the figures in the text of a ``results.txt``; at most a thousand of them."""
    claims: list[Claim] = []
    unread: list[Claim] = []
    broken: list[Claim] = []
    for number, line in enumerate(text.split("\n"), start=1):
        for claim, before in _claims_in(line, number):
            if not _is_number(claim):
                broken.append(claim)
            elif claim.name not in _WITH_TEXT or before.endswith(" "):
                claims.append(claim)
            else:
                unread.append(claim)
            if len(claims) + len(unread) + len(broken) >= _MAX_CLAIMS:
                return Summary(tuple(claims), tuple(unread), tuple(broken))
    return Summary(tuple(claims), tuple(unread), tuple(broken))


def _claims_in(line: str, number: int) -> Iterable[tuple[Claim, str]]:
    for name, form in _FORMS.items():
        for match in form.finditer(line):
            yield Claim(name, match[2], number, match[1]), line[: match.start()]


def _is_number(claim: Claim) -> bool:
    try:
        return claim.value < float("inf")
    except ValueError:
        return False
