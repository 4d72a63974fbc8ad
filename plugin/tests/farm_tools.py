"""What the tests of a farm need beyond the machine's packages: ``python -m tests.farm_tools``.

An sshd and a ser2net are unpacked from Debian's archive, not installed; labgrid gets an environment
of its own, as it brings a pyserial that would replace ours. Everything is in ``build/farm``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tinyhil.emulator.unpack import fetch
from tinyhil.ground.deadline import Deadline

FARM = Path(__file__).parents[2] / "build" / "farm"
LABGRID = FARM / "labgrid" / "bin"
_LABGRID = "labgrid>=26,<27"
_PACKAGES = {
    "sshd": ("openssh-server", "libwrap0"),
    "ser2net": ("ser2net", "libgensio4", "libopenipmi0", "libsctp1", "libwrap0"),
}


def program(name: str) -> list[str] | None:
    """How to start a server, installed or unpacked; None if there is none."""
    own = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if own:
        return [own]
    unpacked = FARM / name / "usr" / "sbin" / name
    if not unpacked.is_file():
        return None
    libraries = {file.parent for file in (unpacked.parents[1] / "lib").rglob("*.so*")}
    paths = ":".join(map(str, sorted(libraries)))
    modules = next((file.parent for file in (FARM / name).rglob("libgensio_telnet.so")), "")
    return ["env", f"LD_LIBRARY_PATH={paths}", f"GENSIO_LIBRARY_PATH={modules}", str(unpacked)]


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
    for key in ("host", "user"):
        subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", folder / key], check=True)
    config = folder / "config"
    config.write_text(
        f"Host bench\n HostName 127.0.0.1\n Port {port}\n IdentityFile {folder / 'user'}\n"
        " IdentitiesOnly yes\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n"
        " LogLevel ERROR\n"
    )
    sshd = program("sshd")
    assert sshd
    given = " ".join(f'"{name}={value}"' for name, value in environment.items())
    options = [
        f"ListenAddress=127.0.0.1:{port}", f"AuthorizedKeysFile={folder / 'user.pub'}",
        "StrictModes=no", "UsePAM=no", "PidFile=none", f"SetEnv={given}",
    ]  # fmt: skip
    command = [*sshd, "-D", "-e", "-f", "/dev/null", "-h", str(folder / "host")]
    command += [part for option in options for part in ("-o", option)]
    with ExitStack() as stack:
        log = stack.enter_context((folder / "sshd.log").open("wb"))
        # An sshd of root's wants its user, whom an unpacked one has not brought: a list of users
        # with it takes the place of the machine's, for this process alone.
        users = folder / "passwd"
        users.write_text(
            Path("/etc/passwd").read_text(encoding="utf-8")
            + "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n"
        )
        mount = 'mkdir -p /run/sshd; mount --bind "$0" /etc/passwd; exec "$@"'
        outer = ["unshare", "--mount", "sh", "-c", mount, str(users)] if _is_root() else []
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


def main() -> None:
    """Get what is missing."""
    for name, packages in _PACKAGES.items():
        if program(name) is None:
            fetch(FARM / name, packages)
    if not (LABGRID / "labgrid-client").is_file():
        subprocess.run([sys.executable, "-m", "venv", FARM / "labgrid"], check=True)
        subprocess.run([LABGRID / "pip", "install", "-qq", _LABGRID], check=True)


if __name__ == "__main__":
    main()
