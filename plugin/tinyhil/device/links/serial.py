"""Serial port through pyserial: a device, a pty, or any URL that pyserial knows."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import serial

from tinyhil.catalog.identity import called, is_network, is_path
from tinyhil.device import adapter, ports
from tinyhil.device.interface_board import ThroughInterface
from tinyhil.device.links import Link, _network
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, LinkError, LinkTimeoutError

try:
    from termios import error as _terminal_error
except ImportError:  # Windows
    _terminal_error = OSError  # type: ignore[misc, assignment]

if TYPE_CHECKING:
    from tinyhil.device.dut import Dut

# What pyserial raises when a port dies: its own exception, or what the call below it
# raised (a pty's `in_waiting` a bare OSError, a flush a termios.error, which is not an OSError).
_PORT_ERRORS = (serial.SerialException, OSError, _terminal_error)

_POLL_S = 0.1
"""How long one read waits; the deadline is looked at in between, so it is kept to that."""

_WRITE_S = 5.0
"""How long a write may take at most; commands are short, so only a stuck port needs this."""

_GONE = "check the cable and the board's power; an emulated board's QEMU may have ended"
_FAR_GONE = "see that its host is up and the tunnel to it stands, then the board's cable and power"
_NOT_OPEN = "check that it exists, that no terminal holds it, and that you may open it"
_FAR_NOT_OPEN = (
    "see that its host is up, that ser2net or another server listens there and serves nobody else, "
    "and that the tunnel to it stands"
)

_LOOK_S = 0.05
"""Between two looks at a port that is not there."""

_SETTLE_S = 3.0
"""How long a port that is there may be in use, or closed to us: other programs look at a new one,
and it gets its permissions a moment later."""

_RECYCLED = "/dev/pts/"
"""Names of ptys are given to others as soon as they are free: a port that was one of these does
not come back by that name."""

_RETURN_S = 20.0
"""How long a port that went away may take to come back, as a device may take to boot."""


def open_link(dut: Dut, deadline: Deadline | None = None) -> Link:
    """Open the board's serial port, which may appear later; see `SerialLink`."""
    link = SerialLink(dut.serial_url, dut.baud, deadline, claim=dut.claim, returns=dut.port_returns)
    return ThroughInterface(link) if dut.interface_board else link


class SerialLink:
    """A `Link` over pyserial.

    Args:
        name: as ``port`` in a bench file: a path, a URL of pyserial's, or a USB device.
        baud: of both directions, 8N1.
        deadline: by when the port must be there; None: now.
        claim: is told which device the port is, before it is opened.
        returns: whether a port that goes away may come back. It is waited for then, even
            beyond the deadline of a read or write, and opened again, perhaps under another
            number; what was on its way is lost, and reported as a `LinkTimeoutError`.

    Raises:
        BenchError: the port does not exist, is taken, or can't be set up.
    """

    def __init__(
        self,
        name: str,
        baud: int,
        deadline: Deadline | None = None,
        *,
        claim: Callable[[str], None] | None = None,
        returns: bool = False,
    ) -> None:
        self._url = name
        self._far = is_network(name)
        self._baud = baud
        self._claim = claim
        self._returns = returns
        self._device = ""
        self._port = self._awaited(deadline or Deadline.after(0.0))

    def _awaited(self, deadline: Deadline, dead: str = "") -> serial.Serial:
        """Open the port as soon as it can be, but not as the device `dead`.

        Raises:
            BenchError: it can't until the deadline, or not soon after it is there.
        """
        settled: Deadline | None = None  # from when it is there
        while True:
            try:
                return self._opened(ports.find(self._url, dead))
            except ports.MissingPortError as error:
                settled = None
                if deadline.expired:
                    raise BenchError(error.message, hint=error.hint) from error
            except (*_PORT_ERRORS, ValueError) as error:
                settled = settled or deadline.within(_SETTLE_S)
                if settled.expired or isinstance(error, ValueError):
                    raise BenchError(
                        f"serial port {called(self._url)} cannot be opened: {error}",
                        hint=_FAR_NOT_OPEN if self._far else _NOT_OPEN,
                    ) from error
            deadline.pause(_LOOK_S)

    def _opened(self, device: str) -> serial.Serial:
        if self._claim and is_path(device):
            self._claim(device)
        self._device = device
        if far := _network.open_port(device, self._baud, _POLL_S, _WRITE_S):
            return far
        port = serial.serial_for_url(
            device, baudrate=self._baud, timeout=_POLL_S, write_timeout=_WRITE_S, exclusive=True
        )
        if is_path(device):
            adapter.lower(port, device)
        return port

    @property
    def advice(self) -> str | None:
        """What the user could do for a faster port, see `adapter.advice`."""
        return adapter.advice(self._device) if is_path(self._device) else None

    def _gone(self, error: Exception) -> LinkError:
        """The error to raise when the port has died; where it may come back, it is back then."""
        self.close()
        dead = self._device if self._device.startswith(_RECYCLED) else ""
        if self._returns and self._url != dead:
            try:
                self._port = self._awaited(Deadline.after(_RETURN_S), dead)
            except BenchError:
                self._returns = False  # The next try must not wait as long again.
            else:
                return LinkTimeoutError(
                    f"port {called(self._url)} went away and came back: {error}",
                    hint="check the cable and the board's power",
                )
        hint = _FAR_GONE if self._far else _GONE
        return LinkError(f"port {called(self._url)} is gone: {error}", hint=hint)

    def write(self, data: bytes, deadline: Deadline) -> None:
        """See `Link.write`."""
        try:
            timeout = min(_WRITE_S, max(0.001, deadline.remaining()))
            if self._port.write_timeout is not None and timeout != self._port.write_timeout:
                # Set only when it matters: each change reconfigures the port. RFC 2217 has none.
                self._port.write_timeout = timeout
            self._port.write(data)
        except serial.SerialTimeoutException as error:
            # Some of the bytes may have left: sending them again would repeat them.
            raise LinkTimeoutError(
                f"port {called(self._url)} did not take {len(data)} bytes in time",
                hint="check flow control and that the device runs",
            ) from error
        except _PORT_ERRORS as error:
            raise self._gone(error) from error

    def read(self, deadline: Deadline) -> bytes:
        """See `Link.read`."""
        while True:
            try:
                data: bytes = self._port.read(1)
                if data:
                    return data + self._port.read(self._port.in_waiting)
            except _PORT_ERRORS as error:
                raise self._gone(error) from error
            if deadline.expired:
                raise LinkTimeoutError(
                    f"nothing came from port {called(self._url)} in {deadline.seconds:g} s",
                    hint="check the wiring, the baud rate and that the firmware runs",
                )

    def poll(self) -> bytes:
        """See `Link.poll`."""
        try:
            data: bytes = self._port.read(self._port.in_waiting)
        except _PORT_ERRORS as error:
            raise self._gone(error) from error
        return data

    def set_baud(self, baud: int) -> None:
        """See `Link.set_baud`."""
        try:
            self._port.flush()
            self._port.baudrate = self._baud = baud
        except (*_PORT_ERRORS, ValueError) as error:
            raise LinkError(
                f"port {called(self._url)} does not run at {baud} baud: {error}",
                hint="lower 'baud_max' in the bench file to what the adapter can do",
            ) from error

    def close(self) -> None:
        """See `Link.close`."""
        with contextlib.suppress(*_PORT_ERRORS):
            self._port.close()
