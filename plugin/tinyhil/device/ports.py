"""Which device a port is at the moment: by its path, or by the USB device behind it.

A board with its own USB takes its port away at each reset, and may come back under another
number: a port is looked for again each time it is opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from tinyhil.catalog.identity import USB_NAME, device_of, is_path
from tinyhil.ground.errors import BenchError


class MissingPortError(BenchError):
    """The port is not there, or not yet.

    Plug the board in, or correct `port` in `bench.toml`; a port by the USB device behind it
    (`serial:SERIAL`) is found under any number that the system gives it.
    """


def find(port: str, dead: str = "") -> str:
    """What pyserial opens: a path of a device, links followed, or the URL as it is.

    Args:
        port: as in a bench file.
        dead: a device that it was and no longer is, even if the system has given that name again.

    Raises:
        MissingPortError: it is not there; the text lists what is.
        BenchError: several ports have this name.
    """
    if is_path(port):
        device = device_of(port)
        if device == dead or not _is_there(device):
            raise _missing(port, f"there is no {port}")
        return device
    if not USB_NAME.fullmatch(port):
        return port
    found = [info for info in _there() if port.casefold() in _names(info)]
    if len(found) > 1:
        raise BenchError(
            f"port '{port}' is the name of {len(found)} ports: {_listed(found)}",
            hint="choose one of them with its serial number or its interface, as in "
            "usb:VID:PID:SERIAL:INTERFACE",
        )
    if not found:
        raise _missing(port, "no USB device has this name")
    return device_of(found[0].device)


def find_now(port: str) -> str | None:
    """The device that a port is now; None if it is missing, or no device of this machine.

    Raises:
        BenchError: several ports have this name.
    """
    try:
        device = find(port)
    except MissingPortError:
        return None
    return device if is_path(device) else None


def stable_name(device: str) -> str | None:
    """The best name of a port by the USB device behind it; None where it has none of its own."""
    there = _there()
    for info in there:
        if device_of(info.device) == device:
            names = {name: sum(name in _names(other) for other in there) for name in _names(info)}
            own = [name for name, count in names.items() if count == 1]
            # By its serial number: another board of the same make may come any day.
            return min(
                own, key=lambda name: (not name.startswith("serial:"), len(name)), default=None
            )
    return None


def _is_there(device: str) -> bool:
    if os.path.exists(device):  # noqa: PTH110 - text, as all around it
        return True
    return device in {info.device.upper() for info in _there()}  # Windows' are no files.


def _missing(port: str, why: str) -> MissingPortError:
    return MissingPortError(
        f"serial port {port} cannot be opened: {why}; there: {_listed(_there())}",
        hint="plug the board in, or correct 'port' in the bench file",
    )


def _there() -> list[ListPortInfo]:
    """The serial ports of this machine; none while one of them is on its way out."""
    try:
        return sorted(list_ports.comports())
    except (OSError, TypeError, ValueError):  # pyserial reads files that have just gone.
        return []


def _names(info: ListPortInfo) -> Iterator[str]:
    """All names that a USB port has, the most exact one last."""
    if info.vid is None or info.pid is None:
        return
    usb = f"usb:{info.vid:04x}:{info.pid:04x}"
    bases = [usb]
    if info.serial_number:
        serial = info.serial_number.casefold()
        bases = [usb, f"serial:{serial}", f"{usb}:{serial}"]
    yield from bases
    # A location such as 1-1.2:1.0 ends with configuration and interface.
    _, _, place = (info.location or "").partition(":")
    if place:
        yield from (f"{base}:{int(place.rpartition('.')[2])}" for base in bases)


def _listed(infos: Iterable[ListPortInfo]) -> str:
    texts = []
    for info in infos:
        *_, name = [info.device, *_names(info)]
        texts.append(info.device if name == info.device else f"{info.device} ({name})")
    return ", ".join(texts) or "none"
