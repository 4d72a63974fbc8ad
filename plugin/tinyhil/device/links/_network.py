"""Serial ports of another host: RFC 2217, which changes the rate there, or a raw socket.

Each call is bounded. pyserial's client of RFC 2217 knows no time limit of a write but that of its
socket, 5 s; what it asks the far end for has `_ANSWER_S`.
"""

from __future__ import annotations

import socket
import warnings
from contextlib import suppress
from typing import cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import serial
from serial import rfc2217
from serial.urlhandler import protocol_socket

from tinyhil.catalog.identity import RAW_SOCKET, RFC_2217

_ANSWER_S = 10.0
"""How long the far end may take to agree on a setting: it may have to open its port first."""
_SEEN_BYTES = 1 << 16


def open_port(url: str, baud: int, poll_s: float, write_s: float) -> serial.Serial | None:
    """A port by a network URL; None where it is another kind of name.

    Args:
        url: of a bench file.
        baud: 8N1; a raw socket has the rate that its server says.
        poll_s: how long one read waits.
        write_s: how long a write to a raw socket may take.

    Raises:
        serial.SerialException, ValueError: it can't be opened, or has no such rate.
    """
    scheme = urlsplit(url).scheme.casefold()
    if scheme == RFC_2217:
        with warnings.catch_warnings():  # pyserial's threads are made in an old way.
            warnings.simplefilter("ignore", DeprecationWarning)
            port = rfc2217.Serial(_lenient(url), baudrate=baud, timeout=poll_s)
        return cast(serial.Serial, port)
    if scheme == RAW_SOCKET:
        raw = _RawSocket(url, baudrate=baud, timeout=poll_s, write_timeout=write_s)
        return cast(serial.Serial, raw)
    return None


def _lenient(url: str) -> str:
    """With what pyserial must not wait for: a far end whose port has no DTR can't confirm it."""
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    options = urlencode({"ign_set_control": "", "timeout": f"{_ANSWER_S:g}", **given})
    return urlunsplit(parts._replace(query=options))


class _RawSocket(protocol_socket.Serial):
    """pyserial's, which says how much there is to read: its own knows one byte at a time."""

    @property
    def in_waiting(self) -> int:
        """Bytes that have come, as far as a look shows; 1 where the far end has hung up, so that a
        read notices."""
        if not self.is_open:
            raise serial.PortNotOpenError
        with suppress(BlockingIOError):
            return (
                len(
                    self._socket.recv(  # type: ignore[attr-defined]
                        _SEEN_BYTES, socket.MSG_PEEK
                    )
                )
                or 1
            )
        return 0
