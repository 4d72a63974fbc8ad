"""Locks that end with the process that holds them: the kernel's ``flock``, or Windows' own."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

try:
    import fcntl

    FLOCK = True
    """Whether files and folders are locked as a whole, which stops nobody from reading them."""
except ImportError:  # Windows
    import msvcrt

    FLOCK = False

_PLACE = 1 << 30
"""The byte that is locked on Windows: a locked one can't be read, so none that is there."""
_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


def take(descriptor: int) -> bool:
    """Lock an open file, unless somebody has; says whether it is ours now.

    It ends with `release`, or with the process. Another descriptor of the same process is another
    holder.

    Raises:
        OSError: it can't be locked at all.
    """
    try:
        if FLOCK:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            _at_place(descriptor, msvcrt.LK_NBLCK)  # type: ignore[attr-defined, unused-ignore]
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    return True


def release(descriptor: int) -> None:
    """Let go of what `take` has locked, and close it."""
    if not FLOCK:  # There, closing alone lets go some time later.
        with suppress(OSError):
            _at_place(descriptor, msvcrt.LK_UNLCK)  # type: ignore[attr-defined, unused-ignore]
    os.close(descriptor)


def open_folder(folder: Path) -> int:
    """A descriptor that stands for a folder, to be locked.

    Raises:
        OSError: it can't be opened.
    """
    if FLOCK:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    # Windows opens no folders, and a file in it would be a part of what is in there.
    name = hashlib.sha256(str(folder.resolve()).casefold().encode()).hexdigest()[:32]
    path = Path(tempfile.gettempdir()) / f"tinyhil-{name}.lock"
    return os.open(path, os.O_RDWR | os.O_CREAT)


def _at_place(descriptor: int, mode: int) -> None:
    before = os.lseek(descriptor, 0, os.SEEK_CUR)
    os.lseek(descriptor, _PLACE, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, mode, 1)  # type: ignore[attr-defined, unused-ignore]
    finally:
        os.lseek(descriptor, before, os.SEEK_SET)
