"""What a farm's users have left behind: nothing, if all is well."""

from __future__ import annotations

from collections.abc import Iterator

import psutil

from tinyhil.benchmarks.farm.hosts import HERE, Host, listening
from tinyhil.benchmarks.farm.parts import COORDINATOR, SSH, Farm
from tinyhil.device.far import coordinator
from tinyhil.ground.deadline import Deadline

_SETTLED_S = 60.0
"""An agent whose run was killed notices it after 30 s, and lets go in 10 s."""


def left_behind(farm: Farm) -> Iterator[str]:
    """Places that are held or reserved, locks that are held, and processes that serve nobody.

    Waits for those that are on their way out, for as long as they may be.
    """
    deadline = Deadline.after(_SETTLED_S)
    while (orphans := list(_orphans(farm))) and not deadline.expired:
        deadline.pause(0.5)
    yield from orphans
    for place in coordinator.places():
        if place.holder:
            yield f"{place.name} is held by {place.holder}"
        if place.reservation:
            yield f"{place.name} is reserved: {place.reservation}"
        if place.board is None:
            yield f"{place.name} is not exported"
    for bench in farm.benches:
        yield from (f"{bench.host.name}: {file} is locked" for file in locked(bench.host))


def _orphans(farm: Farm) -> Iterator[str]:
    for bench in farm.benches:
        yield from orphans_of(bench.host)
    for process in psutil.process_iter():
        command = _command(process)
        if command.startswith("ssh ") or "labgrid-client" in command or " pytest " in command:
            yield f"{process.pid} still runs: {command[:200]}"


def orphans_of(host: Host) -> Iterator[str]:
    """What serves boards of a host to runs."""
    for process in host.processes():
        command = _command(process)
        if "farm serve" in command or "ser2net" in command:
            yield f"{host.name}: {process.pid} still runs: {command[:200]}"


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def locked(host: Host) -> Iterator[str]:
    """Files of locks that a process of this host holds now, by the kernel's list."""
    names = {
        file.stat().st_ino: file.name for file in host.file("run", "lock", "tinyhil").glob("*.lock")
    }
    for line in host.run("cat", "/proc/locks").splitlines():
        number = int(line.split()[5 if "->" not in line else 6].rpartition(":")[2])
        if number in names:
            yield names.pop(number)


def exposed(farm: Farm) -> Iterator[str]:
    """TCP servers that others than their own host can reach, but for sshd and the coordinator."""
    for host in (None, *(bench.host for bench in farm.benches)):
        allowed = f"{host.address}:{SSH}" if host else COORDINATOR
        for server in listening(host):
            if server != allowed and not server.startswith(("127.", "[::1]")):
                yield f"{host.name if host else HERE}: something listens on {server}"
