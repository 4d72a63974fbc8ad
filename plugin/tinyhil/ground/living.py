"""Names of processes that no other one ever has, so that anybody on the host can tell whether one
lives. Others get its number again, and containers of one name have numbers of their own."""

from __future__ import annotations

import hashlib
import os
import re
from functools import cache
from pathlib import Path

_PROC = Path("/proc")
_NAME = re.compile(r"(\d+)-(\d+)-([0-9a-f]{8})")


def name_of_process(pid: int | None = None) -> str:
    """Number, start and host of a process, ours by default; the number alone where there is no
    ``/proc``."""
    pid = os.getpid() if pid is None else pid
    started, host = _started(pid), _host()
    return f"{pid}-{started}-{host}" if started is not None and host else str(pid)


def is_dead(name: str) -> bool | None:
    """Whether a process that was named by `name_of_process` has ended; None if that can't be told,
    as of one of another host."""
    found = _NAME.fullmatch(name)
    if found is None or found[3] != _host():
        return None
    started = _started(int(found[1]))
    return started is None or started != int(found[2])


@cache
def _host() -> str:
    """Names this boot of this host, and its own numbering of processes; empty without ``/proc``."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        numbering = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return ""
    return hashlib.sha256(f"{boot} {numbering}".encode()).hexdigest()[:8]


def _started(pid: int) -> int | None:
    """When a process began, in ticks since the boot; None if there is none."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None
