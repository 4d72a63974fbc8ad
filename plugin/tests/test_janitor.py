"""What the janitor of a farm touches, and what it never does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinyhil.device.far import coordinator, janitor, notes
from tinyhil.device.far.coordinator import Place
from tinyhil.device.lock import FOLDER_VARIABLE
from tinyhil.ground.living import is_dead, name_of_process

HERE = "bench1"


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """Calls of labgrid's client; locks of our own, and no processes."""
    calls: list[tuple[str, ...]] = []

    def run(*arguments: str, user: str = "") -> subprocess.CompletedProcess[str]:
        calls.append((*arguments, user))
        return subprocess.CompletedProcess(arguments, 0, "", "")

    monkeypatch.setattr(coordinator, "run", run)
    monkeypatch.setattr(janitor, "_commands", dict)
    monkeypatch.setenv("LG_HOSTNAME", HERE)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "locks"))
    return calls


def places(monkeypatch: pytest.MonkeyPatch, *found: Place) -> None:
    monkeypatch.setattr(coordinator, "places", lambda: found)


def dead() -> str:
    """The name of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        return name_of_process(process.pid)


def test_a_process_is_known_to_live_or_to_have_ended_only_on_its_host() -> None:
    own = name_of_process()
    number, started, host = own.split("-")
    assert is_dead(own) is False
    assert is_dead(dead()) is True
    assert is_dead(f"{number}-{int(started) + 1}-{host}") is True, "its number was given again"
    for other in (f"{number}-{started}-00000000", number, "", "x"):
        assert is_dead(other) is None


def test_only_a_holder_of_this_host_that_has_ended_loses_its_place(
    monkeypatch: pytest.MonkeyPatch, called: list[tuple[str, ...]]
) -> None:
    gone = f"ci.{dead()}"
    board = {"port": "/dev/null"}
    holders = (
        f"{HERE}/ci.{name_of_process()}", f"elsewhere/{gone}", f"{HERE}/ci.4711", f"{HERE}/alice",
        f"{HERE}/{gone}",
    )  # fmt: skip
    places(monkeypatch, *(Place(f"b{n}", holder=who, board=board) for n, who in enumerate(holders)))
    (found,) = janitor.sweep(dry=True)
    assert (found.what, found.done, called) == ("b4", False, [])
    (found,) = janitor.sweep()
    assert found.done
    assert called == [("-p", "b4", "release-from", holders[-1], "")]


def test_a_place_that_a_run_uses_is_acquired_again_in_its_name(
    monkeypatch: pytest.MonkeyPatch, called: list[tuple[str, ...]]
) -> None:
    places(monkeypatch, Place("b1", board={}), Place("b2", board={}), Place("b3"))
    user = f"ci.{name_of_process()}"
    with notes.noted("b1", user), notes.noted("b2", f"ci.{dead()}"):
        found = list(janitor.sweep())
    assert [(one.what, one.kind, one.done) for one in found] == [
        ("b1", "forgotten", True),
        ("b3", "not exported", False),
    ]
    assert called == [("-p", "b1", "acquire", user)]
    assert notes.living() == {}


def test_odd_notes_of_others_change_nothing(called: list[tuple[str, ...]], tmp_path: Path) -> None:
    del called
    folder = tmp_path / "locks"
    folder.mkdir()
    os.mkfifo(folder / "place-1.lock")
    (folder / "place-2.lock").symlink_to("/etc/passwd")
    (folder / "place-3.lock").write_text("[" * 9999)
    (folder / "place-4.lock").write_text('{"user": "a\\u0000.1", "place": 3, "coordinator": ""}')
    (folder / "place-5.lock").mkdir()
    assert notes.living() == {}


def test_a_server_of_a_port_that_outlived_its_exporter_is_ended(
    monkeypatch: pytest.MonkeyPatch, called: list[tuple[str, ...]]
) -> None:
    """One with an exporter is left alone, and one that a user has started for something else."""
    del called
    places(monkeypatch)
    option = "connection: &con01#  accepter: telnet(rfc2217,mode=server),tcp,1"
    code = ["-c", "input()"]
    path = "  connector: serialdev(nouucplock=true),/dev/ttyACM7,115200n81,local"
    kept = [
        subprocess.Popen(["ser2net", *code, *more], executable=sys.executable, stdin=-1)
        for more in ([option, path], ["tcp,1"])
    ]
    parent = os.getpid()
    commands = {process.pid: Path(f"/proc/{process.pid}/cmdline").read_bytes() for process in kept}
    for exporter in (b"python\0labgrid-exporter\0", b"pytest\0"):
        monkeypatch.setattr(janitor, "_commands", lambda own=exporter: {**commands, parent: own})
        found = list(janitor.sweep())
        assert len(found) == (exporter == b"pytest\0")
    assert (found[0].kind, found[0].who, found[0].done) == (
        "orphaned server", "it holds /dev/ttyACM7", True,
    )  # fmt: skip
    assert kept[0].wait(30) == -15
    assert kept[1].poll() is None
    kept[1].kill()
    kept[1].wait()
