"""What a probe or a port is, under any of its names: two names of one thing are one identity."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

USB_NAME = re.compile(r"serial:.+|usb:[0-9a-f]{4}:[0-9a-f]{4}(:.+)?", re.IGNORECASE)
"""A port named after its USB device: ``serial:SERIAL`` or ``usb:VID:PID``, either with
``:INTERFACE`` after it, the second one with ``:SERIAL`` before that."""

_WINDOWS = re.compile(r"(?:\\\\\.\\)?(COM[0-9]{1,3})", re.IGNORECASE)
"""A port's name on Windows, which is no path."""

_WRAPPERS = ("alt", "spy")
"""pyserial's URLs that are only another way to write a path."""


def probe_identity(uid: str) -> str:
    """One text for all ways to write a probe's id: pyOCD takes its type before a colon."""
    return uid.split(":", 1)[-1].casefold()


def port_identity(port: str) -> str:
    """One text for all names that a port has at the moment.

    Links to devices are followed. A name by USB stays as it is: which device it is, is known when
    it is there. A network port is its host and number, with any protocol and options.
    """
    if USB_NAME.fullmatch(port):
        return port.casefold()
    if "://" not in port:
        return device_of(port)
    url = urlsplit(port)
    if url.scheme.casefold() in _WRAPPERS:
        return os.path.realpath(url.netloc + url.path)
    return f"//{url.netloc}{url.path}".casefold() if url.netloc else port.casefold()


def given_identity(port: str) -> str:
    """As `port_identity`, by the name alone: it does not change when the port comes and goes."""
    if is_path(port) and not _WINDOWS.fullmatch(port):
        return os.path.abspath(port)  # noqa: PTH100 - follows no links
    return port_identity(port)


def device_of(port: str) -> str:
    """The device that a path leads to: links are followed, and Windows' ports have one name."""
    found = _WINDOWS.fullmatch(port)
    return found[1].upper() if found else os.path.realpath(port)


def is_path(port: str) -> bool:
    """Whether a port is named by a path of this machine, or as Windows names it."""
    return "://" not in port and not USB_NAME.fullmatch(port)
