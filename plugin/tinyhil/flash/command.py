"""Flashes by a command of the user's: a vendor's programmer, ``west flash``, a script."""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Sequence
from typing import Self

from tinyhil.catalog.board import Board
from tinyhil.flash import FlashResult, Progress
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, ConfigError, FirmwareError
from tinyhil.ground.processes import run_group
from tinyhil.ground.text import printable
from tinyhil.image.elf import Image

_IMAGE = "{image}"
_SHOWN = 400
"""Characters of what a command printed last, in an error."""


def open_flasher(board: Board, probe_uid: str, deadline: Deadline) -> CommandFlasher:
    """Check the command; nothing is opened.

    Raises:
        ConfigError: there is none, or it does not name the image.
    """
    del deadline
    command = board.flash.command
    if not any(_IMAGE in part for part in command):
        raise ConfigError(
            f"the flash method 'command' of board '{board.name}' has no command with {_IMAGE}",
            hint='write it into the bench file, as in command = ["west", "flash", "--elf-file", '
            '"{image}"]',
            board=board.name,
        )
    return CommandFlasher(board, probe_uid, command)


class CommandFlasher:
    """A `Flasher` that trusts the exit code of a command.

    Args:
        board: its reset command and its time limit.
        probe_uid: takes the place of ``{probe}``.
        command: takes the image's path in the place of ``{image}``; it ends with the board running.
    """

    def __init__(self, board: Board, probe_uid: str, command: Sequence[str]) -> None:
        self._board = board
        self._probe_uid = probe_uid
        self._command = command

    def flash(
        self, image: Image, deadline: Deadline, progress: Progress | None = None
    ) -> FlashResult:
        """See `Flasher.flash`; whether the board holds the image, the command alone knows."""
        try:
            unchanged = hashlib.sha256(image.path.read_bytes()).hexdigest() == image.sha256
        except OSError:  # A build is running.
            unchanged = False
        if not unchanged:
            raise FirmwareError(
                f"{image.path} has changed since it was read",
                hint="build the image before the run, not during it",
                board=self._board.name,
            )
        size, started = sum(segment.size for segment in image.segments), time.monotonic()
        self._run(self._command, image, deadline)
        if progress:
            progress(3 * size, 3 * size)
        return FlashResult(size, size, time.monotonic() - started)

    def reset(self) -> None:
        """See `Flasher.reset`; without a command for it the board runs already."""
        if self._board.flash.reset:
            self._run(self._board.flash.reset, None, Deadline.after(self._board.flash.timeout_s))

    def _run(self, command: Sequence[str], image: Image | None, deadline: Deadline) -> None:
        values = {_IMAGE: str(image.path) if image else "", "{probe}": self._probe_uid}
        filled = list(command)
        for mark, value in values.items():
            filled = [part.replace(mark, value) for part in filled]
        timeout_s = min(self._board.flash.timeout_s, max(1.0, deadline.remaining()))
        name = printable(" ".join(filled))
        try:
            ended = run_group(filled, timeout_s)
        except OSError as error:
            raise self._failed(
                f"the command '{name}' cannot be started: {error.strerror}",
                "correct 'flash.command' in the bench file, or install the program",
            ) from error
        except subprocess.TimeoutExpired as error:
            raise self._failed(
                f"the command '{name}' was not done in {timeout_s:g} s",
                "run it by hand; 'flash.timeout_s' in the bench file gives it more time",
            ) from error
        if ended.returncode:
            said = printable((ended.stdout + ended.stderr).strip()[-_SHOWN:])
            raise self._failed(
                f"the command '{name}' ended with {ended.returncode}: {said or 'it said nothing'}",
                "run it by hand: it must end with 0 when the board holds the image and runs",
            )

    def _failed(self, message: str, hint: str) -> BenchError:
        return BenchError(message, hint=hint, board=self._board.name, stage="flash")

    def close(self) -> None:
        """See `Flasher.close`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
