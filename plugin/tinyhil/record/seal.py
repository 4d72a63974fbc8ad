"""The seal of a run: sums of everything in its folder, written last; and the check against it.

A file of lines also has sums of its lines, so that a changed one can be named, not only its file.
The seal holds its own sum. It shows that something was changed, not who sealed: anyone who
can write the folder can seal it again; then the check from raw bytes has to find it, or a signature
of the seal has to be missing (`signing`).
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr

from tinyhil.emulator.program import QEMU
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.files import gone, replace
from tinyhil.ground.processes import answer_of
from tinyhil.ground.text import printable
from tinyhil.record.description import read_description
from tinyhil.record.reading import list_files, parse, parse_values, read_whole
from tinyhil.record.schema import LINES, RUN, SCHEMA, SEAL, SIGNATURE, Sum
from tinyhil.record.sums import FileSum, sum_of

_PACKAGES = (
    "pytest-tinyhil", "pytest", "pyserial", "pyocd", "numpy", "scikit-learn", "pydantic",
    "allure-pytest", "pytest-benchmark", "cobs",
)  # fmt: skip
_ANSWER_S = 10.0
_OWN = {SEAL, SIGNATURE}

RecordState = Literal["sealed", "not sealed", "changed"]


class Seal(BaseModel):
    """All of ``seal.json`` except its own sum."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: StrictInt = Field(alias="schema")
    run: StrictStr
    sealed: StrictStr
    configuration_sha256: Sum
    """Of ``run.json``."""
    tasks: dict[str, dict[str, Sum | None]]
    """SHA-256 of ``firmware``, ``model`` and ``data`` of each task."""
    packages: dict[str, StrictStr]
    files: dict[str, FileSum]


@dataclass(frozen=True)
class Difference:
    """Something that is not as it was sealed."""

    file: str
    line: int | None
    """None where it can't be said, or the file is not one of lines."""
    text: str


def versions(emulator: Path | None) -> dict[str, str]:
    """Versions of what figures are made with.

    Args:
        emulator: the program, if one is among it.
    """
    found = {"Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    if emulator:
        found[QEMU] = _first_line([str(emulator), "--version"])
    return found


def seal(folder: Path, packages: Mapping[str, str]) -> Path:
    """Seal a run to which nothing will be added; an older seal is replaced.

    Args:
        folder: of the run.
        packages: see `versions`.

    Returns:
        The seal.

    Raises:
        WriteError: it can't be written, and no part of it is left; or the folder is gone.
        ConfigError: the folder holds what no run does, or its ``run.json`` is damaged.
    """
    # Who removes a folder while it is written to may leave a part of it.
    if not (folder / RUN).is_file():
        raise gone(folder / RUN)
    description = read_description(folder)
    files = {name: sum_of(folder / name) for name in list_files(folder) if name not in _OWN}
    tasks = {
        task: {
            "firmware": facts.subject.firmware_sha256,
            "model": facts.subject.model_sha256,
            "data": facts.subject.data_sha256,
        }
        for task, facts in description.jobs.items()
    }
    made = Seal(
        schema=SCHEMA,
        run=description.run,
        sealed=datetime.now(UTC).isoformat(timespec="milliseconds"),
        configuration_sha256=files[RUN].sha256,
        tasks=tasks,
        packages=dict(packages),
        files=files,
    )
    # A signature is of one seal alone.
    (folder / SIGNATURE).unlink(missing_ok=True)
    replace(folder / SEAL, rendered(made))
    return folder / SEAL


def rendered(made: Seal) -> bytes:
    """The bytes of a seal, as they are written."""
    return _rendered(made.model_dump(mode="json", by_alias=True))


def read_seal(folder: Path) -> Seal:
    """Read a run's seal; `differences` tells whether it is as it was written.

    Raises:
        ConfigError: it is missing, of another schema, or damaged.
    """
    path = folder / SEAL
    values = parse_values(read_whole(path), str(path), versioned=True)
    values.pop("sha256", None)
    return parse(json.dumps(values).encode(), Seal, str(path))


def record_state(folder: Path) -> RecordState:
    """Whether a run's figures are as they were sealed: the seal, ``run.json`` and the record.

    `differences` looks at the raw files too, which may be long.
    """
    if not (folder / SEAL).exists():
        return "not sealed"
    try:
        sealed = read_seal(folder)
        found = list(_own_differences(folder, sealed))
        for name in (RUN, LINES):
            found += _compare(folder / name, name, sealed.files[name])
    except (ConfigError, KeyError):
        return "changed"
    return "changed" if found else "sealed"


def differences(folder: Path, sealed: Seal) -> tuple[Difference, ...]:
    """What is not as it was sealed: changed, missing and added files, and the seal itself.

    Raises:
        ConfigError: the folder holds what no run does, or a file can't be read.
    """
    found = list(_own_differences(folder, sealed))
    here = set(list_files(folder)) - _OWN
    for name in sorted(here | set(sealed.files)):
        known = sealed.files.get(name)
        if known is None:
            found.append(Difference(name, None, "was added after the run was sealed"))
        elif name not in here:
            found.append(Difference(name, None, "is missing"))
        else:
            found.extend(_compare(folder / name, name, known))
    return tuple(found)


def _own_differences(folder: Path, sealed: Seal) -> Iterator[Difference]:
    text = read_whole(folder / SEAL)
    values = parse_values(text, SEAL, versioned=True)
    values.pop("sha256", None)
    if _rendered(values) != text:
        yield Difference(SEAL, None, "was changed: its own sum differs")
    run = sealed.files.get(RUN)
    if run is None or run.sha256 != sealed.configuration_sha256:
        yield Difference(SEAL, None, "names two sums of the configuration")


def _compare(path: Path, name: str, known: FileSum) -> Iterator[Difference]:
    found = sum_of(path, known.lines.block if known.lines else None)
    if (found.sha256, found.bytes) == (known.sha256, known.bytes):
        return
    line, text = None, "was changed"
    if known.lines and found.lines:
        where = known.lines.first_change(found.lines)
        if where is not None:
            line, last = where
            text += f" first somewhere in lines {line} to {last}" if last > line else " first here"
        if found.lines.count != known.lines.count:
            text += f"; it has {found.lines.count:,} lines, {known.lines.count:,} were sealed"
    if found.bytes != known.bytes:
        text += f"; it has {found.bytes:,} bytes, {known.bytes:,} were sealed"
    yield Difference(name, line, text)


def _rendered(values: Mapping[str, Any]) -> bytes:
    """The seal's bytes, with its own sum: of what they are without it."""
    text = json.dumps(dict(values), indent=1)
    own = hashlib.sha256(text.encode()).hexdigest()
    return (json.dumps({**values, "sha256": own}, indent=1) + "\n").encode()


def _first_line(command: list[str]) -> str:
    said = answer_of(command, _ANSWER_S)
    if said is None:
        return "not found"
    return printable(next(iter(said[0].splitlines()), "silent"))
