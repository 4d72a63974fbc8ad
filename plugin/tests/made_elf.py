"""Small ELF files for a Cortex-M made by hand, sound or not."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

HEADER_BYTES, ENTRY_BYTES = 52, 32


class Part(NamedTuple):
    """A segment: its load address, its bytes, and what its header says instead of the truth."""

    address: int
    data: bytes
    offset: int | None = None
    size: int | None = None


def elf(parts: Iterable[Part], **header: int) -> bytes:
    """An executable of these segments, without sections.

    Args:
        parts: its segments.
        header: fields of the file's header that are to be something else than the truth.
    """
    given = tuple(parts)
    bodies, entries = b"", b""
    for part in given:
        at = HEADER_BYTES + ENTRY_BYTES * len(given) + len(bodies)
        size = len(part.data) if part.size is None else part.size
        at = at if part.offset is None else part.offset
        entries += struct.pack("<8I", 1, at, part.address, part.address, size, size, 7, 4)
        bodies += part.data
    fields = {
        "type": 2, "machine": 40, "version": 1, "entry": 0x101, "phoff": HEADER_BYTES, "shoff": 0,
        "flags": 0x5000200, "ehsize": HEADER_BYTES, "phentsize": ENTRY_BYTES, "phnum": len(given),
        "shentsize": 40, "shnum": 0, "shstrndx": 0,
    }  # fmt: skip
    ident = b"\x7fELF" + bytes([1, 1, 1]) + bytes(9)
    return ident + struct.pack("<HHIIIIIHHHHHH", *(fields | header).values()) + entries + bodies
