"""Text of a device on its way to a person: bounded and escaped."""

from __future__ import annotations

_SHOWN = 120


def printable(raw: bytes | str) -> str:
    """At most 120 characters of `raw`; what is no printable ASCII becomes an escape."""
    data = raw.encode("utf-8", "backslashreplace") if isinstance(raw, str) else raw
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in data[:_SHOWN])
    return text if len(data) <= _SHOWN else f"{text}… ({len(data)} bytes)"
