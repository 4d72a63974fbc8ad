"""Puts right what labgrid leaves behind: ``tinyhil farm clean``.

Each host puts right what is its own alone: a place that is held by a process of this host which has
ended, or that a process of this host uses although the coordinator has forgotten it, and servers of
ports whose exporter on this host has ended. Each step is one that the coordinator does at once or
not at all, so that janitors of any number of hosts may work at the same time.
"""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tinyhil.device.far import coordinator, notes
from tinyhil.device.far.coordinator import Place
from tinyhil.ground.living import is_dead

Kind = Literal["held by a process that has ended", "forgotten", "orphaned server", "not exported"]

_SERVER = re.compile(rb"telnet\(rfc2217,mode=server\)|NONE 8DATABITS 1STOPBIT LOCAL")
"""In the command of each ser2net that labgrid's exporter starts, and of no other."""
_EXPORTER = b"labgrid-exporter"
_PROC = Path("/proc")


@dataclass(frozen=True)
class Swept:
    """Something that was not as it should be."""

    what: str
    """Name of the place, or of the process."""
    kind: Kind
    """What is wrong with it."""
    who: str
    """Who holds it, or what it does."""
    done: bool
    """Whether it is right now."""
    hint: str
    """The next step, where it is not."""


def sweep(*, dry: bool = False) -> Iterator[Swept]:
    """Put right what is this host's.

    Args:
        dry: only tell.

    Raises:
        BenchError: labgrid's coordinator does not answer.
    """
    yield from _servers(dry)
    used = notes.living()
    for place in coordinator.places():
        if place.holder and _has_ended(place.holder):
            yield _released(place, dry)
        elif not place.holder and place.name in used:
            yield _taken_back(place, used[place.name], dry)
        elif place.board is None:
            hint = f"see that the exporter of its host runs: `labgrid-client -p {place.name} show`"
            yield Swept(place.name, "not exported", place.holder, False, hint)


def _has_ended(holder: str) -> bool:
    """Whether a place is held by a process of this host that has ended."""
    host, _, user = holder.partition("/")
    return host == _host_name() and is_dead(user.rpartition(".")[2]) is True


def _host_name() -> str:
    return os.environ.get("LG_HOSTNAME") or socket.gethostname()


def _released(place: Place, dry: bool) -> Swept:
    """Only from this holder: whoever has it by now keeps it."""
    command = ("-p", place.name, "release-from", place.holder)
    done = not dry and coordinator.run(*command).returncode == 0
    hint = "" if done else f"`labgrid-client {' '.join(command)}`"
    return Swept(place.name, "held by a process that has ended", place.holder, done, hint)


def _taken_back(place: Place, user: str, dry: bool) -> Swept:
    """Acquired once more in the name of the process that uses it; if that ends meanwhile, the place
    is one of those that are held by nobody, for the next time."""
    done = not dry and coordinator.run("-p", place.name, "acquire", user=user).returncode == 0
    hint = "" if done else "its board is locked, so that no run gets it; it is free when that ends"
    return Swept(place.name, "forgotten", user, done, hint)


def _servers(dry: bool) -> Iterator[Swept]:
    """Servers of ports that labgrid's exporter has started, and that have outlived it."""
    commands = dict(_commands())
    for pid, command in commands.items():
        if b"ser2net" not in command.split(b"\0", 1)[0] or not _SERVER.search(command):
            continue
        if _has_exporter(pid, commands):
            continue
        done = False
        with suppress(OSError):
            if not dry:
                os.kill(pid, signal.SIGTERM)
                done = True
        port = re.search(rb"/dev/[^,:\0 ]+", command)
        who = f"it holds {port[0].decode('ascii', 'replace')}" if port else "it serves a port"
        yield Swept(f"ser2net {pid}", "orphaned server", who, done, "" if done else f"`kill {pid}`")


def _commands() -> Iterator[tuple[int, bytes]]:
    """The processes of this host, and their commands."""
    with suppress(OSError):
        for entry in _PROC.iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    yield int(entry.name), (entry / "cmdline").read_bytes()


def _has_exporter(pid: int, commands: Mapping[int, bytes]) -> bool:
    """Whether the process that started it is an exporter, and lives; or can't be told."""
    try:
        status = (_PROC / str(pid) / "status").read_text(errors="replace")
        parent = re.search(r"^PPid:\t(\d+)$", status, re.MULTILINE)
    except OSError:
        return True
    return parent is None or _EXPORTER in commands.get(int(parent[1]), b"")
