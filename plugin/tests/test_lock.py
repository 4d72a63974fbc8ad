"""One user a station: the second one is told who is there, before anything is touched."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.processes import child
from tinyhil.catalog.bench import Station
from tinyhil.catalog.board import Board
from tinyhil.catalog.wiring import Wiring
from tinyhil.device import lock
from tinyhil.device.dut import attached
from tinyhil.device.lock import FOLDER_VARIABLE, described, held, lock_folder
from tinyhil.emulator import qemu
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, TakenError

_HOLDER = """
import sys
from tinyhil.device.lock import held
with held("theirs", sys.argv[1], sys.argv[2]):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of locks of the test's own."""
    folder = tmp_path / "locks"
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


@contextmanager
def another(probe: str, port: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds a station until a line comes."""
    with child([sys.executable, "-c", _HOLDER, probe, port]) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process


def let_go(process: subprocess.Popen[str]) -> None:
    """Have `another` end, and wait until it has."""
    process.communicate("\n", timeout=30)


def free(probe: str, port: str) -> bool:
    """Whether nobody holds them."""
    try:
        with held("probe", probe, port):
            return True
    except TakenError:
        return False


def test_the_second_user_of_a_probe_or_a_port_is_told_who_holds_it() -> None:
    with another("P1", "/dev/a") as process:
        for probe, port, thing in (
            ("P1", "/dev/b", "probe 'P1'"),
            ("cmsisdap:p1", "/dev/b", "probe 'cmsisdap:p1'"),
            ("P2", "/dev/a", "port '/dev/a'"),
            ("P2", "/dev/../dev/a", "port '/dev/../dev/a'"),
        ):
            with pytest.raises(TakenError) as caught, held("ours", probe, port):
                pass
            text = str(caught.value)
            assert f"[ours] station 'ours' is in use: its {thing} is held by " in text
            assert f"(process {process.pid}: " in text
            assert re.search(r"since 20\d\d-\d\d-\d\dT", text)
            assert "next step: wait for it with --hil-wait" in text
        let_go(process)
    assert free("P1", "/dev/a")


def test_different_stations_do_not_meet() -> None:
    with held("theirs", "P1", "/dev/a"):
        assert free("P2", "/dev/b")


def test_one_taken_part_leaves_the_other_one_free() -> None:
    with held("theirs", "P1", "/dev/a"):
        assert not free("P2", "/dev/a")
        assert free("P2", "/dev/b")


def test_a_lock_dies_with_its_holder() -> None:
    with another("P1", "/dev/a") as process:
        process.kill()
        process.wait()
        assert free("P1", "/dev/a")


def test_one_process_does_not_hold_a_station_twice() -> None:
    with (
        held("ours", "P1", "/dev/a"),
        pytest.raises(TakenError, match="held by this process itself"),
        held("ours", "P1", "/dev/b"),
    ):
        pass


def test_nothing_is_left_behind(locks: Path) -> None:
    with held("ours", "P1", "/dev/a"):
        assert len(list(locks.iterdir())) == 2
    assert list(locks.iterdir()) == []


def test_all_names_of_a_port_are_one_lock(tmp_path: Path) -> None:
    device, by_id = tmp_path / "ttyACM0", tmp_path / "by-id"
    device.touch()
    by_id.symlink_to(device)
    with held("theirs", "P1", str(by_id)):
        assert not free("P2", str(device))
    with held("theirs", "P1", str(device)):
        assert not free("P2", str(by_id))


def test_a_port_is_held_by_its_name_while_it_is_away(tmp_path: Path) -> None:
    device, by_id = tmp_path / "ttyACM0", tmp_path / "by-id"
    device.touch()
    by_id.symlink_to(device)
    with held("theirs", "P1", str(by_id)):
        by_id.unlink()
        assert not free("P2", str(by_id))


def test_a_port_that_appears_is_claimed_as_the_device_that_it_is(tmp_path: Path) -> None:
    with held("ours", "P1", str(tmp_path / "by-id")) as hold, held("theirs", "P2", "/dev/ttyACM0"):
        with pytest.raises(TakenError, match="port '/dev/ttyACM0' is held by"):
            hold.claim("/dev/ttyACM0")
        hold.claim("/dev/ttyACM1")
        assert not free("P3", "/dev/ttyACM1")


def test_a_renumbered_port_lets_go_of_the_number_that_it_had(tmp_path: Path) -> None:
    with held("ours", "P1", str(tmp_path / "by-id")) as hold:
        hold.claim("/dev/ttyACM0")
        hold.claim("/dev/ttyACM1")
        hold.claim("/dev/ttyACM1")
        assert free("P2", "/dev/ttyACM0")
        assert not free("P2", "/dev/ttyACM1")
    assert free("P2", "/dev/ttyACM1")


def test_who_waits_says_for_whom_and_gets_it_when_it_is_free() -> None:
    told = []
    with another("P1", "/dev/a") as process:

        def tell(text: str) -> None:
            told.append(text)
            let_go(process)

        with held("ours", "P1", "/dev/a", wait_s=120, tell=tell):
            assert not free("P1", "/dev/b")
    (text,) = told
    assert f"(process {process.pid}: " in text
    assert text.endswith("waiting for it up to 120 s")


def test_who_has_waited_long_enough_is_refused() -> None:
    with (
        held("theirs", "P1", "/dev/a"),
        pytest.raises(TakenError, match="held by"),
        held("ours", "P1", "/dev/a", wait_s=0.3),
    ):
        pass


def test_files_are_for_all_users_whatever_the_umask(locks: Path) -> None:
    before = os.umask(0o077)
    try:
        with held("ours", "P1", "/dev/a"):
            assert stat.S_IMODE(locks.stat().st_mode) == 0o1777
            assert {stat.S_IMODE(file.stat().st_mode) for file in locks.iterdir()} == {0o666}
            holders = [json.loads(file.read_text()) for file in locks.iterdir()]
    finally:
        os.umask(before)
    assert {holder["pid"] for holder in holders} == {os.getpid()}
    assert {holder["station"] for holder in holders} == {"ours"}
    assert {"user", "host", "command", "since"} <= holders[0].keys()


@pytest.mark.parametrize("what", ["link", "fifo", "folder"])
def test_what_another_user_puts_in_the_place_of_a_file_is_refused(
    what: str, locks: Path, tmp_path: Path
) -> None:
    with held("ours", "P1", "/dev/a"):
        names = [file.name for file in locks.iterdir()]
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in names:
        match what:
            case "link":
                (locks / name).symlink_to(victim)
            case "fifo":
                os.mkfifo(locks / name)
            case _:
                (locks / name).mkdir()
    with pytest.raises(BenchError, match="cannot be locked"), held("ours", "P1", "/dev/a"):
        pass
    assert victim.read_text() == "precious"


def test_a_folder_that_is_a_link_is_refused(locks: Path, tmp_path: Path) -> None:
    locks.symlink_to(tmp_path)
    with pytest.raises(BenchError, match=FOLDER_VARIABLE), held("ours", "P1", "/dev/a"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["locks"]


def test_a_holder_that_says_nothing_or_nonsense_is_a_holder(locks: Path) -> None:
    with held("theirs", "P1", "/dev/a"):
        for file in locks.iterdir():
            file.write_text("\x1b[2J" + "[" * 3000)
        with pytest.raises(TakenError, match="does not say who"), held("ours", "P1", "/dev/a"):
            pass
    assert "\x1b" not in described({"user": "\x1b[2J", "pid": 1, "command": "x", "since": "y"})


@pytest.mark.skipif(os.getuid() != 0, reason="only root can play two users")
def test_the_lock_of_one_user_holds_for_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder like /tmp, Linux forbids to open another one's file with O_CREAT."""
    nobody = _HOLDER.replace(
        "with held", "import os; os.setgid(65534); os.setuid(65534)\nwith held"
    )
    command = [sys.executable, "-c", nobody, "P1", "/dev/a"]
    with tempfile.TemporaryDirectory() as shared:
        Path(shared).chmod(0o1777)
        monkeypatch.setenv(FOLDER_VARIABLE, f"{shared}/locks")
        with held("ours", "P1", "/dev/a"):
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
            assert f"is held by root (process {os.getpid()}: " in done.stderr
        with child(command) as process:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            with pytest.raises(TakenError, match="is held by nobody"), held("ours", "P1", "/dev/b"):
                pass
            let_go(process)
        assert free("P1", "/dev/a")


def test_the_folder_is_the_same_for_every_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(lock, "_SHARED", tmp_path)
    tmp_path.chmod(0o755)
    assert lock_folder() == Path("/tmp/tinyhil-locks")  # noqa: S108
    tmp_path.chmod(0o1777)
    assert lock_folder() == tmp_path / "tinyhil"


def test_a_wired_station_is_taken_while_it_is_attached(mps2: Board) -> None:
    station = Station("desk", mps2, Wiring(board=mps2.name, probe="P1", port="/dev/a"))
    with attached(station):
        with pytest.raises(TakenError, match="station 'desk' is in use"), attached(station):
            pass
        assert not free("P2", "/dev/a")
    assert free("P1", "/dev/a")


def test_an_emulated_board_is_taken_too(mps2: Board) -> None:
    with attached(Station(mps2.name, mps2, None)) as dut:
        assert not free(dut.probe_uid, "/dev/a")
        assert not free("P2", dut.serial_url)


def test_a_port_name_that_somebody_still_holds_is_not_used_for_an_emulated_board(
    mps2: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers of ptys are used again once a board has died, even while its port is waited for."""
    start, names = qemu.start, []

    def started(board: Board, *, deadline: Deadline, **more: Any) -> qemu.EmulatedBoard:
        emulated = start(board, deadline=deadline, **more)
        names.append(emulated.serial_url)
        if len(names) == 1:
            stack.enter_context(held("theirs", "P1", emulated.serial_url))
        return emulated

    monkeypatch.setattr(qemu, "start", started)
    with ExitStack() as stack, attached(Station(mps2.name, mps2, None)) as dut:
        assert names == [names[0], dut.serial_url]
        assert names[0] != dut.serial_url
