"""What Linux knows of a USB device before anybody may open it; other systems tell nothing here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

DEVICES = Path("/sys/bus/usb/devices")
NODES = Path("/dev/bus/usb")


@dataclass(frozen=True)
class UsbDevice:
    """One that is plugged in."""

    vendor: str
    """Four hexadecimal digits, as is `product`."""
    product: str
    serial: str
    name: str
    node: Path
    """What a program opens."""
    raw: tuple[Path, ...]
    """The same for its HID interfaces, as of older CMSIS-DAP probes."""

    @property
    def closed(self) -> tuple[Path, ...]:
        """Nodes that this user may not open."""
        return tuple(
            node for node in (self.node, *self.raw) if not os.access(node, os.R_OK | os.W_OK)
        )


def same_serial(one: str, other: str) -> bool:
    """Whether two texts are one serial number: a J-Link's own form has no leading zeros."""
    short, long = (text.split(":")[-1].casefold().lstrip("0") for text in (one, other))
    return bool(short) and short == long


def find(serial: str) -> UsbDevice | None:
    """The device with a probe's serial number, if this system tells."""
    return next((device for device in _devices() if same_serial(device.serial, serial)), None)


def _devices() -> Iterator[UsbDevice]:
    folders = sorted(DEVICES.iterdir()) if DEVICES.is_dir() else []
    for folder in folders:
        with suppress(OSError, ValueError):  # It is being unplugged, or is no device.
            serial = _text(folder / "serial")
            bus, number = (int(_text(folder / name)) for name in ("busnum", "devnum"))
            yield UsbDevice(
                _text(folder / "idVendor"),
                _text(folder / "idProduct"),
                serial,
                _text(folder / "product") if (folder / "product").exists() else "",
                NODES / f"{bus:03d}" / f"{number:03d}",
                tuple(Path("/dev") / path.name for path in folder.glob("*/*/hidraw/hidraw*")),
            )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip()
