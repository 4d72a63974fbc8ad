"""Text on its way to a person: that of a device or a stranger bounded and escaped, all of it in
characters that the terminal or the log file can hold."""

from __future__ import annotations

import codecs
import html
import io
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_PRINTABLE = 120
_SHOWN = 300
_MARKDOWN = re.compile(r"([\\`*_\[\]|~$!])")
_ASCII = {"…": "...", "µ": "u", "\u00d7": "x", "≤": "<=", "≥": ">=", "±": "+-", "→": "->"}
"""What stands for our own characters where they can't be shown; for all others a ``?`` does."""
_REPLACE = "tinyhil-replace"


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return "".join(_ASCII.get(character, "?") for character in wrong), error.end


codecs.register_error(_REPLACE, _replaced)


def replace_unprintable() -> None:
    """Let standard output and error take any text: what their encoding lacks is replaced, and
    ends no command. They keep another rule that somebody has set."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors=_REPLACE)


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
    safe = text
    if not text.isprintable():
        safe = "".join(c if c.isprintable() or c in keep else ascii(c)[1:-1] for c in text)
    return safe if limit is None or len(safe) <= limit else f"{safe[:limit]}…"


def in_markdown(text: str) -> str:
    """`text` as a cell or a line of Markdown that shows it as it is."""
    return _MARKDOWN.sub(r"\\\1", html.escape(text, quote=False)).replace("\n", "<br>")


def say(console: Console, text: str) -> None:
    """Print lines that may hold anything: without markup, and not wrapped."""
    safe = shown(text, None, keep="\n")
    console.print(safe, soft_wrap=True, markup=False, highlight=False)
