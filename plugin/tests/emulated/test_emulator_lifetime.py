"""No emulated board outlives its owner, and every process of the user can see those that live."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tinyhil.catalog.board import Board
from tinyhil.emulator.qemu import EmulatedBoard, start
from tinyhil.emulator.registry import running_boards
from tinyhil.emulator.runtime import claim, live_folders
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError

from ..processes import child

_OWNER = """
import sys
from tinyhil.catalog.board import load_boards
from tinyhil.ground.deadline import Deadline
from tinyhil.emulator.qemu import start
board = start(load_boards()["mps2-an386"], deadline=Deadline.after(60))
print(board.pid, flush=True)
"""


def owner(then: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """A process that starts a board, tells QEMU's process id, and goes on with `then`."""
    return child([sys.executable, "-c", _OWNER + then])


def qemu_of(process: subprocess.Popen[str]) -> psutil.Process:
    assert process.stdout is not None
    return psutil.Process(int(process.stdout.readline()))


def is_gone(process: psutil.Process) -> bool:
    """Whether it ends soon, without our help."""
    gone, _ = psutil.wait_procs([process], timeout=60)
    return bool(gone)


@pytest.mark.parametrize("killed_by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_owner_takes_its_board_along(runtime: Path, killed_by: signal.Signals) -> None:
    with owner(then="sys.stdin.read()") as process:
        qemu = qemu_of(process)
        (board,) = running_boards()
        assert board.pid == qemu.pid
        process.send_signal(killed_by)
        process.wait(20)
    assert is_gone(qemu)
    assert running_boards() == []
    assert list(runtime.iterdir()) == []


@pytest.mark.parametrize("end", ["", "raise SystemExit(3)", "raise RuntimeError", "board = None"])
def test_an_owner_that_forgets_to_stop_its_board_leaves_none(runtime: Path, end: str) -> None:
    with owner(then=f"sys.stdin.readline()\n{end}") as process:
        qemu = qemu_of(process)
        process.communicate("\n", timeout=60)
    assert is_gone(qemu)
    assert list(runtime.iterdir()) == []


def test_an_exception_stops_the_board(mps2: Board, runtime: Path) -> None:
    with pytest.raises(ZeroDivisionError), start(mps2, deadline=Deadline.after(60)) as board:
        raise ZeroDivisionError
    assert not board.alive()
    assert list(runtime.iterdir()) == []


@pytest.mark.usefixtures("runtime")
def test_a_board_outlives_the_thread_that_started_it(mps2: Board) -> None:
    started: list[EmulatedBoard] = []
    thread = threading.Thread(
        target=lambda: started.append(start(mps2, deadline=Deadline.after(60)))
    )
    thread.start()
    thread.join()
    with started[0] as board:
        assert not board.process.exited.wait(0.5)
        assert board.alive()


@pytest.mark.usefixtures("runtime")
def test_two_boards_are_told_apart(mps2: Board) -> None:
    with (
        start(mps2, deadline=Deadline.after(60)) as one,
        start(mps2, deadline=Deadline.after(60)) as two,
    ):
        found = {board.probe_uid: board for board in running_boards()}
        assert found.keys() == {one.probe_uid, two.probe_uid}
        assert one.probe_uid not in two.probe_uid
        assert two.probe_uid not in one.probe_uid
        assert found[one.probe_uid].serial_url == one.serial_url != two.serial_url
        assert found[two.probe_uid].memory == mps2.memory
        one.stop()
        assert [board.probe_uid for board in running_boards()] == [two.probe_uid]
        assert two.alive()


def test_what_a_dead_board_left_is_swept_and_what_lives_is_not(runtime: Path) -> None:
    folder, lock = claim("mps2-an386")
    assert live_folders() == [folder]
    os.close(lock)
    assert live_folders() == []
    assert list(runtime.iterdir()) == []


@pytest.mark.usefixtures("runtime")
def test_a_folder_that_is_swept_before_it_is_locked_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = os.open
    swept: list[Path] = []

    def late(path: Any, *arguments: Any, **options: Any) -> int:
        if not swept:
            swept.append(path)
            assert live_folders() == []
        return opened(path, *arguments, **options)

    monkeypatch.setattr("tinyhil.emulator.runtime.os.open", late)
    folder, lock = claim("mps2-an386")
    assert swept
    assert not swept[0].exists()
    assert live_folders() == [folder]
    os.close(lock)


@pytest.mark.usefixtures("runtime")
@pytest.mark.parametrize("content", ["", "{", "[]", "null", json.dumps({"name": "x"})])
def test_a_damaged_entry_is_passed_over(content: str) -> None:
    folder, _ = claim("mps2-an386")
    (folder / "board.json").write_text(content, encoding="utf-8")
    assert running_boards() == []
    assert folder.exists()


def test_a_runtime_folder_that_is_not_ours_is_neither_trusted_nor_used(
    mps2: Board, runtime: Path, tmp_path: Path
) -> None:
    runtime.symlink_to(tmp_path)
    (tmp_path / "mps2-an386.00000000").mkdir()
    assert running_boards() == []
    with pytest.raises(BenchError, match="belongs to somebody else"):
        start(mps2, deadline=Deadline.after(60))
    assert (tmp_path / "mps2-an386.00000000").exists()


@pytest.mark.usefixtures("runtime")
def test_a_path_too_long_for_sockets_is_explained(
    mps2: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    with pytest.raises(BenchError, match="path too long") as caught:
        start(mps2, deadline=Deadline.after(60))
    assert "XDG_RUNTIME_DIR" in caught.value.hint
    assert list((long / "tinyhil").iterdir()) == []
