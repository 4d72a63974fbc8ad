"""One user a station: the kernel's locks on its probe and its port, over all users of a host.

A lock is a file that is locked for as long as its holder lives, so that even one that is killed
leaves nothing locked, see `locking`. The file says who holds it.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tinyhil.catalog.identity import given_identity, probe_identity
from tinyhil.device import lock_file, ports
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, TakenError
from tinyhil.ground.text import printable

FOLDER_VARIABLE = "TINYHIL_LOCKS"
"""Environment variable with another folder for the locks; all users of the boards must set it."""

_SHARED = Path("/run/lock")
_LOOK_S = 0.1
"""Between two looks at a lock that another one holds."""


@dataclass(frozen=True)
class Thing:
    """A probe or a port."""

    kind: str
    """``probe`` or ``port``."""
    name: str
    """As the user calls it."""

    @property
    def file(self) -> str:
        """Name of its lock file."""
        identity = (probe_identity if self.kind == "probe" else given_identity)(self.name)
        return f"{self.kind}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.lock"


class Hold:
    """The locks of one station, held by this process; made by `held`."""

    def __init__(self, station: str, probe: str | None, port: str, by: str = "") -> None:
        self._station = station
        self._by = by
        self._things = [Thing("probe", probe)] if probe else []
        self._things += [Thing("port", port)]
        self._port = port
        self._device: Thing | None = None
        self._locked: dict[str, int] = {}

    def take(self) -> None:
        """Lock probe and port, the latter by its name and as the device that it is now, or none
        of them.

        Raises:
            TakenError: another one holds one of them.
            BenchError: the folder of locks can't be used, or the port's name is that of several.
        """
        try:
            for thing in self._things:
                self._lock(thing)
            device = ports.find_now(self._port)
            if device:
                self.claim(device)
        except BaseException:
            self.release()
            raise

    def claim(self, device: str) -> None:
        """Lock the device that the port is now, before it is opened.

        A port may appear only after the station was locked, and under another number each time:
        the device that it was before is let go.

        Raises:
            TakenError, BenchError: as `take`.
        """
        thing = Thing("port", device)
        if thing == self._device:
            return
        self._lock(thing)
        before, self._device = self._device, thing
        if before and before.file not in {thing.file for thing in self._things}:
            self._unlock(before.file)

    def release(self) -> None:
        """Let go of everything."""
        for file in list(self._locked):
            self._unlock(file)
        self._device = None

    def _lock(self, thing: Thing) -> None:
        if thing.file in self._locked:
            return
        folder = lock_folder()
        try:
            handle = lock_file.locked(folder, thing.file)
            if isinstance(handle, dict):
                raise self._taken(thing, handle)
            self._locked[thing.file] = handle
            by: dict[str, object] = {"user": self._by} if self._by else {}
            holder = {**_ourselves(), **by, "station": self._station, thing.kind: thing.name}
            lock_file.sign(handle, holder)
        except OSError as error:
            raise BenchError(
                f"{folder}: the {thing.kind} '{thing.name}' cannot be locked: {error.strerror}",
                hint="this folder must be writable for all users of the boards, as /tmp is; "
                f"{FOLDER_VARIABLE} sets another one",
                board=self._station,
            ) from error

    def _unlock(self, file: str) -> None:
        lock_file.let_go(lock_folder(), file, self._locked.pop(file))

    def _taken(self, thing: Thing, holder: Mapping[str, object]) -> TakenError:
        return TakenError(
            f"station '{self._station}' is in use: its {thing.kind} '{thing.name}' is held by "
            f"{described(holder)}",
            hint="wait for it with --hil-wait SECONDS, end the other process, or choose another "
            "station",
            board=self._station,
        )


@contextmanager
def held(
    station: str,
    probe: str | None,
    port: str,
    *,
    wait_s: float = 0.0,
    tell: Callable[[str], None] = lambda _: None,
    by: str = "",
) -> Iterator[Hold]:
    """Hold a station's probe and port; nothing else may touch them during that time.

    Args:
        station: its name.
        probe: id of its probe, if it has one.
        port: its port.
        wait_s: how long to wait for another holder.
        tell: is told who we wait for.
        by: who we hold it for, if not for this process's user.

    Raises:
        TakenError: another one holds it, until `wait_s` is over.
        BenchError: the folder of locks can't be used.
    """
    deadline, told = Deadline.after(wait_s), ""
    hold = Hold(station, probe, port, by)
    with ExitStack() as stack:
        stack.callback(hold.release)
        while True:
            try:
                hold.take()
                break
            except TakenError as error:
                if deadline.expired:
                    raise
                if error.message != told:
                    told = error.message
                    tell(f"{told}; waiting for it up to {deadline.remaining():.0f} s")
                deadline.pause(_LOOK_S)
        yield hold


def lock_folder() -> Path:
    """Where the locks are: the same place for all users of the host."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else lock_file.default_folder(_SHARED)


def described(holder: Mapping[str, object]) -> str:
    """A holder in words; the text in the file may be written by anybody."""
    if not holder:
        return "another process, which does not say who it is"
    if holder.get("pid") == os.getpid() and holder.get("host") == socket.gethostname():
        return "this process itself"
    told = {key: printable(str(holder.get(key, "?"))) for key in ("user", "pid", "since")}
    return (
        f"{told['user']} (process {told['pid']}: {printable(str(holder.get('command', '?')))}) "
        f"since {told['since']}"
    )


def _ourselves() -> dict[str, object]:
    return {
        "user": _user(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "command": shlex.join(sys.argv)[:500],
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _user() -> str:
    try:
        import pwd  # noqa: PLC0415 - Windows has none
    except ImportError:
        return os.environ.get("USERNAME", "?")
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # A user number without a name, as in a container.
        return str(os.getuid())
