"""Runs a program of ours as on a host without POSIX: ``python -m tests.other_host MODULE ARGS…``.

Our own modules see what Windows has, and no more: no module and no name that only POSIX has, no
folder that is opened, no descriptor of a folder. Python's library and other packages see the real
host, as they are made for both. Files and processes stay those of the real host.
"""

from __future__ import annotations

import builtins
import errno
import os
import runpy
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

NO_MODULES = ("fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty")
NO_NAMES: Mapping[str, Sequence[str]] = {
    "os": (
        "O_CLOEXEC", "O_DIRECTORY", "O_NOCTTY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC", "WNOHANG",
        "chown", "fchmod", "fchown", "fdatasync", "fork", "forkpty", "getegid", "geteuid",
        "getgid", "getgroups", "getloadavg", "getpgid", "getpgrp", "getuid", "killpg", "lockf",
        "mkfifo", "mknod", "nice", "openpty", "pipe2", "posix_spawn", "pread", "preadv", "pwrite",
        "pwritev", "readv", "sched_getaffinity", "sendfile", "set_blocking", "setgid", "setpgid",
        "setsid", "setuid", "statvfs", "sysconf", "ttyname", "uname", "wait", "wait4", "writev",
    ),
    "signal": (
        "SIGALRM", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSTOP",
        "SIGUSR1", "SIGUSR2", "alarm", "pause", "pthread_kill", "pthread_sigmask", "setitimer",
        "sigwait",
    ),
    "socket": ("AF_UNIX",),
    "select": ("poll", "epoll"),
}  # fmt: skip
OTHER_VALUES: Mapping[tuple[str, str], Any] = {
    ("os", "name"): "nt", ("os", "O_BINARY"): 0, ("sys", "platform"): "win32",
}  # fmt: skip


class Msvcrt(ModuleType):
    """``locking`` as Windows has it: of bytes, from the descriptor's place on, by each descriptor
    for itself; what is locked can't even be read by others."""

    LK_UNLCK, LK_NBLCK = 0, 2

    def __init__(self) -> None:
        super().__init__("msvcrt")
        import fcntl  # noqa: PLC0415 - this module too is looked at as one for another host
        import struct  # noqa: PLC0415

        self._fcntl, self._pack = fcntl.fcntl, struct.Struct("hhqqi4x").pack
        self._kinds = {self.LK_NBLCK: fcntl.F_WRLCK, self.LK_UNLCK: fcntl.F_UNLCK}

    def locking(self, descriptor: int, mode: int, count: int) -> None:
        """By locks of open file descriptions, which belong to a descriptor as Windows' do."""
        place = os.lseek(descriptor, 0, os.SEEK_CUR)
        region = self._pack(self._kinds[mode], os.SEEK_SET, place, count, 0)
        try:
            self._fcntl(descriptor, 37, region)  # F_OFD_SETLK
        except OSError as error:
            raise PermissionError(errno.EACCES, "Permission denied") from error


class Seen(ModuleType):
    """A module as our own see it."""

    def __init__(self, real: ModuleType) -> None:
        super().__init__(real.__name__)
        object.__setattr__(self, "_real", real)

    def __getattribute__(self, name: str) -> Any:
        real = object.__getattribute__(self, "_real")
        if (real.__name__, name) in OTHER_VALUES:
            return OTHER_VALUES[real.__name__, name]
        if name in NO_NAMES.get(real.__name__, ()):
            raise AttributeError(f"module '{real.__name__}' has no attribute '{name}' there")
        found = getattr(real, name)
        if real is os and name in ("open", "stat", "unlink", "link", "mkdir", "rename"):
            return _without_folders(found)
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(object.__getattribute__(self, "_real"), name, value)


def _without_folders(call: Callable[..., Any]) -> Callable[..., Any]:
    def called(*arguments: Any, **words: Any) -> Any:
        if any(word.endswith("dir_fd") and value is not None for word, value in words.items()):
            raise NotImplementedError("dir_fd unavailable on this platform")
        if call is os.open and os.path.isdir(arguments[0]):  # noqa: PTH112
            raise PermissionError(errno.EACCES, "Permission denied", arguments[0])
        return call(*arguments, **words)

    return called


def hide() -> None:
    """From here on, whatever of ours is imported sees the other host."""
    real_import, stand_in = builtins.__import__, Msvcrt()
    seen: dict[str, Seen] = {}

    def imported(
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - Python's own name of it
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        spec = (globals or {}).get("__spec__")  # A program's own name is `__main__`.
        if spec is None or spec.name.split(".")[0] != "tinyhil":
            return real_import(name, globals, locals, fromlist or (), level)
        if name == "msvcrt":
            return stand_in
        if name in NO_MODULES:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
        found: ModuleType = real_import(name, globals, locals, fromlist or (), level)
        if found.__name__ in (*NO_NAMES, "sys") and level == 0:
            return seen.setdefault(found.__name__, Seen(found))
        return found

    assert not [name for name in sys.modules if name.split(".")[0] == "tinyhil"]
    builtins.__import__ = imported


if __name__ == "__main__":
    hide()
    _, module, *arguments = sys.argv
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
