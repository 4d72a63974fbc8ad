"""The serial link over what pyserial opens: a port, or a socket as a remote bench offers it."""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tinyhil.device.links.serial import SerialLink
from tinyhil.device.session import Session
from tinyhil.emulator.foreign import ForeignDevice
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, LinkError, LinkTimeoutError


@contextmanager
def served(port: str) -> Iterator[tuple[str, threading.Event]]:
    """A serial port served over TCP; yields its URL, and what hangs up when it is set."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def shuttle() -> None:
            peer, _ = server.accept()
            device = os.open(port, os.O_RDWR | os.O_NOCTTY)
            with peer:
                while not stop.is_set():
                    readable = select.select([peer.fileno(), device], [], [], 0.05)[0]
                    if device in readable:
                        peer.sendall(os.read(device, 4096))
                    if peer.fileno() in readable:
                        os.write(device, peer.recv(4096))
            os.close(device)

        thread = threading.Thread(target=shuttle)
        thread.start()
        try:
            yield f"socket://127.0.0.1:{server.getsockname()[1]}", stop
        finally:
            stop.set()
            thread.join()


def test_a_session_runs_over_a_socket() -> None:
    with ForeignDevice("kws01", lambda _: [1.0]) as device, served(device.port) as (url, _):
        link = SerialLink(url, 115200)
        session = Session(link)
        session.synchronize(Deadline.after(60))
        session.load(bytes(490), Deadline.after(60))
        assert session.read_back(Deadline.after(60)) == bytes(490)
        link.close()


def test_a_socket_that_closes_is_noticed_at_once() -> None:
    """pyserial's `in_waiting` answers 1 on a dead socket, as if there were something to read."""
    with ForeignDevice("kws01", lambda _: [1.0]) as device, served(device.port) as (url, stop):
        link = SerialLink(url, 115200)
        session = Session(link)
        session.synchronize(Deadline.after(60))
        stop.set()
        deadline = Deadline.after(60)
        with pytest.raises(LinkError, match="is gone"):
            session.load(bytes(490), deadline)
        assert not deadline.expired


def test_a_port_that_is_not_there_is_an_error_of_the_bench(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="nothing cannot be opened"):
        SerialLink(str(tmp_path / "nothing"), 115200)


def test_a_port_that_another_program_holds_is_an_error_of_the_bench() -> None:
    with ForeignDevice("kws01", lambda _: [1.0]) as device:
        link = SerialLink(device.port, 115200)
        with pytest.raises(BenchError, match="cannot be opened"):
            SerialLink(device.port, 115200)
        link.close()


def test_a_silent_port_is_given_up_at_the_deadline() -> None:
    with ForeignDevice("kws01", lambda _: [1.0]) as device:
        link = SerialLink(device.port, 115200)
        with pytest.raises(LinkTimeoutError, match=r"nothing came .* in 0\.5 s"):
            link.read(Deadline.after(0.5))
        link.close()
