"""Facts about the official material: a sum for each file, and where it comes from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from tinyhil.catalog.facts import Facts, load
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.paths import SUITES

PINS = SUITES / "pins"

_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9_][A-Za-z0-9_.-]*)")
_CLASS = re.compile(r"([0-9]{1,3})  ([A-Za-z0-9_][A-Za-z0-9_.-]*)")


class Archive(Facts):
    """A ``.tar.gz`` at the origin that holds the files, or what they are made from."""

    url: str = Field(pattern=r"^https?://")
    layout: Literal["files", "cifar-10"]
    """`files` has them as they are, below `Source.folder`; `cifar-10` has batches of images."""
    bytes_max: int = Field(gt=0)
    """A longer answer is refused."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """None where the origin does not promise the bytes of the archive; each file has its sum."""


class Files(Facts):
    """Single files at the origin, by their name in the folder."""

    base: str = Field(pattern=r"^https?://.*/$")
    paths: dict[str, str]
    """What follows `base`, by the file's name here."""
    bytes_max: int = Field(gt=0)


class Source(Facts):
    """What one set of files is, and how to get it."""

    title: str
    folder: str
    """Below the root that the user brings."""
    origin: str
    licence: str
    get: str
    """The next step for somebody who does not have it."""
    others_allowed: bool = False
    """Whether other files may lie in that folder."""
    archive: Archive | None = None
    files: Files | None = None

    @model_validator(mode="after")
    def _has_one_way(self) -> Self:
        if self.archive and self.files:
            raise ValueError("give 'archive' or 'files', not both")
        return self

    @property
    def fetched(self) -> bool:
        """Whether the origin publishes the very files."""
        return self.files is not None or (
            self.archive is not None and self.archive.layout == "files"
        )


class Sources(Facts):
    """The file ``sources.toml``."""

    schema_version: Literal[1] = Field(alias="schema")
    sets: dict[str, Source]


def load_sources(folder: Path = PINS) -> dict[str, Source]:
    """All sets by name, in the order of the file.

    Raises:
        ConfigError: the file is wrong.
    """
    return load(folder / "sources.toml", Sources).sets


def load_pins(name: str, folder: Path = PINS) -> dict[str, str]:
    """The SHA-256 of every file of a set, by name; samples in the order of the label file.

    Raises:
        ConfigError: there is no such file of sums, or one of its lines is wrong.
    """
    path = folder / f"{name}.sha256"
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: the pinned sums can't be read: {error}", hint="install tinyhil again"
        ) from error
    pins: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None or match[2] in pins:
            raise ConfigError(
                f"{path}, line {number}: is not '<sha256>  <file>' of a file not yet named",
                hint="restore the file; `sha256sum` writes this form",
            )
        pins[match[2]] = match[1]
    return pins


def load_classes(name: str, folder: Path = PINS) -> dict[str, int]:
    """The samples of a list whose files have no pinned sums, each with its class.

    Raises:
        ConfigError: there is no such list, or one of its lines is wrong.
    """
    path = folder / f"{name}.classes"
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: the list of samples can't be read: {error}", hint="install tinyhil again"
        ) from error
    matches = [_CLASS.fullmatch(line) for line in lines if not line.startswith("#")]
    found = {match[2]: int(match[1]) for match in matches if match}
    if len(found) != len(matches):
        raise ConfigError(
            f"{path}: a line is not '<class>  <sample>' of a sample not yet named",
            hint="restore the file",
        )
    return found
