"""Commands over the serial port, frames through the debug probe by SEGGER RTT.

The debug port of an emulated board is many times faster than the UART that QEMU plays; a physical
one may be slower or faster than its wire, as the probe is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinyhil.device.links.serial import open_link
from tinyhil.flash import open_rtt

if TYPE_CHECKING:
    from tinyhil.device.dut import Dut
    from tinyhil.device.links import Link
    from tinyhil.image.elf import Image

__all__ = ["open_frames", "open_link"]


def open_frames(dut: Dut, image: Image) -> Link:
    """Open the probe on the running board and find the channels that its firmware has opened.

    Raises:
        BenchError: the probe is missing, taken or dead.
        DeviceError: the firmware has not opened its channels, or they make no sense.
        FirmwareError: the image was linked without RTT.
    """
    return open_rtt(dut.board, dut.probe_uid, image.symbol("_SEGGER_RTT").address)
