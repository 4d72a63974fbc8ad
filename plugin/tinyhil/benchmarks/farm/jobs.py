"""Runs of pytest on a farm's boards, each a process as a user starts it, and what came of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinyhil.benchmarks import BUILD
from tinyhil.benchmarks.resume import differing
from tinyhil.ground.errors import TinyhilError
from tinyhil.ground.paths import ROOT
from tinyhil.record.store import Run, read_run

TASK = "kws01"
_LAST = 3000
_OPTIONS = (
    *("-p", "no:allure_pytest", "-p", "no:cacheprovider", "-k", TASK, "-m", "latency or memory"),
    *("--hil-quick", "--hil-seed", "1", "--hil-build", str(BUILD)),
)
"""No report: it is made of what is compared, and takes longer than a quick run."""
_ERROR = re.compile(r"^E?\s*(\w+(?:Error|Interrupt)): |more: \S+/errors/#(\w+)", re.MULTILINE)
_PLACE = re.compile(r"^place (\S+), host (\S+)$")


class Job:
    """A run that has been started.

    Args:
        choice: of ``--hil-board``.
        folder: for its runs and its output, made here.
        wait_s: of ``--hil-wait``.
        options: more of pytest's.
    """

    def __init__(
        self, choice: str, folder: Path, wait_s: float, options: Sequence[str] = ()
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.began = time.monotonic()
        self._output = folder / "output.txt"
        (folder / "tmp").mkdir()
        command = [
            *(sys.executable, "-m", "pytest", "suites", *_OPTIONS, "--hil-board", choice),
            *("--hil-wait", f"{wait_s:g}", "--hil-runs", str(folder / "runs"), *options),
        ]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "TMPDIR": str(folder / "tmp"), "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip

    def wait(self, seconds: float) -> Ended:
        """How it has ended; one that does not end in time is killed, and has no status."""
        status: int | None = None
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        took = time.monotonic() - self.began
        return Ended(self.folder, status, self.began, took, self.said)

    @property
    def said(self) -> str:
        """All that it has printed."""
        return self._output.read_text(encoding="utf-8", errors="replace")


@dataclass(frozen=True)
class Ended:
    """A run that has ended."""

    folder: Path
    status: int | None
    """Of pytest; negative: the signal that killed it; None: it did not end in time."""
    began: float
    """On the monotonic clock."""
    seconds: float
    said: str

    @property
    def run(self) -> Run | None:
        """What it recorded, if anything can be read of it."""
        for path in (self.folder / "runs").glob("*/run.json"):
            try:
                return read_run(path.parent)
            except TinyhilError:
                return None
        return None

    @property
    def place(self) -> str:
        """labgrid's name of its board; empty where it had none."""
        found = self.run
        told = _PLACE.match((found and found.description.board_at) or "")
        return told[1] if told else ""

    @property
    def errors(self) -> tuple[str, ...]:
        """The classes of all errors that it told, each once, in small letters."""
        return tuple(sorted({(one or other).lower() for one, other in _ERROR.findall(self.said)}))

    @property
    def last_words(self) -> str:
        """The end of what it printed."""
        return self.said[-_LAST:]

    @property
    def times(self) -> tuple[float, float] | None:
        """When its first measure began and its last one ended, in seconds of the host's clock."""
        lines = self.run.lines if self.run else ()
        if not lines:
            return None
        begun = [line.started.timestamp() for line in lines]
        ended = [line.started.timestamp() + line.seconds for line in lines]
        return min(begun), max(ended)

    @property
    def recovered(self) -> bool:
        """Whether a measure ended only because its board was brought back."""
        return any("recovery" in line.details for line in (self.run.lines if self.run else ()))

    def finished(self) -> int:
        """How many measures have come to an end, without an error."""
        return sum(not line.failed for line in (self.run.lines if self.run else ()))

    def wrong(self, single: Path) -> Iterator[str]:
        """Where figures or answers differ from those of a single run on a board of this type."""
        if self.run:
            yield from differing(single, self.run.folder)


def run(choice: str, folder: Path, *, wait_s: float = 0.0, seconds: float = 600.0) -> Ended:
    """Run one to its end."""
    return Job(choice, folder, wait_s).wait(seconds)
