"""How much of a board's memory an image takes: from the ELF, and from the device's own stack."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.units import format_metric
from tinyhil.device.info import DeviceInfo
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.text import printable
from tinyhil.image.elf import Image
from tinyhil.record.rows import NO_STACK

_ANSWER_S = 10.0


@dataclass(frozen=True)
class MemoryUse:
    """Sizes in bytes."""

    text: int
    """Code and constants."""
    data: int
    """Initialised variables; in flash and in RAM."""
    bss: int
    """Zeroed variables, with the tensor arena and the input buffer, without the stack."""
    arena: int | None
    """Tensor arena without input and output, part of bss; None where a firmware is silent."""
    stack_used: int | None
    """High-water mark of the stack; None where a firmware does not report it."""
    stack_reserved: int | None

    @property
    def flash_bytes(self) -> int:
        """What the image takes of flash."""
        return self.text + self.data

    @property
    def ram_bytes(self) -> int:
        """What it takes of RAM; the stack counts as far as it was used."""
        return self.data + self.bss + (self.stack_used or 0)

    @property
    def unknown(self) -> dict[Metric, str]:
        """Which of both may not be judged, and why."""
        if self.stack_used is not None:
            return {}
        return {"ram_bytes": NO_STACK}

    def as_json(self) -> dict[str, Any]:
        """For the record."""
        return asdict(self)


_SHOWN_SYMBOLS = 5


def largest(image: Image, board: Board, metric: Metric) -> str:
    """The symbols that take the most of what a memory metric counts, largest first; or nothing."""
    kind = "ram" if metric == "ram_bytes" else "flash"
    regions = [memory for memory in board.memory if memory.kind == kind]
    found = sorted(
        (-symbol.size, name)
        for name, symbol in image.symbols.items()
        if symbol.size and any(one.start <= symbol.address < one.end for one in regions)
    )
    return ", ".join(
        f"{printable(name)} {format_metric(metric, -size)}" for size, name in found[:_SHOWN_SYMBOLS]
    )


def memory_use(session: Session, info: DeviceInfo, image: Image) -> MemoryUse:
    """Sizes of the image, and how deep the stack has been, which has inferred by now.

    Raises:
        LinkError, DeviceError: see `Session`.
    """
    used = reserved = None
    if info.extension:
        stack = session.stack(Deadline.after(_ANSWER_S))
        if stack.reserved_bytes:  # Else the firmware does not know where its stack is.
            used, reserved = stack.used_bytes, stack.reserved_bytes
    return MemoryUse(
        text=image.text_bytes,
        data=image.data_bytes,
        bss=image.bss_bytes - (reserved or 0),
        arena=info.extension.arena_bytes if info.extension else None,
        stack_used=used,
        stack_reserved=reserved,
    )
