"""``tinyhil build`` of a model of no task, and ``--check`` of what the compiler made of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinyhil.catalog.board import load_boards
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.cli.main import main
from tinyhil.ground.paths import SUITES
from tinyhil.image import check
from tinyhil.image.check import compare
from tinyhil.image.compiler import CompiledModel, Target, compile_model
from tinyhil.image.generic import task_for, write_task
from tinyhil.judge.verify.compiling import compiled_for

from .models import Activation, Model, Operator, Weights

_RANDOM = np.random.default_rng(3)
pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: no 'cc'")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Five numbers of twenty."""
    weights = _RANDOM.integers(-127, 128, (5, 20)).astype(np.int8)
    made = Model(
        [Activation((1, 20), 0.1), Weights(weights, [0.01]), Activation((1, 5), 0.2, 3)],
        [Operator("FULLY_CONNECTED", (0, 1), 2, "FullyConnectedOptions")],
    )
    path = tmp_path / "five.tflite"
    path.write_bytes(made.build())
    return path


def test_verify_compiles_a_model_once(kws01: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    content = (SUITES / "standin" / "kws01.tflite").read_bytes() + b"\0"
    first = compiled_for(kws01, content)
    monkeypatch.setattr("tinyhil.image.compiler.compile_model", None)
    assert compiled_for(kws01, content) is first


def compiled(model: Path, board: str) -> CompiledModel:
    return compile_model(model, Target(load_boards()[board].toolchain.kernels))


def test_what_is_made_for_a_board_equals_the_general_form(model: Path) -> None:
    compared = compare(model, compiled(model, "mps2-an386"), 40, 1)
    assert (compared.inputs, compared.differing, compared.first) == (40, 0, "")


def test_a_kernel_that_answers_otherwise_is_found_out(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels = shutil.copytree(check._KERNELS, tmp_path / "kernels")
    wrong = kernels / "portable" / "fully_connected_pairs_s8.c"
    text = wrong.read_text()
    sound = "sums[i] = (uint32_t)*words++;"
    assert text.count(sound) == 1
    wrong.write_text(text.replace(sound, "sums[i] = (uint32_t)*words++ + 4096u;"))
    monkeypatch.setattr(check, "_KERNELS", kernels)
    compared = compare(model, compiled(model, "mps2-an386"), 40, 1)
    assert compared.differing > 20
    assert compared.first.startswith("input ")
    # A Cortex-M55 has kernels of its own: the wrong one is not of its model.
    assert compare(model, compiled(model, "mps3-an547"), 40, 1).differing == 0


def test_a_model_has_the_task_that_it_fits_or_its_own(model: Path) -> None:
    tasks = load_tasks()
    known = SUITES / "standin" / "kws01.tflite"
    assert task_for(known, compile_model(known), tasks).name == "kws01"
    own = task_for(model, compile_model(model), tasks)
    assert (own.name, own.input.bytes, own.input.encoding, own.results) == ("five", 20, "int8", 5)
    # Names are those of files; one that is taken, or says nothing, is made another.
    for stem, name in (("kws01", "ownkws01"), ("_", "own"), ("My_Model-v2", "mymodelv2")):
        assert task_for(Path(f"{stem}.tflite"), compile_model(model), tasks).name == name


def test_the_file_of_such_a_task_says_the_same(tmp_path: Path, model: Path) -> None:
    model = model.rename(tmp_path / 'odd "\\ [red] é.tflite')
    made = task_for(model, compile_model(model), load_tasks())
    write_task(made, tmp_path / "task")
    assert load_tasks(tmp_path / "task")[made.name] == made


def test_the_command_builds_and_checks_a_model_of_no_task(
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, compilations = tmp_path / "out", []

    def counted(*given: Any) -> CompiledModel:
        compilations.append(given)
        return compile_model(*given)

    monkeypatch.setattr("tinyhil.image.compiler.compile_model", counted)
    assert main(["build", "--model", str(model), "--check", "7", "--out", str(out)]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "of no task: samples are the bytes of its input, results its outputs" in words
    assert "checked: 7 random inputs" in words
    assert len(compilations) == 1, "besides the general form that the check compiles"
    assert (out / "objects" / "firmware.elf").is_file()
    assert main(["build", "--model", str(model), "--check", "0"]) == 2
    assert "option --check: 0 is no number of inputs" in capsys.readouterr().err
