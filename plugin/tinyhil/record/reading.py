"""Reads files of a run folder, which may come from anywhere: bounded, strict, never out of it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from tinyhil.ground.errors import ConfigError
from tinyhil.ground.text import printable
from tinyhil.record.schema import LINES, RAW, RUN, SCHEMA, SEAL, Line, json_object, row_model

MAX_LINE_BYTES = 64 << 20
"""Longest line that is read; the rows and transfers of the tasks hold some thousand bytes."""
MAX_FILE_BYTES = 16 << 30
"""Longest file that is read; the longest of the tasks hold some hundred megabytes."""
MAX_FILES = 1000


def list_files(folder: Path) -> tuple[str, ...]:
    """Every file of a run folder, as sorted paths relative to it.

    Raises:
        ConfigError: the folder can't be read, or holds what no run does: a link, a device, a
            folder in ``raw``, too many files, or one that is too large to be a run's.
    """
    found: list[str] = []
    try:
        for path in _walk(folder):
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                raise _odd(path, "a symbolic link")
            if not stat.S_ISREG(status.st_mode):
                raise _odd(path, "no regular file")
            if status.st_size > MAX_FILE_BYTES:
                raise _odd(path, f"{status.st_size:,} bytes long")
            found.append(path.relative_to(folder).as_posix())
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


def read_objects(path: Path, *, torn_too: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and JSON object of each line, which are what such a file's lines must be.

    Args:
        path: of the file.
        torn_too: leave a torn last line out instead of refusing it.

    Raises:
        ConfigError: the file can't be read, or a line is torn, of another schema, or something
            else; the text names file and line.
    """
    is_record = path.name == LINES
    model = Line if is_record else row_model(path.stem.partition("-")[2])
    for number, line in read_lines(path):
        where = f"{path}, line {number}"
        if not line.endswith(b"\n"):
            if torn_too:
                return
            raise ConfigError(
                f"{where}: is torn: the run was killed as it was written",
                hint="`--hil-resume` with the run's folder cuts it off and goes on with the run",
            )
        yield number, parse(line, model, where, versioned=is_record)


def parse(
    text: bytes, model: type[BaseModel] | None, where: str, *, versioned: bool
) -> dict[str, Any]:
    """The JSON object that `text` is.

    Args:
        text: of a file, or of a line of one.
        model: what it must be; None if nothing is known of it.
        where: names it in errors.
        versioned: whether it says of which schema it is.

    Raises:
        ConfigError: it is something else, or of another schema.
    """
    try:
        values = json_object(text)
        if versioned and values.get("schema") != SCHEMA:
            raise ConfigError(
                f"{where}: has the schema {printable(repr(values.get('schema')))}, this tinyhil "
                f"reads {SCHEMA}",
                hint="use the tinyhil that made the run, or measure again",
            )
        if model is not None:
            model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise _damaged(where, f"key '{key}': {first['msg']}") from error
    except ValueError as error:
        raise _damaged(where, str(error)) from error
    return values


def _walk(folder: Path) -> Iterator[Path]:
    """What stands in a run folder and in its ``raw``."""
    paths = [path for path in folder.iterdir() if path.name != RAW]
    raw = folder / RAW
    if raw.is_symlink():
        raise _odd(raw, "a symbolic link")
    if raw.exists():
        paths.extend(raw.iterdir())
    if len(paths) > MAX_FILES:
        raise _odd(folder, f"a folder of {len(paths)} files")
    yield from paths


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"{path}: cannot be read: {error.strerror}",
        hint="name the whole folder of a run that this version of tinyhil made",
    )


def _odd(path: Path, what: str) -> ConfigError:
    return ConfigError(
        f"{path.parent / printable(path.name)}: {what}: no run of tinyhil's has that",
        hint=f"a run holds {RUN}, {LINES}, {SEAL} and files in {RAW}/; do not trust this one",
    )


def _damaged(where: str, why: str) -> ConfigError:
    return ConfigError(
        f"{where}: {printable(why)}",
        hint="the file was altered, or another version of tinyhil wrote it; measure again",
    )
