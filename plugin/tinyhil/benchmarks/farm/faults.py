"""What goes wrong on a farm, on purpose: each fault strikes a run, and is mended after it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tinyhil.benchmarks import BUILD
from tinyhil.benchmarks.farm.jobs import TASK, Job
from tinyhil.benchmarks.farm.parts import KINDS, Bench, Farm, PlayedBoard

_FLASH_S = 60.0


@dataclass
class Scene:
    """Where a fault strikes."""

    farm: Farm
    bench: Bench
    board: PlayedBoard
    job: Job | None = None
    """The run; None before it."""


ENDS = frozenset({0, 1, 4})
"""Statuses of a run that was struck: 0 where it did not matter, or was recovered from; 4: before
any test, as where the coordinator is gone."""


@dataclass(frozen=True)
class Fault:
    """A kind of fault."""

    name: str
    strike: Callable[[Scene], None]
    mend: Callable[[Scene], None] = lambda _: None
    """Puts right what does not come right by itself."""
    errors: frozenset[str] = frozenset()
    """Classes of errors that a run may end with, besides those of every fault."""
    statuses: frozenset[int] = ENDS
    """That the run may end with."""
    before: bool = False
    """Whether it strikes before the run starts."""


def _kill(process: psutil.Process | subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
    with suppress(psutil.Error, ProcessLookupError):
        process.send_signal(number)


def _ssh_of_job(scene: Scene) -> None:
    assert scene.job
    with suppress(psutil.Error):
        for process in psutil.Process(scene.job.process.pid).children(recursive=True):
            if process.name() == "ssh":
                _kill(process)


def _interrupt(scene: Scene) -> None:
    assert scene.job
    with suppress(ProcessLookupError):
        os.killpg(scene.job.process.pid, signal.SIGINT)  # As a terminal's Ctrl-C.


def _kill_job(scene: Scene) -> None:
    assert scene.job
    _kill(scene.job.process)


def _network_of_host(up: str) -> Callable[[Scene], None]:
    return lambda scene: void(scene.bench.host.run("ip", "link", "set", "eth0", up))


def _renumber(scene: Scene) -> None:
    before = scene.board.cable
    scene.board.plug()  # First, as a number that is free would be given again.
    _kill(psutil.Process(before.pid))
    before.wait()


def _hide_probe(scene: Scene) -> None:
    scene.bench.host.run("mv", _probe_file(scene), f"{_probe_file(scene)}.gone")


def _show_probe(scene: Scene) -> None:
    scene.bench.host.run("mv", f"{_probe_file(scene)}.gone", _probe_file(scene))


def _probe_file(scene: Scene) -> str:
    return f"/run/user/tinyhil/{scene.board.probe}/board.json"


def _wrong_image(scene: Scene) -> None:
    """Somebody puts the image of another type of board there."""
    other = KINDS[(KINDS.index(scene.board.kind) + 1) % len(KINDS)]
    (image,) = Path(BUILD, "firmware", other).glob(f"{TASK}-*/objects/firmware.elf")
    command = ("pyocd", "flash", "--no-config", "--uid", scene.board.probe, str(image))
    subprocess.run(
        scene.bench.host.command(*command), check=True, capture_output=True, timeout=_FLASH_S
    )


def void(_: object) -> None:
    """Nothing."""


ALWAYS = frozenset({
    "BenchError", "LinkError", "LinkTimeoutError", "DeviceError", "TakenError", "QuarantinedError",
})  # fmt: skip
"""Errors of the bench, the link and the device: whose fault it is."""
KINDS_OF_FAULT = (
    Fault("cable pulled", lambda s: s.bench.host.cut(), lambda s: s.bench.host.mend()),
    Fault("network of the host down", _network_of_host("down"), _network_of_host("up")),
    Fault("ssh killed", _ssh_of_job),
    Fault("sshd and its sessions killed", lambda s: s.bench.sshd.kill()),
    Fault("host switched off", lambda s: s.bench.host.end(), lambda s: s.bench.again(s.farm)),
    Fault("exporter killed", lambda s: s.bench.exporter.kill()),
    Fault("coordinator killed", lambda s: s.farm.coordinator.kill()),
    Fault("port gone", lambda s: s.board.unplug(), lambda s: s.board.plug(),
          errors=frozenset({"MissingPortError"})),
    Fault("port renumbered", _renumber),
    Fault("probe gone", _hide_probe, _show_probe),
    Fault("device hung", lambda s: _kill(s.board.machine, signal.SIGSTOP),
          lambda s: _kill(s.board.machine, signal.SIGCONT)),
    Fault("wrong image", _wrong_image, errors=frozenset({"IdentityError"}), before=True),
    Fault("disk full", void, errors=frozenset({"WriteError"}), before=True),
    Fault("Ctrl-C", _interrupt, statuses=frozenset({0, 2}),
          errors=frozenset({"KeyboardInterrupt"})),
    Fault("kill -9 of the job", _kill_job, statuses=frozenset({0, -signal.SIGKILL})),
)  # fmt: skip
