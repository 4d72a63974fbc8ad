"""One folder for each emulated board that runs, and which of them are alive.

A folder is locked (``flock``) by its QEMU process, which inherits the lock and keeps it until it
dies. So the kernel answers who is alive, and no recycled process number can pretend to be.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from tinyhil.ground.errors import BenchError

BOARD_FILE = "board.json"
GDB_SOCKET = "gdb"
QMP_SOCKET = "qmp"
PIN_FILE = "pin"
"""What a folder holds."""

_UID = re.compile(r"[a-z0-9][a-z0-9-]*\.[0-9a-f]{8}")
"""Of a probe and its folder. There is one dot, and eight digits follow it, so that no
probe's uid is a part of another one's: pyOCD matches parts."""


def runtime_folder() -> Path:
    """Where the folders are: private to the user, gone after a reboot; may not exist yet."""
    session = os.environ.get("XDG_RUNTIME_DIR")
    if session and _is_ours(Path(session)):
        return Path(session) / "tinyhil"
    return Path(tempfile.gettempdir()) / f"tinyhil-{os.getuid()}"


def claim(name: str) -> tuple[Path, int]:
    """Make a folder for a board that is about to start.

    Returns:
        The folder, named after the probe's uid, and a descriptor of it that holds its lock: the
        board lives for as long as some process has this descriptor open.

    Raises:
        BenchError: the place for runtime folders is not ours, or can't be written.
    """
    parent = runtime_folder()
    try:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(parent):
            raise PermissionError(f"{parent} belongs to somebody else")
        while True:
            folder = parent / f"{name}.{secrets.token_hex(4)}"
            folder.mkdir(mode=0o700)
            # Until it is locked, another process takes it for one that a dead board left behind.
            with suppress(FileNotFoundError):
                lock = _lock(folder, wait=True)
                if lock is not None:
                    return folder, lock
    except OSError as error:
        raise BenchError(
            f"no runtime folder for emulated boards: {error}",
            hint="set XDG_RUNTIME_DIR to a folder that you own",
        ) from error


def live_folders() -> list[Path]:
    """Folders of the boards that are alive; what dead ones left behind is removed.

    Never raises: what can't be read is not there.
    """
    try:
        parent = runtime_folder()
        found = sorted(parent.iterdir()) if _is_ours(parent) else []
    except OSError:
        return []
    return [folder for folder in found if _UID.fullmatch(folder.name) and not _sweep(folder)]


def _sweep(folder: Path) -> bool:
    """Remove `folder` if its board no longer runs; says whether it is gone."""
    try:
        lock = _lock(folder, wait=False)
    except BlockingIOError:
        return False
    except OSError:
        return True
    if lock is not None:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
    return True


def _lock(folder: Path, *, wait: bool) -> int | None:
    """Lock a folder; None if a sweep took it away between its making and its locking.

    Raises:
        BlockingIOError: its board runs, and we were not to wait.
    """
    import fcntl  # noqa: PLC0415 - Windows lacks it, and pyOCD imports this module there too

    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        if folder.exists() and os.path.samestat(folder.stat(), os.fstat(handle)):
            return handle
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def _is_ours(folder: Path) -> bool:
    """Whether it is a real folder of this user: in a shared /tmp anybody can make one."""
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid()
