"""What a run was measured with, kept in its folder: image, model, facts, labels and sums.

Each lies in ``kept/`` under its own SHA-256, once, compressed: who knows the sum can tell that it
is the right one, and a run can be checked where nothing else of it is.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path, PurePosixPath

from tinyhil.catalog.board import Board, FlashFacts
from tinyhil.catalog.facts import Facts
from tinyhil.catalog.task import Task
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.files import replace, unwritable
from tinyhil.record.schema import KEPT

MAX_KEPT_BYTES = 256 << 20
"""Of one content, as long as the largest image that is flashed; more is not unpacked."""

_GZIP = 31
"""For zlib: with the header of gzip, so that zcat reads it too."""


def path_of(folder: Path, sha256: str) -> Path:
    """Where a content of this sum lies in a run's folder."""
    return folder / KEPT / f"{sha256}.gz"


def keep(folder: Path, content: bytes) -> str:
    """Keep a content in a run's folder, unless it is there already; returns its SHA-256.

    Raises:
        WriteError: it can't be written.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    path = path_of(folder, sha256)
    if not path.exists():
        try:
            path.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise unwritable(path, error) from error
        packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
        replace(path, packer.compress(content) + packer.flush())
    return sha256


def read_kept(folder: Path, sha256: str, most: int | None = None) -> bytes:
    """A content of a run's folder, which may come from anywhere.

    Args:
        folder: of the run.
        sha256: of the content.
        most: bytes that it may have, if fewer than `MAX_KEPT_BYTES`.

    Raises:
        ConfigError: it is missing, damaged, too long, or is not what its name says.
    """
    path = path_of(folder, sha256)
    unpacker, most = zlib.decompressobj(_GZIP), min(most or MAX_KEPT_BYTES, MAX_KEPT_BYTES)
    try:
        with path.open("rb") as file:
            content = unpacker.decompress(file.read(most), most)
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}") from error
    except zlib.error as error:
        raise _wrong(path, f"is damaged: {error}") from error
    if not unpacker.eof:
        long = f"unpacks to more than {most:,} bytes"
        raise _wrong(path, long if len(content) == most else "is cut short")
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise _wrong(path, f"is not what its name says: its content has the sum {found[:16]}…")
    return content


def facts_of_board(board: Board) -> bytes:
    """A board's facts as they are kept; how it is flashed, and where its port is, may tell of the
    user's machine."""
    flash = FlashFacts(method=board.flash.method, target=board.flash.target)
    port = board.port and PurePosixPath(board.port).name
    return _facts(board.model_copy(update={"flash": flash, "port": port}))


def facts_of_task(task: Task) -> bytes:
    """A task's facts as they are kept: of the user's own files, the names alone."""
    if task.own is None:
        return _facts(task)
    data, model = task.own.data, task.own.model
    names = {"data": data and Path(data.name), "model": model and Path(model.name)}
    return _facts(task.model_copy(update={"own": task.own.model_copy(update=names)}))


def _facts(facts: Facts) -> bytes:
    values = facts.model_dump(mode="json", by_alias=True, exclude_none=True)
    return (json.dumps(values, indent=1, sort_keys=True) + "\n").encode()


def _wrong(path: Path, what: str) -> ConfigError:
    return ConfigError(
        f"{path}: {what}",
        hint="the run was altered, or copied in part; fetch the whole folder again",
    )
