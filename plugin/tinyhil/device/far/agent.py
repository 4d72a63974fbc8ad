"""The part of the host that a board is plugged into: holds its locks, serves its probe and port.

It speaks lines of JSON, and ends when its input does, or says nothing for `SILENCE_S`: so whoever
holds a board of this host loses it with the link, and no lock outlives its holder. An empty line
says no more than that the other side lives; any other one is an order, which is answered.
"""

from __future__ import annotations

import errno
import json
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from tinyhil.catalog.power import PowerFacts
from tinyhil.device import quarantine
from tinyhil.device.far.port_server import PortServer
from tinyhil.device.lock import Hold, held
from tinyhil.device.power import cycle_of
from tinyhil.flash import probes, serving
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, TinyhilError

SPEAKS = 2
"""Version of what is said between the hosts."""
BEAT_S, SILENCE_S = 5.0, 30.0
"""How often the other side says that it lives, and after what time it is taken for gone."""
_ORDER_BYTES = 1 << 14
_THERE_S = 20.0
"""How long a probe may take to show itself once it has power again."""
_LOOK_S = 0.2
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
    quarantined: bool = False
    """Whether also a board in quarantine."""


def serve(request: Request, say: Say, orders: BinaryIO | None = None) -> int:
    """Serve until the other side has gone; returns the exit status of the program.

    Args:
        request: what is wanted.
        say: sends an object to the other side.
        orders: what comes from there; standard input by default.
    """
    watch = _Watch(orders or sys.stdin.buffer)
    watch.start()
    try:
        with ExitStack() as stack:
            served = _Served(request, _locked(request, say, stack))
            stack.callback(served.stop)
            served.start()
            say({"schema": 1, "ready": SPEAKS})
            while True:  # A signal ends it.
                order = watch.orders.get()
                say({"order": order.get("order"), **_obeyed(order, served)})
    except TinyhilError as error:
        say(_told(error))
        return 2
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        say({"taken": True})
        return 2


def _told(error: TinyhilError) -> dict[str, Any]:
    return {"error": {"kind": error.kind, "message": error.message, "hint": error.hint}}


def _locked(request: Request, say: Say, stack: ExitStack) -> Hold:
    """Take the locks; `stack` lets go of them.

    Raises:
        TinyhilError: the board is taken, or in quarantine.
    """
    hold = stack.enter_context(
        held(
            request.station, request.probe or None, request.port,
            wait_s=request.wait_s, tell=lambda text: say({"waiting": text}), by=request.by,
        )
    )  # fmt: skip
    if not request.quarantined:
        quarantine.check(request.station, request.probe, request.port)
    return hold


def _obeyed(order: Mapping[str, Any], served: _Served) -> dict[str, Any]:
    """Do what the other side wants; returns the answer."""
    request = served.request
    try:
        match order:
            case {"power": facts, "within_s": float(seconds)}:
                served.cycle(PowerFacts.checked(facts, "the order"), Deadline.after(seconds))
            case {"quarantine": str(reason)}:
                quarantine.keep_out(request.station, request.probe, request.port, reason)
            case _:
                raise BenchError(
                    "the order is unknown", hint="install one version of tinyhil on both hosts"
                )
    except TinyhilError as error:
        return _told(error)
    return {"done": True}


class _Served:
    """The servers of a board's probe and port.

    Args:
        request: what is served.
        hold: its locks.
    """

    def __init__(self, request: Request, hold: Hold) -> None:
        self.request = request
        self._hold = hold
        self._servers = ExitStack()

    def start(self) -> None:
        """Serve.

        Raises:
            TinyhilError: the board is not there.
            OSError: a TCP port is in use.
        """
        request = self.request
        listener = socket.create_server(("127.0.0.1", request.port_number), backlog=1)
        server = PortServer(request.port, request.baud, listener, self._hold.claim)
        self._servers.callback(server.close)
        server.start()
        if request.probe:
            self._servers.enter_context(serving(request.probe, request.probe_number))

    def stop(self) -> None:
        """Serve no more."""
        self._servers.close()

    def cycle(self, power: PowerFacts, deadline: Deadline) -> None:
        """Take the board's power away and give it back; nobody is served meanwhile.

        Raises:
            TinyhilError: it could not be switched, or the board is not there afterwards.
        """
        self.stop()
        try:
            cycle_of(power)(deadline)
            self._await_probe(deadline.within(_THERE_S))
        finally:
            self.start()

    def _await_probe(self, deadline: Deadline) -> None:
        """That it does not come, who needs it finds out."""
        uid = self.request.probe
        while uid and not deadline.expired and uid not in {probe.uid for probe in probes()}:
            deadline.pause(_LOOK_S)


class _Watch:
    """Ends this process when the other side has gone; hands on its orders."""

    def __init__(self, orders: BinaryIO) -> None:
        self._input = orders
        self._heard = time.monotonic()
        self._gone = threading.Event()
        self.orders: queue.Queue[Mapping[str, Any]] = queue.Queue()

    def start(self) -> None:
        """Watch from now on."""
        for run in (self._listen, self._look):
            threading.Thread(target=run, daemon=True).start()

    def _listen(self) -> None:
        while line := self._input.readline(_ORDER_BYTES):
            self._heard = time.monotonic()
            with suppress(ValueError, RecursionError):
                order = json.loads(line)
                self.orders.put(order if isinstance(order, dict) else {})
        self._gone.set()

    def _look(self) -> None:
        while not self._gone.wait(1.0) and time.monotonic() - self._heard < SILENCE_S:
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(_END_S)
        os._exit(1)  # Stuck in a driver: the kernel ends the locks.
