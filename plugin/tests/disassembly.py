"""What a linked image's timed region executes, by instruction, but for where it lies."""

from __future__ import annotations

import re
import subprocess
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

from tinyhil.catalog.board import Board
from tinyhil.image.build import require_tool
from tinyhil.image.elf import Image

START = "hil_infer_timed"
CLOCK = re.compile(r"port_\w+|hil_clock_restart")
"""What reads the board's own clock and masks interrupts: it is each board's own."""

_FUNCTION = re.compile(r"[0-9a-f]+ <(.+)>:")
_LINE = re.compile(r"\s*[0-9a-f]+:\t(.+)")
_TARGET = re.compile(r"\b[0-9a-f]+ <([^>+]+)(\+0x[0-9a-f]+)?>")
_FILL = re.compile(r"nop|movs\tr0, r0|\.(short|word)\t0x0+$")
"""What stands behind a function's last instruction, up to where the next one may begin."""
_WORD = re.compile(r"\.word\t0x([0-9a-f]{8})")


def timed_region(image: Image, board: Board, folder: Path) -> dict[str, list[str]]:
    """Instructions of each function that runs between the two readings of the clock, by its name.

    Constants among them are lines, too. Addresses have become the symbols that they lead to.
    """
    elf = folder / f"{board.name}.elf"
    elf.write_bytes(image.content)
    command = [require_tool(f"{board.toolchain.prefix}objdump"), "-d", "--no-show-raw-insn"]
    done = subprocess.run([*command, elf], check=True, capture_output=True, text=True, timeout=60)
    code = {name for name, symbol in image.symbols.items() if symbol.address & 1}  # of Thumb
    functions = {name: body for name, body in _functions(done.stdout) if name in code}
    places = _Places(image, board)
    found: dict[str, list[str]] = {}
    waiting = [START]
    while waiting:
        name = waiting.pop()
        if name in found or CLOCK.fullmatch(name):
            continue
        found[name] = [places.named(line) for line in functions[name]]
        while _FILL.match(found[name][-1]):
            found[name].pop()
        called = (re.findall(r"<([^>+]+)", line) for line in found[name])
        waiting += [other for names in called for other in names if other in functions]
    return found


def _functions(text: str) -> Iterator[tuple[str, list[str]]]:
    """Name and lines, of each function that objdump shows."""
    lines: list[str] = []
    for line in text.splitlines():
        if head := _FUNCTION.match(line):
            lines = []
            yield head[1], lines
        elif body := _LINE.match(line):
            lines.append(body[1])


class _Places:
    """The image's symbols, and the board's memories around them."""

    def __init__(self, image: Image, board: Board) -> None:
        self._memories = board.memory
        self._symbols = sorted(
            (one.address & ~1, one.size, name) for name, one in image.symbols.items() if one.size
        )
        self._starts = [start for start, _, _ in self._symbols]

    def named(self, line: str) -> str:
        """An instruction, or a constant among them, without any address."""
        if word := _WORD.match(line):
            return self._constant(int(word[1], 16))
        return _TARGET.sub(lambda target: f"<{target[1]}{target[2] or ''}>", line)

    def _constant(self, value: int) -> str:
        """A pointer, as what it leads to; `value` itself, if it is none."""
        start, size, name = self._symbols[bisect_right(self._starts, value) - 1]
        if start <= value < start + size:
            return f".word <{name}+{value - start}>"
        known = next((one.kind for one in self._memories if one.start <= value < one.end), None)
        return f".word {known or hex(value)}"
