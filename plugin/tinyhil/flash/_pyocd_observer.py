"""Looks at a running board through pyOCD: its memory, and what it does when it is halted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pyocd.core.session import Session

from tinyhil.catalog.board import Board
from tinyhil.flash._pyocd_errors import ACCESS_S, LATE_S, Warnings, let_go, translated
from tinyhil.flash.pyocd import find_probe, first_difference, session_options
from tinyhil.ground.cutoff import cut_off
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError
from tinyhil.image.elf import Image, Segment


@contextmanager
def observing(board: Board, probe_uid: str) -> Iterator[PyocdObserver]:
    """Attach to a board without stopping it; see `Observer`.

    Raises:
        BenchError: the probe is missing, taken or dead.
    """
    with Warnings() as warnings, ExitStack() as undo:
        session = attach(board, probe_uid, warnings, undo)
        yield PyocdObserver(board, probe_uid, session, warnings)


def attach(
    board: Board, probe_uid: str, warnings: Warnings, undo: ExitStack, stage: str = "identify"
) -> Session:
    """Open a session with a running board; `undo` lets go of it.

    Raises:
        BenchError: the probe is missing, taken or dead.
    """
    errors = translated("connecting", board.name, probe_uid, warnings, stage)
    with errors, cut_off(ACCESS_S):
        session = unopened(board, probe_uid, undo)
        session.open()
    return session


def unopened(board: Board, probe_uid: str, undo: ExitStack) -> Session:
    """A session that will not stop the board; `undo` lets go of it.

    Raises:
        BenchError: the probe is missing.
    """
    options = session_options(board, board.flash.frequency_hz, "attach")
    session = Session(find_probe(probe_uid, board), options=options)
    undo.callback(let_go, session)
    return session


class PyocdObserver:
    """An `Observer`: pyOCD's session with a board that runs."""

    def __init__(self, board: Board, probe_uid: str, session: Session, warnings: Warnings) -> None:
        """Made by `observing`."""
        self._board = board
        self._probe_uid = probe_uid
        self._session = session
        self._warnings = warnings

    def read(self, address: int, count: int) -> bytes:
        """See `Observer.read`."""
        with self._translated("reading memory"):
            return bytes(self._session.target.read_memory_block8(address, count))

    def first_difference(self, image: Image, deadline: Deadline) -> int | None:
        """See `Observer.first_difference`."""

        def advance(_: int) -> None:
            if deadline.expired:
                raise BenchError(
                    f"comparing the board's memory took longer than {deadline.seconds:g} s",
                    hint="raise 'flash.frequency_hz' in the board's file, or use a faster probe",
                )

        segments = tuple(filter(self._is_in_flash, image.segments))
        with self._translated("comparing", deadline.remaining() + LATE_S):
            return first_difference(self._session.target, segments, advance)

    @contextmanager
    def halted(self) -> Iterator[None]:
        """See `Observer.halted`."""
        target = self._session.target
        with self._translated("halting"):
            target.halt()
        try:
            yield
        finally:
            with self._translated("resetting"):
                target.reset()

    def _is_in_flash(self, segment: Segment) -> bool:
        return any(
            memory.kind == "flash" and memory.start <= segment.address < memory.end
            for memory in self._board.memory
        )

    @contextmanager
    def _translated(self, doing: str, limit_s: float = ACCESS_S) -> Iterator[None]:
        errors = translated(doing, self._board.name, self._probe_uid, self._warnings, "identify")
        with errors, cut_off(limit_s):
            yield
