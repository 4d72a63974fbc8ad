"""What runs on a farm: labgrid's coordinator and exporters, an sshd a host, and the boards."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tinyhil.benchmarks.farm import tools
from tinyhil.benchmarks.farm.hosts import ADDRESS, Host
from tinyhil.device.far import coordinator
from tinyhil.device.far.tunnel import SSH_VARIABLE
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.paths import ROOT

KINDS = ("mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505")
"""Of the farm's boards."""
COORDINATOR = f"{ADDRESS}:20408"
"""Its address and port."""
SSH = 22
_AGAIN_S = 0.5
_START_S = 900.0
_PATH = ("PATH", "PYTHONPATH", "LANG", "VIRTUAL_ENV")
_TINYHIL = f"{sys.executable} -m tinyhil.cli.main"


class Service:
    """A program that is started again whenever it ends, as systemd does it, until `close`."""

    def __init__(
        self, command: Callable[[], Sequence[str]], log: Path, folder: Path = ROOT
    ) -> None:
        self._command = command
        self._log = log
        self._folder = folder
        self._closed = threading.Event()
        self._process = self._started()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def kill(self) -> None:
        """End it without a word; it comes back."""
        with suppress(psutil.Error):
            for one in reversed([self._process, *self._process.children(recursive=True)]):
                one.kill()

    def close(self) -> None:
        """End it for good."""
        self._closed.set()
        self.kill()
        self._thread.join()

    def _watch(self) -> None:
        while not self._closed.is_set():
            self._process.wait()
            if not self._closed.wait(_AGAIN_S):
                self._process = self._started()

    def _started(self) -> psutil.Popen:
        self.began = time.monotonic()
        with self._log.open("ab") as log:
            return psutil.Popen(
                list(self._command()), cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log,
            )  # fmt: skip


@dataclass
class PlayedBoard:
    """An emulated board that is plugged into a host: its process, and its cable."""

    name: str
    """Of its place and of its station."""
    kind: str
    host: Host
    process: subprocess.Popen[str] = field(init=False)
    cable: subprocess.Popen[str] = field(init=False)
    probe: str = field(init=False, default="")
    """Id of its probe; another one each time that it is started."""
    _port: str = field(init=False, default="")

    def start(self) -> None:
        """Switch it on, and plug it in."""
        self.process = self._popen(*shlex.split(_TINYHIL), "emulate", self.kind, "--format", "json")
        assert self.process.stdout
        said = "".join(iter(self.process.stdout.readline, "}\n")) + "}"
        facts: dict[str, Any] = json.loads(said)
        self.probe, self._port = facts["probe"], facts["port"]
        self.plug()

    def plug(self) -> None:
        """Plug its serial adapter in: the port gets another number than it had."""
        module = ("-m", "tinyhil.benchmarks.farm.cable")
        self.cable = self._popen(sys.executable, *module, self._port, self.port)
        assert self.cable.stdout
        assert self.cable.stdout.readline() == "ready\n"

    def unplug(self) -> None:
        """Pull its serial adapter."""
        for process in _tree(self.cable):
            process.kill()
        self.cable.wait()
        self.host.run("rm", "-f", self.port)

    @property
    def port(self) -> str:
        """The name of its port, the same under each number, as udev's links are."""
        return f"/run/user/port-{self.name}"

    @property
    def machine(self) -> psutil.Process:
        """What plays it."""
        return next(one for one in _tree(self.process) if one.name().startswith("qemu-system"))

    def end(self) -> None:
        """Switch it off."""
        for process in (*_tree(self.cable), *_tree(self.process)):
            with suppress(psutil.Error):
                process.kill()
        self.cable.wait()
        self.process.wait()

    def _popen(self, *command: str) -> subprocess.Popen[str]:
        log = self.host.folder / f"{self.name}.log"
        with log.open("ab") as errors:
            return subprocess.Popen(
                self.host.command(*command), cwd=ROOT, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=errors, text=True,
            )  # fmt: skip


def _tree(process: subprocess.Popen[str]) -> list[psutil.Process]:
    with suppress(psutil.Error):
        top = psutil.Process(process.pid)
        return [*reversed(top.children(recursive=True)), top]
    return []


@dataclass
class Bench:
    """A host with boards: its sshd and its exporter."""

    host: Host
    boards: tuple[PlayedBoard, ...]
    sshd: Service = field(init=False)
    exporter: Service = field(init=False)

    def start(self, farm: Path) -> None:
        """Switch on the boards, then let ssh and labgrid lead there."""
        for board in self.boards:
            board.start()
        variables = {**inherited(), **self.host.variables}
        self.sshd = Service(
            lambda: self.host.command(*tools.sshd(farm, f"{self.host.address}:{SSH}", variables)),
            self.host.folder / "sshd.log",
        )
        self.describe()
        labgrid = (str(tools.LABGRID / "labgrid-exporter"), "--name", self.host.name)
        self.exporter = Service(
            lambda: self.host.command(
                *labgrid, str(self._file), variables={"LG_COORDINATOR": COORDINATOR}
            ),
            self.host.folder / "exporter.log",
        )

    def again(self, farm: Farm) -> None:
        """Switch the host on again, with its boards: they have other probes than before."""
        for service in (self.exporter, self.sshd):
            service.close()
        for board in self.boards:
            board.end()
        self.host.start()
        self.start(farm.folder)

    def describe(self) -> None:
        """Write the exporter's file as a user does: by `tinyhil farm exporter`."""
        stations = "".join(
            f'[stations.{board.name}]\nboard = "{board.kind}"\nprobe = "{board.probe}"\n'
            f'port = "{board.port}"\n'
            for board in self.boards
        )
        bench = self.host.folder / "bench.toml"
        bench.write_text(f"schema = 1\n{stations}")
        command = (*shlex.split(_TINYHIL), "farm", "exporter", "--bench", str(bench))
        self._file.write_text(self.host.run(*command, "--host", self.host.name))

    def places(self) -> Iterator[tuple[str, ...]]:
        """The commands that make a place of each board, as the exporter's file tells them."""
        for line in re.findall(r"^## labgrid-client (.*)$", self._file.read_text(), re.MULTILINE):
            yield tuple(shlex.split(line))

    def close(self) -> None:
        """End all of it."""
        for service in ("exporter", "sshd"):
            if service in self.__dict__:
                getattr(self, service).close()
        for board in self.boards:
            if "process" in board.__dict__:
                board.end()
        self.host.end()

    @property
    def _file(self) -> Path:
        return self.host.folder / "farm.yaml"


def inherited() -> dict[str, str]:
    """What the programs on a host get of our environment."""
    return {name: os.environ[name] for name in _PATH if name in os.environ}


@dataclass
class Farm:
    """A farm that runs."""

    folder: Path
    benches: tuple[Bench, ...]
    coordinator: Service

    @property
    def boards(self) -> tuple[PlayedBoard, ...]:
        """All of them."""
        return tuple(board for bench in self.benches for board in bench.boards)

    def await_exported(self, deadline: Deadline) -> None:
        """Wait until every place has its board, as after a coordinator's death."""
        while True:
            with suppress(Exception):
                places = coordinator.places()
                if len(places) == len(self.boards) and all(one.board for one in places):
                    return
            assert not deadline.expired, "the exporters did not come"
            deadline.pause(0.5)


@contextmanager
def running(
    folder: Path, *, hosts: int = 4, each: int = 2, tell: Callable[[str], None] = lambda _: None
) -> Iterator[Farm]:
    """A farm of some hosts with some boards each; `hosts.enter` must have been called.

    Args:
        folder: short, for all its files.
        hosts: how many.
        each: boards of each host, of one kind after the other.
        tell: is told what is started.
    """
    tools.keys(folder)
    with ExitStack() as stack:
        benches = []
        for number in range(1, hosts + 1):
            place = folder / f"h{number}"
            place.mkdir()
            host = Host(f"bench{number}", number, place)
            kinds = (KINDS[(number * each + board) % len(KINDS)] for board in range(each))
            boards = tuple(
                PlayedBoard(f"b{number}{board}", kind, host)
                for board, kind in enumerate(kinds, start=1)
            )
            bench = Bench(host, boards)
            stack.callback(bench.close)
            benches.append(bench)
        config = folder / "ssh_config"
        config.write_text("".join(
            tools.ssh_config(folder, bench.host.name, bench.host.address) for bench in benches
        ))  # fmt: skip
        variables = {
            "LG_COORDINATOR": COORDINATOR,
            coordinator.PROGRAM_VARIABLE: str(tools.LABGRID / "labgrid-client"),
            SSH_VARIABLE: f"ssh -F {config}",
        }
        os.environ.update(variables)  # Of all that is started from now on.
        tell("labgrid's coordinator")
        (folder / "coordinator").mkdir()
        command = (str(tools.LABGRID / "labgrid-coordinator"), "-l", COORDINATOR)
        served = Service(lambda: command, folder / "coordinator.log", folder / "coordinator")
        stack.callback(served.close)
        farm = Farm(folder, tuple(benches), served)
        for bench in benches:
            tell(f"{bench.host.name}: {', '.join(board.kind for board in bench.boards)}")
            bench.start(folder)
        _make_places(farm)
        yield farm


def _make_places(farm: Farm) -> None:
    deadline = Deadline.after(_START_S)
    for bench in farm.benches:
        for command in bench.places():
            while coordinator.run(*command).returncode:
                assert not deadline.expired, f"labgrid-client {shlex.join(command)} failed"
                deadline.pause(0.5)
    farm.await_exported(deadline)
