"""Links: byte streams between host and DUT. One module here is one kind of link."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Protocol, cast

from tinyhil.deadline import Deadline

if TYPE_CHECKING:
    from tinyhil.dut import Dut

DEFAULT = "serial"
"""What ``--hil-link auto`` means."""


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


class Opener(Protocol):
    """What a module here offers: a function ``open_link``."""

    def open_link(self, dut: Dut) -> Link:
        """Open this kind of link to a board.

        Raises:
            BenchError: the port is missing, taken, or can't be set up.
        """
        ...


def names() -> tuple[str, ...]:
    """The kinds of link that there are."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def open_link(kind: str, dut: Dut) -> Link:
    """Open a link of a known kind, see `names`.

    Raises:
        BenchError: see `Opener.open_link`.
    """
    module = importlib.import_module(f"{__name__}.{kind}")
    return cast(Opener, module).open_link(dut)
