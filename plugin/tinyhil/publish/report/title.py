"""Titles of pictures and tests: what was measured, where, and on which data."""

from __future__ import annotations

from typing import NewType

from tinyhil.record import Subject

Title = NewType("Title", str)
"""A title that says whether its figures come from stand-in data. `title_of` makes it; a plain
string is refused by the type checker, so that nobody forgets."""


def data_label(data_set: str) -> str:
    """A data set's kind as it is shown: ``official``, ``custom``, or loudly ``STAND-IN``."""
    return data_set.upper() if data_set == "stand-in" else data_set


def title_of(subject: Subject, what: str) -> Title:
    """As in ``latency: kws01 on mps2-an386 (emulated), STAND-IN data``."""
    emulated = " (emulated)" if subject.emulated else ""
    data = data_label(subject.data_set)
    return Title(f"{what}: {subject.task} on {subject.board}{emulated}, {data} data")
