"""The least that an inference can take: no core multiplies faster than it can."""

from __future__ import annotations

from collections.abc import Mapping

from tinyhil.catalog.board import Board

_MACS: Mapping[str, int] = {
    "cortex-m0": 1,
    "cortex-m0+": 1,
    "cortex-m3": 1,
    "cortex-m4": 2,
    "cortex-m7": 2,
    "cortex-m33": 2,
    "cortex-m55": 16,
    "cortex-m85": 16,
}
"""Multiply-accumulates of 8 bits in one instruction, at most, by core."""

_SAVED = 2.5
"""By as much fewer multiplications may do: Winograd's convolution of 3 x 3 saves 2.25."""


def floor_s(board: Board, macs: int, *, ours: bool) -> float | None:
    """What an inference takes at least, in seconds.

    Args:
        board: whose core and clock count.
        macs: multiply-accumulates of the model.
        ours: whether our own firmware computes it.

    Returns:
        None of a core that is not known, and where an accelerator may compute the model: in
        somebody's own firmware on a physical board.
    """
    most = _MACS.get(board.core)
    if most is None or not (ours or board.emulated):
        return None
    instruction_s = board.emulator.instruction_s if board.emulator else 1 / board.clock_hz
    return macs / most / _SAVED * instruction_s
