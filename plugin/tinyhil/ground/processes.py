"""Runs a program to its end; if the wait ends early, its children end too."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tinyhil.ground.interrupts import unbroken

_TERM_S = 5.0


def run_group(
    command: Sequence[str],
    timeout_s: float,
    *,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program in a process group of its own, without input; its output is text.

    `subprocess.run` kills the program alone when time is over or Ctrl-C comes: a build's compilers
    would go on.

    Args:
        command: program and arguments.
        timeout_s: how long it may take, in seconds.
        folder: that it runs in; ours by default.
        variables: of its environment, in addition to ours.

    Raises:
        OSError: it can't be started.
        subprocess.TimeoutExpired: it was not done in time.
    """
    process: subprocess.Popen[str] | None = None
    try:
        with unbroken():  # Else it would be started, and nobody would know it.
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="backslashreplace",
                start_new_session=True,
            )
        output, errors = process.communicate(timeout=timeout_s)
    except BaseException:
        if process:
            with process:
                _end(process)
        raise
    return subprocess.CompletedProcess(list(command), process.returncode, output, errors)


def run_compiler(command: Sequence[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    """The same for what starts compilers: what they leave in ``TMPDIR`` is removed in any case.

    A compiler removes its temporary files, unless it is killed before it comes to it.

    Raises:
        OSError: it can't be started, or there is no folder for temporary files.
        subprocess.TimeoutExpired: it was not done in time.
    """
    with TemporaryDirectory(prefix="tinyhil-", ignore_cleanup_errors=True) as scratch:
        return run_group(command, timeout_s, variables={"TMPDIR": scratch})


def _end(process: subprocess.Popen[str]) -> None:
    """Ask first: ninja then ends its compilers, which remove their temporary files."""
    if not hasattr(os, "killpg"):  # Windows, which has a program for that.
        with suppress(OSError):
            tree = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
            subprocess.run(tree, capture_output=True, check=False)
        process.kill()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_TERM_S)
        os.killpg(process.pid, signal.SIGKILL)


def answer_of(command: Sequence[str | Path], timeout_s: float) -> tuple[str, str] | None:
    """What a program prints on its two outputs, whatever its status; None if it does not run, or
    not to its end in time."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout, done.stderr
