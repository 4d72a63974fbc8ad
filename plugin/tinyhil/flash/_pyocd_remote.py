"""A debug probe behind a `pyocd server`, with an end to each call.

pyOCD's own client waits for an answer without end: it takes the end of its time for a reason to
wait again, and an end of the connection for an empty answer. See `pyocd.utility.sockets`.
"""

from __future__ import annotations

import socket
from contextlib import suppress

from pyocd.core import exceptions
from pyocd.probe.tcp_client_probe import TCPClientProbe

from tinyhil.catalog.identity import called, remote_address
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import ConfigError

CALL_S = 30.0
"""How long one call may take: a page of flash over a slow probe takes some seconds."""
_CONNECT_S = 10.0
_LINE_BYTES = 1 << 24
"""Of one answer at most."""


def remote_probe(uid: str, *, call_s: float | None = None) -> TCPClientProbe:
    """The probe that an id of the form ``remote:HOST:PORT`` names; nothing is connected yet.

    Args:
        uid: with ``#NAME`` behind it where a person knows it by another name.
        call_s: how long one call may take, in seconds; by default `CALL_S`.

    Raises:
        ConfigError: it is no such id.
    """
    address = remote_address(uid)
    if address is None:
        raise ConfigError(
            f"probe '{uid}' is not of the form remote:HOST:PORT",
            hint="write the host and the port where `pyocd server` is reached",
        )
    probe = TCPClientProbe(f"{address[0]}:{address[1]}")
    probe._socket = _BoundedSocket(address, called(uid), call_s or CALL_S)
    return probe


class _BoundedSocket:
    """In the place of pyOCD's `ClientSocket`: the first call that fails ends it for good, so that
    those after it, of which letting go of a probe makes many, fail at once."""

    def __init__(self, address: tuple[str, int], name: str, call_s: float) -> None:
        self._address = address
        self._name = name
        self._call_s = call_s
        self._socket: socket.socket | None = None
        self._came = bytearray()
        self._looked = 0
        """Bytes of those that hold no end of a line."""

    def connect(self) -> None:
        self._socket = socket.create_connection(self._address, _CONNECT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def set_timeout(self, timeout: float) -> None:
        """pyOCD's own wish, which bounds nothing."""

    def close(self) -> None:
        if self._socket:
            with suppress(OSError):
                self._socket.close()
        self._socket = None

    def write(self, data: bytes) -> None:
        try:
            self._open(Deadline.after(self._call_s)).sendall(data)
        except OSError as error:
            raise self._lost(error) from error

    def readline(self) -> bytes:
        deadline = Deadline.after(self._call_s)
        while (end := self._came.find(b"\n", self._looked)) < 0:
            self._looked = len(self._came)
            try:
                piece = self._open(deadline).recv(1 << 16)
            except OSError as error:
                raise self._lost(error) from error
            if not piece or self._looked > _LINE_BYTES:
                raise self._lost("it has hung up" if not piece else "its answer has no end")
            self._came += piece
        line = bytes(self._came[: end + 1])
        del self._came[: end + 1]
        self._looked = 0
        return line

    def _open(self, deadline: Deadline) -> socket.socket:
        if self._socket is None:
            raise exceptions.ProbeDisconnected(f"the link to {self._name} is cut")
        if deadline.expired:
            raise TimeoutError
        self._socket.settimeout(deadline.remaining())
        return self._socket

    def _lost(self, why: OSError | str) -> exceptions.ProbeDisconnected:
        self.close()
        if isinstance(why, TimeoutError):
            why = f"no answer in {self._call_s:g} s"
        return exceptions.ProbeDisconnected(f"the link to {self._name} is cut: {why}")
