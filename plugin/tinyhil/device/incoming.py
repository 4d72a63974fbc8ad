"""The lines that come from a device, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from tinyhil.device import misread, protocol
from tinyhil.device.links import Link
from tinyhil.device.protocol import Damaged
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import LinkTimeoutError

_LINE_END_S = 0.1
"""How long the rest of a line end may take, with the slowest adapter."""


class Incoming:
    """What comes over a link, line by line.

    Args:
        link: opened.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self.now: Callable[[], float] = time.monotonic
        """The host's clock, in seconds."""
        self.came_s = 0.0
        """When the last of it came, on that clock."""
        self._reader = protocol.LineReader()
        self._lines: list[protocol.Line | Damaged] = []

    @property
    def held(self) -> bytes:
        """Of the line that has not ended; for messages."""
        return self._reader.held

    def reopen(self, link: Link) -> None:
        """Go on over a link that was opened anew."""
        self.link = link
        self._reader, self._lines = protocol.LineReader(), []

    def next(self, command: str, deadline: Deadline) -> protocol.Line | Damaged:
        """The next line, which is waited for.

        Args:
            command: that it is awaited in answer to, for messages.
            deadline: of the whole answer.

        Raises:
            LinkTimeoutError: it has not come.
            LinkError: the port is gone.
        """
        while not self._lines or deadline.expired:
            # Looked at before each read too: with a device that always sends, no read ever fails.
            if deadline.expired:
                raise self._late(command, deadline)
            try:
                self._lines = list(reversed(self._reader.feed(self.link.read(deadline))))
                self.came_s = self.now()
            except LinkTimeoutError as error:
                raise self._late(command, deadline) from error
        return self._lines.pop()

    def end_line(self, deadline: Deadline) -> None:
        """Take the LF behind the last CR, before the link carries anything but text at this rate;
        one that got lost is not waited for long."""
        soon = deadline.within(_LINE_END_S)
        with suppress(LinkTimeoutError):
            while not (self._reader.ended or soon.expired):
                self._lines[:0] = reversed(self._reader.feed(self.link.read(soon)))

    def _late(self, command: str, deadline: Deadline) -> LinkTimeoutError:
        return misread.late(command, self._reader.held, deadline)
