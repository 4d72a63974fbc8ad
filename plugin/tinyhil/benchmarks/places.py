"""Where kernels are measured: emulated boards, and cores whose code runs on another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tinyhil.catalog.board import Board

LESSER: Mapping[str, tuple[str, ...]] = {
    "cortex-m0": ("armv6-m",),
    "cortex-m0plus": ("armv6-m",),
}
"""Cores of which QEMU plays no board that has room for the models, and their kernels: a Cortex-M3
runs their code."""


@dataclass(frozen=True)
class Place:
    """An emulated board, and the core that its code is compiled for."""

    board: str
    core: str

    @property
    def name(self) -> str:
        """In tables, in the baseline and for ``--board``."""
        return f"{self.board}-{self.core}" if self.core in LESSER else self.board

    def of(self, boards: Mapping[str, Board]) -> Board:
        """The board, with the compiler's flags and kernels of the core."""
        found = boards[self.board]
        if self.core not in LESSER:
            return found
        flags = (f"-mcpu={self.core}", "-mthumb")
        own = {"flags": flags, "kernels": LESSER[self.core]}
        return found.model_copy(update={"toolchain": found.toolchain.model_copy(update=own)})


LESSER_PLACES = tuple(Place("mps2-an385", core) for core in LESSER)
