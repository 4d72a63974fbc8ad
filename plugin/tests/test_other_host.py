"""A host without POSIX, as most firmware engineers sit at: a physical board is measured there.

Only what our own code asks of a host is played, see `other_host`; Windows itself is not at hand.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import serial

from tinyhil.emulator.foreign.device import ForeignDevice
from tinyhil.ground.paths import ROOT, SUITES

BENCH = """\
schema = 1
[stations.desk]
board = "nucleo-l4r5zi"
port = "socket://127.0.0.1:{port}"
"""
TASK = """\
schema = 1
name = "tiny01"
title = "As small as can be"
classes = ["a", "b", "c"]
input = {bytes = 16, encoding = "int8"}
own = {data = "data"}
"""
SAMPLES = 6


def scores(data: bytes) -> list[float]:
    """Of an input: its first byte is its class."""
    return [0.9 if number == data[0] else 0.05 for number in range(3)]


@contextmanager
def served(device_port: str) -> Iterator[int]:
    """The device's port at a socket of this host, for one client after the other."""
    ended = threading.Event()
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        serial.Serial(device_port, 115200, timeout=0.05) as wire,
    ):

        def serve() -> None:
            while not ended.is_set():
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    reader = threading.Thread(target=answer, args=(client,), daemon=True)
                    reader.start()
                    while data := client.recv(4096):
                        wire.write(data)

        def answer(client: socket.socket) -> None:
            while not ended.is_set():
                try:
                    client.sendall(wire.read(max(1, wire.in_waiting)))
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        ended.set()
        server.shutdown(socket.SHUT_RDWR)


def elsewhere(program: str, folder: Path) -> list[str]:
    """What a program says on the other host."""
    done = subprocess.run(
        [sys.executable, "-c", f"from tests.other_host import hide\nhide()\n{program}"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "plugin"), "PROGRAMDATA": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


LOCKS = """
from pathlib import Path
from pyocd.probe.aggregator import PROBE_CLASSES
from tinyhil.device import lock, ports
from tinyhil.ground import locking
from tinyhil.ground.errors import BenchError, TakenError
from tinyhil.ground.files import lock as lock_run
from pyocd.probe.aggregator import PROBE_CLASSES
assert not locking.FLOCK
assert 'cmsisdap' in PROBE_CLASSES
assert 'tinyhil' not in PROBE_CLASSES
held = lock.held("ours", "P1", "COM7")
with held:
    for probe, port in (("p1", "COM8"), ("P2", r"\\\\.\\com7")):
        try:
            lock.held("theirs", probe, port).__enter__()
        except TakenError as error:
            assert "held by this process itself" in error.message, error
        else:
            raise SystemExit(f"{probe} {port} was free")
    with lock.held("theirs", "P2", "COM8"):
        pass
with lock.held("theirs", "P1", "COM7"):
    print("free again")
run = Path("run")
run.mkdir()
first = lock_run(run)
try:
    lock_run(run)
except BenchError as error:
    print(error.message)
locking.release(first)
locking.release(lock_run(run))
assert list(run.iterdir()) == []
try:
    ports.find("COM7")
except ports.MissingPortError as error:
    print(error.message.split(";")[0])
from tinyhil.cli.main import main
assert main(["emulate", "mps2-an386", "--format", "json"]) == 2
"""

MEASURE = f"""
import pytest
from pathlib import Path
from tinyhil.cli.main import main
options = ["--hil-board", "desk", "--hil-tasks", "tasks", "--hil-task", "tiny01", "-m", "accuracy"]
plugins = ["-p", "no:allure_pytest", "-p", "no:cacheprovider", "-p", "no:benchmark"]
assert pytest.main([{str(SUITES)!r}, *options, *plugins]) == 0
(run,) = Path("reports", "runs").glob("*_desk")
assert main(["verify", str(run)]) == 0
(locks,) = Path("tinyhil").iterdir()
assert [path.stat().st_size for path in locks.iterdir()] == [0], "its holder has let go"
print("LOCKS")
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What one process says on the other host, after a run over a socket."""
    folder = tmp_path_factory.mktemp("elsewhere")
    data = folder / "tasks" / "data"
    data.mkdir(parents=True)
    # No sample is of the third class: then there is no area under a curve, which costs an import.
    labels = [f"{number}.bin, 3, {number % 2}" for number in range(SAMPLES)]
    (data / "y_labels.csv").write_text("\n".join(labels) + "\n")
    for number in range(SAMPLES):
        (data / f"{number}.bin").write_bytes(bytes((number % 2, number)) + bytes(14))
    (folder / "tasks" / "tiny01.toml").write_text(TASK)
    with ForeignDevice("tiny01", scores, infer_us=100) as device, served(device.port) as port:
        (folder / "bench.toml").write_text(BENCH.format(port=port))
        said = elsewhere(MEASURE + LOCKS, folder)
    (record,) = (folder / "reports" / "runs").glob("*_desk/record.jsonl")
    assert json.loads(record.read_text())["metrics"]["top1"] == 1.0
    return said


def test_a_board_at_a_socket_is_measured_and_its_run_is_verified(said: list[str]) -> None:
    assert any("desk" in line for line in said)
    assert any("sealed, unsigned" in line for line in said)


def test_locks_hold_there_too_and_what_needs_linux_says_so_in_one_line(said: list[str]) -> None:
    place = said.index("LOCKS") + 1
    assert said[place : place + 3] == [
        "free again",
        "run: another process is writing to this run",
        "serial port COM7 cannot be opened: there is no COM7",
    ]
    told = "the emulated board 'mps2-an386' needs Linux, or Windows' WSL; this is win32"
    assert json.loads("".join(said[place + 3 :]))["error"]["message"] == told


@pytest.mark.parametrize("name", ["COM3", "com3", r"\\.\COM3"])
def test_a_port_of_windows_is_one_device_by_all_its_names(name: str) -> None:
    from tinyhil.catalog.identity import given_identity, is_path, port_identity  # noqa: PLC0415

    assert (given_identity(name), port_identity(name), is_path(name)) == ("COM3", "COM3", True)
