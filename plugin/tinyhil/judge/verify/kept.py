"""What lies in the run's folder of what it was measured with, read without trust."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from tinyhil.catalog.board import Board
from tinyhil.catalog.task import Task
from tinyhil.data.material import LABELS
from tinyhil.ground.errors import ConfigError
from tinyhil.image.elf import Image, image_of
from tinyhil.judge.verify.findings import Findings
from tinyhil.record.description import JobFacts
from tinyhil.record.kept import MAX_KEPT_BYTES, path_of, read_kept
from tinyhil.record.reading import parse
from tinyhil.record.schema import KEPT

Content = TypeVar("Content")

_image = lru_cache(maxsize=4)(image_of)
"""Runs of one firmware have the same."""
_MOST_BYTES = 32 << 20
"""Of anything but an image."""
_SUM = re.compile(r"([0-9a-f]{64})  (.{1,255})")


@dataclass(frozen=True)
class Kept:
    """What a task was measured with; None for what is missing or damaged, which is a finding."""

    board: Board | None
    task: Task | None
    sums: Mapping[str, str] | None
    """SHA-256 of each file of the data set, by name."""
    labels: tuple[tuple[str, int], ...] | None
    """The samples of the whole data set in their order, each with its true class."""
    image: Image | None
    """None, too, of a board that was measured as it was."""
    model: bytes | None
    """None, too, where the user's own image does not say which it is."""

    def windows(self, *, all_windows: bool) -> int | None:
        """How many inferences a sample takes."""
        return None if self.task is None else self.task.input.count(all_windows=all_windows)


def read_all(folder: Path, facts: JobFacts, findings: Findings) -> Kept:
    """Read what is kept of a task; what can't be is noted.

    Args:
        folder: of the run.
        facts: of the task, which name the sums.
        findings: where it is noted.
    """

    def read(
        sha256: str | None, made: Callable[[Path, bytes], Content], most: int = _MOST_BYTES
    ) -> Content | None:
        if sha256 is None:
            return None
        path = path_of(folder, sha256)
        try:
            return made(path, read_kept(folder, sha256, most))
        except ConfigError as error:
            findings.add_error(f"{KEPT}/{path.name}", error)
            return None

    subject, sums = facts.subject, facts.kept
    return Kept(
        board=read(sums.board, lambda path, text: parse(text, Board, str(path), versioned=False)),
        task=read(sums.task, lambda path, text: parse(text, Task, str(path), versioned=False)),
        sums=read(subject.data_sha256, _sums),
        labels=read(sums.labels, _labels),
        image=read(subject.firmware_sha256, _image, MAX_KEPT_BYTES),
        model=read(subject.model_sha256, lambda _, content: content),
    )


def _sums(path: Path, content: bytes) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        match = _SUM.fullmatch(line)
        if match is None or match[2] in found:
            raise _odd(path, number, "is not '<sha256>  <file>' of a file not yet named")
        found[match[2]] = match[1]
    if LABELS not in found:
        raise _odd(path, 1, f"the list of sums does not name {LABELS}")
    return found


def _labels(path: Path, content: bytes) -> tuple[tuple[str, int], ...]:
    found: list[tuple[str, int]] = []
    text = content.decode("utf-8", "replace")
    for number, row in enumerate(csv.reader(text.splitlines()), start=1):
        cells = [cell.strip() for cell in row]
        if not cells:
            continue
        if len(cells) < 3 or not re.fullmatch("[0-9]{1,5}", cells[2]):
            raise _odd(path, number, "is not '<sample>,<classes>,<class>'")
        found.append((cells[0], int(cells[2])))
    return tuple(found)


def _odd(path: Path, number: int, what: str) -> ConfigError:
    return ConfigError(f"{path}, line {number}: {what}", hint="the data set is damaged")
