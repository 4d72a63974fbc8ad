"""A host for the tests of a farm that need no namespaces: an sshd on loopback."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tinyhil.benchmarks.farm import tools
from tinyhil.ground.deadline import Deadline


@contextmanager
def bench_host(folder: Path, port: int, **environment: str) -> Iterator[Path]:
    """A host that ssh leads to, under the name ``bench``: an sshd of ours on loopback.

    Args:
        folder: for its keys and its log.
        port: TCP port that is free.
        environment: of the programs that are started there.

    Yields:
        the configuration for ssh.
    """
    tools.keys(folder)
    config = folder / "config"
    config.write_text(tools.ssh_config(folder, "bench", "127.0.0.1", port))
    command = tools.sshd(folder, f"127.0.0.1:{port}", environment)
    with ExitStack() as stack:
        log = stack.enter_context((folder / "sshd.log").open("wb"))
        mount = 'mkdir -p /run/sshd; mount --bind "$0" /etc/passwd; exec "$@"'
        users = str(tools.users(folder))
        outer = ["unshare", "--mount", "sh", "-c", mount, users] if _is_root() else []
        process = subprocess.Popen([*outer, *command], stderr=log)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        _await(config)
        yield config


def _await(config: Path) -> None:
    deadline = Deadline.after(30)
    while subprocess.run(["ssh", "-F", config, "bench", "true"], check=False).returncode:
        assert not deadline.expired, config.with_name("sshd.log").read_text()
        deadline.pause(0.1)


def _is_root() -> bool:
    return subprocess.run(["id", "-u"], capture_output=True, check=True).stdout == b"0\n"
