"""Reads members of a ``.tar.gz`` as a stream: nothing is unpacked to disk; all is bounded."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from tinyhil.ground.errors import DataError

_EXPANDED_BYTES_MAX = 512 << 20
_MEMBER_BYTES_MAX = 64 << 20
_MEMBERS_MAX = 20_000

# tarfile lets the last four through when a header is damaged on purpose.
_DAMAGED = (
    tarfile.TarError,
    gzip.BadGzipFile,
    EOFError,
    zlib.error,
    ValueError,
    ArithmeticError,
    LookupError,
)


class _Bounded(gzip.GzipFile):
    """Ends in an error rather than expand without end."""

    _left = _EXPANDED_BYTES_MAX

    def read(self, size: int | None = -1) -> bytes:
        """At most `size` bytes."""
        most = self._left + 1
        data = super().read(most if size is None or size < 0 else min(size, most))
        self._left -= len(data)
        if self._left < 0:
            raise tarfile.ReadError(
                "it expands to more bytes than any archive that is expected here"
            )
        return data


def members(archive: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Path and content of every regular file in an archive whose path is wanted.

    Paths are those that the archive claims: compare them, never open them.

    Raises:
        DataError: the archive is missing, damaged or too large.
    """
    try:
        with (
            _Bounded(archive, "rb") as file,
            tarfile.open(fileobj=file, mode="r|") as tar,
        ):
            for count, member in enumerate(tar):
                if count >= _MEMBERS_MAX:
                    raise tarfile.ReadError(f"it has more than {_MEMBERS_MAX:,} members")
                if member.isreg() and wanted(member.name):
                    yield member.name, _content(tar, member)
    except _DAMAGED as error:
        raise DataError(
            f"{archive}: is not a complete .tar.gz: {error}", hint="fetch the archive again"
        ) from error
    except OSError as error:
        raise DataError(
            f"{archive}: cannot be read: {error.strerror}", hint="check the path"
        ) from error


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    data = file.read(_MEMBER_BYTES_MAX + 1) if file else b""
    if len(data) > _MEMBER_BYTES_MAX:
        raise tarfile.ReadError("a member has more bytes than any that is expected here")
    if len(data) != member.size:
        raise tarfile.ReadError("a member is cut short")
    return data
