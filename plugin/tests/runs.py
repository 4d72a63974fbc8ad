"""Starts whole runs of the suites in a process of their own, as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from . import warm

Once = Callable[[str, Callable[[Path], object]], Path]
"""Has a folder filled once in a test run, by the worker of pytest-xdist that needs it first."""

RUN_S = 400.0
"""Patience alone: a machine may have much else to do."""

NO_PAGE = ("-p", "no:allure_pytest")
"""Options that leave Allure's page out: it would double the time of a run."""

LIGHT = ("-p", "no:hypothesispytest", "-p", "no:cacheprovider")
"""Options that leave out what a user's environment has no need of, and what costs half a second."""


def start(runs: Path, *arguments: str, **environment: str) -> warm.Run:
    """Start pytest on one task without official data, its run folders in `runs`."""
    kept = {name: value for name, value in os.environ.items() if name != "TINYHIL_DATA"}
    chosen = ("suites", *LIGHT, "-k", "kws01", "--hil-runs", str(runs))
    return warm.Run((*chosen, *arguments), {**kept, **environment})


def run(runs: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Exit status and output of a run."""
    process = start(runs, *arguments, **environment)
    output, _ = process.communicate(timeout=RUN_S)
    return process.returncode, output


def new_key(path: Path, passphrase: str = "") -> Path:
    """An SSH key of our own; next to it, ``<name>.signers`` allows it."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", str(path)]
    subprocess.run(command, check=True)
    path.with_suffix(".signers").write_text(f"bench-4@lab {path.with_suffix('.pub').read_text()}")
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def record(runs: Path) -> list[dict[str, Any]]:
    """The lines of the only run's record."""
    (path,) = runs.glob("*_mps2-an386/record.jsonl")
    return lines(path)


def await_rows(process: warm.Run, runs: Path, count: int) -> Path:
    """Wait until the accuracy measure has kept `count` samples; returns where."""
    deadline = time.monotonic() + RUN_S
    while time.monotonic() < deadline and process.poll() is None:
        for path in runs.glob("*/raw/kws01-accuracy.jsonl"):
            if path.read_bytes().count(b"\n") >= count:
                return path
        time.sleep(0.02)
    raise AssertionError(f"no {count} samples were measured: {process.communicate()[0]}")


def emulator_of(process: warm.Run) -> psutil.Process:
    children = psutil.Process(process.pid).children(recursive=True)
    return next(child for child in children if child.name().startswith("qemu-system"))
