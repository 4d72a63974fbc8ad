"""Links: byte streams between host and DUT. One module here is one kind of link."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Protocol, cast

from tinyhil.ground.deadline import Deadline

if TYPE_CHECKING:
    from tinyhil.device.dut import Dut
    from tinyhil.image.elf import Image


class Link(Protocol):
    """An open byte stream to a device; it knows nothing about lines."""

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

    def open_link(self, dut: Dut, deadline: Deadline | None = None) -> Link:
        """Open the link for commands and answers; the port may appear until the deadline;
        without one it must be there.

        Raises:
            BenchError: the port is missing, taken, or can't be set up.
        """
        ...

    def open_frames(self, dut: Dut, image: Image) -> Link | None:
        """Open the link for frames, once the device has been told to expect them there; None
        where they take the link of the commands.

        Raises:
            BenchError: it can't be opened.
            DeviceError: the firmware has not opened its channels, or they make no sense.
            FirmwareError: the image has no such link.
        """
        ...


def names() -> tuple[str, ...]:
    """The known kinds of link."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def choose(image: Image | None, *, emulated: bool) -> str:
    """What ``--hil-link auto`` means for samples.

    A physical board takes its serial port: the speed of a debug probe differs by a factor of
    a hundred from one kind to another. An emulated one takes the probe, which is many times faster
    than the UART that QEMU plays; a firmware without our harness has no such link.
    """
    return "rtt" if emulated and image and image.has_harness else "serial"


def open_link(kind: str, dut: Dut, deadline: Deadline | None = None) -> Link:
    """Open a link of a known kind, see `names` and `Kind.open_link`."""
    return _kind(kind).open_link(dut, deadline)


def open_frames(kind: str, dut: Dut, image: Image) -> Link | None:
    """Open the link for frames of a known kind, see `names` and `Kind.open_frames`."""
    return _kind(kind).open_frames(dut, image)


def _kind(name: str) -> Kind:
    return cast(Kind, importlib.import_module(f"{__name__}.{name}"))
