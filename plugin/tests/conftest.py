"""What several test files share: the firmware of the stand-in model, and a board that runs it."""

from __future__ import annotations

import gc
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from tinyhil.benchmarks import BUILD
from tinyhil.catalog.bench import stations
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.data.material import Material, material, stand_in_model
from tinyhil.device.dut import Dut, attached
from tinyhil.device.links.serial import open_link
from tinyhil.device.session import Session
from tinyhil.flash import flash
from tinyhil.ground.deadline import Deadline
from tinyhil.image import build as firmware
from tinyhil.image.build import Firmware
from tinyhil.judge.verify import trust

from .browser import Browser, started
from .runs import Once, new_key, run
from .terminal import await_boot

# An example may take long on a machine that has much else to do.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


def pytest_collection_finish() -> None:
    """What was collected stays to the end: looking through it for garbage takes a tenth of the
    time of all tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.fixture(scope="session", autouse=True)
def _children_take_signals() -> None:
    """A shell has its background processes ignore SIGINT, nohup has them ignore SIGHUP, and their
    children would inherit it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def _children_are_no_workers() -> None:
    """A pytest that a test starts must not take itself for a worker of pytest-xdist."""
    for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
        del os.environ[name]


@pytest.fixture(scope="session", autouse=True)
def _known_runs_are_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is known of verified runs is kept apart from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trust, "cache", lambda: tmp_path_factory.getbasetemp() / "verified")
        yield


@pytest.fixture(scope="session")
def mps2() -> Board:
    """Facts of the default board."""
    return load_boards()["mps2-an386"]


@pytest.fixture(scope="session")
def kws01() -> Task:
    """Facts of keyword spotting."""
    return load_tasks()["kws01"]


@pytest.fixture(scope="session")
def official() -> Path:
    """The folder with the official data sets and models; skips without it."""
    root = os.environ.get("TINYHIL_DATA")
    if not root:
        pytest.skip("needs the official data: set TINYHIL_DATA to the folder that holds it")
    return Path(root)


@pytest.fixture(scope="session")
def shared(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this test run, the same for all workers of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if hasattr(pytestconfig, "workerinput") else base


@pytest.fixture(scope="session")
def once(shared: Path) -> Once:
    """Has a folder filled once in a test run, by the worker of pytest-xdist that needs it first."""

    def filled(name: str, fill: Callable[[Path], object]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return filled


@pytest.fixture(scope="session")
def stand_in_of() -> Callable[[Task], Material]:
    """The stand-in data and model of a task, generated once where runs generate it."""
    return lambda task: material(task, None, BUILD / "data")


@pytest.fixture(scope="session")
def stand_in(kws01: Task, stand_in_of: Callable[[Task], Material]) -> Material:
    """The stand-in data and model of keyword spotting."""
    return stand_in_of(kws01)


@pytest.fixture(scope="session")
def firmware_of() -> Callable[[Board, Task], Firmware]:
    """The reference firmware of a board with a task's stand-in model, built where runs build it."""
    return lambda board, task: firmware.build(
        *(board, task, stand_in_model(task)),
        firmware.folder_of(BUILD, board.name, task.name, "stand-in"),
    )


@pytest.fixture(scope="session")
def stand_in_firmware(
    mps2: Board, kws01: Task, firmware_of: Callable[[Board, Task], Firmware]
) -> Firmware:
    """The reference firmware with the stand-in model."""
    return firmware_of(mps2, kws01)


@pytest.fixture(scope="session")
def quick(once: Once) -> tuple[Path, str]:
    """Run folder and output of a quick run of everything, made once in a test run; read only. It is
    signed with the key `bench` next to it."""

    def fill(runs: Path) -> None:
        key = new_key(runs.with_name("bench"))
        status, output = run(runs, "--hil-quick", "--hil-sign", str(key))
        assert status == 0, output
        runs.with_suffix(".txt").write_text(output, encoding="utf-8")

    runs = once("quick", fill)
    return runs, runs.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium, for tests that are marked ``browser``."""
    with started() as running:
        yield running


@pytest.fixture(scope="module")
def live(mps2: Board, stand_in_firmware: Firmware) -> Iterator[Dut]:
    """An emulated board of the test file's own that runs the stand-in firmware."""
    with attached(stations({mps2.name: mps2}, None)[mps2.name]) as dut:
        flash(stand_in_firmware.image, dut.board, dut.probe_uid, Deadline.after(60))
        await_boot(dut)
        yield dut


@pytest.fixture
def live_session(live: Dut) -> Iterator[Session]:
    """A synchronized session with `live`."""
    link = open_link(live)
    session = Session(link)
    session.synchronize(Deadline.after(60))
    yield session
    link.close()
