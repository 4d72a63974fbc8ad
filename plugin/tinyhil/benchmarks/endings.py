"""``make bench-endings``: runs that are ended by signals at random moments, once to three times.

Each run is a process of its own with folders of its own, as a CI starts it. When it has ended, it
must have printed no traceback, left no process and no temporary file, and what it recorded must be
sealed.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import psutil
from rich.console import Console

from tinyhil.benchmarks import BUILD, write_figures
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.paths import ROOT
from tinyhil.ground.progress import progress_bar
from tinyhil.record.seal import differences, read_seal

_RUN_S = 300.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GAP_S = 0.5
_STATUS = (0, 2)
"""Done before, or interrupted."""
_LAST_LINE = re.compile(r"^=+ .* in [\d.]+s\b.* =+$", re.MULTILINE)
"""Of pytest: after it, a signal ends nothing but Python's own shutdown."""


@dataclass(frozen=True)
class Ended:
    """A run that was ended."""

    after_s: float
    """Since its tests were collected."""
    signals: tuple[str, ...]
    seconds: float
    """From the first signal to its end."""
    faults: tuple[str, ...]


def end_one(random: Random, whole_s: float) -> Ended:
    """Start a run and end it at a random moment.

    Args:
        random: chooses.
        whole_s: how long a run takes that is not ended early, in seconds.
    """
    number = random.choice(_SIGNALS)
    signals = random.choice([(number,), (number,) * 2, (signal.SIGINT,) * 3])
    after_s = random.uniform(0, whole_s)
    with tempfile.TemporaryDirectory(prefix="tinyhil-endings-") as scratch:
        with _process(Path(scratch)) as process:
            _await_collection(process)
            with suppress(subprocess.TimeoutExpired):
                process.wait(after_s)
            started = time.monotonic()
            for one in signals:
                process.send_signal(one)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(random.uniform(0, _GAP_S))
            output, _ = process.communicate(timeout=_RUN_S)
            seconds = time.monotonic() - started
        found = tuple(faults(Path(scratch), process.returncode, output))
    return Ended(after_s, tuple(one.name for one in signals), seconds, found)


def _whole_s() -> float:
    """How long a run takes that is not ended early, from its collection, in seconds."""
    with (
        tempfile.TemporaryDirectory(prefix="tinyhil-endings-") as scratch,
        _process(Path(scratch)) as process,
    ):
        _await_collection(process)
        started = time.monotonic()
        process.communicate(timeout=_RUN_S)
        return time.monotonic() - started


def _process(scratch: Path) -> subprocess.Popen[str]:
    for name in ("run", "tmp"):
        (scratch / name).mkdir(mode=0o700)
    command = [sys.executable, "-m", "pytest", "suites", "-k", "kws01", "--hil-quick"]
    command += ["-p", "no:allure_pytest", "-p", "no:cacheprovider", "--hil-build", str(BUILD)]
    command += ["--hil-runs", str(scratch / "runs")]
    own = {"XDG_RUNTIME_DIR": str(scratch / "run"), "TMPDIR": str(scratch / "tmp")}
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _await_collection(process: subprocess.Popen[str]) -> None:
    """From then on the signals are ours."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("collected"):
            return
    raise RuntimeError("the run did not start")


def faults(scratch: Path, status: int, output: str) -> Iterator[str]:
    """What is wrong with how a run ended.

    Args:
        scratch: its folders.
        status: its exit status, or the negative number of the signal that killed it.
        output: all that it printed.
    """
    in_shutdown = -status in _SIGNALS and _LAST_LINE.search(output)
    if status not in _STATUS and not in_shutdown:
        yield f"exit status {status}: {output[-2000:]}"
    for word in ("Traceback", "INTERNALERROR", "Exception ignored"):
        if word in output:
            yield f"it said {word}: {output[-4000:]}"
    for left in (*scratch.glob("run/tinyhil/*"), *scratch.glob("tmp/*")):
        yield f"left: {left.name}"
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):
            if process.environ().get("TMPDIR") == str(scratch / "tmp"):
                yield f"still runs: {process.name()}"
    for description in scratch.glob("runs/*/run.json"):
        folder = description.parent
        try:
            changed = differences(folder, read_seal(folder))
        except ConfigError as error:
            yield f"not sealed: {error}"
        else:
            yield from (f"{change.file}: {change.text}" for change in changed)


def main(arguments: Sequence[str] | None = None) -> int:
    """End runs; print what was wrong, write the figures; 1 if anything was."""
    parser = argparse.ArgumentParser(prog="make bench-endings", description=__doc__)
    parser.add_argument("--runs", type=int, default=50, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    options = parser.parse_args(arguments)
    console, random = Console(), Random(options.seed)  # noqa: S311 - must be repeatable
    whole_s = _whole_s()
    ended: list[Ended] = []
    with progress_bar(console, f"{options.runs} runs of {whole_s:.0f} s ended") as progress:
        while len(ended) < options.runs:
            ended.append(end_one(random, whole_s))
            progress(len(ended), options.runs)
    for one in ended:
        for fault in one.faults:
            text = f"after {one.after_s:.2f} s, {', '.join(one.signals)}: {fault}"
            console.print(text, markup=False, highlight=False)
    wrong, slowest = sum(bool(one.faults) for one in ended), max(one.seconds for one in ended)
    console.print(f"{len(ended)} runs ended, {wrong} of them wrongly; at most {slowest:.1f} s each")
    figure = {"unit": "runs that ended wrongly", "value": wrong, "compared_with": 0}
    write_figures(
        "endings", [{**figure, "slowest_s": slowest, "runs": [asdict(one) for one in ended]}]
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
