"""A farm for real: an sshd as a host's, ser2net, pyOCD's own server, labgrid's coordinator."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests import farm_tools
from tests.processes import child
from tests.runs import run
from tinyhil.catalog.bench import Station
from tinyhil.catalog.wiring import Wiring
from tinyhil.device.dut import Dut, attached
from tinyhil.device.far import tunnel
from tinyhil.device.links import Link
from tinyhil.device.links.serial import open_link
from tinyhil.device.lock import FOLDER_VARIABLE
from tinyhil.device.session import Session
from tinyhil.flash import _pyocd_remote, flash, reset
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import TinyhilError
from tinyhil.image.build import Firmware

pytestmark = pytest.mark.long


def needs(name: str) -> list[str]:
    """A server's program; skips without it."""
    found = farm_tools.program(name)
    if found is None:
        pytest.skip(f"needs {name}: run `make farm`, or install it")
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The configuration of ssh to a host of its own, with locks of its own."""
    needs("sshd")
    folder = tmp_path_factory.mktemp("bench")
    environment = {
        FOLDER_VARIABLE: str(folder / "locks"),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        **{name: os.environ[name] for name in ("XDG_RUNTIME_DIR",) if name in os.environ},
    }
    with farm_tools.bench_host(folder, free_port(), **environment) as config:
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
    ser2net, numbers = needs("ser2net"), [free_port() for _ in range(3)]
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
