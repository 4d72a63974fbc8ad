"""``make bench-contention``: many users want the same boards at once; none may get one in use.

The ports of a bench file's stations end at a referee, which sees every client of each port without
any lock of its own: a second client means a board that is opened twice. Two whole sessions contend,
one of them with several pytest-xdist workers; then processes that take and leave stations at
random, some of which are killed while they hold a board. Last, the same without common locks, to
show that the referee sees what it must see.
"""

from __future__ import annotations

import argparse
import os
import random
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.table import Table

from tinyhil.benchmarks import write_figures
from tinyhil.catalog.bench import stations
from tinyhil.catalog.board import load_boards
from tinyhil.device.dut import attached
from tinyhil.device.lock import FOLDER_VARIABLE

_BOARD = "mps2-an386"
_TOUCHES = 20
"""Exchanges with a board while it is held."""
_PATIENCE_S = 600.0
_LAST_WORD = b"!"
_TESTS = """
import pytest
from tinyhil.benchmarks.contention import touch

@pytest.mark.parametrize("number", range(4))
def test_touch(number, hil_board):
    touch(hil_board.serial_url)
"""


class Referee:
    """The far ends of some ports; a context manager that counts their clients.

    Args:
        folder: of the ports.
        count: how many there are.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.ports = [folder / f"port-{number}" for number in range(1, count + 1)]
        self.uses = 0
        """Times that a port was opened."""
        self.twice: list[str] = []
        """Ports that were opened while they were open, once each time."""
        self._open: dict[str, list[socket.socket]] = {str(port): [] for port in self.ports}
        self._selector = selectors.DefaultSelector()
        self._stop, self._stopped = socket.socketpair()

    def __enter__(self) -> Self:
        for port in self.ports:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(port))
            listener.listen(64)
            self._selector.register(listener, selectors.EVENT_READ, (str(port), True))
        self._selector.register(self._stopped, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.close()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()

    def bench(self) -> str:
        """A bench file with one station for each port."""
        return "schema = 1\n" + "".join(
            f'[stations.{port.name}]\nboard = "{_BOARD}"\nprobe = "{port}"\nport = "{port}"\n'
            for port in self.ports
        )

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                port, listens = key.data
                assert isinstance(key.fileobj, socket.socket)
                if listens:
                    self._accept(port, key.fileobj)
                elif key.fileobj in self._open[port] and not self._echo(key.fileobj):
                    self._drop(port, key.fileobj)

    def _accept(self, port: str, listener: socket.socket) -> None:
        client, _ = listener.accept()
        for other in [one for one in self._open[port] if _is_dead(one)]:
            self._drop(port, other)  # Of a process that was killed.
        self.uses += 1
        self.twice += [port] * bool(self._open[port])
        self._open[port].append(client)
        self._selector.register(client, selectors.EVENT_READ, (port, False))

    def _drop(self, port: str, client: socket.socket) -> None:
        self._open[port].remove(client)
        self._selector.unregister(client)
        client.close()

    @staticmethod
    def _echo(client: socket.socket) -> bool:
        """Answer; false when it is the last answer."""
        try:
            said = client.recv(1)
            client.sendall(said)
        except OSError:
            return False
        return said not in (b"", _LAST_WORD)


def _is_dead(client: socket.socket) -> bool:
    try:
        return client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@contextmanager
def opened(port: str) -> Iterator[socket.socket]:
    """A port of the referee's, open; the referee has seen both ends of that time."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(port)
        _exchange(client, b".")
        yield client
        _exchange(client, _LAST_WORD)


def _exchange(client: socket.socket, said: bytes) -> None:
    client.sendall(said)
    if client.recv(1) != said:
        raise ConnectionError("the referee has closed the connection")


def touch(port: str) -> None:
    """Use a port as a measure would: open it, exchange something, close it."""
    with opened(port) as client:
        for _ in range(_TOUCHES):
            _exchange(client, b".")


def sessions(referee: Referee, folder: Path, workers: int) -> list[tuple[int, str]]:
    """A plain session and one with xdist want all stations; returns how each has ended."""
    (folder / "bench.toml").write_text(referee.bench())
    (folder / "test_touch.py").write_text(_TESTS)
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:allure_pytest"),
        *("--rootdir", str(folder), "--hil-bench", str(folder / "bench.toml")),
        *("--hil-board", "port-*", "--hil-wait", str(_PATIENCE_S), str(folder / "test_touch.py")),
    ]
    started = [
        subprocess.Popen(
            [*command, *more], cwd=folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for more in ((), ("-n", str(workers)))
    ]  # fmt: skip
    outputs = [process.communicate(timeout=_PATIENCE_S)[0] for process in started]
    return [(one.returncode, text) for one, text in zip(started, outputs, strict=True)]


def take_at_random(bench: Path, times: int, seed: int, kill: bool) -> None:
    """Hold stations one after the other; at the end die while holding one, if asked to."""
    known = stations(load_boards(), bench)
    wired = [station for station in known.values() if station.wiring]
    rng = random.Random(seed)  # noqa: S311 - not a secret
    for _ in range(times):
        with attached(rng.choice(wired), wait_s=_PATIENCE_S) as dut:
            touch(dut.serial_url)
    if kill:
        with attached(rng.choice(wired), wait_s=_PATIENCE_S) as dut, opened(dut.serial_url):
            os.kill(os.getpid(), 9)


def crowd(
    referee: Referee, folder: Path, *, users: int, times: int, common_locks: bool
) -> tuple[int, int]:
    """Many processes want random stations, half of them until they are killed.

    Returns:
        How many ended as they should, and how many there were.
    """
    bench = folder / "bench.toml"
    bench.write_text(referee.bench())
    started = []
    for user in range(users):
        locks = folder / ("locks" if common_locks else f"locks-{user}")
        script = (
            "from pathlib import Path; from tinyhil.benchmarks.contention import take_at_random; "
            f"take_at_random(Path({str(bench)!r}), {times}, {user}, {user % 2 == 1})"
        )
        environment = {**os.environ, FOLDER_VARIABLE: str(locks)}
        started.append(subprocess.Popen([sys.executable, "-c", script], env=environment))
    ended = [process.wait(_PATIENCE_S) for process in started]
    right = sum(code == (-9 if user % 2 else 0) for user, code in enumerate(ended))
    return right, users


def main(arguments: Sequence[str] | None = None) -> int:
    """Contend, print what the referee saw; 1 if a board was opened twice."""
    parser = argparse.ArgumentParser(prog="make bench-contention", description=__doc__)
    parser.add_argument("--stations", type=int, default=8, help="default: 8")
    parser.add_argument("--workers", type=int, default=4, help="workers of xdist (default: 4)")
    parser.add_argument("--users", type=int, default=12, help="users in the crowd (default: 12)")
    parser.add_argument(
        "--times", type=int, default=40, help="how often each of them takes a station"
    )
    options = parser.parse_args(arguments)
    figures: list[dict[str, object]] = []
    console, bad = Console(), 0
    for name, common in (("two sessions, one with xdist", True), ("crowd", True),
                         ("crowd without common locks", False)):  # fmt: skip
        with (
            tempfile.TemporaryDirectory() as made,
            Referee(Path(made), options.stations) as referee,
        ):
            if name.startswith("crowd"):
                right, users = crowd(
                    referee, Path(made), users=options.users, times=options.times,
                    common_locks=common,
                )  # fmt: skip
            else:
                ended = sessions(referee, Path(made), options.workers)
                right, users = sum(code == 0 for code, _ in ended), len(ended)
                for _, text in ended:
                    console.print(text, markup=False)
        twice = len(referee.twice)
        bad += common and (twice > 0 or right != users)
        bad += not common and twice == 0
        figures.append(_figure(name, referee, f"{right} of {users}"))
    columns = ("users", "stations", "ended well", "opened", "opened twice")
    table = Table(*columns, title="boards opened while they were open", box=None)
    for figure in figures:
        table.add_row(*(str(figure[column]) for column in columns))
    console.print(table)
    console.print(f"figures: {write_figures('contention', figures)}", soft_wrap=True)
    return 1 if bad else 0


def _figure(users: str, referee: Referee, ended_well: str) -> dict[str, object]:
    return {
        "users": users,
        "stations": len(referee.ports),
        "ended well": ended_well,
        "opened": referee.uses,
        "opened twice": len(referee.twice),
        "unit": "times",
        "compared with": "0 with common locks, more than 0 without",
    }


if __name__ == "__main__":
    raise SystemExit(main())
