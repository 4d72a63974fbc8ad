"""Text of a stranger's on its way to a person."""

from __future__ import annotations

_SHOWN = 300


def shown(text: str, limit: int = _SHOWN) -> str:
    """`text` with what is no printable character escaped, and at most `limit` characters of it."""
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return safe if len(safe) <= limit else f"{safe[:limit]}…"
