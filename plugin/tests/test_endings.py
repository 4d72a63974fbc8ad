"""How runs end that do not come to their end: what is told, what is kept, and that nothing is left.

Each is a process of its own, as a user's or a CI's; the harm is done when something has happened.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from allure_commons import plugin_manager
from allure_commons.logger import AllureFileLogger

from tinyhil.benchmarks import endings
from tinyhil.ground.paths import ROOT
from tinyhil.publish.report.allure import Guard
from tinyhil.pytest_side.ending import resume_command
from tinyhil.record.seal import differences, read_seal

from . import warm
from .runs import RUN_S, await_rows, emulator_of, lines, start

NO_PAGE = ("-p", "no:allure_pytest")


@dataclass(frozen=True)
class Desk:
    """The folders of a run's own that must be empty when it has ended."""

    runtime: Path
    temporary: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"XDG_RUNTIME_DIR": str(self.runtime), "TMPDIR": str(self.temporary)}

    @property
    def left(self) -> list[Path]:
        return [*self.runtime.glob("tinyhil/*"), *self.temporary.iterdir()]


@pytest.fixture
def desk() -> Iterator[Desk]:
    # Not below `tmp_path`: the names of sockets must be short.
    with tempfile.TemporaryDirectory() as scratch:
        made = Desk(Path(scratch, "run"), Path(scratch, "tmp"))
        made.runtime.mkdir(mode=0o700)
        made.temporary.mkdir()
        yield made


def finish(process: warm.Run, desk: Desk) -> str:
    """What a run said, once it has ended; it must have left nothing, and said nothing twice."""
    output, _ = process.communicate(timeout=RUN_S)
    for word in ("Traceback", "INTERNALERROR", "Exception ignored"):
        assert word not in output, output
    assert desk.left == []
    errors = re.findall(r"^\w*Error: .*", output, re.MULTILINE)
    assert len(errors) <= 1, output
    return output


def await_child(process: warm.Run, wanted: Callable[[str], bool]) -> None:
    """Wait until a program that `wanted` knows by its command runs below a run."""
    deadline = time.monotonic() + RUN_S
    while time.monotonic() < deadline and process.poll() is None:
        for child in psutil.Process(process.pid).children(recursive=True):
            try:
                if wanted(" ".join(child.cmdline())):
                    return
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.005)
    raise AssertionError(f"it was never started: {process.communicate()[0]}")


def check_sealed(runs: Path) -> Path:
    (folder,) = runs.glob("*_mps2-an386")
    assert differences(folder, read_seal(folder)) == ()
    return folder


@pytest.mark.parametrize(
    "signals",
    [(signal.SIGTERM,), (signal.SIGINT,) * 3],
    ids=["SIGTERM", "SIGINT three times"],
)
def test_a_signal_ends_a_run_in_good_order(
    tmp_path: Path, desk: Desk, signals: tuple[signal.Signals, ...]
) -> None:
    process = start(tmp_path, "-m", "accuracy", "--junitxml=/dev/full", **desk.environment)
    rows = await_rows(process, tmp_path, 5)
    emulator = emulator_of(process)
    for number in signals:
        process.send_signal(number)
        time.sleep(0.05)  # Signals of one kind that wait together are one.
    output = finish(process, desk)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    emulator.wait(timeout=10)
    assert f"no page of Allure: the run was ended by {signals[0].name}" in output
    assert "a file of a report cannot be written: [Errno 28]" in output, "JUnit's, after the seal"
    folder = check_sealed(tmp_path)
    assert f"run:    {folder}" in output
    assert len(lines(rows)) >= 5
    assert f"--hil-resume {folder}" in output


def test_the_command_that_is_printed_goes_on_with_the_run(tmp_path: Path, desk: Desk) -> None:
    options = ("-m", "accuracy or memory", "--hil-quick", "--hil-board", "mps2-an386", *NO_PAGE)
    process = start(tmp_path, *options, **desk.environment)
    rows = await_rows(process, tmp_path, 1)
    process.send_signal(signal.SIGTERM)
    command = shlex.split(finish(process, desk).split("to go on with its run:\n")[1].split("\n")[0])
    kept = {name: value for name, value in os.environ.items() if name != "TINYHIL_DATA"}
    status, output = warm.call(*command, environment=kept)
    assert status == 0, output
    assert "continues after the rows" in output
    samples = [row["sample"] for row in lines(rows) if "role" not in row]
    assert len(samples) == len(set(samples)) > 5
    check_sealed(tmp_path)


@pytest.mark.parametrize(
    ("wanted", "number"), [("/cc1 ", signal.SIGTERM), ("qemu-system-arm ", signal.SIGHUP)]
)
def test_a_signal_while_a_program_of_ours_runs_ends_it_too(
    tmp_path: Path, desk: Desk, wanted: str, number: signal.Signals
) -> None:
    # A new build folder, so that all is compiled.
    build = tmp_path / "build"
    process = start(tmp_path / "runs", "--hil-build", str(build), *NO_PAGE, **desk.environment)
    await_child(process, lambda command: wanted in command)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    finish(process, desk)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_a_run_whose_folder_is_removed_stops_at_once_and_says_it_once(
    tmp_path: Path, desk: Desk
) -> None:
    process = start(tmp_path, *NO_PAGE, **desk.environment)
    rows = await_rows(process, tmp_path, 5)
    while rows.parents[1].exists():  # A file may come while its folder is emptied.
        shutil.rmtree(rows.parents[1], ignore_errors=True)
    output = finish(process, desk)
    assert process.returncode == pytest.ExitCode.TESTS_FAILED
    folder = rows.parents[1]
    gone = rf"WriteError: \[mps2-an386 / accuracy\] {re.escape(str(folder))}\S* is gone"
    assert re.search(gone, output), output
    assert f"run:    {folder} is gone; nothing of it is kept" in output
    assert "--hil-resume" not in output
    assert re.search(r"1 (failed|error), [0-9]+ skipped", output), "nothing else is measured"
    assert list(tmp_path.iterdir()) == []


def unshared(script: str, *arguments: str) -> tuple[int, str]:
    """Status and output of a script with mounts of its own; skips where there are none."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("NOT TESTED: no mounts of our own may be made here (unshare -rm)")
    kept = {name: value for name, value in os.environ.items() if name != "TINYHIL_DATA"}
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-euc", script, "sh", sys.executable, *arguments],
        cwd=ROOT,
        env=kept,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=2 * RUN_S,
    )
    assert "Traceback" not in done.stdout
    assert "INTERNALERROR" not in done.stdout
    return done.returncode, done.stdout


def test_a_disk_that_becomes_full_is_one_error(tmp_path: Path) -> None:
    script = """
    python=$1 small=$2; shift 2
    mount -t tmpfs -o size=100k tmpfs "$small"
    "$python" -m pytest suites -k kws01 -m accuracy -o cache_dir="$small/cache" \\
        --junitxml "$small/junit.xml" --hil-runs "$small/runs" "$@"
    """
    status, output = unshared(script, str(tmp_path))
    assert status == pytest.ExitCode.TESTS_FAILED, output
    assert (
        len(re.findall(r"^WriteError: .*(the disk is full|No space left)", output, re.MULTILINE))
        == 1
    ), output
    assert "next step: make room on the disk" in output
    assert "mps2-an386 is not finished; to go on with its run:" in output


@pytest.mark.long
def test_a_checkout_that_is_read_only_is_no_hindrance(tmp_path: Path) -> None:
    script = """
    python=$1; shift
    mount --bind . . && mount -o remount,bind,ro . && cd "$PWD"
    "$python" -m pytest suites -k kws01 -m memory --hil-quick -p no:allure_pytest "$@"
    """
    runs, build = ("--hil-runs", str(tmp_path / "runs")), ("--hil-build", str(tmp_path / "build"))
    status, output = unshared(script, *runs, *build)
    assert status == 0, output
    assert list((tmp_path / "runs").glob("*_report/report.html"))
    status, output = unshared(script, *runs)
    assert status == pytest.ExitCode.USAGE_ERROR, output
    assert f"option --hil-build: {ROOT / 'build'} cannot be written" in output
    assert "next step: the disk is read-only: choose a folder on another one" in output


def test_the_command_that_goes_on_has_one_board_and_one_run() -> None:
    given = ["suites", "--hil-board=a", "-k", "x or y", "--hil-board", "b*", "--hil-resume", "old"]
    assert resume_command(given, "desk 1", Path("/runs/1")) == (
        "pytest suites -k 'x or y' --hil-board 'desk 1' --hil-resume /runs/1"
    )
    command = resume_command(["suites"], "a", Path("r"))
    assert command == "pytest suites --hil-board a --hil-resume r", "boards may be in a file"


def test_a_report_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    results = tmp_path / "results"
    logger: Any = AllureFileLogger(results)  # type: ignore[no-untyped-call]
    guard = Guard(results)
    plugin_manager.register(logger)
    try:
        plugin_manager.hook.report_attached_data(body=b"whole", file_name="first")
        assert guard.error is None
        shutil.rmtree(results)
        for name in ("second", "third"):
            plugin_manager.hook.report_attached_data(body=b"lost", file_name=name)
        assert guard.error is not None
        assert guard.error.message.startswith(f"{results} is gone")
    finally:
        plugin_manager.unregister(logger)
        guard.close()


@pytest.mark.parametrize(
    ("status", "output", "right"),
    [
        (0, "", True),
        (-signal.SIGTERM, "= 8 passed, 1 skipped in 75.32s (0:01:15) =\n", True),
        (-signal.SIGTERM, "collected 9 items\n", False),
        (-signal.SIGSEGV, "= 8 passed in 9.79s =\n", False),
    ],
)
def test_a_run_that_a_signal_killed_had_said_all_before(
    status: int, output: str, right: bool, tmp_path: Path
) -> None:
    assert (list(endings.faults(tmp_path, status, output)) == []) == right
