"""A firmware that is not ours, on a board: the official protocol in text, on a polled UART."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinyhil.benchmarks.same import official
from tinyhil.catalog.board import Board
from tinyhil.data.material import Material
from tinyhil.image.elf import read_image

from .runs import NO_PAGE, record, run


@pytest.fixture
def elf(mps2: Board, stand_in: Material, tmp_path: Path) -> Path:
    return official(mps2, stand_in.model, tmp_path)


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
