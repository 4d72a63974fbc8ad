"""Reads files of a run folder, which may come from anywhere: bounded, strict, nothing outside."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tinyhil.ground.errors import ConfigError
from tinyhil.ground.text import printable
from tinyhil.record.schema import (
    KEPT,
    LINES,
    RAW,
    RUN,
    SCHEMA,
    SEAL,
    row_model,
    wrong_key,
)
from tinyhil.record.strict_json import json_object

MAX_LINE_BYTES = 64 << 20
"""Longest line that is read; the rows and transfers of the tasks hold some thousand bytes."""
MAX_FILE_BYTES = 16 << 30
"""Longest file that is read; the longest of the tasks hold some hundred megabytes."""
MAX_FILES = 1000
_BLOCK_BYTES = 1 << 20

Model = TypeVar("Model", bound=BaseModel)
Item = TypeVar("Item")


class TornLineError(ConfigError):
    """The last line of a file has no end: the run was killed while it was written.

    `--hil-resume RUN` cuts that line off and goes on after the last whole one.
    """


def list_files(folder: Path) -> tuple[str, ...]:
    """Every file of a run folder, as sorted paths relative to it.

    Raises:
        ConfigError: the folder can't be read, or holds what no run does: a link, a device, a
            folder in ``raw`` or ``kept``, too many files, or one that is too large to be a run's.
    """
    found: list[str] = []
    try:
        for name in _walk(folder):
            # Of thousands of runs: without a `Path` for each file.
            status = os.lstat(f"{folder}/{name}")
            if stat.S_ISLNK(status.st_mode):
                raise _odd(folder / name, "a symbolic link")
            if not stat.S_ISREG(status.st_mode):
                raise _odd(folder / name, "not a regular file")
            if status.st_size > MAX_FILE_BYTES:
                raise _odd(folder / name, f"{status.st_size:,} bytes long")
            found.append(name)
    except OSError as error:
        raise ConfigError(
            f"{folder}: cannot be read: {error.strerror}",
            hint="name the folder of a run, with its record.jsonl; check its permissions",
        ) from error
    return tuple(sorted(found))


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each line; a torn last one has no line end.

    Raises:
        ConfigError: the file can't be read, or a line is too long.
    """
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(line) > MAX_LINE_BYTES:
                    raise _odd(path, f"line {number} longer than {MAX_LINE_BYTES:,} bytes")
                yield number, line
    except OSError as error:
        raise _unreadable(path, error) from error


def read_blocks(path: Path) -> Iterator[bytes]:
    """All of a file that may be long, a part at a time.

    Raises:
        ConfigError: it can't be read.
    """
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block
    except OSError as error:
        raise _unreadable(path, error) from error


def read_whole(path: Path) -> bytes:
    """All of a small file.

    Raises:
        ConfigError: it is missing, can't be read, or is not small.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LINE_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(data) > MAX_LINE_BYTES:
        raise _odd(path, f"longer than {MAX_LINE_BYTES:,} bytes")
    return data


def read_objects(
    path: Path, model: type[Model], *, versioned: bool = False
) -> Iterator[tuple[int, Model]]:
    """Number and content of each line, each of which must be a JSON object of one model.

    Args:
        path: of the file.
        model: of a line.
        versioned: whether each line says of which schema it is.

    Raises:
        TornLineError: the last line is torn; all before it were given.
        ConfigError: the file can't be read, or a line is of another schema, or something else;
            the text names file, line and key.
    """
    for number, line in read_lines(path):
        yield number, parse(_whole(path, number, line), model, _at(path, number), versioned)


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and JSON object of each row of a file in ``raw``, whose name tells its measure.

    Raises:
        TornLineError, ConfigError: as `read_objects`.
    """
    for number, values, _ in _read_checked(path):
        yield number, values


def _read_checked(path: Path) -> Iterator[tuple[int, dict[str, Any], BaseModel | None]]:
    """`read_rows`, each with the model that its measure has for it."""
    measure = path.stem.partition("-")[2]
    for number, line in read_lines(path):
        where = _at(path, number)
        values = parse_values(_whole(path, number, line), where)
        model = row_model(measure, values)
        yield number, values, None if model is None else _validated(model, values, where)


def read_plain(path: Path, model: type[Model]) -> Iterator[Model]:
    """The rows of a measure itself, without those that prove them and without a torn last one.

    Raises:
        ConfigError: as `read_objects`.
    """
    for number, values, row in untorn(_read_checked(path)):
        if "role" not in values:
            yield row if isinstance(row, model) else _validated(model, values, _at(path, number))


def untorn(found: Iterator[Item]) -> Iterator[Item]:
    """What `read_objects` or `read_rows` give, without a torn last line."""
    with suppress(TornLineError):
        yield from found


def parse(text: bytes, model: type[Model], where: str, versioned: bool = True) -> Model:
    """What `text` says: a file, or a line of one.

    Args:
        text: JSON.
        model: what it must be.
        where: names it in errors.
        versioned: whether it says of which schema it is.

    Raises:
        ConfigError: it is something else, or of another schema.
    """
    return _validated(model, parse_values(text, where, versioned), where)


def parse_values(text: bytes, where: str, versioned: bool = False) -> dict[str, Any]:
    """The JSON object that `text` is, with any content.

    Args:
        text: JSON.
        where: names it in errors.
        versioned: whether it says of which schema it is.

    Raises:
        ConfigError: it is not one, or of another schema.
    """
    try:
        values = json_object(text)
    except ValueError as error:
        raise _damaged(where, str(error)) from error
    if versioned and values.get("schema") != SCHEMA:
        raise ConfigError(
            f"{where}: has the schema {printable(repr(values.get('schema')))}, this tinyhil "
            f"reads {SCHEMA}",
            hint="use the tinyhil that made the run, or measure again",
        )
    return values


def _validated(model: type[Model], values: dict[str, Any], where: str) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _damaged(where, wrong_key(error)) from error


def _whole(path: Path, number: int, line: bytes) -> bytes:
    if line.endswith(b"\n"):
        return line
    raise TornLineError(
        f"{_at(path, number)}: is torn: the run was killed while it was written",
        hint="`--hil-resume` with the run's folder cuts it off and continues the run",
    )


def _at(path: Path, number: int) -> str:
    return f"{path}, line {number}"


def _walk(folder: Path) -> list[str]:
    """What is in a run folder and in its folders."""
    names = [path.name for path in folder.iterdir() if path.name not in (RAW, KEPT)]
    for inner in (RAW, KEPT):
        if (folder / inner).is_symlink():
            raise _odd(folder / inner, "a symbolic link")
        if (folder / inner).exists():
            names.extend(f"{inner}/{path.name}" for path in (folder / inner).iterdir())
    if len(names) > MAX_FILES:
        raise _odd(folder, f"a folder of {len(names)} files")
    return names


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{path}: cannot be read: {error.strerror}",
        hint="name the whole folder of a run that this version of tinyhil made",
    )


def _odd(path: Path, what: str) -> ConfigError:
    return ConfigError(
        f"{path.parent / printable(path.name)}: {what}: a run of tinyhil never has that",
        hint=f"a run holds {RUN}, {LINES}, {SEAL} and files in {RAW}/ and {KEPT}/; do not trust "
        "this one",
    )


def _damaged(where: str, why: str) -> ConfigError:
    return ConfigError(
        f"{where}: {printable(why)}",
        hint="the file was altered, or another version of tinyhil wrote it; measure again",
    )
