"""Boards whose power is switched, and boards that nobody gets until they are returned."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tinyhil import flash
from tinyhil.catalog.bench import Station, stations
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.power import PowerFacts
from tinyhil.catalog.wiring import Wiring
from tinyhil.cli.main import main
from tinyhil.device import lock, lock_file, quarantine
from tinyhil.device.dut import attached
from tinyhil.device.far import coordinator, tunnel
from tinyhil.device.links import serial
from tinyhil.device.links.serial import open_link
from tinyhil.device.power import cycle_of
from tinyhil.device.session import Session
from tinyhil.emulator.foreign import ForeignDevice
from tinyhil.flash import FlashResult
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, ConfigError, LinkError, QuarantinedError
from tinyhil.image.elf import Image
from tinyhil.measure import ladder as ladders
from tinyhil.measure.ladder import Ladder, Line

HUB = "method = 'uhubctl'\nhub = '1-1'\nhub_port = 1"


@pytest.fixture(autouse=True)
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Locks of the test's own, and no labgrid."""
    monkeypatch.setenv(lock.FOLDER_VARIABLE, str(tmp_path / "locks"))
    monkeypatch.setenv(coordinator.PROGRAM_VARIABLE, "/no/labgrid-client")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "locks"


@pytest.fixture
def device() -> Iterator[ForeignDevice]:
    with ForeignDevice("kws01", lambda _: [1.0]) as device:
        yield device


def soon() -> Deadline:
    return Deadline.after(60)


def program(path: Path, *, status: int = 0) -> Path:
    """A program that writes down what it was called with."""
    said = "no \033[31msuch hub"
    text = f"#!/bin/sh\necho \"$@\" >> '{path}.calls'\necho '{said}' >&2\nexit {status}\n"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def calls(path: Path) -> list[str]:
    return Path(f"{path}.calls").read_text(encoding="utf-8").splitlines()


def test_power_is_switched_by_a_command_a_hub_or_labgrid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, hub, labgrid = (program(tmp_path / name) for name in ("own", "uhubctl", "labgrid"))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv(coordinator.PROGRAM_VARIABLE, str(labgrid))
    cycle_of(PowerFacts(method="command", command=(str(own), "relay", "4")))(soon())
    cycle_of(PowerFacts(method="uhubctl", hub="1-1.4", hub_port=2, off_s=0.5))(soon())
    cycle_of(PowerFacts(method="labgrid"), "l4-3")(soon())
    assert calls(own) == ["relay 4"]
    assert calls(hub) == ["--location 1-1.4 --ports 2 --action cycle --delay 0.5"]
    (call,) = calls(labgrid)
    assert re.fullmatch(r"-c /\S+/environment.yaml -p l4-3 power cycle", call)


def test_power_that_is_not_switched_is_told_with_what_the_program_says(tmp_path: Path) -> None:
    wrong = program(tmp_path / "wrong", status=3)
    slow = PowerFacts(method="command", command=("sleep", "600"), timeout_s=0.2)
    for facts, text in (
        (PowerFacts(method="command", command=(str(wrong),)), r"status 3\): no \\x1b\[31msuch hub"),
        (PowerFacts(method="command", command=("/no/such",)), "'/no/such' does not start: No such"),
        (slow, "was not switched in"),
    ):
        with pytest.raises(BenchError, match=text) as caught:
            cycle_of(facts)(soon())
        assert "table 'power' of the station" in str(caught.value)


@pytest.mark.parametrize(
    ("power", "text"),
    [
        ("method = 'prayer'", r"'stations.desk.power.method'"),
        ("method = 'command'", r"'stations.desk.power.command': is needed by 'command'"),
        ("method = 'uhubctl'\nhub = '1-1'", r"'stations.desk.power.hub_port': is needed"),
        ("method = 'uhubctl'\nhub = '--all'\nhub_port = 1", r"power.hub': '--all' is not the pla"),
        ("method = 'command'\ncommand = ['x']\nhub = '1'", r"power.hub': is of another method"),
        ("method = 'command'\ncommand = ['']", r"power.command': is needed by 'command'"),
        ("method = 'command'\ncommand = ['x']\noff_s = 5", r"power.off_s': is of another method"),
        (f"{HUB}\noff_s = 60", r"power.timeout_s': switching has 60 s in all, and the board"),
        ("method = 'labgrid'", r"power.method': labgrid switches the power of its own places"),
        ("method = 'command'\ncommand = ['x']\ntimeout_s = 1000", r"power.timeout_s'"),
    ],
)
def test_a_wrong_table_of_power_is_refused_by_its_key(
    tmp_path: Path, power: str, text: str
) -> None:
    bench = tmp_path / "bench.toml"
    station = '[stations.desk]\nboard = "nucleo-l4r5zi"\nport = "/dev/x"\n'
    bench.write_text(f"schema = 1\n{station}[stations.desk.power]\n{power}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=text):
        stations(load_boards(), bench)


def desk(board: Board, port: str, **keys: Any) -> Station:
    wiring = Wiring(board=board.name, port=port, **keys)
    return Station("desk", wiring.board_of(board), wiring)


def status(capsys: pytest.CaptureFixture[str]) -> Any:
    assert main(["farm", "status", "--format", "json"]) == 1
    return json.loads(capsys.readouterr().out)["boards"]


def test_nobody_gets_a_board_in_quarantine_until_it_is_returned(
    mps2: Board, device: ForeignDevice, capsys: pytest.CaptureFixture[str]
) -> None:
    station = desk(mps2, device.port)
    with attached(station) as dut:
        assert dut.keep_out
        dut.keep_out("it says nothing\033[2J" + "x" * 9999)
    with (
        pytest.raises(
            QuarantinedError, match=r"'desk' is in quarantine since 20\d\d.*says nothing"
        ),
        attached(station),
    ):
        pass
    with attached(station, quarantined=True):  # To look at it.
        pass
    (row,) = status(capsys)
    assert (row["place"], row["health"]) == ("desk", "quarantined")
    assert "\033" not in row["quarantine"]
    assert len(row["quarantine"]) < 700
    assert main(["farm", "return", "desk"]) == 0
    assert "desk can be used again" in capsys.readouterr().out
    with attached(station):
        pass
    assert main(["farm", "return", "desk"]) == 2, "there is nothing to return, and no labgrid"


def test_a_person_puts_a_station_of_this_host_into_quarantine(
    device: ForeignDevice, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.tinyhil]\n")
    bench = tmp_path / "bench.toml"
    bench.write_text(
        f'schema = 1\n[stations.desk]\nboard = "nucleo-l4r5zi"\nport = "{device.port}"\n'
    )
    assert main(["farm", "quarantine", "desk", "--reason", "its flash is worn"]) == 0
    assert capsys.readouterr().out == "desk is in quarantine: its flash is worn\n"
    with (
        pytest.raises(QuarantinedError, match="its flash is worn") as caught,
        attached(stations(load_boards(), bench)["desk"]),
    ):
        pass
    assert "`tinyhil doctor --board desk`" in str(caught.value)
    assert "`tinyhil farm return desk`" in str(caught.value)
    (row,) = status(capsys)
    assert row["quarantine"].startswith("its flash is worn (since 20")


def test_a_note_that_anybody_wrote_harms_nobody(
    mps2: Board, device: ForeignDevice, locks: Path
) -> None:
    quarantine.keep_out("desk", "", device.port, "why")
    (note,) = locks.glob("quarantine-*")
    for content in (b"", b"[]", b"\xff" * 9999, b"[" * 9999, b'{"reason": ""}'):
        note.write_bytes(content)
        with attached(desk(mps2, device.port)):
            pass
        assert quarantine.notes() == []


def test_a_note_is_whole_in_any_script_or_says_that_it_is_not_there(
    mps2: Board, device: ForeignDevice, locks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for letter in ("x", "\N{CJK UNIFIED IDEOGRAPH-4E00}", "\N{ANT}", "\udc80"):
        quarantine.keep_out(letter * 200, "", device.port, letter * 1000)
        assert [note.station[:1] for note in quarantine.notes()] == [
            letter[0].replace("\udc80", "\\")
        ]
        with pytest.raises(QuarantinedError), attached(desk(mps2, device.port)):
            pass
        assert quarantine.take_back(letter * 200)
        assert not quarantine.notes()
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda *_: 0)
        with pytest.raises(BenchError, match=r"can't be noted in .*the disk may be full"):
            quarantine.keep_out("desk", "", device.port, "why")
    quarantine.keep_out("desk", "", device.port, "why")
    with monkeypatch.context() as foreign:  # As a file of another user's is to all but root.
        foreign.setattr(lock_file, "locked", raises(PermissionError(13, "Permission denied")))
        with pytest.raises(BenchError, match=r"can't be noted in .*Permission denied"):
            quarantine.take_back("desk")
    (note,) = locks.glob("quarantine-*")
    handle = lock_file.locked(locks, note.name)
    assert isinstance(handle, int)
    with pytest.raises(BenchError, match="another process writes it"):
        quarantine.take_back("desk")
    os.close(handle)


def raises(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def test_a_note_is_found_where_files_have_no_folder_descriptor(
    mps2: Board, device: ForeignDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows."""
    monkeypatch.setattr(lock_file, "_BY_PLACE", False)
    quarantine.keep_out("desk", "", device.port, "why")
    with pytest.raises(QuarantinedError, match="why"), attached(desk(mps2, device.port)):
        pass
    assert quarantine.take_back("desk")
    assert quarantine.notes() == []


def test_who_has_no_labgrid_is_told_what_else_was_looked_for(
    device: ForeignDevice, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.tinyhil]\n")
    (tmp_path / "bench.toml").write_text(
        f'schema = 1\n[stations.far]\nboard = "nucleo-l4r5zi"\nport = "{device.port}"\n'
        'host = "bench1"\n'
    )
    for command, text in (
        (["status"], "no board of this host is in quarantine, and '/no/labgrid-client'"),
        (["return", "l4"], "no board 'l4' of this host is in quarantine, and '/no/labgrid-client'"),
        (["return", "far"], "on bench1: `tinyhil farm return far`"),
        (["quarantine", "l4", "--reason", "x"], "no station 'l4' is wired to this host, and '/no/"),
        (["quarantine", "far", "--reason", "x"], "'far' is plugged into host bench1"),
        (["quarantine", "far", "--reason", " "], "--reason is empty"),
    ):
        assert main(["farm", *command]) == 2
        assert text in " ".join(capsys.readouterr().err.split())
    quarantine.keep_out("desk", "", device.port, "why")
    assert main(["farm", "status"]) == 1
    assert "Only boards of this host: '/no/labgrid-client' cannot" in capsys.readouterr().out


def test_the_link_to_another_host_is_made_anew(
    mps2: Board, device: ForeignDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ssh is killed in the middle: no rung at the board would help, and none is tried."""
    near = shlex.join([sys.executable, str(Path(__file__).with_name("near_ssh.py"))])
    monkeypatch.setenv(tunnel.SSH_VARIABLE, near)
    program_there = f"{sys.executable} -m tinyhil.cli.main"
    with attached(desk(mps2, device.port, host="there", host_program=program_there)) as dut:
        ladder, port = Ladder(dut, None, lambda _: None, on=True), dut.serial_url
        line = Line(lambda deadline: open_link(dut, deadline))
        ladder.open(line)
        line.session.identify(soon())
        end_ssh()
        with pytest.raises(LinkError) as caught:
            line.session.results(soon())
        assert ladder.recover(caught.value)
        assert [step.rung for step in ladder.take()] == ["reconnect to the host"]
        assert dut.serial_url != port
        assert line.session.identify(soon()).task == "kws01"

        end_ssh()
        monkeypatch.setenv(tunnel.SSH_VARIABLE, "/no/such/ssh")
        assert not ladder.recover(LinkError("the port is gone", hint="-"))
        (step,) = ladder.take()
        assert "cannot be started" in step.said
        assert not dut.out_of_use, "that is not the board's fault"
        line.close()


@pytest.mark.parametrize(("flashes", "put_away"), [(None, False), (True, False), (False, True)])
def test_firmware_that_never_answers_does_not_put_its_boards_away(
    flashes: bool | None,
    put_away: bool,
    mps2: Board,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One bad build would put away each board of a farm that it is tried on."""

    def flashed(*_: object) -> FlashResult:
        if flashes:
            return FlashResult(100, 0, 1.0)
        raise BenchError("the probe is dead", hint="-")

    monkeypatch.setattr(ladders, "flash", flashed)
    for name in ("_OPEN_S", "_SOON_S", "_SYNCHRONIZE_S", "_RESET_S"):
        monkeypatch.setattr(ladders, name, 0.2)
    master, slave = os.openpty()
    image = None if flashes is None else Image(tmp_path, "", 0, (), {}, 0, 0, 0)
    with attached(desk(mps2, os.ttyname(slave))) as dut:
        line = Line(lambda deadline: open_link(dut, deadline))
        with pytest.raises(LinkError, match="nothing has helped") as caught:
            Ladder(dut, image, lambda _: None, on=True).open(line)
        line.close()
        assert bool(dut.out_of_use) == put_away
        assert ("has not answered once" in str(caught.value)) != put_away
    assert bool(quarantine.notes()) == put_away
    os.close(master)
    os.close(slave)


def test_a_board_that_another_program_has_open_is_not_put_away(
    mps2: Board, device: ForeignDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial, "_SETTLE_S", 0.0)
    with Path(device.port).open("rb") as terminal, attached(desk(mps2, device.port)) as dut:
        fcntl.flock(terminal, fcntl.LOCK_EX)
        line = Line(lambda deadline: open_link(dut, deadline))
        with pytest.raises(BenchError, match="is open in another program") as caught:
            Ladder(dut, None, lambda _: None, on=True).open(line)
        assert "nothing has helped (reopen the port, resynchronize)" in str(caught.value)
        assert not dut.out_of_use
    assert quarantine.notes() == []


def test_nobody_waits_for_a_probe_that_another_host_has_seen_to(
    mps2: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def probes() -> tuple[()]:
        looks.append("look")
        return ()

    monkeypatch.setattr(flash, "probes", probes)
    flash.await_there(mps2, "remote:127.0.0.1:5600#ID@there", Deadline.after(0.0))
    assert not looks
    flash.await_there(mps2, "0123", Deadline.after(0.0))
    assert looks


def end_ssh() -> None:
    """Kill what is in the place of ssh; it is a child of ours."""
    alive = [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
    (ssh,) = (one for one in alive if "--station=desk" in one.cmdline())
    ssh.kill()
    psutil.wait_procs([ssh])


def test_a_board_of_another_host_is_switched_and_kept_out_there(
    mps2: Board, device: ForeignDevice, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    near = shlex.join([sys.executable, str(Path(__file__).with_name("near_ssh.py"))])
    monkeypatch.setenv(tunnel.SSH_VARIABLE, near)
    switch, broken = program(tmp_path / "switch"), tmp_path / "broken"
    far: dict[str, Any] = {
        "host": "there", "host_program": f"{sys.executable} -m tinyhil.cli.main",
        "power": PowerFacts(
            method="command", command=("sh", "-c", f"! test -e {broken} && {switch} 4")
        ),
    }  # fmt: skip
    with attached(desk(mps2, device.port, **far)) as dut:
        assert dut.power
        dut.power(soon())
        assert calls(switch) == ["4"]
        link = open_link(dut, soon())  # Served again, by the same name.
        Session(link).synchronize(soon())
        link.close()
        broken.touch()
        with pytest.raises(BenchError, match=r"host there: .*not switched \(status 1\)"):
            dut.power(soon())
        assert dut.keep_out
        dut.keep_out("it is broken")
        end_ssh()
        assert not dut.within_reach()
        with pytest.raises(BenchError, match="can't be reached any more"):
            dut.keep_out("again")
    with (
        pytest.raises(QuarantinedError, match=r"host there: .*in quarantine since .*it is broken"),
        attached(desk(mps2, device.port, **far)),
    ):
        pass
