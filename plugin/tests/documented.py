"""Runs the commands of the documentation: README, and every page of ``docs/``.

A ``console`` block's commands have ``$ `` before them, and run with the tests. A comment right
above a block says who else runs it, and why:

- ``<!-- long: … -->``: ``make docs-check``, which is this module;
- ``<!-- official: … -->``: the same, where ``TINYHIL_DATA`` names the official data;
- ``<!-- board: … -->``: the same, as far as it goes without the board: its tests are collected;
- ``<!-- ci: … -->``: ``.ci/run`` or ``.ci/nightly``, of which a test sees that they do;
- ``<!-- tested by FILE: … -->``: a test of ours does the same.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Container, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from itertools import chain, repeat
from pathlib import Path

from tinyhil.catalog.task import load_tasks
from tinyhil.cli.main import main, parser
from tinyhil.data.material import material
from tinyhil.ground.paths import ROOT
from tinyhil.publish.submission.export import export
from tinyhil.publish.submission.refusals import Request
from tinyhil.publish.submission.system import load_system
from tinyhil.pytest_side.options import OPTIONS
from tinyhil.record.store import read_run

from . import gate_runs, submission_runs

PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
SHELLS = ("bash", "sh", "shell", "console")
LOOK = "20260101T080000Z_mps2-an386"
"""Name that a run has in the documentation: of a quick look."""
FULL = ("20260102T030405Z_mps2-an386", "20260203T040506Z_mps2-an386")
"""Of runs by the full rules."""

_BLOCK = re.compile(
    r"(?:<!-- (?P<when>long|official|board|ci|tested by [\w/.]+): (?P<why>[^>]+) -->\n)?"
    r"```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LONG = ("long", "official", "board")
"""What `make docs-check` runs."""
_SECONDS = 600.0
_NO_ALLURE = "-p no:allure_pytest"
_WITH_ALLURE = "pytest suites --hil-quick"
"""The command that makes Allure's page; in others it would double the time."""
_FILLED_IN = {"# then fill it in": ("system.toml", submission_runs.SYSTEM)}
"""What a reader does after a command, by the command's comment."""
_PLAIN = re.compile(r"tinyhil( [\w./=%-]+)*")


@dataclass(frozen=True)
class Block:
    """A block of code of a page."""

    page: Path
    language: str
    title: str
    text: str
    when: str
    """Who runs it, see above; empty: the tests."""

    @property
    def commands(self) -> tuple[str, ...]:
        """Of a ``console`` block; output below a command is not one."""
        text = self.text.replace("\\\n", " ")
        return tuple(line[2:].strip() for line in text.splitlines() if line.startswith("$ "))


def blocks(page: Path) -> tuple[Block, ...]:
    """All blocks of a page."""
    return tuple(
        Block(page, found["language"], found["title"] or "", found["text"], found["when"] or "")
        for found in _BLOCK.finditer(page.read_text(encoding="utf-8"))
    )


def furnish(folder: Path, look: Path | None) -> None:
    """Make a project for the commands to run in.

    Args:
        folder: not there yet.
        look: folder of a quick run, or None.
    """
    (folder / "home").mkdir(parents=True)
    for name, there in (("suites", ROOT / "suites"), (".venv", Path(sys.prefix))):
        (folder / name).symlink_to(there, target_is_directory=True)
    runs = folder / "reports" / "runs"
    for name in FULL:
        gate_runs.write(runs, gate_runs.Content()).rename(runs / name)
    if look is not None:
        shutil.copytree(look, runs / LOOK)


def furnish_submission(folder: Path) -> None:
    """Put what the page of submissions calls TREE, RUN and DIR into a project."""
    runs, filled = folder / "reports" / "runs", submission_runs.system_file(folder)
    submission_runs.write_run(runs, ("ic01",), submission_runs.Device()).rename(runs / "RUN")
    request = Request(load_system(filled), "closed", "Available", rehearsal=False)
    export([read_run(runs / "RUN")], request, folder / "TREE")
    filled.unlink()
    (folder / "DIR").mkdir()


def wrong_commands(block: Block) -> list[str]:
    """Commands of ours, of pytest or of make that don't exist as they are written."""
    found = []
    for command in block.commands:
        words = shlex.split(re.sub(r"^\w+=\S+ ", "", command), comments=True)
        if words[:1] == ["tinyhil"] and not _parsed(words[1:]):
            found.append(command)
        if "pytest" in words:
            known = {name for name, _, _ in OPTIONS}
            options = {word.split("=")[0] for word in words if word.startswith("--hil-")}
            found += [command] if options - known else []
        if words[:1] == ["make"]:
            makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
            found += [] if re.search(rf"^{words[1]}:", makefile, re.MULTILINE) else [command]
    return found


def _parsed(words: Sequence[str]) -> bool:
    end = next((at for at, word in enumerate(words) if word in ("|", ">", "&&")), len(words))
    try:
        with redirect_stderr(StringIO()), redirect_stdout(StringIO()):
            parser().parse_args(words[:end])
    except SystemExit as error:
        return error.code == 0
    return True


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    page: Path
    command: str
    seconds: float
    status: int
    output: str

    @property
    def wrong(self) -> str:
        """What went wrong; empty if all is well. What `doctor` finds is the machine's affair, and
        what `--strict` finds is the tree's."""
        finds = self.command.startswith("tinyhil doctor") or " --strict" in self.command
        if self.status <= finds:
            return ""
        said = f"exit status {self.status}\n{self.output[-2000:]}"
        return f"{self.page.name}: $ {self.command}\n{said}"


def run(parts: Sequence[Block], folder: Path, kinds: Container[str]) -> Iterator[Ran]:
    """Run a page's commands in a furnished folder.

    Args:
        parts: the page's.
        folder: where they run.
        kinds: which of them are run, as they say above them.
    """
    for block in parts:
        if block.title:
            file = folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        for command in block.commands if block.when in kinds else ():
            started = time.monotonic()
            status, output = _run(command, folder, block.when)
            yield Ran(block.page, command, time.monotonic() - started, status, output)
            for words, (name, text) in _FILLED_IN.items():
                if command.endswith(words):
                    (folder / name).write_text(text, encoding="utf-8")


def _run(command: str, folder: Path, when: str) -> tuple[int, str]:
    command = " ".join(command.partition(" #")[0].replace(" …", "").split())
    if _PLAIN.fullmatch(command):
        said = StringIO()
        with chdir(folder), redirect_stdout(said), redirect_stderr(said):
            return main(command.split()[1:]), said.getvalue()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    options = "" if command == _WITH_ALLURE else _NO_ALLURE
    options += " --collect-only" if when == "board" else ""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=os.environ | {"HOME": str(folder / "home"), "PATH": path, "PYTEST_ADDOPTS": options},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def check_all() -> int:
    """Run what takes long, pages side by side; returns the exit status."""
    options = ArgumentParser(prog="python -m tests.documented", description=__doc__)
    options.add_argument("pages", nargs="*", type=Path, default=PAGES, help="default: all")
    pages = [page.resolve() for page in options.parse_args().pages]
    # The page with most to do first.
    pages.sort(key=lambda page: -sum(block.when == "long" for block in blocks(page)))
    official = os.environ.pop("TINYHIL_DATA", None)
    failures, count, started = 0, 0, time.monotonic()
    with tempfile.TemporaryDirectory() as scratch, ProcessPoolExecutor(os.cpu_count()) as pool:
        build = Path(scratch, "build")
        for task in load_tasks().values():
            material(task, None, build / "data")
        folders = [Path(scratch, page.stem) for page in pages]
        ran = pool.map(_check, pages, folders, repeat(build), repeat(official))
        for one in chain.from_iterable(ran):
            failed = f"FAILED {one.wrong}\n" if one.wrong else ""
            _say(f"{one.page.name}: {one.seconds:6.1f} s  $ {one.command}\n{failed}")
            failures, count = failures + bool(failed), count + 1
    if not official:
        _say("NOT RUN: what needs the official data; TINYHIL_DATA names the folder that holds it\n")
    took, used = time.monotonic() - started, sum(os.times()[:4])
    _say(f"{count} commands, {failures} failed, {took:.0f} s, {used:.0f} s of a core\n")
    return 1 if failures else 0


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _check(page: Path, folder: Path, build: Path, official: str | None) -> list[Ran]:
    """Run a page as far as its last long block; all pages share what they build.

    The short commands are run by the tests; here they only make what the long ones need.
    """
    kinds = LONG if official else tuple(kind for kind in LONG if kind != "official")
    parts = blocks(page)
    long = [number for number, block in enumerate(parts) if block.when in kinds]
    if not long:
        return []
    furnish(folder, None)
    (folder / "build").symlink_to(build)
    if official:
        (folder / "home" / "mlperf-tiny").symlink_to(official)
    if not any(block.title == "bench.toml" for block in parts):
        (folder / "bench.toml").write_text(_bench(), encoding="utf-8")
    return list(run(parts[: long[-1] + 1], folder, ("", *kinds)))


def _bench() -> str:
    """The bench file of the documentation."""
    found = (block for page in PAGES for block in blocks(page) if block.title == "bench.toml")
    return next(found).text


if __name__ == "__main__":
    sys.exit(check_all())
