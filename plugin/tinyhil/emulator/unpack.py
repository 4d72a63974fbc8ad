"""``make qemu``: gets a newer QEMU than this Debian's, unpacked in a folder of the user's.

It comes from the release's own backports, over the archive that the machine's apt uses already.
Nothing is installed, no root is needed, and the machine's own lists of packages stay as they are:
apt works on private ones. The libraries are those of the QEMU that is installed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tinyhil.emulator.program import (
    QEMU,
    UNPACKED_AT_LEAST,
    enough,
    unpacked,
    unpacked_folder,
    version_of,
)
from tinyhil.ground.errors import BenchError, TinyhilError

_ETC = Path("/etc")
_PACKAGE = "qemu-system-arm"
_DOWNLOAD_S = 600.0


def codename(etc: Path = _ETC) -> str:
    """The name of this Debian release.

    Raises:
        BenchError: it is no Debian.
    """
    release = etc / "os-release"
    text = release.read_text(encoding="utf-8") if release.is_file() else ""
    name = re.search(r'^VERSION_CODENAME="?(\w+)', text, re.MULTILINE)
    if name is None or not re.search(r'^ID="?debian"?$', text, re.MULTILINE):
        raise BenchError(
            "only Debian's backports are known as a source of a newer QEMU",
            hint=f"install {QEMU} {UNPACKED_AT_LEAST} or newer yourself, so that it is in PATH",
        )
    return name[1]


def source(release: str, etc: Path = _ETC) -> tuple[str, str]:
    """Address of the release's archive and its signing key's file (or nothing), as apt has them.

    Raises:
        BenchError: apt has no such source.
    """
    for address, suites, key in _sources(etc / "apt"):
        if release in suites:
            return address, key
    raise BenchError(
        f"apt has no source of the release '{release}' on this machine",
        hint=f"install {QEMU} {UNPACKED_AT_LEAST} or newer yourself, so that it is in PATH",
    )


def _sources(apt: Path) -> Iterator[tuple[str, list[str], str]]:
    """Address, suites and key of each source, in both forms in which they are written."""
    for path in sorted(apt.glob("sources.list.d/*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
            fields = re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE)
            keys = {name.lower(): value for name, value in fields}
            for address in keys.get("uris", "").split():
                yield address, keys.get("suites", "").split(), keys.get("signed-by", "").strip()
    for path in (apt / "sources.list", *sorted(apt.glob("sources.list.d/*.list"))):
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        for options, address, suite in re.findall(
            r"^deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)", text, re.MULTILINE
        ):
            key = re.search(r"signed-by=(\S+)", options)
            yield address, [suite], key[1] if key else ""


def unpack(folder: Path) -> Path:
    """Put the newest QEMU of the release's backports into `folder`; returns the program.

    Raises:
        BenchError: there is none, it can't be fetched, or it does not run here.
    """

    def check(made: Path) -> None:
        if not enough(version_of(made / "usr" / "bin" / QEMU), UNPACKED_AT_LEAST):
            raise BenchError(
                f"the backports of '{codename()}' have no {QEMU} that runs here and is new enough",
                hint=f"install the release's own {_PACKAGE}, whose libraries it needs, first",
            )

    fetch(folder, (_PACKAGE,), check, backports=True)
    return folder / "usr" / "bin" / QEMU


def fetch(
    folder: Path,
    packages: Sequence[str],
    check: Callable[[Path], None] = lambda _: None,
    *,
    backports: bool = False,
) -> None:
    """Unpack packages of the release into `folder`.

    Args:
        folder: is replaced when all is there.
        packages: their names; what they depend on is left out.
        backports: whether the release's backports are preferred.
        check: may raise before it is replaced; is given the folder with what was unpacked.

    Raises:
        BenchError: they can't be fetched.
    """
    release = codename()
    address, key = source(release)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="apt.") as scratch:
        work, made = Path(scratch), Path(scratch, "made")
        suites = (release, f"{release}-backports") if backports else (release,)
        apt = _apt(work, suites, address, key)
        _run(*apt, "update")
        _run(*apt, "download", *packages, cwd=work)
        for package in work.glob("*.deb"):
            _run("dpkg", "-x", str(package), str(made))
        check(made)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)


def _apt(work: Path, suites: Sequence[str], address: str, key: str) -> list[str]:
    """apt-get on private lists of these suites; the last one is preferred."""
    (work / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (work / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    signed = f"[signed-by={key}] " if key else ""
    lines = (f"deb {signed}{address} {suite} main\n" for suite in suites)
    (work / "sources.list").write_text("".join(lines), encoding="utf-8")
    options = {
        "Dir::Etc::SourceList": work / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work / "cache",
        "APT::Default-Release": suites[-1],
        "APT::Sandbox::User": "root",
    }
    return ["apt-get", "-qq", *(f"-o={name}={value}" for name, value in options.items())]


def _run(*command: str, cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, timeout=_DOWNLOAD_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchError(
            f"{command[0]}: {error}", hint="this needs Debian and a network"
        ) from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise BenchError(
            f"{command[0]} failed: {said[-1] if said else done.returncode}",
            hint="check that this machine reaches Debian's archive (`apt-get update`)",
        )


def main() -> int:
    """Unpack a QEMU unless a new enough one is there; says where it is."""
    own = shutil.which(QEMU)
    try:
        if own and enough(version_of(Path(own)), UNPACKED_AT_LEAST):
            found = Path(own)
        else:
            found = unpacked() or unpack(unpacked_folder())
    except TinyhilError as error:
        print(f"error: {error.told}", file=sys.stderr)  # noqa: T201 - a command
        return 2
    print(f"QEMU {version_of(found)}: {found}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
