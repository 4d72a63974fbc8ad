"""Links: byte streams between host and DUT. One module here is one kind of link."""

from __future__ import annotations

from typing import Protocol

from tinyhil.deadline import Deadline


class Link(Protocol):
    """A byte stream to a device, opened, without a notion of lines."""

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`.

        Raises:
            LinkTimeoutError: not all could be sent before the deadline.
            LinkError: the port is gone.
        """
        ...

    def read(self, deadline: Deadline) -> bytes:
        """Wait for bytes; return what has come, at least one byte.

        Raises:
            LinkTimeoutError: nothing came before the deadline.
            LinkError: the port is gone.
        """
        ...

    def close(self) -> None:
        """Release the port; never fails."""
        ...
