"""Gets an image onto a board: check, compare, program, verify, reset.

A way of flashing is a module of this folder, named after its ``flash.method`` in a board's file,
with a function ``open_flasher(board, probe_uid, deadline)``: see `Flasher` and `pyocd`. A package
of the user's own brings another one by an entry point of the group ``tinyhil.flashers``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self, cast

from tinyhil.catalog.board import NO_FLASH, Board
from tinyhil.catalog.identity import is_remote
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import ConfigError, FirmwareError
from tinyhil.ground.parts import Parts
from tinyhil.image.elf import Image

if TYPE_CHECKING:
    from tinyhil.flash._pyocd_rtt import RttLink

_LOOK_S = 0.1

Progress = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all; each image counts three times: it is
compared, programmed and read back."""


@dataclass(frozen=True)
class FlashResult:
    """What flashing did."""

    image_bytes: int
    programmed_bytes: int
    """Of the parts in which the board's memory and the image differed; 0 if it held the image."""
    seconds: float

    @property
    def skipped(self) -> bool:
        """Whether nothing was programmed, because a comparison found the image there."""
        return self.programmed_bytes == 0


class Flasher(Protocol):
    """One debug probe, open on one board and only ours; a context manager."""

    def flash(
        self, image: Image, deadline: Deadline, progress: Progress | None = None
    ) -> FlashResult:
        """Make the board hold `image`, unless it holds it already, and prove it by reading back.

        The core is halted afterwards.

        Raises:
            FirmwareError: the image does not fit the board; nothing has been touched.
            BenchError: the probe or the board failed, or `deadline` has passed.
        """

    def reset(self) -> None:
        """Reset the board and let its firmware run from the start.

        Raises:
            BenchError: the probe or the board failed.
        """

    def close(self) -> None:
        """Let go of the probe; the board runs on."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


OpenFlasher = Callable[[Board, str, Deadline], Flasher]

METHODS = Parts("flash method", "tinyhil.flashers", __name__, ("open_flasher",))


def check_method(method: str) -> None:
    """Refuse a way of flashing that nobody brings; nothing is imported.

    Raises:
        ConfigError: the text lists the known ones.
    """
    known = METHODS.names()
    if method not in (NO_FLASH, *known):
        raise ConfigError(
            f"no flash method '{method}'; known: {', '.join(known)}",
            hint="correct 'flash.method' in the board's file, or install the package that brings "
            "this method",
        )


def load_flasher(method: str) -> OpenFlasher:
    """The way of flashing that a board's file names.

    Raises:
        ConfigError: as `check_method`, or that of another package can't be loaded.
    """
    check_method(method)
    return cast(OpenFlasher, METHODS.load(method).open_flasher)


def open_flasher(board: Board, probe_uid: str, deadline: Deadline) -> Flasher:
    """Open the probe with exactly this uid on this board.

    Raises:
        ConfigError: the board's file names a way of flashing, or a target, that is unknown.
        BenchError: the probe is missing, taken or dead, or the board does not answer.
    """
    return load_flasher(board.flash.method)(board, probe_uid, deadline)


def flash(
    image: Image,
    board: Board,
    probe_uid: str,
    deadline: Deadline,
    progress: Progress | None = None,
) -> FlashResult:
    """Flash `image`, reset the board and let go of the probe; the firmware boots.

    Raises:
        FirmwareError: the image does not fit the board; the probe was not even opened.
        ConfigError, BenchError: as `open_flasher` and `Flasher.flash`.
    """
    check_fit(image, board)
    with open_flasher(board, probe_uid, deadline) as flasher:
        result = flasher.flash(image, deadline, progress)
        flasher.reset()
    return result


def reset(board: Board, probe_uid: str, deadline: Deadline) -> None:
    """Reset the board; its firmware boots.

    Raises:
        ConfigError, BenchError: as `open_flasher`.
    """
    with open_flasher(board, probe_uid, deadline) as flasher:
        flasher.reset()


def has_reset_pin(board: Board, probe_uid: str) -> bool:
    """Whether the board's reset pin can be pulled: by a probe that pyOCD drives."""
    return bool(probe_uid) and board.flash.method == "pyocd"


def pull_reset_pin(board: Board, probe_uid: str, deadline: Deadline) -> None:
    """Reset the board by its pin, for a core that does not hear its debugger; its firmware boots.

    Raises:
        BenchError: the probe is missing, taken or dead.
    """
    from tinyhil.flash import _pyocd_pin  # noqa: PLC0415 - pyOCD is slow

    _pyocd_pin.pulse(board, probe_uid, deadline)


def hang(board: Board, probe_uid: str) -> None:
    """Have the core run in a circle, with interrupts off, until it is reset: to test a bench.

    Raises:
        BenchError: the probe is missing, taken or dead.
    """
    from tinyhil.flash import _pyocd_hang  # noqa: PLC0415 - pyOCD is slow

    _pyocd_hang.hang(board, probe_uid)


@dataclass(frozen=True)
class FoundProbe:
    """A debug probe that is plugged in."""

    uid: str
    """As a bench file names it."""
    description: str
    """What it says that it is."""
    target: str
    """pyOCD's name of the target that it is soldered to; empty where it does not tell."""
    emulated: bool
    """Whether it is one of an emulated board."""


def probes() -> tuple[FoundProbe, ...]:
    """Every debug probe that pyOCD finds, and may open."""
    from tinyhil.flash import _pyocd_known  # noqa: PLC0415 - pyOCD is slow

    return _pyocd_known.probes()


def await_there(board: Board, probe_uid: str, deadline: Deadline) -> None:
    """Wait for the probe or the drive of a board that has just got its supply, which may be theirs.

    That it does not come is no error here: who needs it tells what is there instead.
    """

    def there() -> bool:
        if board.flash.method == "drive":
            return Path(board.flash.drive or "").is_dir()
        if board.flash.method == "pyocd" and not is_remote(probe_uid):  # Its host has seen to it.
            return any(probe.uid == probe_uid for probe in probes())
        return True

    while not there() and not deadline.expired:
        deadline.pause(_LOOK_S)


def where_target_is_from(board: Board) -> str:
    """Where pyOCD's knowledge of the board's target comes from, in words.

    Raises:
        ConfigError: it has none, or the board's pack can't be read.
    """
    from tinyhil.flash import _pyocd_known  # noqa: PLC0415 - pyOCD is slow

    return _pyocd_known.where_target_is_from(board)


class Observer(Protocol):
    """A look through the probe at a board that runs. Every method raises:

    BenchError: the probe failed, or a deadline has passed.
    """

    def read(self, address: int, count: int) -> bytes:
        """Memory of the board, which does not stop."""
        ...

    def first_difference(self, image: Image, deadline: Deadline) -> int | None:
        """Address of the first byte in which the board's flash and `image` differ, or None."""
        ...

    def halted(self) -> AbstractContextManager[None]:
        """The core stands still until the block ends, and is reset then."""
        ...


def observing(board: Board, probe_uid: str) -> AbstractContextManager[Observer]:
    """Attach to a running board.

    Raises:
        BenchError: the probe is missing, taken or dead.
    """
    from tinyhil.flash._pyocd_observer import observing as attached  # noqa: PLC0415 - as below

    return attached(board, probe_uid)


def open_rtt(board: Board, probe_uid: str, control_block: int) -> RttLink:
    """Open the channels of the running board, one up, one down, by its probe; see `RttLink`.

    Args:
        board: facts of the board.
        probe_uid: exact id of its probe.
        control_block: address of the firmware's RTT control block.

    Raises:
        BenchError: the probe is missing, taken or dead.
        DeviceError: there is no control block, or it makes no sense.
    """
    from tinyhil.flash._pyocd_rtt import RttLink as Opened  # noqa: PLC0415 - pyOCD is slow

    return Opened(board, probe_uid, control_block)


def serving(probe_uid: str, number: int) -> AbstractContextManager[None]:
    """Serve a probe on this TCP port of the loopback interface, as `pyocd server` does.

    Raises:
        BenchError: there is no such probe.
        OSError: the port is in use.
    """
    from tinyhil.flash import _pyocd_server  # noqa: PLC0415 - pyOCD is slow

    return _pyocd_server.serving(probe_uid, number)


def check_fit(image: Image, board: Board) -> None:
    """Refuse an image if a part of it lies outside the board's memory.

    Raises:
        FirmwareError: names the part and the board's memory.
    """
    for segment in image.segments:
        if not any(
            memory.start <= segment.address and segment.end <= memory.end for memory in board.memory
        ):
            known = ", ".join(
                f"{memory.name} {memory.start:#010x}-{memory.end - 1:#010x}"
                for memory in board.memory
            )
            raise FirmwareError(
                f"{image.path}: {segment.size} bytes at {segment.address:#010x}-"
                f"{segment.end - 1:#010x} lie outside the memory of '{board.name}' ({known})",
                hint="link the image for this board, or flash it to the board it was linked for",
                board=board.name,
            )
