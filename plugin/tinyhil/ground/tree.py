"""Reads files below a folder that somebody else filled: no link is followed, no read is unbounded.

Names, links, sizes and bytes in a tree are hostile. Everything that looks at one goes through
`Tree`; what it can't or must not read is an `Unreadable` with the reason.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import BinaryIO

MIB = 1 << 20
MAX_ENTRIES = 100_000
MAX_DEPTH = 16
MAX_LINE_BYTES = 64 * 1024
"""Of a line of text; the rest of a longer one is dropped."""

_BY_PARTS = hasattr(os, "O_NOFOLLOW")
"""Whether a file can be opened part by part of its place; Windows opens no folders."""

_POINTER = b"version https://git-lfs"
"""How a file begins that Git LFS left in another one's place."""


class Unreadable(Exception):  # noqa: N818 - not our fault: a fact about a file
    """A file that can't or must not be read; the text says why."""


class Tree:
    """A folder and what lies below it; places are relative, with forward slashes.

    Args:
        root: the folder; it may itself be reached by a link.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def folders(self, place: PurePosixPath) -> list[str]:
        """Names of the folders in a folder, sorted; none where there is no such folder.

        Raises:
            Unreadable: the folder is there and can't be read. So do all that list folders.
        """
        return [name for name, mode in self._entries(place) if stat.S_ISDIR(mode)]

    def files(self, place: PurePosixPath) -> list[str]:
        """Names of the regular files in a folder, sorted; none where there is no such folder."""
        return [name for name, mode in self._entries(place) if stat.S_ISREG(mode)]

    def walk(self, place: PurePosixPath) -> Iterator[tuple[PurePosixPath, os.stat_result]]:
        """Everything below a folder, without itself; folders before what is in them.

        Raises:
            Unreadable: there are more than `MAX_ENTRIES`, or they lie deeper than `MAX_DEPTH`.
        """
        waiting, seen = [place], 0
        while waiting:
            here = waiting.pop()
            for name, _ in self._entries(here):
                seen += 1
                entry = here / name
                if seen > MAX_ENTRIES:
                    raise Unreadable(f"more than {MAX_ENTRIES} files and folders")
                if len(entry.parts) - len(place.parts) > MAX_DEPTH:
                    raise Unreadable(f"folders {MAX_DEPTH} deep")
                status = (self.root / entry).lstat()
                yield entry, status
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(entry)

    def exists(self, place: PurePosixPath) -> bool:
        """Whether a regular file is there."""
        return place.name in self.files(place.parent)

    def read(self, place: PurePosixPath, limit: int = MIB) -> bytes:
        """A file's bytes.

        Raises:
            Unreadable: it isn't there, is a link or lies behind one, is not a regular file, is
                longer than `limit` bytes, or is only a pointer to the file.
        """
        with self.opened(place, limit) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise Unreadable(f"is longer than {limit} bytes")
        return data

    @contextmanager
    def opened(self, place: PurePosixPath, limit: int) -> Iterator[BinaryIO]:
        """A file, to be read piece by piece.

        Raises:
            Unreadable: as `read`.
        """
        with self._open(place, limit) as file:
            _check_that_it_is_there(file.read(len(_POINTER)))
            file.seek(0)
            yield file

    def text(self, place: PurePosixPath, limit: int = MIB) -> str:
        """A file's text.

        Raises:
            Unreadable: as `read`, or it is not UTF-8.
        """
        try:
            return self.read(place, limit).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Unreadable(f"is not UTF-8 text: byte {error.start}") from error

    def lines(self, place: PurePosixPath, limit: int) -> Iterator[tuple[int, str]]:
        """A file's lines with their numbers, read as they are asked for; bad bytes are replaced.

        Raises:
            Unreadable: as `read`.
        """
        with self._open(place, limit) as file:
            number = 0
            while raw := file.readline(MAX_LINE_BYTES):
                if not number:
                    _check_that_it_is_there(raw)
                number += 1
                ended = raw.endswith(b"\n")
                yield number, raw.decode("utf-8", "replace").rstrip("\r\n")
                while not ended:
                    rest = file.readline(MAX_LINE_BYTES)
                    ended = not rest or rest.endswith(b"\n")

    @contextmanager
    def _open(self, place: PurePosixPath, limit: int) -> Iterator[BinaryIO]:
        """Open a regular file, part by part of its place: no link on the way is followed."""
        handle = -1
        try:
            handle = self._opened(place)
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise Unreadable("is not a regular file")
            if status.st_size > limit:
                raise Unreadable(f"is longer than {limit} bytes")
            with os.fdopen(os.dup(handle), "rb") as file:
                yield file
        except FileNotFoundError as error:
            raise Unreadable("is not there") from error
        except OSError as error:
            link = error.errno == errno.ELOOP
            reason = "is a link, or is reached through one" if link else error.strerror
            raise Unreadable(str(reason)) from error
        finally:
            if handle >= 0:
                os.close(handle)

    def _opened(self, place: PurePosixPath) -> int:
        """A descriptor of what is at a place.

        Raises:
            OSError: it is not there, can't be opened, or lies behind a link.
        """
        if not _BY_PARTS:
            here = self.root
            for part in place.parts:
                here = here / part
                if here.is_symlink() or getattr(here, "is_junction", bool)():
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            return os.open(here, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        handle = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        for part in place.parts:
            try:
                inner = os.open(part, flags, dir_fd=handle)
            finally:
                os.close(handle)
            handle = inner
        return handle

    def _entries(self, place: PurePosixPath) -> list[tuple[str, int]]:
        """Name and mode of what is in a folder; nothing where a link would have to be followed."""
        here = self.root
        try:
            for part in place.parts:
                here = here / part
                if not stat.S_ISDIR(here.lstat().st_mode):
                    return []
            with os.scandir(here) as found:
                return sorted(
                    (entry.name, entry.stat(follow_symlinks=False).st_mode)
                    for entry in islice(found, MAX_ENTRIES)
                )
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unreadable(f"the folder cannot be read: {error.strerror}") from error


def _check_that_it_is_there(start: bytes) -> None:
    if start.startswith(_POINTER):
        raise Unreadable("is only a pointer of Git LFS: `git lfs pull` fetches the file")
