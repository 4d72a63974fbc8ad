"""The instructions of an image, sorted by what decides over their cycles."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tinyhil.ground.errors import FirmwareError
from tinyhil.ground.processes import run_group
from tinyhil.image.build import require_tool

Kind = Literal[
    "other", "multiply", "multiply-add", "multiply long", "divide", "load", "store", "pair",
    "multiple", "branch", "loop", "float", "float divide", "vector",
]  # fmt: skip

_DISASSEMBLE_S: Final = 60.0
_LINE: Final = re.compile(r"^\s*([0-9a-f]+):\t(\S+)[ \t]*(.*)$", re.MULTILINE)
_NUMBERS: Final = {"r9": 9, "sl": 10, "fp": 11, "ip": 12, "sp": 13, "lr": 14, "pc": 15}
_VECTOR: Final = re.compile(r"\bq[0-7]\b")
_VECTOR_NAMES: Final = ("vpst", "vpnot", "vctp", "vpt")
_KINDS: Final[tuple[tuple[str, Kind], ...]] = (
    (r"(le|letp)(\.|$)", "loop"),
    (r"(ldrd|strd)", "pair"),
    (r"(ldm|stm|push|pop|vldm|vstm|vpush|vpop)", "multiple"),
    (r"(ldr|vldr)", "load"),
    (r"(str|vstr)", "store"),
    (r"(sdiv|udiv)", "divide"),
    (r"(vdiv|vsqrt)", "float divide"),
    (r"v", "float"),
    (r"(smull|umull|smlal|umlal|umaal|smlsld|smlald)", "multiply long"),
    (r"(mla|mls|smla|smls|smmla|smmls)", "multiply-add"),
    (r"(mul|smul|smmul|smuad|smusd)", "multiply"),
    (r"(b|bl|bx|blx|cbn?z|tb[bh]|[dw]ls(tp)?)(\.|$)", "branch"),
    (r"b(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)(\.|$)", "branch"),
)  # fmt: skip
"""By the beginning of a mnemonic; the first that fits counts."""


@dataclass(frozen=True)
class Instruction:
    """One instruction."""

    kind: Kind
    registers: int = 0
    """How many a load or store of multiple ones moves."""


def disassemble(elf: Path, prefix: str, *, vectors: bool = False) -> Mapping[int, Instruction]:
    """All instructions of an image, by address, in order.

    Args:
        elf: the image.
        prefix: of the cross compiler's programs.
        vectors: whether it is for a core with Helium, whose instructions objdump takes for a
            coprocessor's unless it is told.

    Raises:
        BenchError: the disassembler is not installed.
        FirmwareError: it fails.
    """
    machine = ["-m", "armv8.1-m.main"] if vectors else []
    command = [require_tool(f"{prefix}objdump"), "-d", "--no-show-raw-insn", *machine, str(elf)]
    try:
        done = run_group(command, _DISASSEMBLE_S)
    except subprocess.TimeoutExpired as error:
        raise FirmwareError(
            f"{elf}: was not disassembled in {_DISASSEMBLE_S:g} s", hint="try it by hand"
        ) from error
    if done.returncode != 0:
        raise FirmwareError(
            f"{elf}: can't be disassembled: {done.stderr.strip()[:300]}",
            hint="build it again with the board's own compiler",
        )
    found = sorted((int(at, 16), name, rest) for at, name, rest in _LINE.findall(done.stdout))
    return {at: instruction(name, rest) for at, name, rest in found if not name.startswith(".")}


def instruction(name: str, operands: str) -> Instruction:
    """What one is, by its text as GNU objdump writes it."""
    if name.startswith("v") and (_VECTOR.search(operands) or name.startswith(_VECTOR_NAMES)):
        return Instruction("vector")
    kind: Kind = next((kind for form, kind in _KINDS if re.match(form, name)), "other")
    return Instruction(kind, _registers(operands) if kind == "multiple" else 0)


def _registers(operands: str) -> int:
    """How many words a list such as ``{r4, r6-r8, pc}`` has; those of ``d8`` are two."""
    listed = re.search(r"\{(.*)\}", operands)
    count = 0
    for part in listed[1].split(",") if listed else ():
        ends = [_NUMBERS.get(name) or int(name[1:]) for name in part.strip().split("-")]
        count += (ends[-1] - ends[0] + 1) * (2 if part.strip().startswith("d") else 1)
    return count
