"""Keeps every byte of a link in a file as it passes, for anyone who doubts a figure later."""

from __future__ import annotations

import time
from pathlib import Path

from tinyhil.device.links import Link
from tinyhil.device.raw_lines import shown
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import LinkError
from tinyhil.ground.files import Appender, unwritable


class RecordedLink:
    """A `Link` that writes down what passes through another one.

    The file holds one line for each transfer: seconds on the host's clock since the link was
    opened, ``>`` (to the device) or ``<``, and the bytes as `raw_lines.shown` has them, so that
    no byte is lost or acts on a terminal. What goes to the device is written down before it is
    sent, what comes before it is looked at, each line whole: a killed process loses nothing that a
    figure was made of.

    Raises:
        WriteError: the file can't be opened or written.
    """

    def __init__(self, link: Link, path: Path) -> None:
        self._link = link
        self._path = path
        try:
            self._file = Appender(path)
        except OSError as error:
            link.close()
            raise unwritable(path, error) from error
        self._opened = time.monotonic()
        self._closed = False

    def write(self, data: bytes, deadline: Deadline) -> None:
        """See `Link.write`.

        Raises:
            LinkError: the link was closed, as it is under a stream of answers that nobody ends.
        """
        if self._closed:
            raise LinkError("the link was closed", hint="open it again")
        self._note(">", data)
        self._link.write(data, deadline)

    def read(self, deadline: Deadline) -> bytes:
        """See `Link.read`."""
        data = self._link.read(deadline)
        self._note("<", data)
        return data

    def poll(self) -> bytes:
        """See `Link.poll`."""
        data = self._link.poll()
        if data:
            self._note("<", data)
        return data

    def set_baud(self, baud: int) -> None:
        """See `Link.set_baud`."""
        self._link.set_baud(baud)

    def close(self) -> None:
        """See `Link.close`."""
        self._closed = True
        self._link.close()
        self._file.close()

    def _note(self, direction: str, data: bytes) -> None:
        line = f"{time.monotonic() - self._opened:012.6f} {direction} {shown(data)}\n"
        try:
            self._file.write(line.encode("ascii"))
        except OSError as error:
            raise unwritable(self._path, error) from error
