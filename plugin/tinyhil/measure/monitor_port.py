"""The serial port of a power monitor."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tinyhil.device.links.serial import SerialLink
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, LinkError, MonitorError

Made = TypeVar("Made")


def on_port(port: str, baud: int, deadline: Deadline, make: Callable[[SerialLink], Made]) -> Made:
    """The monitor that `make` makes of its opened port; if that fails, the port is closed.

    Raises:
        MonitorError: the port can't be opened; and what `make` raises.
    """
    try:
        link = SerialLink(port, baud, deadline)
    except BenchError as error:
        raise MonitorError(error.message, hint="see 'monitor.port' in the bench file") from error
    try:
        return make(link)
    except BaseException:
        link.close()
        raise


def gone(error: LinkError) -> MonitorError:
    """The error of a monitor whose port breaks."""
    return MonitorError(f"the power monitor is gone: {error.message}", hint="check its USB cable")
