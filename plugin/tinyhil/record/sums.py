"""Sums of files, and of their lines, so that a changed line can be named and not only its file."""

from __future__ import annotations

import hashlib
import math
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr

from tinyhil.record.reading import read_blocks, read_lines, read_whole
from tinyhil.record.schema import TRACE_SUFFIX, Count, Sum

_SUM_BYTES = 3
"""Of a line: enough to find the one that changed; whether one did, the file's own sum says."""
_MOST_SUMS = 1 << 16
"""Of a file; where it has more lines, several share a sum."""


class LineSums(BaseModel):
    """Sums of a file's lines."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: Count
    """Of lines."""
    block: Annotated[StrictInt, Field(ge=1, lt=1 << 40)]
    """How many of them share a sum."""
    sums: Annotated[StrictStr, Field(max_length=2 * _SUM_BYTES * _MOST_SUMS)]
    """Base64 of the first 3 bytes of each line's SHA-256; where lines share a sum, of the SHA-256
    of those."""

    def first_change(self, now: LineSums) -> tuple[int, int] | None:
        """The first and the last number of the lines among which the first changed one is.

        None if no sum tells, and where the lines of the two were not put together in the same way.
        """
        if now.block != self.block:
            return None
        ours, others = _parts(self.sums), _parts(now.sums)
        pairs = zip(ours, others, strict=False)
        changed = next((number for number, (a, b) in enumerate(pairs) if a != b), None)
        if changed is None and len(ours) != len(others):
            changed = min(len(ours), len(others))
        if changed is None:
            return None
        return changed * self.block + 1, (changed + 1) * self.block


class FileSum(BaseModel):
    """Sums of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: Count
    sha256: Sum
    lines: LineSums | None = None
    """None for a file that is not one of lines."""


def sum_of(path: Path, block: int | None = None) -> FileSum:
    """Sums of a file: of its lines, too, where its name says that it is one of lines.

    Args:
        path: of the file.
        block: how many lines are to share a sum; None for as few as the seal has room for.

    Raises:
        ConfigError: it can't be read, or is too long.
    """
    if path.suffix == TRACE_SUFFIX:
        return _sum_of_long(path)
    if path.suffix not in (".jsonl", ".log"):
        data = read_whole(path)
        return FileSum(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    whole, size, count, sums = hashlib.sha256(), 0, 0, bytearray()
    # Of a file that grew, the first sum too many tells; of others, as many share one as needed.
    most = _SUM_BYTES * (_MOST_SUMS + 1) * block if block else math.inf
    for count, line in read_lines(path):  # noqa: B007 - the last one is the count
        whole.update(line)
        size += len(line)
        if len(sums) < most:
            sums += hashlib.sha256(line).digest()[:_SUM_BYTES]
    chosen = block or -(-count // _MOST_SUMS) or 1
    text = b64encode(_joined(bytes(sums), chosen)).decode()
    lines = LineSums(count=count, block=chosen, sums=text)
    return FileSum(bytes=size, sha256=whole.hexdigest(), lines=lines)


def _sum_of_long(path: Path) -> FileSum:
    """Of a power trace, which may be longer than memory."""
    whole, size = hashlib.sha256(), 0
    for block in read_blocks(path):
        whole.update(block)
        size += len(block)
    return FileSum(bytes=size, sha256=whole.hexdigest())


def _joined(sums: bytes, block: int) -> bytes:
    if block == 1:
        return sums
    width = block * _SUM_BYTES
    return b"".join(
        hashlib.sha256(sums[start : start + width]).digest()[:_SUM_BYTES]
        for start in range(0, len(sums), width)
    )


def _parts(sums: str) -> list[bytes]:
    try:
        raw = b64decode(sums, validate=True)
    except ValueError:
        return []
    return [raw[start : start + _SUM_BYTES] for start in range(0, len(raw), _SUM_BYTES)]
