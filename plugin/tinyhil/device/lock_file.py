"""The files behind the locks: made for all users, and taken by one process at a time."""

from __future__ import annotations

import json
import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from tinyhil.ground import locking

_INFO_BYTES = 4096
_BY_PLACE = hasattr(os, "O_NOFOLLOW")
"""Whether files are opened in a folder that is held open, with no link followed; Windows can't."""


def default_folder(shared: Path) -> Path:
    """The folder that all users of this host have for locks.

    Args:
        shared: where it is, if all may write there.
    """
    if not locking.FLOCK:
        return Path(os.environ.get("PROGRAMDATA") or tempfile.gettempdir()) / "tinyhil" / "locks"
    try:
        free = bool(shared.stat().st_mode & stat.S_IWOTH)
    except OSError:
        free = False
    return shared / "tinyhil" if free else Path("/tmp/tinyhil-locks")  # noqa: S108 - shared on purpose, safe by `_opened`


def locked(folder: Path, name: str) -> int | dict[str, object]:
    """A locked descriptor of the file of this name, or what its holder says.

    Raises:
        OSError: folder or file can't be used, perhaps because it is a link.
    """
    if not _BY_PLACE:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / name, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        return _taken(handle)
    place = _folder(folder)
    try:
        while True:
            handle = _opened(place, name)
            found = _taken(handle)
            if found is not handle or _is_named(place, name, handle):
                return found
            os.close(handle)  # Its last holder has just removed it.
    finally:
        os.close(place)


def sign(handle: int, holder: dict[str, object]) -> None:
    """Say in a locked file who holds it; a full disk takes away no more than that."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        told = json.dumps(holder, ensure_ascii=False).encode("utf-8", "backslashreplace")
        os.write(handle, told[:_INFO_BYTES])


def let_go(folder: Path, name: str, handle: int) -> None:
    """End a lock, and remove its file where one can that is open."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        if _BY_PLACE:
            _remove(folder, name, handle)
    locking.release(handle)


def said(folder: Path, name: str) -> dict[str, object]:
    """What the last holder of a file says of itself; nothing where it can't be read."""
    try:
        handle = _opened_to_read(folder, name)
    except OSError:
        return {}
    try:
        return _read(handle) if stat.S_ISREG(os.fstat(handle).st_mode) else {}
    finally:
        os.close(handle)


def _opened_to_read(folder: Path, name: str) -> int:
    if not _BY_PLACE:
        return os.open(folder / name, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    place = _folder(folder)
    try:
        return os.open(name, os.O_RDONLY | _flags(), dir_fd=place)
    finally:
        os.close(place)


def _taken(handle: int) -> int | dict[str, object]:
    """The descriptor, locked; or, closed, what its holder says."""
    if locking.take(handle):
        return handle
    holder = _read(handle)
    os.close(handle)
    return holder


def _folder(folder: Path) -> int:
    """Open the folder; if it is not there, make it for all users, as /tmp is: no user can remove
    what belongs to another one."""
    made = False
    with suppress(FileExistsError):
        folder.mkdir()
        made = True
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _flags())
    if made:
        os.fchmod(place, 0o1777)
    return place


def _flags() -> int:
    return os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def _remove(folder: Path, name: str, handle: int) -> None:
    """Remove a file while it is still locked: who opens it now finds out that it has no name."""
    place = _folder(folder)
    try:
        if _is_named(place, name, handle):
            os.unlink(name, dir_fd=place)
    finally:
        os.close(place)


def _opened(place: int, name: str) -> int:
    """Open the file; if it is not there, make it: complete and open to all users from its start,
    with any umask. It is never opened with O_CREAT: Linux forbids that for the file of another
    user in a folder like /tmp."""
    while True:
        with suppress(FileNotFoundError):
            handle = os.open(name, os.O_RDWR | _flags(), dir_fd=place)
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                os.close(handle)
                raise OSError(0, f"{name} is not a regular file")
            return handle
        draft = f".{secrets.token_hex(8)}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _flags()
        made = os.open(draft, flags, 0o600, dir_fd=place)
        try:
            os.fchmod(made, 0o666)
            with suppress(FileExistsError):
                os.link(draft, name, src_dir_fd=place, dst_dir_fd=place)
        finally:
            os.close(made)
            os.unlink(draft, dir_fd=place)


def _is_named(place: int, name: str, handle: int) -> bool:
    try:
        named = os.stat(name, dir_fd=place, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(handle))


def _read(handle: int) -> dict[str, object]:
    """What the holder says of itself; nothing while it is being written."""
    try:
        os.lseek(handle, 0, os.SEEK_SET)
        holder = json.loads(os.read(handle, _INFO_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return holder if isinstance(holder, dict) else {}
