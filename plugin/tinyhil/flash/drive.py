"""Flashes by a file that is dropped onto the board's drive: UF2, or Intel HEX elsewhere.

A drive with ``INFO_UF2.TXT`` takes UF2 (https://github.com/microsoft/uf2); DAPLink and ST-LINK
take Intel HEX. A board that has taken the file takes its drive away and restarts.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tinyhil.catalog.board import Board
from tinyhil.flash import FlashResult, Progress
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, ConfigError
from tinyhil.ground.text import printable
from tinyhil.image.elf import Image, Segment

_LOOK_S = 0.1
_BACK_S = 20.0
_FAIL_BYTES = 200
_FAIL, _INFO = "FAIL.TXT", "INFO_UF2.TXT"
_MAGIC = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
_PAYLOAD = 256
_RECORD = 32
_NAME = "tinyhil"


def open_flasher(board: Board, probe_uid: str, deadline: Deadline) -> DriveFlasher:
    """See that the drive is there.

    Raises:
        ConfigError: nothing says where it is.
        BenchError: it is not there.
    """
    del probe_uid, deadline
    if not board.flash.drive:
        raise ConfigError(
            f"the flash method 'drive' of board '{board.name}' has no 'flash.drive'",
            hint="name the folder where the board's drive is mounted, in the bench file",
            board=board.name,
        )
    drive = Path(board.flash.drive)
    if not drive.is_dir():
        raise BenchError(
            f"{drive}: the board's drive is not there",
            hint="mount it; a board with UF2 shows it after its button was pressed twice",
            board=board.name,
            stage="flash",
        )
    return DriveFlasher(board, drive)


class DriveFlasher:
    """A `Flasher` that copies a file and waits until the board has taken it."""

    def __init__(self, board: Board, drive: Path) -> None:
        self._board = board
        self._drive = drive
        self._is_mount = drive.is_mount()

    def flash(
        self, image: Image, deadline: Deadline, progress: Progress | None = None
    ) -> FlashResult:
        """See `Flasher.flash`; the board alone proves what it holds."""
        started, old = time.monotonic(), self._refusal()
        uf2 = (self._drive / _INFO).is_file()
        data = as_uf2(image.segments) if uf2 else as_hex(image.segments)
        target = self._drive / (_NAME + (".uf2" if uf2 else ".hex"))
        try:
            with target.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            # A board may take its drive away before the last write is acknowledged.
            if os.path.isdir(self._drive):  # noqa: PTH112 - Path's raises EIO where a drive went
                raise self._failed(f"{target}: cannot be written: {error.strerror}") from error
        self._await_taken(target, deadline.within(self._board.flash.timeout_s), old)
        size = sum(segment.size for segment in image.segments)
        if progress:
            progress(3 * size, 3 * size)
        return FlashResult(size, size, time.monotonic() - started)

    def _await_taken(self, target: Path, deadline: Deadline, old: bytes | None) -> None:
        """Wait until the board has taken the file, or says why not.

        A debug probe that plays a drive takes it away and brings it back with its complaint, if it
        has one; a boot loader for UF2 goes with its drive.
        """
        while os.path.exists(target) and self._refusal() in (None, old):  # noqa: PTH110 - as above
            if deadline.expired:
                raise self._failed(f"{target}: the board has not taken it")
            deadline.pause(_LOOK_S)
        uf2 = target.suffix == ".uf2"
        back = deadline.within(_BACK_S)
        while not uf2 and not self._is_there():
            if back.expired:
                raise self._failed(f"{self._drive}: the drive has not come back after the copy")
            back.pause(_LOOK_S)
        said = self._refusal()
        if said is not None and not (uf2 and said == old):
            text = printable(said.decode("ascii", "replace"))
            raise self._failed(f"the board refused the image: {text}")

    def _is_there(self) -> bool:
        """Whether the drive is there, and not just the folder that it is mounted on."""
        mounted = not self._is_mount or os.path.ismount(self._drive)
        return mounted and os.path.isdir(self._drive)  # noqa: PTH112 - as above

    def _refusal(self) -> bytes | None:
        """What the board complains of, bounded; None if it does not, or its drive is away."""
        try:
            with (self._drive / _FAIL).open("rb") as file:
                return file.read(_FAIL_BYTES)
        except OSError:
            return None

    def _failed(self, message: str) -> BenchError:
        return BenchError(
            message,
            hint="copy the file by hand and look at the drive; the image must be linked for this "
            "board and its boot loader",
            board=self._board.name,
            stage="flash",
        )

    def reset(self) -> None:
        """See `Flasher.reset`; a board that has taken a file has restarted."""

    def close(self) -> None:
        """See `Flasher.close`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def as_uf2(segments: tuple[Segment, ...]) -> bytes:
    """The blocks of a UF2 file; each has 256 bytes of one page, the gaps are 0."""
    pages: dict[int, bytearray] = {}
    for segment in segments:
        for offset, byte in enumerate(segment.data):
            page, at = divmod(segment.address + offset, _PAYLOAD)
            pages.setdefault(page, bytearray(_PAYLOAD))[at] = byte
    blocks = []
    for number, (page, data) in enumerate(sorted(pages.items())):
        head = (*_MAGIC[:2], 0, page * _PAYLOAD, _PAYLOAD, number, len(pages), 0)
        block = struct.pack("<8I", *head) + data.ljust(476, b"\0") + struct.pack("<I", _MAGIC[2])
        blocks.append(block)
    return b"".join(blocks)


def as_hex(segments: tuple[Segment, ...]) -> bytes:
    """The lines of an Intel HEX file."""
    lines = [line for segment in segments for line in _lines(segment)]
    return "".join(f"{line}\r\n" for line in (*lines, _record(0, 1, b""))).encode("ascii")


def _lines(segment: Segment) -> Iterator[str]:
    high, at = -1, 0
    while at < segment.size:
        address = segment.address + at
        if address >> 16 != high:
            high = address >> 16
            yield _record(0, 4, struct.pack(">H", high))
        # A record must not go past the end of its 64 KiB.
        count = min(_RECORD, (high + 1 << 16) - address)
        yield _record(address & 0xFFFF, 0, segment.data[at : at + count])
        at += count


def _record(address: int, kind: int, data: bytes) -> str:
    body = struct.pack(">BHB", len(data), address, kind) + data
    return f":{body.hex().upper()}{-sum(body) & 0xFF:02X}"
