"""What it takes for files to be the official ones: all of them, unaltered, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from tinyhil.data.pins import load_pins, load_sources
from tinyhil.ground.errors import DataError
from tinyhil.ground.text import shown

_LABELS = "y_labels.csv"
_NAMES_SHOWN = 5


@dataclass(frozen=True)
class Report:
    """How a folder differs from the pinned files; all three empty when it does not."""

    name: str
    total: int
    """Number of pinned files."""
    missing: tuple[str, ...]
    altered: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether the folder holds every file, unaltered, and nothing else."""
        return not (self.missing or self.altered or self.extra)

    @property
    def absent(self) -> bool:
        """Whether not one pinned file is there."""
        return len(self.missing) == self.total

    @property
    def state(self) -> str:
        """In a word or two, for a table."""
        if self.complete:
            return "complete"
        return "not there" if self.absent else ", ".join(self._counts())

    def __str__(self) -> str:
        """With the first names of each kind, for a message."""
        groups = (self.missing, self.altered, self.extra)
        named = [_some(group) for group in groups if group]
        return "; ".join(
            f"{count} ({names})" for count, names in zip(self._counts(), named, strict=True)
        )

    def _counts(self) -> list[str]:
        kinds = {"missing": self.missing, "altered": self.altered, "extra": self.extra}
        return [f"{len(names)} {kind}" for kind, names in kinds.items() if names]


def compare(name: str, pins: Mapping[str, str], sums: Mapping[str, str]) -> Report:
    """Compare the sums of a folder's files with the pinned ones, both by file name."""
    return Report(
        name,
        len(pins),
        missing=tuple(sorted(pins.keys() - sums.keys())),
        altered=tuple(
            sorted(file for file in pins.keys() & sums.keys() if pins[file] != sums[file])
        ),
        extra=tuple(sorted(sums.keys() - pins.keys())),
    )


def claims_official(pins: Mapping[str, str], sums: Mapping[str, str]) -> bool:
    """Whether files claim to be the official set, complete or not.

    They do when their label file is the official one, or when more than half of the official
    samples are there by name. So a set that lost, gained or changed some files is never taken for
    the user's own set, and the user's own set, with other names, is never refused.
    """
    samples = pins.keys() - {_LABELS}
    return sums.get(_LABELS) == pins[_LABELS] or 2 * len(samples & sums.keys()) > len(samples)


def is_official(name: str, folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether a data set is the official one of its task; False when it is a set of another kind.

    Args:
        name: name of the task.
        folder: where the files were read from; other entries there count as extra.
        files: the bytes that will be used, by file name.

    Raises:
        DataError: it claims to be the official one (see `claims_official`) and has a missing,
            altered or extra file; the text names the files.
    """
    source = load_sources().get(name)
    if source is None:
        return False
    pins = load_pins(name)
    sums = dict.fromkeys(entries(folder), "")
    sums |= {file: hashlib.sha256(data).hexdigest() for file, data in files.items()}
    report = compare(name, pins, sums)
    if report.complete:
        return True
    if claims_official(pins, sums):
        raise DataError(
            f"{folder}: looks like the official {name}, but is not: {report}",
            hint=f"to restore it, {source.get}; if it is your own set, give its samples other "
            "names",
        )
    return False


def entries(folder: Path) -> list[str]:
    """Names of everything in a folder that is not hidden, sorted; empty if there is no folder."""
    try:
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be listed: {error.strerror}", hint="check the path"
        ) from error


def _some(names: Collection[str]) -> str:
    """The first few names, and how many more; a file's name can hold anything."""
    first = shown(", ".join(list(names)[:_NAMES_SHOWN]))
    more = len(names) - _NAMES_SHOWN
    return f"{first} and {more} more" if more > 0 else first
