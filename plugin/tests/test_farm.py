"""A farm for real: an sshd as a host's, ser2net, pyOCD's own server, labgrid's coordinator."""

from __future__ import annotations

import getpass
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import psutil
import pytest

from tests.farm_tools import bench_host
from tests.processes import child
from tests.runs import run
from tinyhil.benchmarks.farm import tools
from tinyhil.catalog.bench import Station, station_of_place
from tinyhil.catalog.board import Board
from tinyhil.catalog.places import wanted
from tinyhil.catalog.wiring import Wiring
from tinyhil.cli.farm.exporter import text_of
from tinyhil.cli.farm.status import status
from tinyhil.device.dut import Dut, attached
from tinyhil.device.far import coordinator as labgrids
from tinyhil.device.far import labgrid, tunnel
from tinyhil.device.far.janitor import sweep
from tinyhil.device.links import Link
from tinyhil.device.links.serial import open_link
from tinyhil.device.lock import FOLDER_VARIABLE
from tinyhil.device.session import Session
from tinyhil.emulator.foreign import ForeignDevice
from tinyhil.flash import _pyocd_remote, flash, reset
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, LinkError, TakenError, TinyhilError
from tinyhil.ground.living import name_of_process
from tinyhil.ground.paths import SUITES
from tinyhil.image.build import Firmware
from tinyhil.measure.ladder import Ladder, Line
from tinyhil.record.description import read_description

pytestmark = pytest.mark.long


def needs(name: str) -> list[str]:
    """A server's program; skips without it."""
    found = tools.program(name)
    if found is None:
        pytest.skip(f"needs {name}: run `make farm`, or install it")
    return found


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The configuration of ssh to a host of its own, with locks of its own."""
    needs("sshd")
    folder = tmp_path_factory.mktemp("bench")
    environment = {
        FOLDER_VARIABLE: str(folder / "locks"),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        **{name: os.environ[name] for name in ("TMPDIR", "XDG_RUNTIME_DIR") if name in os.environ},
    }
    with bench_host(folder, tools.free_port(), **environment) as config:
        yield config


@pytest.fixture(autouse=True)
def _ssh(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tunnel.SSH_VARIABLE, f"ssh -F {bench}")


def far_wiring(dut: Dut) -> Wiring:
    """A board that runs here, as one that is plugged into the other host."""
    python = shlex.join([sys.executable, "-m", "tinyhil.cli.main"])
    return Wiring(
        board=dut.board.name, host="bench", host_program=python, probe=dut.probe_uid,
        port=dut.serial_url,
    )  # fmt: skip


def bench_file(folder: Path, wiring: Wiring) -> Path:
    """A bench file with this station, named `far`."""
    keys = wiring.model_dump(exclude_defaults=True)
    lines = "".join(f"{key} = '{value}'\n" for key, value in keys.items())
    path = folder / "bench.toml"
    path.write_text(f"schema = 1\n[stations.far]\n{lines}", encoding="utf-8")
    return path


def test_a_run_over_ssh_is_as_one_at_the_board(live: Dut, tmp_path: Path) -> None:
    """Flashed, proven, measured by text and by frames, through one tunnel."""
    runs = tmp_path / "runs"
    options = ("--hil-board", "far", "--hil-bench", str(bench_file(tmp_path, far_wiring(live))))
    for link in ("serial", "rtt"):
        status, output = run(runs, *options, "--hil-quick", "--hil-link", link)
        assert status == 0, output
        shutil.rmtree(runs)


def test_stock_servers_carry_probe_and_port(
    live: Dut, stand_in_firmware: Firmware, tmp_path: Path
) -> None:
    """`pyocd server` and ser2net, by their own names in the bench file."""
    ser2net, numbers = needs("ser2net"), [tools.free_port() for _ in range(3)]
    config = tmp_path / "ser2net.yaml"
    config.write_text(
        "%YAML 1.1\n---\n"
        f"connection: &a\n  accepter: telnet(rfc2217=true),tcp,127.0.0.1,{numbers[0]}\n"
        f"  connector: serialdev,{live.serial_url},115200n81,local\n"
        f"connection: &b\n  accepter: tcp,127.0.0.1,{numbers[1]}\n"
        f"  connector: serialdev,{live.serial_url},115200n81,local\n"
    )
    serve = ["pyocd", "server", "--no-config", "--uid", live.probe_uid, "-p", str(numbers[2])]
    with child([*ser2net, "-n", "-d", "-c", str(config)]), child(serve):
        probe = f"remote:127.0.0.1:{numbers[2]}"
        for number in numbers:
            await_listening(number)
        for port in (f"rfc2217://127.0.0.1:{numbers[0]}", f"socket://127.0.0.1:{numbers[1]}"):
            wiring = Wiring(board=live.board.name, probe=probe, port=port)
            station = Station("far", wiring.board_of(live.board), wiring)
            with attached(station) as dut:
                flash(stand_in_firmware.image, dut.board, dut.probe_uid, Deadline.after(60))
                link = open_link(dut, Deadline.after(20))
                session = Session(link)
                session.synchronize(Deadline.after(60))
                assert session.identify(Deadline.after(60)).extension
                link.close()


def test_a_cut_link_is_an_error_in_time_and_no_lock_outlives_its_holder(
    live: Dut, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ssh stands still, as behind a cable that is pulled: nobody is told."""
    monkeypatch.setattr(_pyocd_remote, "CALL_S", 3.0)
    wiring = far_wiring(live)
    station = Station("far", wiring.board_of(live.board), wiring)
    ended: list[float] = []
    with attached(station) as dut:
        link = open_link(dut, Deadline.after(20))
        Session(link).synchronize(Deadline.after(60))
        (ssh,) = (one for one in psutil.Process().children() if one.name() == "ssh")
        (agent,) = (one for one in psutil.process_iter() if "--station=far" in one.cmdline())
        ssh.send_signal(signal.SIGSTOP)
        uses: tuple[Callable[[], None], ...] = (
            lambda: synchronized(dut, link),
            lambda: reset(dut.board, dut.probe_uid, Deadline.after(10)),
        )
        for use in uses:
            started = time.monotonic()
            with pytest.raises(TinyhilError, match="bench") as caught:
                use()
            ended.append(time.monotonic() - started)
            assert "next step: " in str(caught.value)
        link.close()
    assert max(ended) < 10
    agent.wait(60)
    with attached(station):
        pass


@pytest.fixture(scope="module")
def coordinator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """labgrid's coordinator, by `LG_COORDINATOR`; yields a folder for exporters' files."""
    folder = tmp_path_factory.mktemp("labgrid")
    with pytest.MonkeyPatch.context() as patch:
        number = named_coordinator(patch)
        with coordinating(folder, number):
            yield folder


def named_coordinator(patch: pytest.MonkeyPatch) -> int:
    """The port of a coordinator that is to be started, which the environment names."""
    if not (tools.LABGRID / "labgrid-coordinator").is_file():
        pytest.skip("needs labgrid: run `make farm`")
    number = tools.free_port()
    patch.setenv("LG_COORDINATOR", f"127.0.0.1:{number}")
    patch.setenv(labgrids.PROGRAM_VARIABLE, str(tools.LABGRID / "labgrid-client"))
    return number


@contextmanager
def coordinating(folder: Path, number: int) -> Iterator[None]:
    """labgrid's coordinator on a port; what it knows of places is in the folder."""
    program = str(tools.LABGRID / "labgrid-coordinator")
    with ExitStack() as stack:
        log = stack.enter_context((folder / "log").open("ab"))
        process = subprocess.Popen(
            [program, "-l", f"127.0.0.1:{number}"], cwd=folder, stdout=log, stderr=log
        )
        stack.callback(process.wait)
        stack.callback(process.kill)  # On SIGTERM it would wait for its clients.
        await_listening(number)
        yield


@contextmanager
def exported(
    folder: Path, text: str = "", *, kept: bool = False, **boards: dict[str, object]
) -> Iterator[None]:
    """An exporter of these boards, each with a place of its own name, which is kept or deleted."""
    file = folder / "exporter.yaml"
    file.write_text(
        text or json.dumps({name: {"TinyhilBoard": facts} for name, facts in boards.items()})
    )
    command = [str(tools.LABGRID / "labgrid-exporter"), "--name", "host1", str(file)]
    with child(command):
        deadline = Deadline.after(60)
        while len(labgrid_client("resources").splitlines()) < len(boards):
            assert not deadline.expired
            deadline.pause(0.2)
        for name, facts in boards.items():
            labgrid_client("-p", name, "create")
            labgrid_client("-p", name, "add-match", f"host1/{name}/*")
            labgrid_client("-p", name, "set-tags", f"board={facts['board']}", "site=here")
        yield
        for name in () if kept else boards:
            labgrid_client("-p", name, "delete")


def labgrid_client(*arguments: str) -> str:
    command = [str(tools.LABGRID / "labgrid-client"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_place_is_held_by_one_and_given_back(coordinator: Path, mps2: Board) -> None:
    told: list[str] = []
    with (
        ForeignDevice("kws01", lambda _: [1.0]) as device,
        exported(coordinator, b1={"board": mps2.name, "port": device.port}),
    ):
        one = station_of_place(f"labgrid:board={mps2.name},site=here", {mps2.name: mps2})
        other = station_of_place("labgrid:b1@mps2-an386", {mps2.name: mps2})
        with attached(one, tell=told.append) as dut:
            link = open_link(dut)
            Session(link).synchronize(Deadline.after(60))
            link.close()
            holder = f"{getpass.getuser()}.{os.getpid()}"
            assert holder in labgrid_client("who")
            for station in (one, other):
                with pytest.raises(TakenError, match=rf"'b1' by \S+/{holder}"), attached(station):
                    pass
            assert holder in labgrid_client("who"), "who waits in vain gives nothing back"
        assert told == ["labgrid-mps2-an386-site-here: b1 of labgrid"]
        assert "b1" not in labgrid_client("who")
        assert not labgrid_client("reservations")
        with pytest.raises(BenchError, match="labgrid has no 'b'"):
            resolved("labgrid:b")
        assert resolved("labgrid:*") == ["labgrid:b1@mps2-an386"]


def test_who_waits_gets_the_board_of_a_coordinator_that_starts_again(
    mps2: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = named_coordinator(monkeypatch)
    told: list[str] = []
    with ExitStack() as stack, ForeignDevice("kws01", lambda _: [1.0]) as device:
        facts: dict[str, object] = {"board": mps2.name, "port": device.port}

        def tell(text: str) -> None:
            """Start what is waited for."""
            told.append(text)
            if "Could not connect to coordinator; waiting for it up to" in text:
                stack.enter_context(coordinating(tmp_path, number))
            elif "labgrid's place 'b9'; waiting for it up to" in text:
                stack.enter_context(exported(tmp_path, json.dumps({"b9": {"TinyhilBoard": facts}})))

        with coordinating(tmp_path, number), exported(tmp_path, kept=True, b9=facts):
            places, deadline = tmp_path / "places.yaml", Deadline.after(120)
            while not (places.is_file() and "here" in places.read_text()):
                assert not deadline.expired, "it saves what it knows now and then"
                deadline.pause(0.2)
        assert labgrid.resolved(["labgrid:b9"], 120, tell) == [f"labgrid:b9@{mps2.name}"]
        stack.close()
        one = station_of_place(f"labgrid:b9@{mps2.name}", {mps2.name: mps2})
        with attached(one, wait_s=120, tell=tell):
            assert "b9" in labgrid_client("who")
    assert [text.rpartition("; ")[2].partition(" up to")[0] for text in told] == [
        *("waiting for it",) * 3, f"{one.name}: b9 of labgrid"
    ]  # fmt: skip


def resolved(word: str) -> list[str]:
    return labgrid.resolved([word], 0, lambda _: None)


def exporter_text(live: Dut, folder: Path) -> str:
    """What an exporter is given of a board, whose bench file is written in a new folder."""
    folder.mkdir()
    wiring = far_wiring(live).model_copy(update={"host": "", "host_program": "tinyhil"})
    python = far_wiring(live).host_program
    return text_of({live.board.name: live.board}, bench_file(folder, wiring), "bench", python)


def test_a_run_takes_every_free_place_and_gives_it_back(
    coordinator: Path, live: Dut, tmp_path: Path
) -> None:
    text = exporter_text(live, tmp_path / "local")
    with exported(coordinator, text, far={"board": live.board.name}):
        code, output = run(tmp_path / "runs", "--hil-board", "labgrid:*", "--hil-quick")
        assert code == 0, output
        assert "far: far of labgrid" in output
        (folder,) = (file.parent for file in (tmp_path / "runs").glob("*/run.json"))
        assert read_description(folder).board_at == "place far, host bench"
        assert "far" not in labgrid_client("who")

        (row,) = status(tmp_path / "runs").boards
        assert (row.place, row.host, row.holder, row.health) == ("far", "bench", "", "ok")
        assert (row.last_run or "").endswith("_far")
        assert row.last_verdict == "not judged"
        labgrids.quarantine("far", "its port is gone")
        (row,) = status(tmp_path / "runs").boards
        assert (row.health, row.quarantine) == ("quarantined", "its port is gone")
        assert row.board == live.board.name
        with pytest.raises(BenchError, match="no place of labgrid is free"):
            resolved("labgrid:*")
        boards = {live.board.name: live.board}
        by_type = station_of_place(f"labgrid:board={live.board.name}", boards)
        with pytest.raises(BenchError, match="has no place with the tags"), attached(by_type):
            pass
        labgrids.take_back("far")
        assert resolved("labgrid:*") == [f"labgrid:far@{live.board.name}"]


class Relay(BaseHTTPRequestHandler):
    """A power switch on the network, as labgrid's model `simplerest` has it."""

    switched: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.switched.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Not on the terminal."""


def test_labgrid_switches_the_power_and_keeps_a_dead_board_out(
    coordinator: Path, mps2: Board
) -> None:
    relay = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    threading.Thread(target=relay.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{relay.server_port}/{{index}}/{{value}}"
    power = {"model": "simplerest", "host": url, "index": "4"}
    with ExitStack() as stack:
        stack.callback(relay.shutdown)
        alive = stack.enter_context(ExitStack())
        device = alive.enter_context(ForeignDevice("kws01", lambda _: [1.0]))
        table = json.dumps({"method": "labgrid"})
        facts: dict[str, object] = {"board": mps2.name, "port": device.port, "power": table}
        text = json.dumps({"b1": {"TinyhilBoard": facts, "NetworkPowerPort": power}})
        stack.enter_context(exported(coordinator, text, b1=facts))
        station = station_of_place("labgrid:b1@mps2-an386", {mps2.name: mps2})
        with attached(station) as dut:
            ladder = Ladder(dut, None, lambda _: None, on=True)
            line = Line(lambda deadline: open_link(dut, deadline))
            ladder.open(line)
            error = LinkError("it says nothing", hint="-")
            assert ladder.recover(error, first="power cycle")
            assert Relay.switched == ["/4/0", "/4/1"]
            ladder.begin()
            line.close()
            alive.close()
            assert not ladder.recover(error, first="power cycle")
            assert dut.out_of_use
        (row,) = status(coordinator).boards
        assert (row.health, row.holder) == ("quarantined", "")
        assert row.quarantine == "it says nothing; without help: power cycle"
        labgrids.take_back("b1")


def test_the_janitor_puts_right_what_is_this_hosts(coordinator: Path, mps2: Board) -> None:
    """A place whose holder was killed, and one that the coordinator has forgotten."""
    ended = subprocess.Popen(["sleep", "60"])
    dead = name_of_process(ended.pid)
    ended.kill()
    ended.wait()
    with exported(coordinator, b1={"board": mps2.name, "port": "/dev/null"}):
        for holder, puts_right in ((dead, True), ("1-1-00000000", False), ("1234", False)):
            assert labgrids.run("-p", "b1", "acquire", user=f"ci.{holder}").returncode == 0
            assert [one.done for one in sweep(dry=True)] == [False] * puts_right
            assert f"ci.{holder}" in labgrid_client("who")
            assert [(one.kind, one.done) for one in sweep()] == (
                [("held by a process that has ended", True)] * puts_right
            )
            assert (f"ci.{holder}" in labgrid_client("who")) != puts_right
            labgrids.run("-p", "b1", "release", user=f"ci.{holder}")
        with labgrid.acquired(wanted("b1", "here"), tell=lambda _: None):
            labgrids.run("-p", "b1", "release")
            assert "b1" not in labgrid_client("who")
            assert [(one.kind, one.done) for one in sweep()] == [("forgotten", True)]
            assert labgrids.user_name() in labgrid_client("who")
        assert "b1" not in labgrid_client("who")
        assert list(sweep()) == []


def nights_script(folder: Path, boards: str) -> None:
    """Run the recipe, which must end well."""
    script = Path(__file__).parents[2] / "docs" / "recipes" / "nightly.sh"
    variables = {
        "BOARDS": boards, "WAIT": "60", "DAYS": "0", "RUNS": str(folder / "runs"),
        "SUITE": str(SUITES), "OPTIONS": "--hil-quick -k kws01 -p no:allure_pytest",
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if name != "TINYHIL_DATA"}
    done = subprocess.run(
        ["sh", str(script)],
        cwd=folder, env={**kept, **variables}, capture_output=True, text=True, check=False,
        timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kws01" in (folder / "summary.md").read_text()
    assert "<testsuite " in (folder / "junit.xml").read_text()
    assert "history" in (folder / "pruned.txt").read_text()


def test_the_nights_script_gates_reports_and_prunes(tmp_path: Path) -> None:
    """Its steps, on an emulated board; nothing is gated in a first night."""
    nights_script(tmp_path, "mps2-an386")


def test_the_nights_script_cleans_the_farm_and_takes_every_free_board(
    coordinator: Path, live: Dut, tmp_path: Path
) -> None:
    text = exporter_text(live, tmp_path / "local")
    ended = subprocess.Popen(["sleep", "60"])
    dead = name_of_process(ended.pid)
    ended.kill()
    ended.wait()
    with exported(coordinator, text, far={"board": live.board.name}):
        assert labgrids.run("-p", "far", "acquire", user=f"ci.{dead}").returncode == 0
        nights_script(tmp_path, "labgrid:*")
        assert "far" not in labgrid_client("who")
    assert "far: held by a process that has ended" in (tmp_path / "cleaned.txt").read_text()
    assert live.board.name in (tmp_path / "farm.txt").read_text()


def test_a_ser2net_that_has_outlived_its_exporter_is_ended(
    coordinator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """labgrid's own resource of a serial port, whose exporter is killed while it serves."""
    program = tmp_path / "bin" / "ser2net"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.join(needs("ser2net"))} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    with ForeignDevice("kws01", lambda _: [1.0]) as device:
        text = json.dumps({"s1": {"RawSerialPort": {"port": device.port, "speed": 115200}}})
        file = coordinator / "serial.yaml"
        file.write_text(text)
        labgrid_client("-p", "s1", "create")
        labgrid_client("-p", "s1", "add-match", "host2/s1/*")
        command = [str(tools.LABGRID / "labgrid-exporter"), "--name", "host2", str(file)]
        with child(command) as exporter:
            deadline = Deadline.after(60)
            while "host2" not in labgrid_client("resources"):
                assert not deadline.expired
                deadline.pause(0.2)
            labgrid_client("-p", "s1", "acquire")
            servers = [f"ser2net {one.pid}" for one in serving(device.port)]
            assert len(servers) == 1
            assert [one.what for one in sweep() if one.kind == "orphaned server"] == []
            exporter.kill()
            exporter.wait()
        found = [one for one in sweep() if one.kind == "orphaned server"]
        assert [(one.what, one.who, one.done) for one in found] == [
            (servers[0], f"it holds {device.port}", True)
        ]
        deadline = Deadline.after(30)
        while serving(device.port):
            assert not deadline.expired
            deadline.pause(0.05)
        labgrid_client("-p", "s1", "release")
        labgrid_client("-p", "s1", "delete")


def serving(port: str) -> list[psutil.Process]:
    """The processes of ser2net that serve a port."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if words and words[0].endswith("ser2net") and any(port in word for word in words):
                found.append(process)
    return found


def synchronized(dut: Dut, link: Link) -> None:
    try:
        Session(link).synchronize(Deadline.after(3))
    except TinyhilError as error:
        dut.locate(error, "synchronize")
        raise


def await_listening(number: int) -> None:
    deadline = Deadline.after(30)
    while True:
        try:
            socket.create_connection(("127.0.0.1", number)).close()
        except ConnectionRefusedError:
            assert not deadline.expired
            deadline.pause(0.05)
        else:
            return
