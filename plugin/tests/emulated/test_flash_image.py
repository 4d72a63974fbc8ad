"""ELF images: read once and exactly, or refused by name."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tinyhil.ground.errors import FirmwareError
from tinyhil.image.elf import Image, Symbol, read_image


def gnu(tool: str, *arguments: str | Path) -> str:
    """Output of one of GNU's binary tools, the reference."""
    return subprocess.run(
        [f"arm-none-eabi-{tool}", *arguments], check=True, capture_output=True, text=True
    ).stdout


def test_sizes_are_those_of_gnu_size(echo_image: Image) -> None:
    figures = gnu("size", echo_image.path).splitlines()[1].split()[:3]
    ours = (echo_image.text_bytes, echo_image.data_bytes, echo_image.bss_bytes)
    assert ours == tuple(map(int, figures))


def test_segments_are_those_of_objcopy(echo_image: Image, tmp_path: Path) -> None:
    gnu("objcopy", "-O", "binary", echo_image.path, tmp_path / "flat.bin")
    flat = bytearray(echo_image.segments[-1].end)
    for segment in echo_image.segments:
        flat[segment.address : segment.end] = segment.data
    assert bytes(flat) == (tmp_path / "flat.bin").read_bytes()


def test_initial_values_of_variables_lie_where_they_are_loaded(echo_image: Image) -> None:
    values = echo_image.segments[-1]
    assert values.data == 0xC0FFEE00.to_bytes(4, "little")
    assert values.address == echo_image.symbol("__data_load").address < 0x2000_0000
    assert echo_image.symbol("boots").address == 0x2000_0000


def test_symbols_are_found_with_address_and_size(echo_image: Image) -> None:
    assert echo_image.symbol("boots") == Symbol(0x2000_0000, 4)
    assert echo_image.symbol("arena").size == 2000
    assert echo_image.symbol("timed_loop").address % 2 == 1  # Thumb
    assert echo_image.symbol("reset").address == echo_image.entry
    with pytest.raises(FirmwareError, match="no symbol 'nonsense'"):
        echo_image.symbol("nonsense")


def test_the_checksum_is_that_of_the_file(echo_image: Image) -> None:
    printed = subprocess.run(["sha256sum", echo_image.path], check=True, capture_output=True)
    assert printed.stdout.decode().startswith(echo_image.sha256)


def refusal(path: Path) -> str:
    with pytest.raises(FirmwareError) as caught:
        read_image(path)
    assert caught.value.message.startswith(str(path))
    return caught.value.message


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"a text\n", bytes(100)])
def test_a_file_that_is_no_elf_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "image.elf").write_bytes(content)
    assert "ELF" in refusal(tmp_path / "image.elf")


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "image.elf")


def test_a_program_for_another_processor_is_refused() -> None:
    assert "is not an executable for a 32-bit Arm core" in refusal(Path(sys.executable).resolve())


def test_an_object_file_and_an_empty_program_are_refused(echo_image: Image, tmp_path: Path) -> None:
    del echo_image  # only for its compiler
    (tmp_path / "empty.c").write_text("", encoding="utf-8")
    gnu("gcc", "-c", tmp_path / "empty.c", "-o", tmp_path / "empty.o")
    assert "ET_REL" in refusal(tmp_path / "empty.o")
    gnu("gcc", "-nostdlib", "-e", "0", tmp_path / "empty.o", "-o", tmp_path / "empty.elf")
    assert "holds nothing to load" in refusal(tmp_path / "empty.elf")


def test_a_file_cut_off_anywhere_is_refused_or_still_whole(
    echo_image: Image, tmp_path: Path
) -> None:
    content = echo_image.path.read_bytes()
    cut = tmp_path / "cut.elf"
    for length in range(0, len(content), 997):
        cut.write_bytes(content[:length])
        assert "cut.elf" in refusal(cut)


def test_a_damaged_file_is_read_or_refused_but_never_crashes(
    echo_image: Image, tmp_path: Path
) -> None:
    content = echo_image.path.read_bytes()
    chance = random.Random(1)  # noqa: S311
    damaged = tmp_path / "damaged.elf"
    refused = 0
    for _ in range(300):
        broken = bytearray(content)
        for _ in range(chance.randint(1, 8)):
            broken[chance.choice((chance.randrange(120), chance.randrange(len(broken))))] = (
                chance.randrange(256)
            )
        damaged.write_bytes(broken)
        try:
            read_image(damaged)
        except FirmwareError:
            refused += 1
    assert refused > 100


@pytest.mark.skipif(shutil.which("arm-none-eabi-strip") is None, reason="NOT TESTED: no strip")
def test_a_stripped_image_has_no_symbols_and_says_so(echo_image: Image, tmp_path: Path) -> None:
    gnu("strip", echo_image.path, "-o", tmp_path / "stripped.elf")
    stripped = read_image(tmp_path / "stripped.elf")
    assert stripped.segments == echo_image.segments
    with pytest.raises(FirmwareError, match="no symbol 'boots'") as caught:
        stripped.symbol("boots")
    assert "stripping" in caught.value.hint
