"""What this machine lacks, and how to get it."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path

from tinyhil.catalog.board import Board
from tinyhil.ground.extras import Extra, how_to_get
from tinyhil.ground.hosts import LINUX, NEEDS_LINUX
from tinyhil.ground.processes import answer_of
from tinyhil.publish.report.html import find_allure

_ANSWER_S = 20.0

_TRIED = {
    "Python": ("3.11", "3.13"),
    "qemu-system-arm": ("7.2", "10.0"),
    "arm-none-eabi-gcc": ("12.2", "14.2"),
}
"""Versions that all tests have passed with: those of Debian 12 and 13."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked for."""

    thing: str
    """Its name."""
    found: str | None
    """Where or which version; None if it is missing."""
    needed_for: str
    """What does not work without it."""
    remedy: str
    """How to get it."""
    optional: bool = False
    """Whether only some users need it: it may be absent, and is never missing."""

    @property
    def missing(self) -> bool:
        """Whether it is needed and was not found."""
        return self.found is None and not self.optional

    @property
    def advice(self) -> str:
        """How to get it, or what to know about its version."""
        return self.remedy if self.found is None else self.warning or ""

    @property
    def warning(self) -> str | None:
        """What to know about a version that was not tested; None for the others."""
        tried = _TRIED.get(self.thing)
        if tried is None or self.found is None:
            return None
        found = re.search(r"\b(\d+\.\d+)\.\d+", self.found)
        if found is not None and found[1] in tried:
            return None
        return f"this version was not tried; known to work: {', '.join(tried)}"


def examine(boards: Mapping[str, Board]) -> list[Check]:
    """Look for every program that some board or stage needs."""
    checks = [
        Check(
            "Python",
            f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}",
            "everything",
            "",
        ),
        _program("cmake", "building firmware", how_to_get("build")),
        _program("ninja", "building firmware", how_to_get("build")),
        _package("tflite", "building firmware", "build"),
    ]
    for prefix in sorted({board.toolchain.prefix for board in boards.values()}):
        package = f"gcc-{prefix.removesuffix('-')}"
        libc = " libnewlib-arm-none-eabi" if prefix == "arm-none-eabi-" else ""
        checks.append(
            _program(f"{prefix}gcc", "building firmware", f"apt-get install {package}{libc}")
        )
    checks += [_c_library(), _cpp_library()]
    if any(board.emulated for board in boards.values()):
        checks.append(
            _program("qemu-system-arm", "emulated boards", "apt-get install qemu-system-arm")
            if LINUX
            else Check("qemu-system-arm", None, "emulated boards", NEEDS_LINUX, optional=True)
        )
    checks += [
        _program("cc", "right answers in verify --data", "apt-get install gcc libc6-dev"),
        Check(
            "ssh-keygen",
            shutil.which("ssh-keygen"),
            "signing records",
            "apt-get install openssh-client",
            optional=True,
        ),
        # A report is made without these three.
        replace(_package("matplotlib", "pictures in reports", "report"), optional=True),
        replace(_program("node", "Allure's page", how_to_get("report")), optional=True),
        Check(
            "allure",
            " ".join(found) if (found := find_allure()) else None,
            "Allure's page",
            "npm install -g allure (in tinyhil's own repository: npm ci --prefix reports)",
            optional=True,
        ),
        _entry_point("pytest11", "the pytest plugin"),
        _entry_point("pyocd.probe", "flashing emulated boards"),
    ]
    return checks


def _package(name: str, needed_for: str, extra: Extra) -> Check:
    """Look for a Python package that an extra brings."""
    try:
        found = version(name)
    except PackageNotFoundError:
        found = None
    return Check(name, found, needed_for, how_to_get(extra))


def _program(name: str, needed_for: str, remedy: str) -> Check:
    """Look for a program, in this virtual environment first, and ask its version."""
    path = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    found = path and (_first_line([path, "--version"]) or path)
    return Check(name, found, needed_for, remedy)


def _c_library() -> Check:
    """Look for newlib's nano variant, which the firmware is linked against."""
    gcc = shutil.which("arm-none-eabi-gcc")
    path = _first_line([gcc, "-print-file-name=nano.specs"]) if gcc else None
    found = path if path and Path(path).is_absolute() else None
    return Check("newlib", found, "building firmware", "apt-get install libnewlib-arm-none-eabi")


def _cpp_library() -> Check:
    """Look for a C++ compiler that finds a C++ library of its target."""
    gpp = shutil.which("arm-none-eabi-g++")
    path = _first_line([gpp, "-print-file-name=libstdc++.a"]) if gpp else None
    return Check(
        "libstdc++",
        path if path and Path(path).is_absolute() else None,
        "firmware in C++ (new firmware --engine tflm)",
        "apt-get install gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib",
        optional=True,
    )


def _first_line(command: list[str]) -> str | None:
    """What a program prints first; None if it prints nothing or does not run."""
    said = answer_of(command, _ANSWER_S)
    if said is None:
        return None
    lines = (said[0] or said[1]).splitlines()
    return lines[0] if lines else None


def _entry_point(group: str, needed_for: str) -> Check:
    points = entry_points(group=group, name="tinyhil")
    found = next((point.value for point in points), None)
    return Check(f"entry point {group}", found, needed_for, "pip install -e . (make setup)")
