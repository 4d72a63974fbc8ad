"""Child processes of tests, none of which outlives its test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from . import warm


@contextmanager
def child(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A process with pipes for all of its text; it is killed at the end, if it has not ended."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def pyocd(*arguments: str) -> str:
    """Run pyOCD's own command; returns what it prints."""
    status, output = warm.call("pyocd", *arguments)
    assert status == 0, output
    return output
