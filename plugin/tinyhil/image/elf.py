"""Firmware images: what an ELF file for Arm holds and where it goes."""

from __future__ import annotations

import hashlib
import io
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection, SymbolTableSection

from tinyhil.ground.errors import FirmwareError

_HINT = "give the ELF file that the linker wrote (arm-none-eabi-gcc -o image.elf)"

_MOST_BYTES = 256 << 20
_MOST_SEGMENTS = 1024
_MOST_SECTIONS = 4096
_MOST_SYMBOLS = 1 << 18
"""What a file may hold: far more than a linker writes for a microcontroller, and so little that
reading and flashing it end in time."""
_ADDRESSES = 1 << 32


@dataclass(frozen=True)
class Segment:
    """Bytes of the file that belong in the board's memory."""

    address: int
    """Load address: initial values of variables count where they lie in flash."""
    data: bytes = field(repr=False)

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.data)

    @property
    def end(self) -> int:
        """First address after it."""
        return self.address + len(self.data)


@dataclass(frozen=True)
class Symbol:
    """A symbol of the linker's table; `size` is 0 for a mere address."""

    address: int
    size: int


@dataclass(frozen=True)
class Image:
    """A firmware image, read once: what is checked is what is flashed."""

    path: Path
    sha256: str
    """Of the whole file."""
    entry: int
    segments: tuple[Segment, ...]
    """In order of address; memory that starts as zeros has no bytes and is not in here."""
    symbols: Mapping[str, Symbol] = field(repr=False)
    text_bytes: int
    """Code and constants; this and the next two as GNU ``size`` counts them."""
    data_bytes: int
    """Variables with initial values."""
    bss_bytes: int
    """Variables that start as zeros, the stack's and the heap's reserve among them."""
    build_id: str | None = None
    """Hexadecimal digits that the linker made of its content (``--build-id``), if it did."""
    content: bytes = field(default=b"", repr=False, compare=False)
    """The whole file."""

    @property
    def has_harness(self) -> bool:
        """Whether it speaks frames, through a debug probe too: our firmware, or one of others that
        links our harness."""
        return self.symbols.keys() >= {"hil_token", "_SEGGER_RTT"}

    def symbol(self, name: str) -> Symbol:
        """Look up a symbol.

        Raises:
            FirmwareError: the image has no such symbol.
        """
        if name not in self.symbols:
            raise FirmwareError(
                f"{self.path}: has no symbol '{name}'",
                hint="link the image without stripping it, and against tinyhil's harness",
            )
        return self.symbols[name]


def read_image(path: Path) -> Image:
    """Read an executable.

    Raises:
        FirmwareError: the file can't be read, is not an executable ELF file for a 32-bit Arm
            core, is damaged, or has two contents for one address.
    """
    return image_of(path, _read(path))


def image_of(path: Path, content: bytes) -> Image:
    """An executable whose content is at hand.

    Args:
        path: names it in errors.
        content: the whole file.

    Raises:
        FirmwareError: as `read_image`.
    """
    try:
        return _parse(path, content)
    except FirmwareError:
        raise
    except ELFError as error:
        raise FirmwareError(f"{path}: is not a valid ELF file: {error}", hint=_HINT) from error
    except Exception as error:
        # pyelftools lets through every error of its parser in a damaged file.
        raise FirmwareError(
            f"{path}: is a damaged ELF file: {type(error).__name__}: {error}", hint=_HINT
        ) from error


def _read(path: Path) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and status.st_size <= _MOST_BYTES:
            return path.read_bytes()
    except OSError as error:
        raise FirmwareError(
            f"{path}: cannot be read: {error.strerror}", hint="check the path and its permissions"
        ) from error
    regular = stat.S_ISREG(status.st_mode)
    what = f"has {status.st_size:,} bytes, at most {_MOST_BYTES:,} are read"
    raise FirmwareError(f"{path}: {what if regular else 'is not a regular file'}", hint=_HINT)


def _parse(path: Path, content: bytes) -> Image:
    elf = ELFFile(io.BytesIO(content))
    kind = (elf.elfclass, elf.little_endian, elf["e_machine"], elf["e_type"])
    if kind != (32, True, "EM_ARM", "ET_EXEC"):
        raise FirmwareError(
            f"{path}: is not an executable for a 32-bit Arm core, but "
            f"{elf['e_type']} for {elf['e_machine']}, {elf.elfclass} bits",
            hint=_HINT,
        )
    _check_count(path, elf["e_phnum"], _MOST_SEGMENTS, "segments")
    _check_count(path, elf.num_sections(), _MOST_SECTIONS, "sections")
    segments = sorted(_segments(path, elf), key=lambda segment: segment.address)
    if not segments:
        raise FirmwareError(f"{path}: holds nothing to load", hint=_HINT)
    _refuse_overlap(path, segments)
    text, data, bss = _sizes(elf)
    return Image(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        entry=elf["e_entry"],
        segments=tuple(segments),
        symbols=MappingProxyType(_symbols(path, elf)),
        build_id=_build_id(elf),
        text_bytes=text,
        data_bytes=data,
        bss_bytes=bss,
        content=content,
    )


def _segments(path: Path, elf: ELFFile) -> Iterator[Segment]:
    for header in elf.iter_segments("PT_LOAD"):
        if header["p_filesz"]:
            segment = Segment(header["p_paddr"], header.data())
            if segment.size != header["p_filesz"]:
                raise FirmwareError(
                    f"{path}: is cut off: the segment at {segment.address:#010x} has "
                    f"{segment.size} of {header['p_filesz']} bytes",
                    hint="build it again, or fetch the whole file",
                )
            if segment.end > _ADDRESSES:
                raise FirmwareError(
                    f"{path}: the segment of {segment.size} bytes at {segment.address:#010x} goes "
                    "beyond the last address of a 32-bit core",
                    hint="correct the linker script",
                )
            yield segment


def _check_count(path: Path, count: int, most: int, what: str) -> None:
    if count > most:
        raise FirmwareError(
            f"{path}: has {count:,} {what}, at most {most:,} are read",
            hint="link it with fewer: an image for a microcontroller has only a few",
        )


def _refuse_overlap(path: Path, segments: Sequence[Segment]) -> None:
    """Of segments in order of address, no two may have bytes for the same one."""
    for one, other in pairwise(segments):
        if other.address < one.end:
            both = " and ".join(f"{s.address:#010x}-{s.end - 1:#010x}" for s in (one, other))
            raise FirmwareError(
                f"{path}: two of its segments overlap: {both} both have bytes for the address "
                f"{other.address:#010x}",
                hint="correct the linker script's load addresses, or do not join images that "
                "overlap",
            )


def _symbols(path: Path, elf: ELFFile) -> dict[str, Symbol]:
    """By name; of several with one name, a global one counts."""
    found: dict[str, Symbol] = {}
    tables = [one for one in elf.iter_sections() if isinstance(one, SymbolTableSection)]
    _check_count(path, sum(table.num_symbols() for table in tables), _MOST_SYMBOLS, "symbols")
    for table in tables:
        for entry in table.iter_symbols():
            wins = entry["st_info"]["bind"] == "STB_GLOBAL" or entry.name not in found
            if entry.name and entry["st_shndx"] != "SHN_UNDEF" and wins:
                found[entry.name] = Symbol(entry["st_value"], entry["st_size"])
    return found


def _build_id(elf: ELFFile) -> str | None:
    """Of the GNU note; an image may have none."""
    for section in elf.iter_sections("SHT_NOTE"):
        assert isinstance(section, NoteSection)
        for note in section.iter_notes():
            if note["n_type"] == "NT_GNU_BUILD_ID":
                return str(note["n_desc"])
    return None


def _sizes(elf: ELFFile) -> tuple[int, int, int]:
    """Bytes of text, data and bss, sorted as GNU ``size`` sorts sections."""
    text = data = bss = 0
    for section in elf.iter_sections():
        flags, size = section["sh_flags"], section["sh_size"]
        if not flags & SH_FLAGS.SHF_ALLOC:
            continue
        if flags & SH_FLAGS.SHF_EXECINSTR or not flags & SH_FLAGS.SHF_WRITE:
            text += size
        elif section["sh_type"] != "SHT_NOBITS":
            data += size
        else:
            bss += size
    return text, data, bss
