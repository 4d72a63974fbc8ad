"""A serial link whose plug is pulled and put into another device while it is spoken over."""

from __future__ import annotations

import serial

from tinyhil.device.links.serial import SerialLink
from tinyhil.ground.deadline import Deadline


class RewiredLink:
    """A `Link` to whichever device its plug is in."""

    def __init__(self, port: str, baud: int, *, exclusive: bool = True) -> None:
        self._baud = baud
        self._link = SerialLink(port, baud)
        if not exclusive:
            self._link._port.exclusive = False
        self._damage = b""
        self.damaged = False

    def rewire(self, port: str) -> None:
        """Put the plug into another device, which has been there for a while."""
        self._link.close()
        with serial.Serial(port, self._baud, timeout=0.2) as other:
            other.read_until(b"m-ready\r\n")
        self._link = SerialLink(port, self._baud)

    def forget_until(self, end: bytes) -> None:
        """Lose what comes, up to `end`."""
        lost, deadline = b"", Deadline.after(10)
        while end not in lost:
            lost += self._link.read(deadline)

    def damage_once(self, before: bytes) -> None:
        """Change the digit behind the next place where these bytes come."""
        self._damage = before

    def write(self, data: bytes, deadline: Deadline) -> None:
        self._link.write(data, deadline)

    def read(self, deadline: Deadline) -> bytes:
        return self._changed(self._link.read(deadline))

    def poll(self) -> bytes:
        return self._changed(self._link.poll())

    def set_baud(self, baud: int) -> None:
        self._link.set_baud(baud)

    def close(self) -> None:
        self._link.close()

    def _changed(self, data: bytes) -> bytes:
        place = data.find(self._damage) + len(self._damage) if self._damage in data else len(data)
        if not self._damage or place >= len(data):
            return data
        self._damage, self.damaged = b"", True
        return (
            data[:place] + (b"1" if data[place : place + 1] != b"1" else b"2") + data[place + 1 :]
        )
