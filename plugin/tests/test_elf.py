"""Images that a linker would not write: refused by name, in a short time, before a board is met."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyhil.ground.errors import FirmwareError
from tinyhil.image.elf import read_image

from .made_elf import Part, elf
from .runs import run

CODE = Part(0, bytes(64))


def refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(FirmwareError) as caught:
        read_image(path)
    assert caught.value.message.startswith(str(path)), "the file is named"
    return caught.value.message


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (elf([CODE, Part(0x10, bytes(64))]), "0x00000000-0x0000003f and 0x00000010-0x0000004f"),
        (elf([Part(0x10, bytes(64)), CODE]), "overlap"),
        (elf([CODE, Part(0x3F, bytes(1))]), "the address 0x0000003f"),
        (elf([CODE, CODE]), "overlap"),
        (elf([CODE], phnum=2, phentsize=0), "Too small e_phentsize"),
        (elf([Part(0x1000 * n, b"abcd") for n in range(2000)]), "2,000 segments"),
        (elf([CODE], phnum=0xFFFF), "segments, at most 1,024"),
        (elf([CODE], shoff=52, shnum=60_000), "60,000 sections"),
        (elf([CODE])[:-1], "is cut off"),
        (elf([Part(0, bytes(64), size=0xFFFF_FFFF)]), "is cut off"),
        (elf([Part(0, bytes(64), offset=0xFFFF_0000)]), "is cut off"),
        (elf([CODE], phoff=0x10_0000), "ELF"),
        (elf([CODE], shoff=0xFFFF_FF00, shnum=3), "ELF"),
        (elf([Part(0xFFFF_FFF0, bytes(64))]), "beyond the last address"),
        (elf([Part(0x100, b"")]), "holds nothing to load"),
        (elf([]), "holds nothing to load"),
    ],
)
def test_an_image_that_makes_no_sense_is_refused(tmp_path: Path, content: bytes, text: str) -> None:
    message = refusal(tmp_path / "image.elf", content)
    assert text in message


def test_segments_that_touch_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "image.elf"
    path.write_bytes(elf([Part(64, b"b"), CODE, Part(0x200, b"")]))
    assert [(part.address, part.size) for part in read_image(path).segments] == [(0, 64), (64, 1)]


def test_a_file_that_is_too_large_or_no_file_is_not_read(tmp_path: Path) -> None:
    large = tmp_path / "large.elf"
    with large.open("wb") as file:
        file.truncate(1 << 40)
    for path, text in ((large, "at most 268,435,456"), (Path("/dev/zero"), "not a regular file")):
        with pytest.raises(FirmwareError, match=text):
            read_image(path)


NUMBERS = st.one_of(st.integers(0, 0x200), st.integers(0, 0xFFFF_FFFF))
PARTS = st.builds(Part, NUMBERS, st.binary(max_size=40), st.none() | NUMBERS, st.none() | NUMBERS)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("version", "entry", "phoff", "shoff", "flags"), NUMBERS),
        **{
            name: st.integers(0, 0xFFFF)
            for name in ("ehsize", "phentsize", "phnum", "shentsize", "shnum", "shstrndx")
        },
    },
)


@given(st.lists(PARTS, max_size=4), FIELDS, st.binary(max_size=200))
def test_whatever_a_file_holds_it_is_an_image_or_refused_by_name(
    tmp_path_factory: pytest.TempPathFactory,
    parts: list[Part],
    header: dict[str, int],
    tail: bytes,
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.elf"
    path.write_bytes(elf(parts, **header) + tail)
    try:
        image = read_image(path)
    except FirmwareError as error:
        assert str(path) in error.message  # noqa: PT017 - others are images
    else:
        ends = [0, *(segment.end for segment in image.segments)]
        assert all(s.address >= end for s, end in zip(image.segments, ends, strict=False))


def test_such_an_image_is_refused_before_a_board_is_started(tmp_path: Path) -> None:
    path = tmp_path / "image.elf"
    path.write_bytes(elf([CODE, Part(0x10, bytes(64))]))
    status, output = run(tmp_path / "runs", "--hil-firmware", str(path))
    assert status == pytest.ExitCode.USAGE_ERROR
    assert f"{path}: two of its segments overlap" in output
    assert "next step: correct the linker script" in output
    assert not (tmp_path / "runs").exists()
