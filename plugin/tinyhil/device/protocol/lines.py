"""Bytes to lines: bounded, and a bad byte invalidates its line instead of changing it."""

from __future__ import annotations

from dataclasses import dataclass

MAX_LINE_BYTES = 4096
"""Longest line that is accepted; the longest official one is far shorter."""


@dataclass(frozen=True)
class Line:
    """A whole line of printable ASCII, without its line end."""

    text: str


@dataclass(frozen=True)
class Damaged:
    """A line, or a frame, that can't be accepted."""

    raw: bytes
    """Bounded: at most what the reader keeps."""
    reason: str


class LineReader:
    """Cuts a byte stream into lines that end in LF, with or without a CR before it."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._skipping = False

    @property
    def held(self) -> bytes:
        """Bytes of the line that has not ended yet; for messages."""
        return bytes(self._held)

    def feed(self, data: bytes) -> list[Line | Damaged]:
        """Take bytes as they come; return the lines that they complete.

        A line that exceeds `MAX_LINE_BYTES` is returned as damaged at once, not when it ends, so
        that an endless one is noticed; its rest is dropped. Memory stays bounded.
        """
        lines: list[Line | Damaged] = []
        *ended, rest = data.split(b"\n")
        for part in ended:
            lines.extend(self._extend(part))
            if not self._skipping:
                lines.append(_check(bytes(self._held)))
            self._held.clear()
            self._skipping = False
        lines.extend(self._extend(rest))
        return lines

    def _extend(self, part: bytes) -> list[Line | Damaged]:
        """Append to the line at hand; report it once when it gets too long."""
        if self._skipping:
            return []
        self._held += part
        if len(self._held) <= MAX_LINE_BYTES:
            return []
        raw = bytes(self._held[:MAX_LINE_BYTES])
        self._held.clear()
        self._skipping = True
        return [Damaged(raw, f"line longer than {MAX_LINE_BYTES} bytes")]


def _check(raw: bytes) -> Line | Damaged:
    body = raw.removesuffix(b"\r")
    if all(0x20 <= byte < 0x7F for byte in body):
        return Line(body.decode("ascii"))
    return Damaged(raw, "line with bytes that are not printable ASCII")
