"""How much of a board's memory an image takes: from the ELF, and from the device's own stack."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tinyhil.device.info import DeviceInfo
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.image.elf import Image

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
    """Tensor arena, part of bss; None where a firmware does not report it."""
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

    def as_json(self) -> dict[str, Any]:
        """For the record."""
        return asdict(self)


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
