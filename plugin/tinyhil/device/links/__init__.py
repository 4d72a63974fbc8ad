"""Links: byte streams between host and DUT. One module here is one kind of link.

A package of the user's own brings another one by an entry point of the group ``tinyhil.links``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from tinyhil.ground.deadline import Deadline
from tinyhil.ground.parts import Parts

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
        """Change the rate of both directions; what is still being sent goes out before. A link
        without a rate does nothing.

        Raises:
            LinkError: the port is gone, or this link knows no such rate.
        """
        ...

    def close(self) -> None:
        """Release the port; never fails."""
        ...


class Kind(Protocol):
    """What a module here offers: how commands go. Where samples don't go the same way, it also has
    `open_frames`, see `Apart`."""

    def open_link(self, dut: Dut, deadline: Deadline | None = None) -> Link:
        """Open the link for commands and answers; the port may appear until the deadline;
        without one it must be there.

        Raises:
            BenchError: the port is missing, taken, or can't be set up.
        """
        ...


class Apart(Kind, Protocol):
    """A kind whose samples take a link of their own."""

    def open_frames(self, dut: Dut, image: Image) -> Link:
        """Open the link for frames, once the device has been told to expect them there.

        Raises:
            BenchError: it can't be opened.
            DeviceError: the firmware has not opened its channels, or they make no sense.
            FirmwareError: the image has no such link.
        """
        ...


KINDS = Parts("link", "tinyhil.links", __name__, ("open_link",))


def names() -> tuple[str, ...]:
    """The known kinds of link: ours, and those of other packages."""
    return KINDS.names()


def has_frames_apart(kind: str) -> bool:
    """Whether samples don't take the link of the commands."""
    return hasattr(KINDS.load(kind), "open_frames")


def choose(image: Image | None, *, emulated: bool) -> str:
    """What ``--hil-link auto`` means for samples.

    A physical board takes its serial port: the speed of a debug probe differs by a factor of
    a hundred from one kind to another. An emulated one takes the probe, which is many times faster
    than the UART that QEMU plays; a firmware without our harness has no such link.
    """
    return "rtt" if emulated and image and image.has_harness else "serial"


def open_link(kind: str, dut: Dut, deadline: Deadline | None = None) -> Link:
    """Open a link of a known kind, see `names` and `Kind.open_link`."""
    return cast(Kind, KINDS.load(kind)).open_link(dut, deadline)


def open_frames(kind: str, dut: Dut, image: Image) -> Link:
    """Open the link for frames of a known kind, see `has_frames_apart` and `Apart.open_frames`."""
    return cast(Apart, KINDS.load(kind)).open_frames(dut, image)
