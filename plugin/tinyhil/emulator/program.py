"""Which QEMU plays a board: the installed one, or one that `make qemu` has unpacked."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

from tinyhil.ground.errors import BenchError
from tinyhil.ground.paths import user_cache
from tinyhil.ground.processes import answer_of

QEMU = "qemu-system-arm"
UNPACKED_AT_LEAST = ">=9"
"""What `unpack` looks for."""

_ANSWER_S = 20.0


def find_qemu(needed: str, board: str) -> Path:
    """The program for a board.

    Args:
        needed: version, as in ``>=9``; empty: any.
        board: name, for messages.

    Raises:
        BenchError: there is none, or all are too old.
    """
    own = shutil.which(QEMU)
    if own and (not needed or enough(version_of(Path(own)), needed)):
        return Path(own)
    if needed and (other := unpacked(needed)):
        return other
    if own is None:
        raise BenchError(
            f"the program '{QEMU}' is not installed",
            hint=f"on Debian: apt install {QEMU}; then check with 'tinyhil doctor'",
            board=board,
        )
    raise BenchError(
        f"this board needs {QEMU} {needed}, and the installed one is {version_of(Path(own))}",
        hint="`make qemu` (or `python -m tinyhil.emulator.unpack`) gets a newer one from Debian's "
        "backports into your cache folder and installs nothing",
        board=board,
    )


def unpacked_folder() -> Path:
    """Where `unpack` puts one."""
    return user_cache() / "qemu"


def unpacked(needed: str = UNPACKED_AT_LEAST) -> Path | None:
    """The unpacked program, if it is there and new enough."""
    program = unpacked_folder() / "usr" / "bin" / QEMU
    return program if program.is_file() and enough(version_of(program), needed) else None


@cache
def version_of(program: Path) -> str:
    """As in ``10.0.2``; empty if it does not run."""
    said = answer_of([program, "--version"], _ANSWER_S)
    found = said and re.search(r"version (\d+\.\d+(?:\.\d+)?)", said[0])
    return found[1] if found else ""


def enough(version: str, needed: str) -> bool:
    """Whether a version is what ``>=N.M`` asks for."""
    return _numbers(version) >= _numbers(needed.removeprefix(">="))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part)
