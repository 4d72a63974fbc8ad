"""Serves a serial port of this host by RFC 2217, to one client at a time; loopback only."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

import serial
from serial.rfc2217 import PortManager

from tinyhil.catalog.identity import is_path
from tinyhil.device import adapter, ports
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import TinyhilError

_READ_S = 0.1
_WRITE_S = 5.0
_RETURN_S = 8.0
"""How long a port that is not there is waited for; the client waits for 10 s."""
_LOOK_S = 0.05
_NO_LINES = (errno.EINVAL, errno.ENOTTY)
"""What a port answers that has no control lines, such as a pty."""


class PortServer:
    """One port behind a listening socket, from `start` on until `close`.

    Args:
        name: of the port, as in a bench file.
        baud: at which it is opened.
        listener: where clients come.
        claim: is told which device the port is, before it is opened.
    """

    def __init__(
        self, name: str, baud: int, listener: socket.socket, claim: Callable[[str], None]
    ) -> None:
        self._name = name
        self._baud = baud
        self._listener = listener
        self._claim = claim
        self._closed = threading.Event()
        self._client: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def close(self) -> None:
        """Hang up, and let go of the port."""
        self._closed.set()
        for end in (self._listener, self._client):
            if end:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        self._thread.join(_WRITE_S + 1.0)

    def _serve(self) -> None:
        while not self._closed.is_set():
            try:
                self._client, _ = self._listener.accept()
            except OSError:  # Closed.
                return
            # Whatever goes wrong with a port or a client ends this client's turn, and no more.
            with self._client as client, suppress(serial.SerialException, OSError, TinyhilError):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._opened() as port:
                    self._carry(client, port)

    def _opened(self) -> _Port:
        deadline = Deadline.after(_RETURN_S)
        while True:
            try:
                device = ports.find(self._name)
                if is_path(device):
                    self._claim(device)
                port = _Port(
                    device, self._baud, timeout=_READ_S, write_timeout=_WRITE_S, exclusive=True
                )
            except (serial.SerialException, OSError, ports.MissingPortError):
                if deadline.expired or self._closed.is_set():
                    raise
                deadline.pause(_LOOK_S)
            else:
                adapter.lower(port, device)
                return port

    def _carry(self, client: socket.socket, port: _Port) -> None:
        """Both directions, until the client leaves or the port dies."""
        peer = _Peer(client)
        manager = PortManager(cast(Any, port), cast(Any, peer))

        def up() -> None:
            try:
                while data := self._read(port):
                    peer.write(b"".join(manager.escape(data)))
            except (serial.SerialException, OSError, TypeError):  # TypeError: closed meanwhile.
                pass
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=up, daemon=True)
        thread.start()
        try:
            while data := client.recv(1 << 14):
                for byte in manager.filter(data):
                    port.waiting += byte
                port.send_waiting()
        finally:
            port.ending = True
            thread.join(_READ_S + 1.0)

    def _read(self, port: _Port) -> bytes:
        """What comes next; nothing where the port is to be closed."""
        data = b""
        while not (data or port.ending or self._closed.is_set()):
            data = port.read(1)
        return data + port.read(port.in_waiting) if data else b""


class _Peer:
    """What pyserial's server writes to, from two threads."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._lock = threading.Lock()

    def write(self, data: bytes) -> None:
        with self._lock:
            self._client.sendall(data)


class _Port(serial.Serial):
    """A port whose settings change only when what came before them has been sent."""

    def __init__(self, *arguments: Any, **words: Any) -> None:
        self.waiting = bytearray()
        self.ending = False
        super().__init__(*arguments, **words)

    def send_waiting(self) -> None:
        """Send what is to go before a setting changes, and what came last."""
        data, self.waiting = bytes(self.waiting), bytearray()
        if data:
            self.write(data)

    def _reconfigure_port(self, force_update: bool = False) -> None:
        """Called by pyserial for each setting."""
        if self.is_open:
            self.send_waiting()
            self.flush()
        super()._reconfigure_port(force_update)  # type: ignore[misc]

    def _update_rts_state(self) -> None:
        with _as_far_as_it_has():
            super()._update_rts_state()  # type: ignore[misc]

    def _update_dtr_state(self) -> None:
        with _as_far_as_it_has():
            super()._update_dtr_state()  # type: ignore[misc]

    cts = property(lambda self: self._line("cts"))
    dsr = property(lambda self: self._line("dsr"))
    ri = property(lambda self: self._line("ri"))
    cd = property(lambda self: self._line("cd"))

    def _line(self, name: str) -> bool:
        """The state of a control line; false where there is none."""
        with _as_far_as_it_has():
            return bool(getattr(super(), name))
        return False


@contextmanager
def _as_far_as_it_has() -> Iterator[None]:
    """Around an access to a control line: a port that has none goes on."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_LINES:
            raise
