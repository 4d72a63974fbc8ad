"""The raw log of a link, read again: which bytes went which way."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tinyhil.judge.verify.findings import Findings
from tinyhil.record.reading import read_lines

_LINE = re.compile(rb"(\d{5,12}\.\d{6}) ([<>]) ([\x20-\x7e]+)\n")
_TEXT = re.compile(r"b(['\"])([ -~]*)\1")
_ESCAPE = re.compile(r"\\(.?)")
_ESCAPED = {"n": "\n", "r": "\r"}


@dataclass(frozen=True)
class Transfer:
    """Bytes that passed at once."""

    line: int
    """Number in the log, from 1."""
    seconds: float
    """On the host's clock since the link was opened."""
    to_device: bool
    data: bytes


def read_transfers(path: Path, name: str, findings: Findings) -> Iterator[Transfer]:
    """What passed over a link, in its order; lines that are not a transfer are wrong.

    Raises:
        ConfigError: the log can't be read.
    """
    for number, line in read_lines(path):
        match = _LINE.fullmatch(line)
        data = _bytes(match[3].decode("ascii")) if match else None
        if match is None or data is None:
            torn = "" if line.endswith(b"\n") else ": it is torn"
            findings.add(name, number, f"is not a line of a raw log{torn}")
            continue
        yield Transfer(number, float(match[1]), match[2] == b">", data)


def _bytes(shown: str) -> bytes | None:
    """The bytes that a line shows, if it shows them as `RecordedLink` does."""
    if shown.startswith("base64:"):
        try:
            data = b64decode(shown[7:], validate=True)
        except Error:
            return None
        return data if b64encode(data).decode() == shown[7:] else None
    text = _TEXT.fullmatch(shown)
    if text is None:
        return None
    data = _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text[2]).encode("ascii")
    return data if repr(data) == shown else None
