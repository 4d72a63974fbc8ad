"""Kernels for an architecture against the portable ones, on QEMU's cores, bit for bit.

The image in ``selftest`` draws random cases on the target: shapes with tails, paddings, strides,
extreme weights, multipliers and shifts. Inputs and weights end where memory ends, so that reading
behind them is a fault; outputs and scratch have margins, which must stay untouched.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tinyhil.catalog.board import load_boards
from tinyhil.emulator.program import QEMU
from tinyhil.ground.paths import FIRMWARE

_SOURCES = Path(__file__).parent / "selftest"
_KERNELS = FIRMWARE / "kernels"
_FLAGS = (
    "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{_KERNELS / 'include'}", f"-I{_SOURCES}"
)  # fmt: skip
_CASES = (
    *("add_s8", "conv2d_s8", "depthwise_conv2d_s8", "fully_connected_s8", "avg_pool_s8"),
    *("max_pool_s8", "transpose_s8", "lstm_s8"),
    *("conv2d_pairs_s8", "depthwise_pairs_s8", "fully_connected_pairs_s8"),
    *("conv2d_fours_s8", "depthwise_planes_s8", "fully_connected_fours_s8"),
)
_SSRAM: Mapping[str, str] = {"input": "ssram23", "weights": "psram", "channels": "ssram1"}
_ENDS: Mapping[str, Mapping[str, str]] = {
    "mps3-an547": {"input": "dtcm", "weights": "isram", "channels": "sram"},
    "mps2-an386": _SSRAM,
    "microbit": _SSRAM,
}
"""By board: the regions at whose end the buffers are."""
_PLAYED: Mapping[str, str] = {"microbit": "mps2-an385"}
"""Boards whose memory is too small, and where their core's code runs instead."""


def _said(name: str, folder: Path) -> str:
    """All that the self-test on a board says: a line for each kernel."""
    board = load_boards()[name]
    place = load_boards()[_PLAYED.get(name, name)]
    assert place.emulator is not None
    compiler = f"{board.toolchain.prefix}gcc"
    for program in (compiler, QEMU):
        if shutil.which(program) is None:
            pytest.skip(f"NOT TESTED: {program} is not installed")
    ends = {region.name: region.end for region in place.memory}
    places = [f"-D{use.upper()}_END={ends[region]:#x}u" for use, region in _ENDS[name].items()]
    command = [compiler, *board.toolchain.flags, *_FLAGS, *places]
    for kernel in _CASES:
        portable = _KERNELS / "portable" / f"{kernel}.c"
        own = [_KERNELS / kind / portable.name for kind in board.toolchain.kernels]
        twin = next((path for path in own if path.is_file()), portable)
        # For the core that runs it: what headers have for a lesser one is tried too.
        renamed = [*command, *place.toolchain.flags, f"-D{kernel}=portable_{kernel}"]
        subprocess.run(
            [*renamed, "-c", portable, "-o", folder / f"portable_{kernel}.o"], check=True
        )
        subprocess.run([*command, "-c", twin, "-o", folder / f"{kernel}.o"], check=True)
    image = folder / "selftest.elf"
    sources = [*sorted(_SOURCES.glob("*.c")), *sorted(folder.glob("*.o"))]
    link = ["-nostartfiles", "--specs=nano.specs", f"-T{_SOURCES / 'image.ld'}"]
    subprocess.run([*command, *sources, *link, "-o", image], check=True)
    done = subprocess.run(
        [
            *(QEMU, "-machine", place.emulator.machine, "-nodefaults", "-display", "none"),
            *("-semihosting-config", "enable=on,target=native", "-kernel", image),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.stdout + done.stderr  # semihosting writes to stderr


@pytest.fixture(scope="module", params=sorted(_ENDS))
def verdicts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the self-test says on one board."""
    return _said(request.param, tmp_path_factory.mktemp("selftest"))


@pytest.mark.parametrize("kernel", _CASES)
def test_a_boards_own_kernel_equals_the_portable_one(verdicts: str, kernel: str) -> None:
    assert f"{kernel}: equal" in verdicts.splitlines()
