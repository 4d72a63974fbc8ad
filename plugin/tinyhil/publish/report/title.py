"""Titles of pictures and tests: what was measured, where, and on which data."""

from __future__ import annotations

from typing import NewType

from tinyhil.catalog.units import station_label
from tinyhil.record import Subject

Title = NewType("Title", str)
"""A title that says whether its figures come from stand-in data. `title_of` makes it; a plain
string is refused by the type checker, so that nobody forgets."""


def data_label(data_set: str) -> str:
    """A data set's kind as it is shown: ``official``, ``custom``, or loudly ``STAND-IN``."""
    return data_set.upper() if data_set == "stand-in" else data_set


def title_of(subject: Subject, what: str) -> Title:
    """As in ``latency: kws01 on mps2-an386 (emulated), STAND-IN data``."""
    return Title(f"{what}: {task_place(subject)}, {data_label(subject.data_set)} data")


def task_place(subject: Subject) -> str:
    """Task and station, as in ``kws01 on mps2-an386 (emulated)``."""
    station = station_label(subject.station, subject.board, emulated=subject.emulated)
    return f"{subject.task} on {station}"
