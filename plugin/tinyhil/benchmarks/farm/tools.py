"""What a farm needs beyond the machine's packages: ``python -m tinyhil.benchmarks.farm.tools``.

An sshd and a ser2net are unpacked from Debian's archive, not installed; labgrid gets an environment
of its own, as it brings a pyserial that would replace ours. Everything is in ``build/farm``.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tinyhil.benchmarks import BUILD
from tinyhil.emulator.unpack import fetch

FARM = BUILD / "farm"
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


def free_port() -> int:
    """A port of the loopback interface that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def sshd(folder: Path, address: str, variables: Mapping[str, str]) -> list[str]:
    """How to start an sshd that lets in whoever has the key of `keys`, and nobody else.

    Args:
        folder: with the keys.
        address: and port that it listens on.
        variables: of the programs that are started by it.
    """
    found = program("sshd")
    assert found, "no sshd: run `make farm`"
    given = " ".join(f'"{name}={value}"' for name, value in variables.items())
    options = [
        f"ListenAddress={address}", f"AuthorizedKeysFile={folder / 'user.pub'}",
        "StrictModes=no", "UsePAM=no", "PidFile=none", f"SetEnv={given}", "MaxStartups=100",
    ]  # fmt: skip
    command = [*found, "-D", "-e", "-f", "/dev/null", "-h", str(folder / "host")]
    return command + [part for option in options for part in ("-o", option)]


def keys(folder: Path) -> None:
    """Make an sshd's own key, ``host``, and a user's, ``user``."""
    for key in ("host", "user"):
        subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", folder / key], check=True)


def ssh_config(folder: Path, host: str, address: str, port: int = 22) -> str:
    """The lines of ssh's configuration that lead to an sshd of ours."""
    return (
        f"Host {host}\n HostName {address}\n Port {port}\n IdentityFile {folder / 'user'}\n"
        " IdentitiesOnly yes\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n"
        " LogLevel ERROR\n"
    )


def users(folder: Path) -> Path:
    """A list of users with the one of sshd, whom an unpacked one has not brought.

    An sshd of root's wants it; mounted, it takes the place of the machine's list for one process.
    """
    path = folder / "passwd"
    path.write_text(
        Path("/etc/passwd").read_text(encoding="utf-8")
        + "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n"
    )
    return path


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
