"""Lines of a raw log: which bytes went which way, when."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error
from dataclasses import dataclass

_LINE = re.compile(rb"(\d{5,12}\.\d{6}) ([<>]) ([\x20-\x7e]+)\n")
_TEXT = re.compile(r"b(['\"])([ -~]*)\1")
_BINARY = re.compile(rb"[^\r\n\x20-\x7e]")
_ESCAPE = re.compile(r"\\(.?)")
_ESCAPED = {"n": "\n", "r": "\r"}


@dataclass(frozen=True)
class Passed:
    """Bytes that passed at once."""

    seconds: float
    """On the host's clock since the link was opened."""
    to_device: bool
    data: bytes


def shown(data: bytes) -> str:
    """Bytes as a line shows them: text as a Python bytes literal, anything else (frames) as
    ``base64:`` and the encoded bytes."""
    text = data.isascii() and _BINARY.search(data) is None
    return repr(data) if text else f"base64:{b64encode(data).decode()}"


def parsed(line: bytes) -> Passed | None:
    """A line of a log, if it is one, with its end."""
    match = _LINE.fullmatch(line)
    data = bytes_of(match[3].decode("ascii")) if match else None
    if match is None or data is None:
        return None
    return Passed(float(match[1]), match[2] == b">", data)


def bytes_of(text: str) -> bytes | None:
    """The bytes that a line shows, if it shows them as `shown` does."""
    if text.startswith("base64:"):
        try:
            data = b64decode(text[7:], validate=True)
        except Error:
            return None
        return data if b64encode(data).decode() == text[7:] else None
    literal = _TEXT.fullmatch(text)
    if literal is None:
        return None
    data = _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), literal[2]).encode("ascii")
    return data if repr(data) == text else None
