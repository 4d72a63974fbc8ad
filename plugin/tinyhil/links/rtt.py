"""Commands over the serial port, samples through the debug probe by SEGGER RTT.

The debug port is 50 to 1000 times faster than the wire of a UART. The probe is not touched while
the device infers; latency and throughput are measured without it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from tinyhil.flash import open_rtt
from tinyhil.links.serial import open_link

if TYPE_CHECKING:
    from tinyhil.dut import Dut
    from tinyhil.elf import Image
    from tinyhil.session import SampleChannel

__all__ = ["open_channel", "open_link"]


def open_channel(dut: Dut, image: Image) -> AbstractContextManager[SampleChannel]:
    """Open the probe on the running board and find the firmware's channel.

    Raises:
        BenchError: the probe is missing, taken or dead, or the channel is not there.
        FirmwareError: the image was linked without RTT.
    """
    return open_rtt(dut.board, dut.probe_uid, image.symbol("_SEGGER_RTT").address)
