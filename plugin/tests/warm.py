"""Starts a program as ``python -m`` does, but in a copy of a process that has imported it all.

The imports of a run on a board, most of them pyOCD's, take seconds of CPU, and the tests start
a hundred programs. Python's fork server imports once, and each program is a fork of it.
"""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from tinyhil.ground.paths import ROOT

_IMPORTED = (
    "allure_pytest.plugin",
    "pyocd.__main__",
    "pytest_benchmark.plugin",
    "sklearn.metrics",
    "tinyhil.catalog.metrics",
    "tinyhil.cli.doctor",
    "tinyhil.cli.main",
    "tinyhil.flash.pyocd",
    "tinyhil.device.links.rtt",
    "tinyhil.image.compiler",
    "tinyhil.image.compiler.ops.conv_2d",
    "tinyhil.publish.report.figures",
    "tinyhil.publish.report.page.render",
    "tinyhil.pytest_side.rig",
)
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([*_IMPORTED])


class Run:
    """A program that runs, with what the tests need of `subprocess.Popen`."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        module: str = "pytest",
        folder: Path = ROOT,
    ) -> None:
        """Start ``python -m module`` in `folder`."""
        # The copy finds this module by its name.
        if str(ROOT) not in sys.path:
            sys.path.append(str(ROOT))
        theirs: Connection
        self._output, theirs = _CONTEXT.Pipe(duplex=False)
        started = (module, arguments, folder, dict(environment), theirs)
        self._process = _CONTEXT.Process(target=_run, args=started)
        self._process.start()
        theirs.close()
        assert self._process.pid is not None
        self.pid = self._process.pid
        self._said: list[bytes] = []
        # Read at once: a full pipe would stop the run.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while piece := os.read(self._output.fileno(), 65536):
            self._said.append(piece)

    def poll(self) -> int | None:
        """Its exit status, or the negative number of the signal that ended it, if it has ended."""
        return self._process.exitcode

    @property
    def returncode(self) -> int:
        """The same, once it has ended."""
        assert self._process.exitcode is not None
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """To the run alone."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """Wait for its end; returns what it wrote, output and errors as they came.

        Raises:
            subprocess.TimeoutExpired: it did not end.
        """
        self._process.join(timeout)
        if self.poll() is None:
            raise subprocess.TimeoutExpired("program", timeout or 0.0)
        self._reader.join()
        return b"".join(self._said).decode().replace("\r\n", "\n"), None


def call(
    module: str, *arguments: str, folder: Path = ROOT, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Exit status and output of ``python -m module`` in `folder`.

    Raises:
        subprocess.TimeoutExpired: it did not end.
    """
    program = Run(arguments, os.environ if environment is None else environment, module, folder)
    try:
        output, _ = program.communicate(400)
    finally:
        program.kill()
    return program.returncode, output


def _run(
    module: str,
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    output: Connection,
) -> None:
    """In the copy: become ``python -m module``."""
    # What was imported stays: looking through it for garbage would copy its memory.
    gc.freeze()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number in (1, 2):
        os.dup2(output.fileno(), number)
    output.close()
    encoding = environment.get("PYTHONIOENCODING")
    sys.stdout = open(1, "w", closefd=False, encoding=encoding)  # noqa: SIM115 - for the process
    sys.stderr = open(2, "w", closefd=False, encoding=encoding, buffering=1)  # noqa: SIM115
    sys.argv = [module, *arguments]
    if module == "pytest":
        # Plugins are there before pytest can rewrite their assertions.
        sys.argv += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    tempfile.tempdir = None  # Of the environment, not of the process that was copied.
    warnings.filterwarnings("ignore", "'.*' found in sys.modules", RuntimeWarning)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
