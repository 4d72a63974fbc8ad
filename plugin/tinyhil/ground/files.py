"""Writes files of a run folder: whole lines, whole files, or nothing."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from tinyhil.ground.errors import BenchError

PARTIAL = ".partial"
"""Ends the name of a file that is not whole yet."""

_CHUNK_BYTES = 1 << 16
_FULL = "make room on the disk; what was measured before is kept"


class Appender:
    """A file open for appending lines, each of which is written whole or not at all.

    Raises:
        OSError: it can't be opened.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, line: bytes, *, lasting: bool = False) -> None:
        """Append a line in one write, so that a killed process leaves whole ones behind.

        Args:
            line: with its end.
            lasting: wait until it would outlive the machine's power, too.

        Raises:
            OSError: there is no room; nothing of the line is left then.
        """
        written = self._file.write(line)
        if written != len(line):
            self._file.truncate(self._file.seek(0, os.SEEK_END) - (written or 0))
            raise OSError(0, "the disk is full")
        if lasting:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def append(path: Path, line: bytes, *, lasting: bool = False) -> None:
    """Append one line to a file, see `Appender.write`.

    Raises:
        BenchError: it can't be written.
    """
    try:
        with Appender(path) as file:
            file.write(line, lasting=lasting)
    except OSError as error:
        raise BenchError(f"{path}: cannot be written: {error.strerror}", hint=_FULL) from error


def replace(path: Path, data: bytes) -> None:
    """Write a whole file, or leave what was there before; a kill in between changes nothing.

    Raises:
        BenchError: it can't be written.
    """
    partial = path.with_name(f".{path.name}{PARTIAL}")
    try:
        try:
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise BenchError(f"{path}: cannot be written: {error.strerror}", hint=_FULL) from error


def cut_torn_line(path: Path) -> int:
    """Cut off what stands behind the last line end; returns how many bytes that was.

    Raises:
        OSError: it can't be done.
    """
    with path.open("r+b") as file:
        whole, end = _end_of_last_line(file), file.seek(0, os.SEEK_END)
        if whole < end:
            file.truncate(whole)
            os.fsync(file.fileno())
        return end - whole


def cut_lines(path: Path, kept: int) -> int:
    """Cut a file of lines off behind the first `kept` ones; returns how many that were.

    Raises:
        BenchError: it can't be done.
    """
    try:
        if not path.exists():
            return 0
        with path.open("r+b") as file:
            for _ in range(kept):
                file.readline()
            end = file.tell()
            cut = sum(1 for _ in file)
            file.truncate(end)
            os.fsync(file.fileno())
    except OSError as error:
        raise BenchError(f"{path}: cannot be written: {error.strerror}", hint=_FULL) from error
    return cut


def lock(folder: Path) -> int:
    """Keep other processes from writing to a run's folder, for as long as this one lives.

    Returns:
        A descriptor; closing it gives the folder free.

    Raises:
        BenchError: another process writes to it.
        OSError: the folder can't be opened.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise BenchError(
            f"{folder}: another process is writing to this run",
            hint="wait until it has ended, or end it",
        ) from error
    return descriptor


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder would outlive the machine's power.

    Raises:
        OSError: it can't be done.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _end_of_last_line(file: BinaryIO) -> int:
    position = file.seek(0, os.SEEK_END)
    while position:
        start = max(0, position - _CHUNK_BYTES)
        file.seek(start)
        found = file.read(position - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0
