"""A link through the official runner's interface board, which isolates the device for energy.

The board passes on what stands behind ``dut``, and puts ``[dut]: `` before each line of the device;
it answers itself in between. Its buffer of commands is that of the reference firmware.
"""

from __future__ import annotations

import re

from tinyhil.device.links import Link
from tinyhil.ground.deadline import Deadline

_PREFIX = b"[dut]: "
_COMMAND = re.compile(rb"[\x20-\x7e]{1,74}%")
"""That fits into 80 bytes, with the word before it and the end of the text behind."""
_MOST_HELD = 1 << 16


class ThroughInterface:
    """A `Link` to the device, over one to the interface board."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._held = b""

    def write(self, data: bytes, deadline: Deadline) -> None:
        """See `Link.write`; what can't be a command for the board is not sent.

        Such as what calls back a device that was left in frames: none speaks them behind it.
        """
        commands = [b"dut " + command for command in _COMMAND.findall(data)]
        if commands:
            self._link.write(b"".join(commands), deadline)

    def read(self, deadline: Deadline) -> bytes:
        """See `Link.read`."""
        while True:
            found = self._device(self._link.read(deadline))
            if found:
                return found

    def poll(self) -> bytes:
        """See `Link.poll`."""
        return self._device(self._link.poll())

    def set_baud(self, baud: int) -> None:
        """See `Link.set_baud`."""
        self._link.set_baud(baud)

    def close(self) -> None:
        """See `Link.close`."""
        self._link.close()

    def _device(self, data: bytes) -> bytes:
        """The device's own whole lines; those of the board are left out."""
        *lines, self._held = (self._held + data).split(b"\n")
        own = [line.strip(b"\r") for line in lines]
        self._held = self._held[-_MOST_HELD:]  # Of a board that never ends its line.
        return b"".join(line[len(_PREFIX) :] + b"\r\n" for line in own if line.startswith(_PREFIX))
