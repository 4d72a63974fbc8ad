"""The gate in whole runs on an emulated board: a changed firmware is stopped where it is worse."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from tinyhil.benchmarks import BUILD
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.cli import main as cli
from tinyhil.data.material import Material
from tinyhil.ground.paths import BOARDS, FIRMWARE
from tinyhil.image import build as firmware
from tinyhil.judge.gate import figures

from .runs import NO_PAGE, Once, run

pytestmark = pytest.mark.long

# A run that is judged takes long: times and sizes are those of the smallest task, answers those of
# a task of a few samples.
_TIMED = ("-k", "ad01 and (latency or memory) and not throughput")
_ANSWERED = ("-k", "few01 and accuracy")
_MEASURED = (*NO_PAGE, "-k", f"({_TIMED[1]}) or ({_ANSWERED[1]})")

_BOARD = "mps2-slow"
"""Of which an emulated second is as few instructions as can be."""
_SAMPLES = 48
_FEW = """\
schema = 1
name = "few01"
title = "Keyword spotting, a few samples"
classes = ["Down", "Go", "Left", "No", "Off", "On", "Right", "Stop", "Up", "Yes", "Silence", "?"]
[input]
bytes = 490
encoding = "int8"
[own]
data = "data"
model = "model.tflite"
"""


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory, mps2: Board) -> Path:
    """A folder with a board type of our own: the default board, eight times slower."""
    folder = tmp_path_factory.mktemp("boards")
    facts = (BOARDS / f"{mps2.name}.toml").read_text(encoding="utf-8").partition("[limits.")[0]
    for theirs, ours in ((f'name = "{mps2.name}"', f'name = "{_BOARD}"'), ("ft = 5", "ft = 8")):
        assert facts.count(theirs) == 1
        facts = facts.replace(theirs, ours)
    (folder / f"{_BOARD}.toml").write_text(facts, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory, stand_in: Material) -> Path:
    """A folder with a task of a few samples of the stand-in set."""
    folder = tmp_path_factory.mktemp("tasks")
    (folder / "few01.toml").write_text(_FEW, encoding="utf-8")
    shutil.copy(stand_in.model, folder / "model.tflite")
    labels = (stand_in.data.folder / "y_labels.csv").read_text().splitlines()[:_SAMPLES]
    (folder / "data").mkdir()
    (folder / "data" / "y_labels.csv").write_text("".join(f"{label}\n" for label in labels))
    for label in labels:
        name = label.split(",")[0]
        shutil.copy(stand_in.data.folder / name, folder / "data" / name)
    return folder


@pytest.fixture(scope="module")
def own(boards: Path, tasks: Path) -> tuple[str, ...]:
    """Options of a run on our board and with our task."""
    return "--hil-boards", str(boards), "--hil-board", _BOARD, "--hil-tasks", str(tasks)


@pytest.fixture(scope="module")
def baseline(once: Once, own: tuple[str, ...]) -> Path:
    """The file saved of a whole run with our firmware, made once in a test run."""

    def fill(folder: Path) -> None:
        status, output = run(folder, *_MEASURED, *own)
        assert status == 0, output
        (made,) = folder.glob(f"*_{_BOARD}")
        assert cli.main(["gate", "--save", str(folder / "baseline.json"), str(made)]) == 0

    return once("baseline", fill) / "baseline.json"


def _gated(runs: Path, baseline: Path, *arguments: object) -> tuple[set[str], str]:
    """Metrics that a run with an image of its own is stopped by, and its output in words."""
    given = ("--hil-link", "rtt", "--hil-baseline", baseline, *arguments)
    status, output = run(runs, *NO_PAGE, *map(str, given))
    assert status == 1, output
    failed = re.findall(r"^FAILED .*no_worse_than_its_baseline\[(\w+)-", output, re.MULTILINE)
    # The command says of the run what the tests said.
    (made,) = runs.glob(f"*_{_BOARD}")
    assert cli.main(["gate", str(baseline), str(made)]) == 1
    return set(failed), " ".join(output.split())


def test_a_slower_and_larger_firmware_is_stopped_by_the_right_tests(
    baseline: Path,
    own: tuple[str, ...],
    boards: Path,
    stand_in_of: Callable[[Task], Material],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It takes 2 % more time and 1 KiB more flash."""
    copy, task = tmp_path / "firmware", load_tasks()["ad01"]
    shutil.copytree(FIRMWARE, copy)
    infer = copy / "core" / "infer.c"
    text = infer.read_text()
    lap = "        uint64_t now = port_ticks();\n"
    mask = "    uint32_t state = port_interrupts_mask();\n"
    assert text.count(lap) == text.count(mask) == 1
    # A turn of the loop is six instructions; an inference takes 0.27 million.
    spin = "        for (volatile uint32_t i = 0; i < 890u; i++) {\n        }\n"
    keep = '    static const char ballast[1024] = {1};\n    __asm volatile("" : : "r"(ballast));\n'
    infer.write_text(text.replace(lap, spin + lap).replace(mask, keep + mask))
    monkeypatch.setattr(firmware, "FIRMWARE", copy)
    board = load_boards(boards)[_BOARD]
    built = firmware.build(board, task, stand_in_of(task).model, tmp_path / "build")

    options = (*_TIMED, *own, "--hil-firmware", built.image.path)
    failed, words = _gated(tmp_path / "runs", baseline, *options)
    assert failed == {"latency_p50_s", "latency_p90_s", "latency_p99_s", "instructions",
                      "flash_bytes"}  # fmt: skip
    assert f"ad01 on {_BOARD} (emulated): flash_bytes" in words
    assert "regression (compared as it is; tolerance 0; bytes of text +1,0" in words
    change = re.search(r"latency_p90_s [\d.]+ ms -> [\d.]+ ms, \+([\d.]+) %: regression", words)
    assert change, words
    assert 1.9 < float(change[1]) < 2.1


def test_a_board_that_the_readers_tinyhil_does_not_know_is_known_by_its_run(
    baseline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _BOARD not in load_boards()
    assert '"instruction_s":2.56e-7' in baseline.read_text(encoding="utf-8")
    (made,) = baseline.parent.glob(f"*_{_BOARD}")
    assert cli.main(["results", str(made)]) == 0
    assert f"Arm MPS2 AN386 (QEMU) ({_BOARD})" in " ".join(capsys.readouterr().out.split())
    page = baseline.with_name("page.html")
    assert cli.main(["report", str(made), "--out", str(page)]) == 0
    assert re.search(r"26\d,\d{3} instructions", page.read_text(encoding="utf-8"))


def test_a_firmware_with_one_bit_of_a_weight_changed_is_stopped(
    baseline: Path, own: tuple[str, ...], boards: Path, tasks: Path, tmp_path: Path
) -> None:
    few = load_tasks(tasks)["few01"]
    image = tmp_path / "damaged.elf"
    folder = firmware.folder_of(BUILD, _BOARD, few.name, "custom")
    built = firmware.build(load_boards(boards)[_BOARD], few, tasks / "model.tflite", folder)
    shutil.copy(built.image.path, image)
    with image.open("r+b") as file:
        elf: Any = ELFFile(file)
        (weights,) = elf.get_section_by_name(".symtab").get_symbol_by_name("op0_stream")
        (place,) = elf.address_offsets(weights["st_value"])
        file.seek(place + 100)
        flipped = bytes([file.read(1)[0] ^ 0x40])
        file.seek(place + 100)
        file.write(flipped)
    options = (*_ANSWERED, *own, "--hil-firmware", image)
    failed, words = _gated(tmp_path / "runs", baseline, *options)
    assert "outputs" in failed
    assert re.search(r"outputs 0 changed -> [1-9]\d* changed: regression \(the same model", words)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--hil-quick"], "a quick run is never judged"),
        (["--hil-board", "mps2-an500"], f"the baseline is of {_BOARD}, the run is of mps2-an500"),
    ],
)
def test_a_baseline_that_does_not_fit_the_run_is_refused_before_anything_starts(
    baseline: Path, own: tuple[str, ...], tmp_path: Path, arguments: list[str], text: str
) -> None:
    if "--hil-board" in arguments:
        own = ()
    status, output = run(tmp_path / "runs", *own, "--hil-baseline", str(baseline), *arguments)
    assert status == pytest.ExitCode.USAGE_ERROR
    assert text in " ".join(output.split()), output
    assert not (tmp_path / "runs").exists()


def test_a_baseline_of_another_link_is_refused_before_it_is_measured(
    baseline: Path, own: tuple[str, ...], tmp_path: Path
) -> None:
    arguments = (*NO_PAGE, *own, "--hil-baseline", str(baseline), "--hil-link", "serial")
    status, output = run(tmp_path, *arguments, "-k", "ad01 and no_worse and p90")
    assert status == 1
    words = " ".join(output.split())
    assert "has link rtt; the candidate (" in words
    assert not list(tmp_path.glob(f"*_{_BOARD}/record.jsonl"))


def test_a_unit_that_a_fleets_baseline_does_not_know_is_held_against_its_type(
    baseline: Path, own: tuple[str, ...], tmp_path: Path
) -> None:
    """It does not end a night, nor pass unseen."""
    fleet, summary = tmp_path / "fleet.json", tmp_path / "summary.md"
    units = ("u1", "u2", "u3")
    lines = figures.read(baseline)
    figures.write(
        fleet, [line.model_copy(update={"station": unit}) for unit in units for line in lines]
    )
    options = ("--hil-link", "rtt", "--hil-baseline", str(fleet), "--hil-summary", str(summary))
    chosen = ("-k", "ad01 and no_worse and bytes")
    status, output = run(tmp_path / "runs", *NO_PAGE, *own, *options, *chosen)
    assert status == 0, output
    assert "2 passed" in output
    left = f"not measured this time, but in the baseline: u1 ({_BOARD}), u2 ({_BOARD}), u3"
    assert left in " ".join(output.split())
    assert "not measured this time" in summary.read_text()
