"""Flashing through a debug probe with pyOCD: CMSIS-DAP, ST-LINK, J-Link, and emulated boards."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import Any, Self

from pyocd.core import exceptions
from pyocd.core.session import Session
from pyocd.core.target import Target
from pyocd.coresight.core_ids import CORE_TYPE_NAME
from pyocd.flash.loader import FlashLoader
from pyocd.probe.aggregator import DebugProbeAggregator
from pyocd.probe.debug_probe import DebugProbe

from tinyhil.catalog.board import Board
from tinyhil.catalog.identity import OUR_TARGETS, is_remote
from tinyhil.catalog.targets import register_target
from tinyhil.flash import FlashResult, Progress, check_fit
from tinyhil.flash._pyocd_errors import (
    ACCESS_S,
    LATE_S,
    LOCKED_HINT,
    Warnings,
    let_go,
    translated,
)
from tinyhil.flash._pyocd_remote import remote_probe
from tinyhil.ground.cutoff import cut_off
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, ConfigError, TinyhilError
from tinyhil.image.elf import Image, Segment

_PIECE_BYTES = 4096
"""Read at a time: between two pieces the deadline is looked at."""
_CPUID = 0xE000ED00
_SLOWER = 4
"""A second try runs the wire at this fraction of the board's frequency."""


def open_flasher(board: Board, probe_uid: str, deadline: Deadline) -> PyocdFlasher:
    """Open the probe and halt the board's core.

    Raises:
        ConfigError: pyOCD does not know the board's target, or its pack is missing.
        BenchError: no such probe (the text lists the known ones), it is taken, or the board
            does not answer.
    """
    if not board.flash.target:
        raise ConfigError(
            f"board '{board.name}' has no 'flash.target', which pyOCD needs",
            hint="write pyOCD's name of the target into the board's file: `pyocd list --targets`",
            board=board.name,
        )
    if board.flash.pack and not Path(board.flash.pack).is_file():
        raise ConfigError(
            f"the CMSIS pack '{board.flash.pack}' of board '{board.name}' is not a file",
            hint="correct 'flash.pack' in the board's file, or fetch the pack",
            board=board.name,
        )
    with ExitStack() as undo:
        warnings = undo.enter_context(Warnings())
        limit_s = deadline.remaining() + LATE_S
        with translated("connecting", board.name, probe_uid, warnings), cut_off(limit_s):
            session = _connect(board, probe_uid, deadline)
        undo.pop_all()
    return PyocdFlasher(board, probe_uid, session, warnings)


class PyocdFlasher:
    """A `Flasher`: pyOCD's session with one probe."""

    def __init__(self, board: Board, probe_uid: str, session: Session, warnings: Warnings) -> None:
        """Made by `open_flasher`."""
        self._board = board
        self._probe_uid = probe_uid
        self._session = session
        self._warnings = warnings

    def flash(
        self, image: Image, deadline: Deadline, progress: Progress | None = None
    ) -> FlashResult:
        """See `Flasher.flash`."""
        check_fit(image, self._board)
        started = time.monotonic()
        report = _Steps(sum(segment.size for segment in image.segments), deadline, progress)
        programmed = 0
        with self._translated("comparing", deadline):
            self._session.target.halt()
            check_part(self._session.target, self._board)
            differing = self._differing(image, report)
        if differing:
            # A board whose programming was interrupted must not run what it then holds.
            self._session.options["resume_on_disconnect"] = False
            self._program(image, differing, report)
            self._session.options["resume_on_disconnect"] = True
            programmed = sum(len(data) for _, data in differing)
        report.finish()
        return FlashResult(report.image_bytes, programmed, time.monotonic() - started)

    def reset(self) -> None:
        """See `Flasher.reset`."""
        with self._translated("resetting"):
            self._session.target.reset()

    def close(self) -> None:
        """See `Flasher.close`."""
        let_go(self._session)
        self._warnings.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @contextmanager
    def _translated(self, doing: str, deadline: Deadline | None = None) -> Iterator[None]:
        limit_s = deadline.remaining() + LATE_S if deadline else ACCESS_S
        errors = translated(doing, self._board.name, self._probe_uid, self._warnings)
        with errors, cut_off(limit_s):
            yield

    def _differing(self, image: Image, report: _Steps) -> list[tuple[int, bytes]]:
        target = self._session.target
        try:
            return differences(target, image.segments, report.advance)
        except exceptions.TransferFaultError:
            if not _is_locked(target, image.segments[0].address):
                raise
            raise BenchError(
                f"the memory at {image.segments[0].address:#010x} can't be read, although the "
                "core answers: the chip is locked against reading",
                hint=LOCKED_HINT,
            ) from None

    def _check_wear(
        self, failure: exceptions.FlashProgramFailure, wanted: Sequence[tuple[int, bytes]]
    ) -> None:
        """Say so if what fails to be programmed holds a byte that is neither erased nor right."""
        for start, data in wanted:
            if failure.address is None or not start <= failure.address < start + len(data):
                continue
            left = data[failure.address - start :]
            held = self._session.target.read_memory_block8(failure.address, len(left))
            for offset, (right, byte) in enumerate(zip(left, held, strict=True)):
                if byte not in (right, 0xFF):
                    raise BenchError(
                        f"the flash is worn: the byte at {failure.address + offset:#010x} is "
                        f"{byte:#04x} after it was erased",
                        hint="run it again; if it stays so, use another board, or an image that "
                        "leaves this place out",
                    ) from failure

    def _program(
        self, image: Image, differing: Sequence[tuple[int, bytes]], report: _Steps
    ) -> None:
        """Program what differs, then read all of the image back."""
        with self._translated("programming", report.deadline):
            report.next()
            # FileProgrammer would only log a warning for what its memory map does not hold.
            loader = FlashLoader(self._session, progress=report.at_fraction)
            try:
                for address, data in differing:
                    report.check()
                    loader.add_data(address, data)
            except ValueError as error:
                raise ConfigError(
                    f"pyOCD's target '{self._board.flash.target}' has a memory map unlike the "
                    f"board's file: {error}",
                    hint="correct 'memory' or 'flash.target' in the board's file",
                ) from error
            try:
                loader.commit()
            except exceptions.FlashProgramFailure as error:
                self._check_wear(error, differing)
                raise
        with self._translated("verifying", report.deadline):
            report.next()
            differs = first_difference(self._session.target, image.segments, report.advance)
            if differs is not None:
                raise BenchError(
                    f"the board does not hold what was programmed: first difference at "
                    f"{differs:#010x}",
                    hint="the memory is worn, protected, or written by something else; "
                    "try another board",
                )


class _Steps:
    """Progress over three passes: compare, program, read back; also checks the deadline."""

    def __init__(self, image_bytes: int, deadline: Deadline, progress: Progress | None) -> None:
        self.image_bytes = image_bytes
        self.deadline = deadline
        self._progress = progress
        self._pass = 0
        self._done = 0
        self._fraction = 0.0
        self._erased = False

    def next(self) -> None:
        """The next pass begins."""
        self._pass += 1
        self._done = 0

    def advance(self, count: int) -> None:
        """So many bytes of this pass more."""
        self._done += count
        self._report(self._pass * self.image_bytes + self._done)

    def at_fraction(self, fraction: float) -> None:
        """Erasing, then programming, has come so far: pyOCD counts from 0 to 1 for each."""
        self._erased = self._erased or fraction < self._fraction
        self._fraction = fraction
        self._report(int((self._pass + (self._erased + fraction) / 2) * self.image_bytes))

    def finish(self) -> None:
        """All is done."""
        self._report(3 * self.image_bytes)

    def check(self) -> None:
        """Raise BenchError if the deadline has passed."""
        if self.deadline.expired:
            raise BenchError(
                f"flashing took longer than {self.deadline.seconds:g} s",
                hint="raise 'flash.frequency_hz' in the board's file, or use a faster probe",
            )

    def _report(self, done: int) -> None:
        self.check()
        if self._progress:
            self._progress(done, 3 * self.image_bytes)


def check_part(target: Target, board: Board) -> None:
    """Refuse a chip that is not the board's, before anything is written to it.

    Raises:
        BenchError: its core, or the word that its maker put into it, is another one.
    """
    found = target.cores[0].name.lower().replace("+", "plus")
    wanted = board.core.split("+")[0]
    known = {core.lower().replace("+", "plus") for core in CORE_TYPE_NAME.values()}
    if found != wanted and {found, wanted} <= known:
        raise BenchError(
            f"the chip behind this probe has a {found}, but '{board.name}' has a {wanted}",
            hint="the probe is wired to another board, or the bench file names the wrong one",
        )
    part = board.flash.part
    if part and (word := target.read32(part.address)) & part.mask != part.value:
        raise BenchError(
            f"the chip behind this probe is not that of '{board.name}': it holds {word:#010x} at "
            f"{part.address:#010x}, of which {part.mask:#x} should be {part.value:#x}",
            hint="the probe is wired to another board, or the bench file names the wrong one",
        )


def _is_locked(target: Target, address: int) -> bool:
    """Whether memory can't be read again, while the core answers well."""
    try:
        target.read32(_CPUID)
    except exceptions.Error:
        return False
    try:
        target.read32(address & ~3)
    except exceptions.TransferFaultError:
        return True
    return False


def first_difference(
    target: Target, segments: tuple[Segment, ...], advance: Callable[[int], None]
) -> int | None:
    """Address of the first byte in which a board's memory and an image differ.

    Args:
        target: pyOCD's.
        segments: of the image.
        advance: is told each time how many bytes more were compared; may raise.
    """
    for address, wanted, held in _compared(target, segments, advance):
        if held != wanted:
            pairs = enumerate(zip(held, wanted, strict=True))
            return next(address + offset for offset, (a, b) in pairs if a != b)
    return None


def differences(
    target: Target, segments: tuple[Segment, ...], advance: Callable[[int], None]
) -> list[tuple[int, bytes]]:
    """The pieces of an image, each with its address, that a board's memory does not hold."""
    compared = _compared(target, segments, advance)
    return [(address, wanted) for address, wanted, held in compared if held != wanted]


def _compared(
    target: Target, segments: tuple[Segment, ...], advance: Callable[[int], None]
) -> Iterator[tuple[int, bytes, bytes]]:
    """Address of each piece, what it should be, and what the board holds there."""
    for segment in segments:
        at = 0
        while at < segment.size:
            address = segment.address + at
            # Pieces end where sectors do, so that a sector is a matter of one piece alone.
            wanted = segment.data[at : at + _PIECE_BYTES - address % _PIECE_BYTES]
            yield address, wanted, bytes(target.read_memory_block8(address, len(wanted)))
            advance(len(wanted))
            at += len(wanted)


def _connect(board: Board, probe_uid: str, deadline: Deadline) -> Session:
    """Open a session with the core halted: held in reset if that works, else by catching it."""
    frequencies = (board.flash.frequency_hz, board.flash.frequency_hz // _SLOWER)
    failure: Exception | None = None
    for frequency_hz, mode in product(frequencies, ("under-reset", "pre-reset")):
        if failure and deadline.expired:
            break
        probe = find_probe(probe_uid, board)
        session = Session(probe, options=session_options(board, frequency_hz, mode))
        try:
            session.open()
            if not session.target.is_halted():
                raise exceptions.DebugError("the core does not halt")
            return session
        except BaseException as error:  # Ctrl-C too: the board must run on
            let_go(session)
            final = (exceptions.ProbeError, exceptions.TargetSupportError, TinyhilError, OSError)
            if isinstance(error, final) or not isinstance(error, Exception):
                raise
            failure = error
    assert failure is not None  # the loop runs at least once
    raise failure


def session_options(board: Board, frequency_hz: int, connect_mode: str) -> dict[str, Any]:
    """Options of an unattended session, which no other file may change."""
    return {
        "auto_unlock": False,  # pyOCD's default mass-erases a locked part
        "connect_mode": connect_mode,
        "frequency": frequency_hz,
        "hide_programming_progress": True,
        "no_config": True,
        "pack": board.flash.pack,
        "project_dir": os.getcwd(),  # noqa: PTH109  pyOCD changes into it
        "resume_on_disconnect": True,
        "target_override": board.flash.target,
        "user_script": os.devnull,  # else it runs a pyocd_user.py of the current folder
    }


def find_probe(probe_uid: str, board: Board | None = None) -> DebugProbe:
    """The probe with exactly this uid; pyOCD's own helper takes parts of one, and waits.

    Args:
        probe_uid: of a probe that is plugged in, or of one of another host.
        board: behind it, which only the other host might know.

    Raises:
        BenchError: there is none, or there are several, and any of them might be flashed.
        ConfigError: it is meant to be that of another host, and is not.
    """
    if is_remote(probe_uid):
        if board and board.flash.target.startswith(OUR_TARGETS):
            register_target(board.flash.target, board.memory)
        return remote_probe(probe_uid)
    there = DebugProbeAggregator.get_all_connected_probes()
    probe = DebugProbeAggregator.get_probe_with_id(probe_uid)
    if probe is None:
        known = ", ".join(probe.unique_id for probe in there)
        raise BenchError(
            f"no debug probe '{probe_uid}'; there: {known or 'none'}",
            hint="plug it in, or correct its uid in the bench file; 'pyocd list' shows all",
        )
    twins = [other for other in there if other.unique_id == probe.unique_id]
    if len(twins) > 1:
        names = ", ".join(sorted(other.description for other in twins))
        raise BenchError(
            f"{len(twins)} debug probes say that they are '{probe_uid}': {names}",
            hint="unplug all but one of them, or give each its own id with its maker's tool",
        )
    return probe
