"""Boards of other hosts: ports by RFC 2217, probes behind a server, and what holds both."""

from __future__ import annotations

import getpass
import os
import re
import shlex
import socket
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml
from pyocd.core import exceptions

from tests.runs import run
from tinyhil.catalog.bench import Station, station_of_place, stations
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.places import wanted
from tinyhil.catalog.power import PowerFacts
from tinyhil.catalog.wiring import Wiring
from tinyhil.cli.farm.exporter import text_of
from tinyhil.device import lock
from tinyhil.device.dut import attached
from tinyhil.device.far import coordinator, labgrid, tunnel
from tinyhil.device.far.port_server import PortServer
from tinyhil.device.links.serial import SerialLink, open_link
from tinyhil.device.session import Session
from tinyhil.emulator.foreign import ForeignDevice
from tinyhil.flash import open_flasher
from tinyhil.flash._pyocd_remote import remote_probe
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import (
    BenchError,
    ConfigError,
    LinkError,
    LinkTimeoutError,
    TakenError,
)


@contextmanager
def served(port: str) -> Iterator[tuple[int, PortServer, list[str]]]:
    """A port served by RFC 2217: its TCP port, the server, and the devices that it claimed."""
    claimed: list[str] = []
    server = PortServer(port, 115200, socket.create_server(("127.0.0.1", 0)), claimed.append)
    server.start()
    try:
        yield server._listener.getsockname()[1], server, claimed
    finally:
        server.close()


class Cable:
    """Carries a TCP connection, until it is pulled: then nothing passes, and nobody is told."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.number = self._listener.getsockname()[1]
        self.pulled = threading.Event()
        self._ends: list[socket.socket] = [self._listener]
        threading.Thread(target=self._carry, daemon=True).start()

    def _carry(self) -> None:
        near, _ = self._listener.accept()
        far = socket.create_connection(("127.0.0.1", self._number))
        self._ends += [near, far]
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        while data := source.recv(4096):
            if self.pulled.is_set():
                return
            sink.sendall(data)

    def close(self) -> None:
        for end in self._ends:
            end.close()


def test_text_and_its_rate_go_over_rfc_2217_and_a_pulled_cable_ends_in_time() -> None:
    with (
        ForeignDevice("kws01", lambda _: [1.0]) as device,
        served(device.port) as (number, server, claimed),
    ):
        cable = Cable(number)
        link = SerialLink(f"rfc2217://127.0.0.1:{cable.number}#the port@there", 115200)
        session = Session(link)
        session.synchronize(Deadline.after(60))
        sample = bytes(range(256)) + b"\xff" * 234  # What Telnet doubles is among it.
        session.load(sample, Deadline.after(60))
        assert session.read_back(Deadline.after(60)) == sample
        assert claimed == [device.port]

        link.set_baud(9600)
        descriptor = os.open(device.port, os.O_RDWR | os.O_NOCTTY)
        assert termios.tcgetattr(descriptor)[5] == termios.B9600
        os.close(descriptor)
        session.ask("name%", Deadline.after(60))

        cable.pulled.set()
        with pytest.raises(LinkTimeoutError, match="nothing came from port the port@there in"):
            link.read(Deadline.after(0.3))
        server.close()
        link.close()
        cable.close()


def test_a_server_that_hangs_up_is_an_error_that_names_the_port_and_the_next_step() -> None:
    with ForeignDevice("kws01", lambda _: [1.0]) as device:
        with served(device.port) as (number, server, _):
            link = SerialLink(f"rfc2217://127.0.0.1:{number}#/dev/x@there", 115200)
            server.close()
            deadline = Deadline.after(30)
            with pytest.raises(LinkError, match=r"port /dev/x@there is gone(.|\n)*host is up"):
                link.read(deadline)
            assert not deadline.expired
            link.close()
        with pytest.raises(BenchError, match=r"/dev/x@there cannot be opened(.|\n)*ser2net"):
            SerialLink(f"rfc2217://127.0.0.1:{number}#/dev/x@there", 115200)


def test_a_port_is_served_again_after_its_client_has_left() -> None:
    with ForeignDevice("kws01", lambda _: [1.0]) as device, served(device.port) as (number, _, _1):
        for _ in range(2):
            link = SerialLink(f"rfc2217://127.0.0.1:{number}", 115200)
            Session(link).synchronize(Deadline.after(60))
            link.close()


def test_what_came_before_a_setting_is_sent_before_it_changes() -> None:
    """All in one packet: data, another rate, data."""
    master, slave = os.openpty()
    rate = b"\xff\xfa\x2c\x01" + (9600).to_bytes(4, "big") + b"\xff\xf0"
    with (
        served(os.ttyname(slave)) as (number, _, _1),
        socket.create_connection(("127.0.0.1", number)) as client,
    ):
        client.sendall(b"one" + rate + b"two")
        got = b""
        while len(got) < 6:
            got += os.read(master, 16)
        assert got == b"onetwo"
        assert termios.tcgetattr(slave)[5] == termios.B9600
    os.close(master)
    os.close(slave)


@contextmanager
def answering(answers: list[bytes]) -> Iterator[int]:
    """A server in the place of pyOCD's: an answer a request, then it hangs up; None: no answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            peer, _ = server.accept()
            with peer, peer.makefile("rb") as requests:
                for answer in answers:
                    requests.readline()
                    peer.sendall(answer)
                if not answers:
                    requests.read()

        thread = threading.Thread(target=run)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


_FINE = b'{"id": 0, "status": 0}\n'


def test_a_call_to_a_far_probe_ends_where_pyocds_own_client_waits_for_ever() -> None:
    with answering([]) as number:
        probe = remote_probe(f"remote:127.0.0.1:{number}#066B@there", call_s=0.3)
        with pytest.raises(exceptions.ProbeDisconnected, match="066B@there is cut: no answer"):
            probe.open()
        started = time.monotonic()
        with pytest.raises(exceptions.ProbeDisconnected, match="066B@there is cut"):
            probe.flush()
        assert time.monotonic() - started < 0.2, "those after the first one don't wait"


def test_a_far_probe_whose_server_ends_is_an_error_with_a_next_step(mps2: Board) -> None:
    with answering([_FINE]) as number:
        uid = f"remote:127.0.0.1:{number}#066B@there"
        with pytest.raises(
            BenchError,
            match=r"066B@there is cut: (it has hung up|.*reset by peer)(.|\n)*host is up",
        ):
            open_flasher(mps2, uid, Deadline.after(30))
    with pytest.raises(BenchError, match=r"066B@there failed at connecting(.|\n)*pyocd server"):
        open_flasher(mps2, uid, Deadline.after(30))


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        ('probe = "remote:there"\nport = "/dev/a"', r"probe': .*remote:HOST:PORT"),
        ('port = "rfc2217://there"', r"port': .* has no host and port"),
        ('port = "socket://there:4000"\nbaud_max = 921600', r"baud_max': the rate of"),
        ('host = "-oProxyCommand=x"\nport = "/dev/a"', r"host': .* is not where ssh leads"),
        ('host = "there"\nport = "socket://x:1"', r"host': probe or port is one end"),
        (
            'host = "there"\nport = "/dev/a"\nflash = {method = "drive", drive = "/media/x"}',
            r"flash.method': 'drive' works only",
        ),
    ],
)
def test_a_wrong_way_to_a_far_board_is_refused(entry: str, wrong: str, tmp_path: Path) -> None:
    bench = tmp_path / "bench.toml"
    bench.write_text(f'schema = 1\n[stations.x]\nboard = "mps2-an386"\n{entry}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=wrong):
        stations(load_boards(), bench)


def test_boards_of_two_hosts_may_have_ports_of_one_name(tmp_path: Path) -> None:
    entry = '[stations.x{0}]\nboard = "mps2-an386"\nhost = "host{0}"\nport = "/dev/a"\n'
    bench = tmp_path / "bench.toml"
    bench.write_text("schema = 1\n" + entry.format(1) + entry.format(2), encoding="utf-8")
    assert {"x1", "x2"} < set(stations(load_boards(), bench))
    bench.write_text(
        "schema = 1\n" + entry.format(1) + entry.format(1).replace("x1", "x3"), encoding="utf-8"
    )
    with pytest.raises(ConfigError, match="the same port"):
        stations(load_boards(), bench)


def far_station(board: Board, port: str, host: str = "there") -> Station:
    wiring = Wiring(
        board=board.name, host=host, host_program=f"{sys.executable} -m tinyhil.cli.main", port=port
    )
    return Station("far", wiring.board_of(board), wiring)


def test_a_board_of_another_host_is_locked_there_as_long_as_its_user_lives(
    mps2: Board, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    near = shlex.join([sys.executable, str(Path(__file__).with_name("near_ssh.py"))])
    monkeypatch.setenv(tunnel.SSH_VARIABLE, near)
    monkeypatch.setenv(lock.FOLDER_VARIABLE, str(tmp_path / "locks"))
    told: list[str] = []
    with ForeignDevice("kws01", lambda _: [1.0]) as device, ExitStack() as stack:
        station = far_station(mps2, device.port)
        dut = stack.enter_context(attached(station))
        link = open_link(dut)
        Session(link).synchronize(Deadline.after(60))
        link.close()
        with pytest.raises(TakenError) as caught, attached(station, wait_s=0.3, tell=told.append):
            pass
        text = str(caught.value)
        assert f"[far] host there: station 'far' is in use: its port '{device.port}'" in text
        assert f"held by {getpass.getuser()}@{socket.gethostname()} (process" in text
        assert "waiting for it up to" in told[0]

        number = re.search(rf":(\d+)#{device.port}@there$", dut.serial_url)
        assert number
        stack.close()
        with lock.held("mine", None, device.port):  # The lock has gone with its holder.
            pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(number[1])))


def test_a_host_that_is_not_reached_is_told_with_what_ssh_says(
    mps2: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = shlex.join([sys.executable, str(Path(__file__).with_name("near_ssh.py"))])
    monkeypatch.setenv(tunnel.SSH_VARIABLE, near)
    with (
        pytest.raises(BenchError, match=r"host nowhere could not be reached.*No route to host"),
        attached(far_station(mps2, "/dev/x", "nowhere")),
    ):
        pass
    station = far_station(mps2, "/dev/x")
    assert station.wiring
    wiring = station.wiring.model_copy(update={"host_program": "/no/tinyhil"})
    with (
        pytest.raises(BenchError, match=r"no tinyhil that ssh finds(.|\n)*'host_program' of 'far'"),
        attached(Station("far", station.board, wiring)),
    ):
        pass


_PLACES = """\
Place 'b1':
  comment: its port is gone
  tags: quarantined=mps2-an386, site=lab2
  matches:
    host1/b1/*
  acquired: None
  acquired resources:
  created: 2026-01-01 02:24:21.214819
  changed: 2026-01-01 02:24:31.930685
Place 'b2':
  tags: board=mps2-an386
  matches:
    host*/b2/*
  acquired: laptop/alice.4711
  acquired resources:
    host1/b2/TinyhilBoard/TinyhilBoard
  created: 2026-01-01 02:24:26.311634
  changed: 2026-01-01 02:24:29.344505
  reservation: MZ8BVWRJWE
"""
_RESOURCES = """\
Exporter 'host1':
  Group 'b2' (host1/b2/*):
    Resource 'RawSerialPort' (host1/b2/NetworkSerialPort[/RawSerialPort]):
      {'acquired': None, 'avail': True, 'cls': 'NetworkSerialPort', 'params': {}}
    Resource 'TinyhilBoard' (host1/b2/TinyhilBoard[/TinyhilBoard]):
      {'acquired': 'b2',
       'avail': True,
       'cls': 'TinyhilBoard',
       'params': {'extra': {'proxy': 'localhost', 'proxy_required': False},
                  'host': 'bench1',
                  'port': '/dev/ttyACM0',
                  'probe': '066B'}}
"""


def test_what_labgrid_says_of_its_places_is_read(mps2: Board) -> None:
    boards = coordinator._boards(_RESOURCES)
    kept, held = (coordinator._with_board(one, boards) for one in coordinator._places(_PLACES))
    assert (kept.name, kept.quarantined, kept.comment) == ("b1", mps2.name, "its port is gone")
    assert kept.board is None
    assert not kept.free
    assert (held.name, held.type, held.holder) == ("b2", mps2.name, "laptop/alice.4711")
    assert held.reservation == "MZ8BVWRJWE"
    station = station_of_place("labgrid:b2@mps2-an386", {mps2.name: mps2})
    wiring = labgrid.at_place(station, held).wiring
    assert wiring
    assert (wiring.host, wiring.probe, wiring.port) == ("bench1", "066B", "/dev/ttyACM0")
    with pytest.raises(BenchError, match="no exporter offers a TinyhilBoard for labgrid's place"):
        labgrid.at_place(station, kept)


@pytest.mark.parametrize(
    ("facts", "wrong"),
    [
        ({"port": "/dev/a", "board": "microbit"}, "has a 'microbit', and 'mps2-an386' is wanted"),
        ({"port": "/dev/a", "colour": "red"}, "unknown key 'colour'"),
        ({"port": "/dev/a", "host": "-oProxyCommand=x"}, "is not where ssh leads"),
        ({}, "needs its port"),
    ],
)
def test_an_exporters_file_that_is_wrong_is_refused(
    facts: dict[str, object], wrong: str, mps2: Board
) -> None:
    place = coordinator.Place("b2", board=facts)
    with pytest.raises(ConfigError, match=wrong):
        labgrid.at_place(station_of_place("labgrid:b2@mps2-an386", {mps2.name: mps2}), place)


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("labgrid:site=lab2", "names no board"),
        ("labgrid:board=none", "the unknown board 'none'"),
        ("labgrid:a b@mps2-an386", "neither a place nor tags"),
    ],
)
def test_a_place_that_no_board_can_be_told_of_is_refused(
    word: str, wrong: str, mps2: Board
) -> None:
    with pytest.raises(ConfigError, match=wrong):
        station_of_place(word, {mps2.name: mps2})


def test_without_labgrids_program_the_way_to_get_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(coordinator, "installed", lambda _: False)
    with pytest.raises(BenchError, match=r"labgrid-client(.|\n)*pytest-tinyhil\[farm\]"):
        resolved("labgrid:*")
    monkeypatch.setenv(coordinator.PROGRAM_VARIABLE, "/nowhere/labgrid-client")
    with pytest.raises(BenchError, match="cannot be started"):
        resolved("labgrid:b1")


def test_a_coordinator_that_is_gone_is_said_with_what_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(coordinator.PROGRAM_VARIABLE, "false")
    with pytest.raises(BenchError, match=r"labgrid-client failed(.|\n)*LG_COORDINATOR names"):
        resolved("labgrid:b1")


_LABGRID = """\
#!/bin/sh
echo "$*" >> {folder}/calls
case "$*" in
"-v places") cat {folder}/places ;;
"-vv resources") cat {folder}/resources ;;
reserve*) echo export LG_TOKEN=T1 ;;
"wait T1") echo "state: allocated" ;;
"-p +T1 acquire"|"-p b2 acquire") echo "acquired place b2" ;;
esac
"""


@pytest.mark.parametrize("text", ["b2", "board=mps2-an386"])
def test_a_place_is_had_with_as_few_calls_as_it_takes(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a process that imports all of labgrid: half a second of a core."""
    (tmp_path / "places").write_text(_PLACES)
    (tmp_path / "resources").write_text(_RESOURCES)
    program = tmp_path / "labgrid-client"
    program.write_text(_LABGRID.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv(coordinator.PROGRAM_VARIABLE, str(program))
    with labgrid.acquired(wanted(text, "here"), tell=lambda _: None) as place:
        assert place.board
        assert place.board["host"] == "bench1"
    name = "b2" if text == "b2" else "+T1"
    steps = ["-v places", f"reserve --shell {text}", "wait T1", f"-p {name} acquire",
             "-vv resources", "-p b2 release", "cancel-reservation T1"]  # fmt: skip
    alone = [step for step in steps if "T1" not in step and "reserve" not in step]
    assert (tmp_path / "calls").read_text().splitlines() == (alone if text == "b2" else steps)


_RESTARTS = """\
#!/bin/sh
case "$*" in
{step})
    if mkdir {folder}/away 2>/dev/null; then
        echo "Server error: Could not connect to coordinator" >&2
        exit 1
    fi ;;
esac
exec {folder}/labgrid-client "$@"
"""


def restarting(folder: Path, step: str) -> Path:
    """A client of labgrid's whose coordinator is gone the first time that it is asked a thing."""
    (folder / "places").write_text(_PLACES)
    (folder / "resources").write_text(_RESOURCES)
    for name, text in (("labgrid-client", _LABGRID), ("restarts", _RESTARTS)):
        program = folder / name
        program.write_text(text.format(folder=folder, step=step))
        program.chmod(0o755)
    return folder / "restarts"


@pytest.mark.parametrize("step", ["-v\\ places", "reserve*", "wait*", "-p*acquire"])
def test_a_coordinator_that_starts_again_is_waited_for(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At whatever call it is gone; what was reserved there is reserved anew."""
    monkeypatch.setenv(coordinator.PROGRAM_VARIABLE, str(restarting(tmp_path, step)))
    one, told = wanted("board=mps2-an386", "here"), list[str]()
    with pytest.raises(BenchError, match="LG_COORDINATOR"), labgrid.acquired(one, tell=told.append):
        pass
    assert told == []
    (tmp_path / "away").rmdir()
    with labgrid.acquired(one, wait_s=60, tell=told.append) as place:
        assert place.board
    assert ["waiting for it up to" in text for text in told] == [True]
    calls = (tmp_path / "calls").read_text().splitlines()
    # Nobody knows whether a place is ours whose answer did not come.
    assert calls.count("-p +T1 release") == (2 if "acquire" in step else 0)


def test_of_places_with_the_same_tags_one_that_has_no_exporter_is_passed_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """labgrid's reservations do not ask for exporters."""
    program = restarting(tmp_path, "-p\\ +T1\\ acquire")
    text = program.read_text()
    gone = "labgrid-client: Error: Match host1/b0/* has no matching remote resource"
    program.write_text(text.replace("Server error: Could not connect to coordinator", gone))
    dead = "Place 'b0':\n  tags: board=mps2-an386\n  matches:\n    host1/b0/*\n  acquired: None\n"
    free = re.sub("  reservation.*\n", "", _PLACES.replace("laptop/alice.4711", "None"))
    (tmp_path / "places").write_text(dead + free)
    monkeypatch.setenv(coordinator.PROGRAM_VARIABLE, str(program))
    one = wanted("board=mps2-an386", "here")
    with labgrid.acquired(one, wait_s=60, tell=pytest.fail) as place:
        assert place.name == "b2"
    assert "-p b2 release" in (tmp_path / "calls").read_text()


def test_a_run_that_begins_without_a_coordinator_waits_for_it(tmp_path: Path) -> None:
    options = ("--collect-only", "--hil-board", "labgrid:b2", "--hil-wait", "60")
    program = restarting(tmp_path, "-v\\ places")
    code, said = run(tmp_path / "runs", *options, **{coordinator.PROGRAM_VARIABLE: str(program)})
    assert code == 0, said
    assert "Could not connect to coordinator; waiting for it up to 60 s" in said
    assert "[b2-kws01]" in said


def test_every_free_place_is_waited_for_until_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(coordinator.PROGRAM_VARIABLE, str(restarting(tmp_path, "none")))
    with pytest.raises(BenchError, match=r"no place of labgrid is free(.|\n)*--hil-wait SECONDS"):
        resolved("labgrid:*")

    def given_back(text: str) -> None:
        assert text == "no place of labgrid is free; waiting for one up to 60 s"
        free = re.sub("  reservation.*\n", "", _PLACES.replace("laptop/alice.4711", "None"))
        (tmp_path / "places").write_text(free)

    monkeypatch.setattr(labgrid, "_ALL_S", 0.1)
    words = ["near", "labgrid:*"]
    assert labgrid.resolved(words, 60, given_back) == ["near", "labgrid:b2@mps2-an386"]


def resolved(word: str) -> list[str]:
    return labgrid.resolved([word], 0, lambda _: None)


def test_the_exporters_file_says_how_each_board_of_a_bench_file_is_reached(
    mps2: Board, tmp_path: Path
) -> None:
    bench = tmp_path / "bench.toml"
    bench.write_text(
        'schema = 1\n[stations.near]\nboard = "mps2-an386"\nprobe = "P: 1"\nport = "/dev/a"\n'
        '[stations.near.power]\nmethod = "uhubctl"\nhub = "1-1"\nhub_port = 2\n'
        '[stations.elsewhere]\nboard = "mps2-an386"\nhost = "x"\nport = "/dev/a"\n',
        encoding="utf-8",
    )
    text = text_of({mps2.name: mps2}, bench, "bench1", "/opt/tinyhil")
    assert yaml.safe_load(text) == {
        "near": {
            "TinyhilBoard": {
                "board": "mps2-an386", "probe": "P: 1", "port": "/dev/a",
                "host": "bench1", "host_program": "/opt/tinyhil",
                "power": '{"method": "uhubctl", "hub": "1-1", "hub_port": 2}',
            }
        }
    }  # fmt: skip
    place = coordinator.Place("near", board=yaml.safe_load(text)["near"]["TinyhilBoard"])
    station = labgrid.at_place(
        station_of_place("labgrid:near@mps2-an386", {mps2.name: mps2}), place
    )
    assert station.wiring
    assert station.wiring.power == PowerFacts(method="uhubctl", hub="1-1", hub_port=2)
    assert all(line.startswith("## ") for line in text.splitlines() if line.startswith("#"))
    assert "labgrid-client -p near set-tags board=mps2-an386" in text
