"""Target types of emulated boards for pyOCD, made from the boards' facts."""

from __future__ import annotations

from collections.abc import Sequence

from pyocd.core.memory_map import MemoryMap, RamRegion
from pyocd.core.session import Session
from pyocd.coresight.coresight_target import CoreSightTarget
from pyocd.target import TARGET

from tinyhil.catalog.board import Memory


def register_target(name: str, memories: Sequence[Memory]) -> None:
    """Make pyOCD know the board's target: there is no other way but its table.

    All memory is declared as RAM, which the code region of Arm's MPS2 boards truly is.
    "Programming" is then a plain write through the debug port; pyOCD's flash algorithms, erasing
    and flash timing are not exercised by such a board. One with a flash controller has a target of
    pyOCD's own, which stays as it is.
    """
    code = [memory for memory in memories if memory.kind == "flash"]
    regions = [
        RamRegion(
            name=memory.name,
            start=memory.start,
            length=memory.size,
            access="rwx",
            is_boot_memory=memory in code[:1],
        )
        for memory in memories
    ]

    class EmulatedTarget(CoreSightTarget):  # type: ignore[misc]  # pyOCD has no type hints
        VENDOR = "QEMU"
        MEMORY_MAP = MemoryMap(*regions)

        def __init__(self, session: Session) -> None:
            super().__init__(session, self.MEMORY_MAP)

    TARGET[name] = EmulatedTarget
