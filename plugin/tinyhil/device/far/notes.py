"""Which places of labgrid the processes of this host use, noted beside the locks of boards: a
coordinator that was restarted does not know it any more."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tinyhil.device import lock_file
from tinyhil.device.lock import lock_folder
from tinyhil.ground.living import is_dead

_PREFIX = "place-"
_USER = re.compile(r"[\w.@-]{1,200}")


@contextmanager
def noted(place: str, user: str) -> Iterator[None]:
    """Note that this process uses a place, until the block ends.

    Args:
        place: its name.
        user: as whom, for labgrid; its last part is the process, see `living`.
    """
    told = f"{_coordinator()} {place}"
    name = f"{_PREFIX}{hashlib.sha256(told.encode()).hexdigest()[:16]}.lock"
    handle: int | None = None
    with suppress(OSError):  # A note that can't be made is missed by nobody but the janitor.
        found = lock_file.locked(lock_folder(), name)
        if isinstance(found, int):
            handle = found
            lock_file.sign(handle, {"coordinator": _coordinator(), "place": place, "user": user})
    try:
        yield
    finally:
        if handle is not None:
            lock_file.let_go(lock_folder(), name, handle)


def living() -> dict[str, str]:
    """The places of this coordinator that processes of this host use, and as whom."""
    found: dict[str, str] = {}
    with suppress(OSError):
        names = [path.name for path in lock_folder().glob(f"{_PREFIX}*.lock")]
        for told in (lock_file.said(lock_folder(), name) for name in names):
            user, ours = str(told.get("user")), told.get("coordinator") == _coordinator()
            if ours and _USER.fullmatch(user) and is_dead(user.rpartition(".")[2]) is False:
                found[str(told.get("place"))] = user
    return found


def _coordinator() -> str:
    return os.environ.get("LG_COORDINATOR", "")
