"""Runs the commands of the documentation: README, and every page of ``docs/``.

A ``console`` block's commands have ``$ `` before them. A comment right above a block says why it
does not run with the tests: ``<!-- long: … -->`` is run by ``make docs-check`` (this module),
``<!-- by hand: … -->`` by people; their commands are only parsed.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from tinyhil.cli.main import main, parser
from tinyhil.ground.paths import ROOT
from tinyhil.pytest_side.options import OPTIONS

from . import gate_runs

PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
SHELLS = ("bash", "sh", "shell", "console")
LOOK = "20260101T080000Z_mps2-an386"
"""Name that a run has in the documentation: of a quick look."""
FULL = ("20260102T030405Z_mps2-an386", "20260203T040506Z_mps2-an386")
"""Of runs by the full rules."""

_BLOCK = re.compile(
    r"(?:<!-- (?P<when>long|by hand): (?P<why>[^>]+) -->\n)?"
    r"```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_SECONDS = {"": 60.0, "long": 1800.0}
_PLAIN = re.compile(r"tinyhil( [\w./=%~-]+)*")


@dataclass(frozen=True)
class Block:
    """A block of code of a page."""

    page: Path
    language: str
    title: str
    text: str
    when: str
    """``long``, ``by hand``, or empty: with the tests."""

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


def run(page: Path, folder: Path, *, long: bool) -> Iterator[str]:
    """Run a page's commands in a furnished folder; yields what went wrong.

    Args:
        page: with the commands.
        folder: where they run.
        long: those, too, that are not run with the tests.
    """
    for block in blocks(page):
        if block.title:
            file = folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        if block.when == "by hand" or (block.when == "long" and not long):
            continue
        for command in block.commands:
            status, output = _run(command, folder, _SECONDS[block.when])
            # What doctor finds is the machine's affair.
            if status > command.startswith("tinyhil doctor"):
                yield f"{page.name}: $ {command}\nexit status {status}\n{output[-2000:]}"


def _run(command: str, folder: Path, seconds: float) -> tuple[int, str]:
    if _PLAIN.fullmatch(command):
        said = StringIO()
        with chdir(folder), redirect_stdout(said), redirect_stderr(said):
            return main(command.split()[1:]), said.getvalue()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "HOME": str(folder / "home"), "PATH": path},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def check_all() -> int:
    """Run everything that is not done by hand; returns the exit status."""
    options = ArgumentParser(prog="python -m tests.documented", description=__doc__)
    options.add_argument("pages", nargs="*", type=Path, default=PAGES, help="default: all")
    failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        look = _look(Path(scratch, "look"))
        for page in options.parse_args().pages:
            folder = Path(scratch, page.stem)
            furnish(folder, look)
            found = list(run(page.resolve(), folder, long=True))
            failures += len(found)
            sys.stdout.write("".join(f"FAILED {text}\n" for text in found) or f"{page.name}: ok\n")
            sys.stdout.flush()
    return 1 if failures else 0


def _look(folder: Path) -> Path:
    """Folder of a quick run of one task."""
    furnish(folder, None)
    command = "pytest suites --hil-quick -k kws01 --hil-runs looks"
    status, output = _run(command, folder, _SECONDS["long"])
    assert status == 0, output
    return next(path.parent for path in folder.glob("looks/*/record.jsonl"))


if __name__ == "__main__":
    sys.exit(check_all())
