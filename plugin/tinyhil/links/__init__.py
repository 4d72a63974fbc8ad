"""Links: byte streams between host and DUT. One module here is one kind of link."""

from __future__ import annotations

import importlib
import pkgutil
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, cast

from tinyhil.deadline import Deadline
from tinyhil.protocol import db_expansion

if TYPE_CHECKING:
    from tinyhil.dut import Dut
    from tinyhil.elf import Image
    from tinyhil.session import SampleChannel

_PATIENCE_S = 120.0
"""How long a data set may take over the wire before ``auto`` chooses the debug port."""


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

    def poll(self) -> bytes:
        """What has come already, perhaps nothing; does not wait.

        Raises:
            LinkError: the port is gone.
        """
        ...

    def set_baud(self, baud: int) -> None:
        """Change the rate of both directions; what is still being sent goes out before.

        Raises:
            LinkError: the port is gone, or this link knows no such rate.
        """
        ...

    def close(self) -> None:
        """Release the port; never fails."""
        ...


class Kind(Protocol):
    """What a module here offers: how commands go, and how samples do."""

    def open_link(self, dut: Dut) -> Link:
        """Open the link for commands and answers.

        Raises:
            BenchError: the port is missing, taken, or can't be set up.
        """
        ...

    def open_channel(self, dut: Dut, image: Image) -> AbstractContextManager[SampleChannel | None]:
        """Open the channel for the samples of an accuracy run; None where they take the link.

        Raises:
            BenchError: the channel can't be opened.
            FirmwareError: the image has no such channel.
        """
        ...


def names() -> tuple[str, ...]:
    """The kinds of link that there are."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def choose(data_bytes: int, baud: int, *, own_firmware: bool) -> str:
    """What ``--hil-link auto`` means: the serial port, unless samples would take minutes over it.

    Args:
        data_bytes: of all samples that would be sent.
        baud: of the serial port; ten bits a byte on the wire.
        own_firmware: whether the device runs our firmware, which alone has another channel.
    """
    wire_s = data_bytes * db_expansion() / (baud / 10)
    return "rtt" if own_firmware and wire_s > _PATIENCE_S else "serial"


def open_link(kind: str, dut: Dut) -> Link:
    """Open a link of a known kind, see `names` and `Kind.open_link`."""
    return _kind(kind).open_link(dut)


def open_channel(kind: str, dut: Dut, image: Image) -> AbstractContextManager[SampleChannel | None]:
    """Open the sample channel of a known kind, see `names` and `Kind.open_channel`."""
    return _kind(kind).open_channel(dut, image)


def _kind(name: str) -> Kind:
    return cast(Kind, importlib.import_module(f"{__name__}.{name}"))
