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

RFC_2217, RAW_SOCKET = "rfc2217", "socket"
"""pyserial's URLs of a port on another host: with settings, and without."""

OUR_TARGETS = "tinyhil_"
"""What the names begin with that the targets of emulated boards have in pyOCD."""

_REMOTE = re.compile(r"remote:(?P<host>[^\s:#]+):(?P<port>[0-9]{1,5})(#.*)?", re.IGNORECASE)
"""A probe behind a `pyocd server`."""


def called(name: str) -> str:
    """How a person knows a probe or a port: what stands behind ``#`` says it of one that is
    reached through a tunnel, whose own name is only a number of this host's."""
    return name.partition("#")[2] or name


def is_remote(uid: str) -> bool:
    """Whether a probe's id is meant to be one behind a `pyocd server`."""
    return uid.casefold().startswith("remote:")


def remote_address(uid: str) -> tuple[str, int] | None:
    """Host and port of the `pyocd server` that a probe's id names, or None."""
    found = _REMOTE.fullmatch(uid)
    return (found["host"], int(found["port"])) if found and int(found["port"]) < 1 << 16 else None


def is_network(port: str) -> bool:
    """Whether a port is that of another host, by RFC 2217 or as a raw socket."""
    return port.partition("://")[0].casefold() in (RFC_2217, RAW_SOCKET) and "://" in port


def network_address(port: str) -> tuple[str, int] | None:
    """Host and port of such a URL, or None where it has not both."""
    try:
        url = urlsplit(port)
        return (url.hostname, url.port) if url.hostname and url.port else None
    except ValueError:  # A number that is none.
        return None


def has_fixed_rate(port: str) -> bool:
    """Whether only the far end knows a port's rate, so that it can't be changed from here."""
    return port.casefold().startswith(f"{RAW_SOCKET}://")


def probe_identity(uid: str) -> str:
    """One text for all ways to write a probe's id: pyOCD takes its type before a colon."""
    return uid.partition("#")[0].split(":", 1)[-1].casefold()


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
