"""Serial port through pyserial: a device, a pty, or any URL that pyserial knows."""

from __future__ import annotations

import contextlib
import termios
from typing import TYPE_CHECKING

import serial

from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, LinkError, LinkTimeoutError

if TYPE_CHECKING:
    from tinyhil.device.dut import Dut
    from tinyhil.image.elf import Image

# What pyserial raises when a port dies: its own exception, or whatever the call underneath it
# raised (a pty's `in_waiting` a bare OSError, a flush a termios.error, which is no OSError).
_PORT_ERRORS = (serial.SerialException, OSError, termios.error)

_POLL_S = 0.1
"""How long one read waits; the deadline is looked at in between, so it is kept to that."""

_WRITE_S = 5.0
"""How long a write may take at most; commands are short, so only a stuck port needs this."""

_GONE = "check the cable and the board's power; an emulated board's QEMU may have ended"


def open_link(dut: Dut) -> SerialLink:
    """Open the board's serial port; see `SerialLink`."""
    return SerialLink(dut.serial_url, dut.baud)


def open_frames(dut: Dut, image: Image) -> None:
    """Frames take the link of the commands."""
    del dut, image


class SerialLink:
    """A `Link` over pyserial.

    Args:
        url: what ``serial.serial_for_url`` takes, such as ``/dev/ttyACM0`` or ``socket://…``.
        baud: of both directions, 8N1.

    Raises:
        BenchError: the port does not exist, is taken, or can't be set up.
    """

    def __init__(self, url: str, baud: int) -> None:
        self._url = url
        try:
            self._port = serial.serial_for_url(
                url, baudrate=baud, timeout=_POLL_S, write_timeout=_WRITE_S, exclusive=True
            )
        except (*_PORT_ERRORS, ValueError) as error:
            raise BenchError(
                f"serial port {url} cannot be opened: {error}",
                hint="check that it exists, that no terminal holds it, and that you may open it",
            ) from error

    def write(self, data: bytes, deadline: Deadline) -> None:
        """See `Link.write`."""
        try:
            timeout = min(_WRITE_S, max(0.001, deadline.remaining()))
            if timeout != self._port.write_timeout:
                # Set only when it matters: each change reconfigures the port.
                self._port.write_timeout = timeout
            self._port.write(data)
        except serial.SerialTimeoutException as error:
            # Some of the bytes may have left: sending them again would double them.
            raise LinkTimeoutError(
                f"port {self._url} did not take {len(data)} bytes in time",
                hint="check flow control and that the device runs",
            ) from error
        except _PORT_ERRORS as error:
            raise LinkError(f"port {self._url} is gone: {error}", hint=_GONE) from error

    def read(self, deadline: Deadline) -> bytes:
        """See `Link.read`."""
        while True:
            try:
                data: bytes = self._port.read(1)
                if data:
                    return data + self._port.read(self._port.in_waiting)
            except _PORT_ERRORS as error:
                raise LinkError(f"port {self._url} is gone: {error}", hint=_GONE) from error
            if deadline.expired:
                raise LinkTimeoutError(
                    f"nothing came from port {self._url} in {deadline.seconds:g} s",
                    hint="check the wiring, the baud rate and that the firmware runs",
                )

    def poll(self) -> bytes:
        """See `Link.poll`."""
        try:
            data: bytes = self._port.read(self._port.in_waiting)
        except _PORT_ERRORS as error:
            raise LinkError(f"port {self._url} is gone: {error}", hint=_GONE) from error
        return data

    def set_baud(self, baud: int) -> None:
        """See `Link.set_baud`."""
        try:
            self._port.flush()
            self._port.baudrate = baud
        except (*_PORT_ERRORS, ValueError) as error:
            raise LinkError(
                f"port {self._url} does not run at {baud} baud: {error}",
                hint="lower 'baud_max' in the bench file to what the adapter can do",
            ) from error

    def close(self) -> None:
        """See `Link.close`."""
        with contextlib.suppress(*_PORT_ERRORS):
            self._port.close()
