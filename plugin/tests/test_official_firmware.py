"""A firmware that is not ours, on a board: the official protocol in text, on a polled UART."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tinyhil.catalog.board import Board
from tinyhil.data.material import Material
from tinyhil.ground.paths import FIRMWARE
from tinyhil.image.build import linker_memory
from tinyhil.image.compiler import compile_model
from tinyhil.image.elf import read_image

from .runs import NO_PAGE, record, run

_SOURCE = Path(__file__).parent / "official_firmware" / "official.c"
_KERNELS = FIRMWARE / "kernels"


@pytest.fixture
def elf(mps2: Board, stand_in: Material, tmp_path: Path) -> Path:
    compile_model(stand_in.model).write(tmp_path)
    (tmp_path / "board.ld").write_text(linker_memory(mps2), encoding="utf-8")
    toolchain, target = mps2.toolchain, tmp_path / "official.elf"
    subprocess.run(
        [
            *(f"{toolchain.prefix}gcc", *toolchain.flags, "-Os", "-Wall", "-Wextra", "-Werror"),
            *(f"-I{folder}" for folder in (tmp_path, _KERNELS / "include")),
            *(_SOURCE, tmp_path / "model.c", *sorted((_KERNELS / "portable").glob("*.c"))),
            *("-nostartfiles", "--specs=nano.specs", "--specs=nosys.specs"),
            *(f"-L{tmp_path}", "-T", FIRMWARE / "ports" / "cortex-m" / "cortex-m.ld"),
            *("-lm", "-Wl,--gc-sections,--defsym=end=__bss_end", "-o", target),
        ],
        check=True,
    )
    return target


def test_a_polled_firmware_without_our_harness_is_measured(elf: Path, tmp_path: Path) -> None:
    """Waiting for its UART keeps QEMU busy, so only what is soon measured is measured here."""
    options = ("-k", "kws01 and flash_bytes", "--hil-firmware", str(elf))
    assert not read_image(elf).has_harness
    status, output = run(tmp_path / "runs", *NO_PAGE, *options)
    assert status == 0, output
    (entry,) = record(tmp_path / "runs")
    assert (entry["measure"], entry["verdict"]) == ("memory", "pass")
    assert (
        entry["metrics"]["flash_bytes"] == read_image(elf).text_bytes + read_image(elf).data_bytes
    )
