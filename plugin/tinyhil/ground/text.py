"""Text of a device or a stranger on its way to a person: bounded and escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_PRINTABLE = 120
_SHOWN = 300


def printable(raw: bytes | str) -> str:
    """At most 120 characters of `raw`; what is not printable ASCII becomes an escape."""
    data = raw.encode("utf-8", "backslashreplace") if isinstance(raw, str) else raw
    text = "".join(
        chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in data[:_PRINTABLE]
    )
    return text if len(data) <= _PRINTABLE else f"{text}… ({len(data)} bytes)"


def shown(text: str, limit: int | None = _SHOWN, *, keep: str = "") -> str:
    """At most `limit` characters of `text`, in any script; colours, bells and overrides escaped.

    Args:
        text: to show.
        limit: None for all of it.
        keep: characters that stay as they are, such as line ends.
    """
    safe = "".join(c if c.isprintable() or c in keep else ascii(c)[1:-1] for c in text)
    return safe if limit is None or len(safe) <= limit else f"{safe[:limit]}…"


def say(console: Console, text: str) -> None:
    """Print lines that may hold anything: without markup, and not wrapped."""
    safe = shown(text, None, keep="\n")
    console.print(safe, soft_wrap=True, markup=False, highlight=False)
