"""Facts about cores, as their debug hardware shows them to a debugger: one entry, one core.

Sources: the cores' Technical Reference Manuals (chapters "Debug" and "System address map") and
Arm's CoreSight architecture specification (identification registers).
"""

from __future__ import annotations

from dataclasses import dataclass

from tinyhil.ground.errors import ConfigError

SCS = 0xE000E000
DWT = 0xE0001000
FPB = 0xE0002000
ROM_TABLE = 0xE00FF000

_ARM = 0x43B
"""JEP106 code: continuation count and identity."""


_DEVARCH = 0xFBC
"""Offset in a CoreSight component."""

_DSCSR = SCS + 0xE08
_DSCSR_CDS = 1 << 16
"""The core is in secure state."""


@dataclass(frozen=True)
class Component:
    """A CoreSight component that the ROM table points to."""

    base: int
    part: int
    component_class: int
    """0x1 ROM table, 0x9 CoreSight, 0xE generic."""
    architecture: int | None = None
    """DEVARCH, which says what a CoreSight component is."""

    def identification(self) -> dict[int, int]:
        """Its registers PIDR4-7, PIDR0-3, CIDR0-3 and, if it has one, DEVARCH, by address."""
        values = (
            *(_ARM >> 8, 0, 0, 0),
            *(self.part & 0xFF, (_ARM & 0xF) << 4 | self.part >> 8, 0x08 | _ARM >> 4 & 7, 0),
            *(0x0D, self.component_class << 4, 0x05, 0xB1),
        )
        registers = {self.base + 0xFD0 + 4 * index: value for index, value in enumerate(values)}
        if self.architecture is not None:
            registers[self.base + _DEVARCH] = self.architecture
        return registers


@dataclass(frozen=True)
class CoreFacts:
    """Debug hardware of one type of core."""

    dp_idr: int
    """DPIDR of the debug port."""
    ap_idr: int
    """IDR of the memory access port."""
    breakpoints: int
    """Instruction comparators of the breakpoint unit (FPB)."""
    fpb_revision: int
    """1 reaches addresses below 0x20000000 only; 2 reaches all."""
    parts: tuple[int, int, int]
    """Part numbers of SCS, DWT and FPB."""
    trustzone: bool = False
    """Whether it is an ARMv8-M core, which boots, and here stays, in secure state."""

    def constants(self) -> dict[int, int]:
        """Every register that never changes: of ROM table, identification and security."""
        components = self._components()
        registers = {ROM_TABLE + 0xFCC: 1}  # MEMTYPE: system memory is on the same bus
        for index, component in enumerate(components):
            # An entry holds the offset from the table; 3 says present, 32 bits wide.
            registers[ROM_TABLE + 4 * index] = (component.base - ROM_TABLE) & 0xFFFFF000 | 3
        registers[ROM_TABLE + 4 * len(components)] = 0
        for component in (Component(ROM_TABLE, 0x4C4, 0x1), *components):
            registers.update(component.identification())
        if self.trustzone:
            registers[_DSCSR] = _DSCSR_CDS
        return registers

    def _components(self) -> list[Component]:
        kinds = _V8M_KINDS if self.trustzone else _V7M_KINDS
        found = zip((SCS, DWT, FPB), self.parts, kinds, strict=True)
        return [Component(base, part, *kind) for base, part, kind in found]


_V7M_KINDS: tuple[tuple[int, int | None], ...] = ((0xE, None),) * 3
_V8M_KINDS = ((0x9, 0x47702A04), (0x9, 0x47711A02), (0x9, 0x47701A03))
"""Component class and DEVARCH of SCS, DWT and FPB."""

_V7M_DP_IDR = 0x2BA01477
_V8M_DP_IDR = 0x6BA02477
_AHB5_AP_IDR = 0x14770015

_CORES = {
    "cortex-m0": CoreFacts(0x0BB11477, 0x04770021, 4, 1, (0x008, 0x00A, 0x00B)),
    "cortex-m3": CoreFacts(_V7M_DP_IDR, 0x24770011, 6, 1, (0x000, 0x002, 0x003)),
    "cortex-m4": CoreFacts(_V7M_DP_IDR, 0x24770011, 6, 1, (0x00C, 0x002, 0x003)),
    "cortex-m7": CoreFacts(_V7M_DP_IDR, 0x84770001, 8, 2, (0x00C, 0x002, 0x00E)),
    "cortex-m33": CoreFacts(_V8M_DP_IDR, _AHB5_AP_IDR, 8, 2, (0xD21,) * 3, trustzone=True),
    "cortex-m55": CoreFacts(_V8M_DP_IDR, _AHB5_AP_IDR, 8, 2, (0xD22,) * 3, trustzone=True),
}


def core_facts(core: str) -> CoreFacts:
    """Facts about the core with a board file's name for it.

    Raises:
        ConfigError: no such core is known; the text names those that are.
    """
    if core not in _CORES:
        raise ConfigError(
            f"the virtual debug probe does not know the core '{core}'; "
            f"it knows {', '.join(_CORES)}",
            hint="choose another board, or add the core's facts to tinyhil.emulator.cores",
        )
    return _CORES[core]
