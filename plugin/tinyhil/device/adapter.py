"""The latency timer of a USB serial adapter: how long it holds bytes back before it sends them.

An FTDI adapter waits 16 ms as it comes, for each short answer of a device. Linux tells the time,
and lets it be lowered by whoever may open the port, or by root.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Protocol

SYSFS = Path("/sys/bus/usb-serial/devices")
_LOWEST_MS = 1


class LowLatency(Protocol):
    """What is needed of a serial port."""

    def set_low_latency_mode(self, low_latency_settings: bool) -> None:
        """Ask the driver for the shortest time; a ValueError or OSError where it has none."""
        ...


def timer_of(device: str, folder: Path = SYSFS) -> Path | None:
    """The file that holds the latency timer of a port, in ms; None where there is none."""
    path = folder / Path(device).resolve().name / "latency_timer"
    return path if path.is_file() else None


def read_ms(timer: Path) -> int | None:
    """The time in ms; None where it can't be read."""
    with suppress(OSError, ValueError):
        return int(timer.read_text(encoding="utf-8"))
    return None


def lower(port: LowLatency, device: str, folder: Path = SYSFS) -> int | None:
    """Make an adapter's latency timer as short as it can be.

    Args:
        port: opened.
        device: its path.
        folder: of the system's files about adapters.

    Returns:
        The time in ms that it has now; None where the adapter has none, or does not tell it.
    """
    timer = timer_of(device, folder)
    if timer is None:
        return None
    for attempt in (lambda: port.set_low_latency_mode(True), lambda: timer.write_text("1\n")):
        if (read_ms(timer) or 0) <= _LOWEST_MS:
            break
        with suppress(OSError, ValueError, AttributeError):
            attempt()
    return read_ms(timer)


def advice(device: str, folder: Path = SYSFS) -> str | None:
    """What a user can do where the timer could not be lowered; None where it is low."""
    timer = timer_of(device, folder)
    held_ms = read_ms(timer) if timer else None
    if timer is None or held_ms is None or held_ms <= _LOWEST_MS:
        return None
    return (
        f"the adapter of {device} holds each answer for {held_ms} ms: lower that with "
        f"'echo 1 | sudo tee {timer}', or by a udev rule"
    )
