"""Hosts on one machine: namespaces of processes, network, names and ``/run``, on one bridge.

`enter` starts a program again in namespaces of its own, so that whatever it leaves ends with it and
nobody outside sees it; there, a `Host` is one more set of them behind a cable of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from tinyhil.benchmarks.farm import tools
from tinyhil.ground.errors import BenchError

HERE = "ci"
"""Name of the host that the program itself is on, and that runs the jobs."""
ADDRESS = "10.77.0.1"
"""Its address, for the hosts."""
_NET = "10.77.0."
_INSIDE = "TINYHIL_FARM_INSIDE"
_NAMESPACES = ("unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--mount-proc")
_TIED = ("--fork", "--kill-child")
"""What is in a namespace ends with who made it."""
_FIRST = '"$@"; exit $?'
"""The first process of a namespace of processes must reap those of others, as a shell does."""
_RUN = (
    "mount -t tmpfs tmpfs /run && mkdir -p -m 1777 /run/lock && mkdir /run/sshd && "
    'mkdir -m 700 /run/user && mount --bind "$1" /etc/passwd && ip link set lo up'
)
_HOST = f'hostname "$0" && {_RUN} && echo ready && sleep infinity & wait'


def enter(module: str) -> None:
    """Start the program again as the host `HERE`, with a network of its own; returns there.

    Raises:
        BenchError: this user may not make namespaces, or a program is missing.
    """
    if os.environ.get(_INSIDE):
        os.environ.pop(_INSIDE)
        _settle()
        return
    missing = [name for name in ("unshare", "nsenter", "setpriv", "ip") if not shutil.which(name)]
    tried = not missing and subprocess.run(
        [*_NAMESPACES, *_TIED, "true"], capture_output=True, check=False
    )
    if not tried or tried.returncode:
        raise BenchError(
            "the hosts of the farm are namespaces, which can't be made here: "
            + (f"no {', '.join(missing)}" if missing else "this user may not"),
            hint="run it as root, with the packages util-linux and iproute2",
        )
    os.environ[_INSIDE] = "1"
    again = [sys.executable, "-m", module, *sys.argv[1:]]
    command = [*_NAMESPACES, *_TIED, "sh", "-c", _FIRST, "sh", *again]
    os.execvp(command[0], command)  # noqa: S606 - none of it is anybody's text


def _settle() -> None:
    socket.sethostname(HERE)
    folder = tools.FARM / "hosts"
    folder.mkdir(parents=True, exist_ok=True)
    _checked("sh", "-c", _RUN, HERE, str(tools.users(folder)))
    _checked("ip", "link", "add", "br0", "type", "bridge")
    _checked("ip", "addr", "add", f"{ADDRESS}/24", "dev", "br0")
    _checked("ip", "link", "set", "br0", "up")
    os.environ["XDG_RUNTIME_DIR"] = "/run/user"


class Host:
    """A host, until `end`; needs `enter`.

    Args:
        name: of at most eleven letters.
        number: from 1 on, its place in the network.
        folder: for what its programs print.
    """

    def __init__(self, name: str, number: int, folder: Path) -> None:
        self.name = name
        self.address = f"{_NET}{10 + number}"
        self.folder = folder
        self._cable = f"to-{name}"
        self.start()

    def start(self) -> None:
        """Switch it on, and plug it into the network."""
        users = tools.FARM / "hosts" / "passwd"
        self._outer = subprocess.Popen(
            [*_NAMESPACES, *_TIED, "sh", "-c", _HOST, self.name, str(users)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._outer.stdout is not None
        if self._outer.stdout.readline() != "ready\n":
            raise BenchError(
                f"host '{self.name}' did not start",
                hint="run it as root, outside of a container that may not mount",
            )
        (first,) = psutil.Process(self._outer.pid).children()
        self._first = first.pid
        # That of a host which was switched off goes some time after it.
        subprocess.run(["ip", "link", "del", self._cable], capture_output=True, check=False)
        cable = ("ip", "link", "add", self._cable, "type", "veth", "peer", "name", "eth0")
        _checked(*cable, "netns", str(self._first))
        _checked("ip", "link", "set", self._cable, "master", "br0", "up")
        self.run("ip", "addr", "add", f"{self.address}/24", "dev", "eth0")
        self.run("ip", "link", "set", "eth0", "up")

    def command(self, *command: str, variables: Mapping[str, str] | None = None) -> list[str]:
        """How to start a program on this host; it ends with the process that is started."""
        given = [
            f"{name}={value}" for name, value in {**self.variables, **(variables or {})}.items()
        ]
        enter = ["nsenter", "-t", str(self._first), "-m", "-n", "-u", "-p", "--"]
        return [*enter, "setpriv", "--pdeathsig", "KILL", "env", *given, *command]

    @property
    def variables(self) -> dict[str, str]:
        """Of the environment of its programs."""
        return {"XDG_RUNTIME_DIR": "/run/user", "TMPDIR": str(self.folder)}

    def file(self, *parts: str) -> Path:
        """A file of this host's, as we see it."""
        return Path("/proc", str(self._first), "root", *parts)

    def run(self, *command: str) -> str:
        """Run a program on this host; returns what it prints."""
        return _checked(*self.command(*command))

    def processes(self) -> Iterator[psutil.Process]:
        """What runs on it, without its first process and the one that this waits for."""
        for process in psutil.process_iter():
            with suppress(OSError, psutil.Error):
                if _numbering(process.pid) == _numbering(self._first):
                    yield process

    def cut(self) -> None:
        """Pull the cable."""
        _checked("ip", "link", "set", self._cable, "down")

    def mend(self) -> None:
        """Plug it in again."""
        _checked("ip", "link", "set", self._cable, "up")

    def end(self) -> None:
        """Switch it off: whatever runs on it is gone."""
        self._outer.kill()
        self._outer.wait()


def _numbering(pid: int) -> Path:
    return Path(f"/proc/{pid}/ns/pid").readlink()


def _checked(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(
            f"'{' '.join(command)}' failed: {(done.stderr + done.stdout).strip()[:500]}",
            hint="see what the program says; what it needs is in docs/farm.md",
        )
    return done.stdout


def listening(host: Host | None = None) -> Sequence[str]:
    """Addresses and ports that TCP servers listen on, of a host or of `HERE`."""
    command = ("ss", "-ltnH")
    text = host.run(*command) if host else _checked(*command)
    # As of a socket that could speak version 6 too.
    return [re.sub(r"\[::ffff:([\d.]+)\]", r"\1", line.split()[3]) for line in text.splitlines()]
