"""What the check of a run has to say against it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tinyhil.ground.errors import TinyhilError
from tinyhil.ground.text import printable

_PLACE = re.compile(r"(?P<path>.*?)(?:, line (?P<line>\d+))?: (?P<text>.*)", re.DOTALL)

_MOST_A_FILE = 20
"""Findings that are kept of one file: more would not say more."""
_MOST_NOTES = 100


@dataclass(frozen=True)
class Finding:
    """A disagreement, and where it is."""

    file: str
    """Path below the run's folder."""
    line: int | None
    """From 1; None where the whole file is meant."""
    text: str
    """What disagrees."""
    hint: str = ""
    """The next step, where it is not the same for all."""

    def __str__(self) -> str:
        where = f", line {self.line}" if self.line else ""
        hint = f"\n  next step: {self.hint}" if self.hint else ""
        return f"{printable(self.file)}{where}: {self.text}{hint}"


class Findings:
    """Gathers findings; bounded, and each once."""

    def __init__(self) -> None:
        self._found: dict[Finding, None] = {}
        self._counts: dict[str, int] = {}
        self._notes: dict[Finding, None] = {}

    def add(self, file: str, line: int | None, text: str, hint: str = "") -> None:
        """Note one."""
        finding = Finding(file, line, text, hint)
        if finding in self._found:
            return
        count = self._counts[file] = self._counts.get(file, 0) + 1
        if count <= _MOST_A_FILE:
            self._found[finding] = None

    def add_error(self, file: str, error: TinyhilError) -> None:
        """Note that something of a file can't be read; its text may name file and line first."""
        match = _PLACE.fullmatch(error.message)
        if match and match["path"].endswith(file):
            line = int(match["line"]) if match["line"] else None
            self.add(file, line, match["text"], error.hint)
        else:
            self.add(file, None, error.message, error.hint)

    def note(self, file: str, text: str) -> None:
        """Note what is no disagreement, but has to be known; bounded, and each once."""
        if len(self._notes) < _MOST_NOTES:
            self._notes[Finding(file, None, text)] = None

    @property
    def notes(self) -> tuple[Finding, ...]:
        """See `note`."""
        return tuple(self._notes)

    @property
    def all(self) -> tuple[Finding, ...]:
        """File by file, as those were first noted; the end says how many more a file has."""
        files = list(self._counts)
        found = sorted(self._found, key=lambda one: (files.index(one.file), one.line or 0))
        more = [
            Finding(file, None, f"and {count - _MOST_A_FILE} more")
            for file, count in self._counts.items()
            if count > _MOST_A_FILE
        ]
        return (*found, *more)
