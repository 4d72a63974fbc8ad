"""The part of the host that a board is plugged into: holds its locks, serves its probe and port.

It speaks lines of JSON, and ends when its input does, or says nothing for `SILENCE_S`: so whoever
holds a board of this host loses it with the link, and no lock outlives its holder.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, BinaryIO

from tinyhil.device.far.port_server import PortServer
from tinyhil.device.lock import held
from tinyhil.flash import serving
from tinyhil.ground.errors import TinyhilError

SPEAKS = 1
"""Version of what is said between the hosts."""
BEAT_S, SILENCE_S = 5.0, 30.0
"""How often the other side says that it lives, and after what time it is taken for gone."""
_END_S = 10.0
"""How long letting go may take, before the process ends in any case."""

Say = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Request:
    """What is to be served."""

    station: str
    probe: str
    """Empty: none."""
    port: str
    baud: int
    probe_number: int
    """TCP port of the probe's server."""
    port_number: int
    """TCP port of the serial port's server."""
    wait_s: float
    by: str
    """Who asks."""


def serve(request: Request, say: Say, orders: BinaryIO | None = None) -> int:
    """Serve until the other side has gone; returns the exit status of the program.

    Args:
        request: what is wanted.
        say: sends an object to the other side.
        orders: what comes from there; standard input by default.
    """
    _Watch(orders or sys.stdin.buffer).start()
    try:
        with ExitStack() as stack:
            _begin(request, say, stack)
            say({"schema": 1, "ready": SPEAKS})
            threading.Event().wait()  # A signal ends it.
    except TinyhilError as error:
        say({"error": {"kind": error.kind, "message": error.message, "hint": error.hint}})
        return 2
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        say({"taken": True})
        return 2
    return 0


def _begin(request: Request, say: Say, stack: ExitStack) -> None:
    """Take the locks, then serve; `stack` undoes it.

    Raises:
        TinyhilError: the board is taken, or not there.
        OSError: a TCP port is in use.
    """
    hold = stack.enter_context(
        held(
            request.station, request.probe or None, request.port,
            wait_s=request.wait_s, tell=lambda text: say({"waiting": text}), by=request.by,
        )
    )  # fmt: skip
    listener = socket.create_server(("127.0.0.1", request.port_number), backlog=1)
    server = PortServer(request.port, request.baud, listener, hold.claim)
    stack.callback(server.close)
    server.start()
    if request.probe:
        stack.enter_context(serving(request.probe, request.probe_number))


class _Watch:
    """Ends this process when the other side has gone."""

    def __init__(self, orders: BinaryIO) -> None:
        self._orders = orders
        self._heard = time.monotonic()
        self._gone = threading.Event()

    def start(self) -> None:
        """Watch from now on."""
        for run in (self._listen, self._look):
            threading.Thread(target=run, daemon=True).start()

    def _listen(self) -> None:
        while self._orders.readline(1 << 10):
            self._heard = time.monotonic()
        self._gone.set()

    def _look(self) -> None:
        while not self._gone.wait(1.0) and time.monotonic() - self._heard < SILENCE_S:
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(_END_S)
        os._exit(1)  # Stuck in a driver: the kernel ends the locks.
