"""Starts pytest as ``python -m pytest`` does, but in a copy of a process that has imported it all.

The imports of a run on a board, most of them pyOCD's, take seconds of CPU, and the tests start
dozens of runs. Python's fork server imports once, and each run is a fork of it.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tinyhil.ground.paths import ROOT

_IMPORTED = (
    "allure_pytest.plugin",
    "pyocd.core.helpers",
    "pytest_benchmark.plugin",
    "tinyhil.flash.pyocd",
    "tinyhil.pytest_side.rig",
)
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([*_IMPORTED])


class Run:
    """A pytest run, with what the tests need of `subprocess.Popen`."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start it in the checkout's folder."""
        # The copy finds this module by its name.
        if str(ROOT) not in sys.path:
            sys.path.append(str(ROOT))
        theirs: Connection
        self._output, theirs = _CONTEXT.Pipe(duplex=False)
        self._process = _CONTEXT.Process(target=_run, args=(arguments, dict(environment), theirs))
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
        """Wait for its end; returns what it wrote.

        Raises:
            subprocess.TimeoutExpired: it did not end.
        """
        self._process.join(timeout)
        if self.poll() is None:
            raise subprocess.TimeoutExpired("pytest", timeout or 0.0)
        self._reader.join()
        return b"".join(self._said).decode().replace("\r\n", "\n"), None


def _run(arguments: Sequence[str], environment: Mapping[str, str], output: Connection) -> None:
    """In the copy: become ``python -m pytest``."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    for number in (1, 2):
        os.dup2(output.fileno(), number)
    output.close()
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - for the whole process
    sys.stderr = open(2, "w", closefd=False, buffering=1)  # noqa: SIM115
    sys.argv = [str(Path(pytest.__file__).with_name("__main__.py")), *arguments]
    tempfile.tempdir = None  # Of the environment, not of the process that was copied.
    early = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
    try:
        status = pytest.main([*arguments, *early])
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
    sys.exit(int(status))
