"""Signals that end the work: the first one does, more of them disturb nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tinyhil.ground import interrupts
from tinyhil.ground.interrupts import Interrupts, breakable, unbroken
from tinyhil.ground.processes import run_compiler, run_group

from . import warm
from .processes import child


@pytest.fixture(autouse=True)
def _handlers_of_this_process() -> Iterator[None]:
    """After an interruption the next Ctrl-C ends the process at once: these tests go on."""
    before = [signal.getsignal(number) for number in interrupts.SIGNALS]
    yield
    for number, handler in zip(interrupts.SIGNALS, before, strict=True):
        signal.signal(number, handler)


def send(number: signal.Signals = signal.SIGTERM) -> None:
    """To ourselves; its handler has run when this returns."""
    signal.raise_signal(number)


@pytest.mark.parametrize("number", interrupts.SIGNALS)
def test_the_first_signal_ends_the_work_and_others_change_nothing(number: signal.Signals) -> None:
    with Interrupts() as taken:
        with pytest.raises(KeyboardInterrupt, match=number.name):
            send(number)
        taken.seen()
        for other in interrupts.SIGNALS * 2:
            send(other)
        assert interrupts.caught() == taken.caught == number
    assert interrupts.caught() is None


def test_handlers_are_given_back() -> None:
    before = [signal.getsignal(number) for number in interrupts.SIGNALS]
    with Interrupts():
        assert [signal.getsignal(number) for number in interrupts.SIGNALS] != before
        with Interrupts():  # as of a command that a run calls
            pass
        assert [signal.getsignal(number) for number in interrupts.SIGNALS] != before
    assert [signal.getsignal(number) for number in interrupts.SIGNALS] == before


def test_after_an_interruption_ctrl_c_ends_the_process_without_a_word() -> None:
    """Python's own handler would print a traceback of its shutdown."""
    with Interrupts(), pytest.raises(KeyboardInterrupt):
        send()
    assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL


def test_under_nohup_the_end_of_the_terminal_is_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts() as taken:
            send(signal.SIGHUP)
            assert taken.caught is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_must_not_be_broken_off_comes_to_its_end() -> None:
    done = []

    def work() -> None:
        with unbroken():
            with unbroken():
                send()
                done.append("inner")
            done.append("outer")
        done.append("more")

    with Interrupts(), pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["inner", "outer"]


def test_what_may_be_broken_off_inside_of_it_is() -> None:
    with Interrupts(), unbroken():
        with pytest.raises(KeyboardInterrupt), breakable():
            send()
        send()  # the second one: nothing


def test_nothing_changes_where_nobody_takes_the_signals() -> None:
    with unbroken(), pytest.raises(KeyboardInterrupt):
        send(signal.SIGINT)


_LOSING = """
import signal, threading, time
from tinyhil.ground import interrupts
interrupts.{constant} = 0.1
class Loses:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)
with interrupts.Interrupts() as taken:
    try:
        Loses()
        threading.Event().wait(60)
    except KeyboardInterrupt:
        taken.seen()
        print("seen", flush=True)
        {then}
"""


def test_a_signal_that_was_lost_comes_again() -> None:
    with child([sys.executable, "-c", _LOSING.format(constant="_AGAIN_S", then="")]) as process:
        output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "seen\n")


def test_a_clean_up_that_hangs_is_ended_by_force() -> None:
    code = _LOSING.format(
        constant="_AGAIN_S = interrupts.CLEAN_UP_S", then="threading.Event().wait(60)"
    )
    with child(
        [sys.executable, "-c", code.replace("Loses()", "signal.raise_signal(1)")]
    ) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGHUP
    assert "the clean-up after SIGHUP took 0.1 s: ended by force" in errors


def test_a_build_that_is_interrupted_leaves_no_compiler(tmp_path: Path) -> None:
    """Its parent alone would be killed."""
    number = tmp_path / "number"

    def interrupt_when_it_runs() -> None:
        while not (number.exists() and number.read_text().endswith("\n")):
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=interrupt_when_it_runs, daemon=True).start()
    with pytest.raises(KeyboardInterrupt), Interrupts():
        run_group(["sh", "-c", f"sleep 60 & echo $! > {number}; wait"], 60.0)
    _, alive = psutil.wait_procs(_process(int(number.read_text())), timeout=10)
    assert alive == []


def test_a_program_that_is_interrupted_while_it_starts_is_ended_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[psutil.Process] = []

    class Struck(subprocess.Popen[str]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(psutil.Process(self.pid))
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Struck)
    with pytest.raises(KeyboardInterrupt), Interrupts():
        run_group(["sleep", "60"], 60.0)
    _, alive = psutil.wait_procs(started, timeout=10)
    assert len(started) == 1
    assert alive == []


def test_a_compiler_that_is_killed_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch, named = tmp_path / "scratch", tmp_path / "named"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.setenv("TMPDIR", str(scratch))
    script = f'mktemp "$TMPDIR/ccXXXXXX.s" > {named}; kill -KILL $$'
    assert run_compiler(["sh", "-c", script], 60.0).returncode == -signal.SIGKILL
    assert Path(named.read_text().strip()).is_relative_to(scratch)
    assert list(scratch.iterdir()) == []


def _process(pid: int) -> list[psutil.Process]:
    try:
        return [psutil.Process(pid)]
    except psutil.NoSuchProcess:
        return []


_COMMAND = """
import signal, sys
from tinyhil.{module} import {name}
import tinyhil.{module} as module
def interrupted(*_, **__):
    signal.raise_signal({number})
    raise SystemExit("not interrupted")
module.{name} = interrupted
from tinyhil.cli.main import main
sys.exit(main({arguments}))
"""


@pytest.mark.parametrize(
    ("module", "name", "arguments"),
    [
        ("judge.verify.run", "verify", ["verify", "RUN"]),
        ("publish.submission.check", "check", ["submission", "check", "TREE"]),
        ("data.fetch", "fetch", ["data", "fetch", "DIR"]),
    ],
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_ended_says_so_with_its_status(
    tmp_path: Path, module: str, name: str, arguments: list[str], number: signal.Signals
) -> None:
    code = _COMMAND.format(module=module, name=name, arguments=arguments, number=int(number))
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (128 + number, "")


def test_other_pytest_runs_keep_their_handlers(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(
        "import signal\n"
        "def test_it():\n"
        "    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL\n"
    )
    status, output = warm.call("pytest", "-q", "-p", "no:cacheprovider", folder=tmp_path)
    assert status == 0, output
