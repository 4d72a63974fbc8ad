"""Calls between the files of the firmware's core run one way."""

from __future__ import annotations

from graphlib import TopologicalSorter
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tinyhil.ground.paths import FIRMWARE
from tinyhil.image.build import Firmware


def symbols(path: Path) -> tuple[set[str], set[str]]:
    """The global names that an object file defines, and those that it uses."""
    with path.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        names = [one for one in table.iter_symbols() if one["st_info"]["bind"] == "STB_GLOBAL"]
        defined = {one.name for one in names if one["st_shndx"] != "SHN_UNDEF"}
        return defined, {one.name for one in names} - defined


def core_of(built: Firmware) -> dict[str, tuple[set[str], set[str]]]:
    """The names of each file of the core; objects of files that are no more may lie there too."""
    objects = built.image.path.parent / "CMakeFiles" / "firmware.dir" / "core"
    files = {path.stem: symbols(path) for path in objects.rglob("*.obj")}
    return {name: of for name, of in files.items() if list((FIRMWARE / "core").rglob(name))}


def calls(built: Firmware) -> dict[str, set[str]]:
    """For each file of the core, the files of the core whose functions or data it uses."""
    files = core_of(built)
    return {
        name: {other for other, (defined, _) in files.items() if used & defined}
        for name, (_, used) in files.items()
    }


def test_the_linker_sees_names_of_ours_alone(stand_in_firmware: Firmware) -> None:
    """A vendor's program has a `crc32` and a `print_line` of its own."""
    names = {name for defined, _ in core_of(stand_in_firmware).values() for name in defined}
    assert "hil_crc32" in names
    assert {name for name in names if not name.startswith(("hil_", "tinyhil_"))} == {"_SEGGER_RTT"}


def test_no_file_of_the_core_calls_one_that_calls_it(stand_in_firmware: Firmware) -> None:
    order = list(TopologicalSorter(calls(stand_in_firmware)).static_order())  # Raises on a circle.
    assert order.index("infer.c") < order.index("commands.c") < order.index("hil.c")
    assert order[-1] == "tinyhil.c"
