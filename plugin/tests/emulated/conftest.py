"""Shared by the tests that need an emulated board: real QEMU, real pyOCD, firmware of their own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tinyhil.catalog.board import Board, load_boards
from tinyhil.emulator.program import QEMU, find_qemu
from tinyhil.emulator.qemu import EmulatedBoard, start
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError
from tinyhil.image.elf import Image, read_image

_COMPILER = "arm-none-eabi-gcc"
_SOURCES = Path(__file__).parent / "echo_firmware"


@pytest.fixture(scope="session")
def echo_image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Firmware that says hello and does what single letters ask for: see `echo.c`."""
    if shutil.which(_COMPILER) is None:
        pytest.skip(f"NOT TESTED: {_COMPILER} is not installed")
    target = tmp_path_factory.mktemp("firmware") / "echo.elf"
    subprocess.run(
        [
            *(_COMPILER, "-mcpu=cortex-m3", "-mthumb", "-Os", "-std=c11", "-Wall", "-Wextra"),
            *("-Werror", "-ffreestanding", "-nostdlib", "-T", _SOURCES / "echo.ld"),
            *(_SOURCES / "echo.c", "-o", target),
        ],
        check=True,
    )
    return read_image(target)


@pytest.fixture
def reachable(runtime: Path, listed: None) -> None:
    """pyOCD finds the probes of emulated boards, and those of the test's own alone."""


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder of the test's own, with a path that is short enough for sockets."""
    if shutil.which(QEMU) is None:
        pytest.skip(f"NOT TESTED: {QEMU} is not installed")
    with tempfile.TemporaryDirectory(prefix="hil") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder) / "tinyhil"


@pytest.fixture(scope="session")
def listed() -> None:
    """pyOCD finds the probes of emulated boards."""
    if not any(found.name == "tinyhil" for found in entry_points(group="pyocd.probe")):
        pytest.skip("NOT TESTED: tinyhil is not installed, so that pyOCD can't find its probes")


@pytest.fixture
def emulated(mps2: Board, reachable: None) -> Iterator[EmulatedBoard]:
    """The default emulated board, empty and halted."""
    del reachable
    with start(mps2, deadline=Deadline.after(60)) as board:
        yield board


@pytest.fixture(
    scope="module",
    params=[name for name, board in load_boards().items() if not board.on_desks],
)
def each(request: pytest.FixtureRequest, listed: None) -> Iterator[EmulatedBoard]:
    """Every emulated board whose flash is RAM in turn, halted; one for all tests of a file."""
    del listed
    if shutil.which(QEMU) is None:
        pytest.skip(f"NOT TESTED: {QEMU} is not installed")
    with start(load_boards()[request.param], deadline=Deadline.after(60)) as board:
        yield board


@pytest.fixture(scope="module")
def board(listed: None) -> Board:
    """The B-L475E-IOT01A; skips where no QEMU plays it."""
    del listed
    found = load_boards()["b-l475e-iot01a"]
    assert found.emulator is not None
    try:
        find_qemu(found.emulator.qemu, found.name)
    except BenchError as error:
        pytest.skip(f"NOT TESTED: {error.message}; {error.hint}")
    if shutil.which("cc") is None:
        pytest.skip("NOT TESTED: no C compiler 'cc', which the board's devices need")
    return found


@pytest.fixture(scope="module")
def l475(board: Board) -> Iterator[EmulatedBoard]:
    """It runs, and its flash is erased."""
    with start(board, deadline=Deadline.after(60)) as emulated:
        yield emulated
