"""The reset pin of a board, by its debug probe: what helps where the core hears no debugger."""

from __future__ import annotations

from contextlib import ExitStack

from tinyhil.catalog.board import Board
from tinyhil.flash._pyocd_errors import LATE_S, Warnings, translated
from tinyhil.flash._pyocd_observer import unopened
from tinyhil.ground.cutoff import cut_off
from tinyhil.ground.deadline import Deadline

_LOW_S = 0.1
"""How long the pin is held down: longer than any filter at it."""


def pulse(board: Board, probe_uid: str, deadline: Deadline) -> None:
    """Hold the board's reset pin down for a moment; its core is not spoken to.

    Raises:
        BenchError: the probe is missing, taken or dead.
    """
    with Warnings() as warnings, ExitStack() as undo:
        errors = translated("pulling the reset pin", board.name, probe_uid, warnings, "reset")
        with errors, cut_off(deadline.remaining() + LATE_S):
            session = unopened(board, probe_uid, undo)
            session.open(init_board=False)
            session.probe.assert_reset(True)
            deadline.pause(_LOW_S)
            session.probe.assert_reset(False)
