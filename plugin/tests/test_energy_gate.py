"""Energy in whole runs: against a baseline, and of a board that its monitor alone supplies."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.task import Task
from tinyhil.data.material import Material
from tinyhil.ground.paths import BOARDS, FIRMWARE, ROOT
from tinyhil.image import build as firmware
from tinyhil.judge.verify.run import verify

from . import gated
from .runs import NO_PAGE, RUN_S, run
from .test_parts import install

_BOARD = "mps2-slow"
"""Of which an emulated second is as few instructions as can be."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, mps2: Board) -> tuple[str, ...]:
    """Options of a run of energy on the default board, eight times slower."""
    folder = tmp_path_factory.mktemp("boards")
    facts = (BOARDS / f"{mps2.name}.toml").read_text(encoding="utf-8").partition("[limits.")[0]
    facts = facts.replace(f'name = "{mps2.name}"', f'name = "{_BOARD}"').replace("ft = 5", "ft = 8")
    (folder / f"{_BOARD}.toml").write_text(facts, encoding="utf-8")
    return (*NO_PAGE, "--hil-boards", str(folder), "--hil-board", _BOARD, "-m", "energy")


@pytest.mark.long
def test_the_same_firmware_passes_and_one_that_uses_more_energy_is_a_regression(
    own: tuple[str, ...],
    kws01: Task,
    stand_in_of: Callable[[Task], Material],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other one works 2 % longer."""
    status, output = run(tmp_path / "base", *own)
    assert status == 0, output
    (baseline,) = (tmp_path / "base").glob(f"*_{_BOARD}")
    against = (*own, "--hil-baseline", str(baseline))
    status, output = run(tmp_path / "same", *against)
    assert status == 0, output
    assert re.search(r"energy_j .* no regression", output)
    assert "its energy is modelled" in output

    copy = tmp_path / "firmware"
    shutil.copytree(FIRMWARE, copy)
    infer = copy / "core" / "infer.c"
    lap, text = "        uint64_t now = port_ticks();\n", infer.read_text(encoding="utf-8")
    assert text.count(lap) == 1
    # A turn of the loop is six instructions; an inference takes 2.7 million.
    spin = "        for (volatile uint32_t i = 0; i < 9000u; i++) {\n        }\n"
    infer.write_text(text.replace(lap, spin + lap), encoding="utf-8")
    monkeypatch.setattr(firmware, "FIRMWARE", copy)
    board = load_boards(Path(own[own.index("--hil-boards") + 1]))[_BOARD]
    built = firmware.build(board, kws01, stand_in_of(kws01).model, tmp_path / "build", energy=True)
    status, output = run(tmp_path / "more", *against, "--hil-firmware", str(built.image.path))
    assert status == 1, output
    words = " ".join(output.split())
    found = re.search(r"energy_j [\d.]+ mJ -> [\d.]+ mJ, \+([\d.]+) %: regression \((.*?)\)", words)
    assert found, words
    assert 1.5 < float(found[1]) < 2.5
    assert "by Student's t over 5 pairs of windows the change is" in found[2]


@pytest.mark.long
def test_a_gated_board_is_measured_in_energy_mode(tmp_path: Path) -> None:
    """Its probe and its port come when the monitor supplies it, and go at the end."""
    site = tmp_path / "site"
    install(site, "gated", f"[tinyhil.monitors]\ngated = {gated.__name__}\n")
    port, bench = tmp_path / "tty", tmp_path / "bench.toml"
    bench.write_text(
        f'schema = 1\n[stations.desk]\nboard = "{gated.BOARD}"\nprobe = "{gated.PROBE}"\n'
        f'port = "{port}"\n[stations.desk.monitor]\nkind = "gated"\nvolts = 3.3\n'
        f'port = "{port}"\n'
    )
    options = ("--hil-bench", str(bench), "--hil-board", "desk", "-m", "energy", "--hil-quick")
    path = os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(site)])
    command = [sys.executable, "-m", "pytest", "suites", *NO_PAGE, "-k", "kws01", *options]
    runs = tmp_path / "runs"
    done = subprocess.run(
        [*command, "--hil-runs", str(runs)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, timeout=RUN_S, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "energy and power are modelled, not measured" in " ".join(done.stdout.split())
    (folder,) = runs.glob("*_desk")
    assert json.loads((folder / "record.jsonl").read_text())["metrics"]["energy_j"] > 0
    assert not port.is_symlink()
    assert not verify(folder).findings
