"""Writes files of a run folder: complete lines, complete files, or nothing."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

from tinyhil.ground import locking
from tinyhil.ground.errors import BenchError, WriteError

PARTIAL = ".partial"
"""Ends the name of a file that is not complete yet."""

_CHUNK_BYTES = 1 << 16
_ELSEWHERE = "correct the permissions, or choose another folder"
_HINTS = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room: the disk quota is used up",
    errno.EFBIG: "raise the limit of file sizes (`ulimit -f`), or the disk's own",
    errno.EROFS: "the disk is read-only: choose a folder on another one",
    errno.EACCES: _ELSEWHERE,
    errno.EPERM: _ELSEWHERE,
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
    errno.EIO: "the disk fails: look at the kernel's messages (`dmesg`), use another disk",
    errno.ESTALE: "the network drive has changed or is gone: mount it again",
}


def unwritable(path: Path, error: OSError) -> WriteError:
    """The error to raise where a file or folder can't be written; its hint fits the cause."""
    if error.errno == errno.ENOENT and not path.exists():
        return gone(path)
    hint = _HINTS.get(error.errno or 0, "choose another place")
    return WriteError(f"{path}: cannot be written: {error.strerror or error}", hint=hint)


def gone(path: Path) -> WriteError:
    """The error to raise where a file or folder that we write to is no longer there."""
    while not path.parent.exists():
        path = path.parent
    return WriteError(
        f"{path} is gone: it was removed or renamed while it was written to",
        hint="keep cleaning jobs and other programs away from it, then start again",
    )


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn what the file system refuses in the block into a `WriteError`.

    Args:
        path: what is written; an error that names another file is told with that one.
    """
    try:
        yield
    except OSError as error:
        named = error.filename2 or error.filename
        raise unwritable(Path(named) if isinstance(named, str) else path, error) from error


class Appender:
    """A file open for appending lines, each of which is written completely or not at all.

    Raises:
        OSError: it can't be opened.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def write(self, line: bytes, *, lasting: bool = False) -> None:
        """Append a line in one write, so that a killed process leaves complete ones behind.

        Args:
            line: with its end.
            lasting: wait until it would outlive the machine's power, too.

        Raises:
            OSError: there is no room, and nothing of the line is left then; or the file is gone.
        """
        written = self._file.write(line)
        if written != len(line):
            self._file.truncate(self._file.seek(0, os.SEEK_END) - (written or 0))
            raise OSError(errno.ENOSPC, "the disk is full")
        if os.fstat(self._file.fileno()).st_nlink == 0:
            raise FileNotFoundError(errno.ENOENT, "the file was removed")
        if lasting:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def append(path: Path, line: bytes, *, lasting: bool = False) -> None:
    """Append one line to a file, see `Appender.write`.

    Raises:
        WriteError: it can't be written.
    """
    with writing_to(path), Appender(path) as file:
        file.write(line, lasting=lasting)


def replace(path: Path, data: bytes) -> None:
    """Write a whole file, or leave what was there before; a kill in between changes nothing.

    Raises:
        WriteError: it can't be written.
    """
    partial = path.with_name(f".{path.name}{PARTIAL}")
    try:
        try:
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:  # Ctrl-C too
            partial.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error


def cut_torn_line(path: Path) -> int:
    """Cut off what is after the last line end; returns how many bytes that was.

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
    """Cut a file of lines off after the first `kept` ones; returns how many more there were.

    Raises:
        WriteError: it can't be done.
    """
    if not path.exists():
        return 0
    with writing_to(path), path.open("r+b") as file:
        for _ in range(kept):
            file.readline()
        end = file.tell()
        cut = sum(1 for _ in file)
        file.truncate(end)
        os.fsync(file.fileno())
    return cut


def lock(folder: Path) -> int:
    """Keep other processes from writing to a run's folder, for as long as this one lives.

    Returns:
        A descriptor; `locking.release` of it releases the folder.

    Raises:
        BenchError: another process writes to it.
        OSError: the folder can't be opened.
    """
    descriptor = locking.open_folder(folder)
    try:
        if locking.take(descriptor):
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    raise BenchError(
        f"{folder}: another process is writing to this run",
        hint="wait until it has ended, or end it",
    )


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder would outlive the machine's power, where a host can.

    Raises:
        OSError: it can't be done.
    """
    if not hasattr(os, "O_DIRECTORY"):  # Windows opens no folders.
        return
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
