"""A model of no task: inputs drawn at random, for latency and memory."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tinyhil.catalog.task import Task, load_tasks
from tinyhil.catalog.wording import data_label
from tinyhil.cli.main import main
from tinyhil.data.material import material
from tinyhil.ground.errors import ConfigError
from tinyhil.judge.verify.run import verify
from tinyhil.measure.audit import always
from tinyhil.measure.audit.answers import HEADING

from .compiler.operators import draw_one
from .runs import NO_PAGE, run


def task_of(folder: Path, own: str, encoding: str = "int8", size: int = 20) -> Task:
    """Read from a file, as a user's."""
    folder.mkdir(exist_ok=True)
    (folder / "mine.toml").write_text(
        'schema = 1\nname = "mine"\ntitle = "Mine"\nclasses = ["a", "b"]\n'
        f'[input]\nbytes = {size}\nencoding = "{encoding}"\n[own]\n{own}\n'
    )
    return load_tasks(folder)["mine"]


def test_random_inputs_are_the_same_each_time_and_of_no_benchmark(tmp_path: Path) -> None:
    task = task_of(tmp_path, "random = 3")
    made, again = (material(task, None, tmp_path) for _ in range(2))
    assert made.data == again.data
    assert (made.division, made.data.kind, data_label(made.data.kind)) == (
        "none",
        "random",
        "RANDOM",
    )
    assert len({sample.data for sample in made.data.samples}) == 3
    assert {len(sample.data) for sample in made.data.samples} == {20}
    floats = material(task_of(tmp_path, "random = 3", "float32"), None, tmp_path).data.samples
    assert all(np.isfinite(np.frombuffer(sample.data, "<f4")).all() for sample in floats)


@pytest.mark.parametrize(
    ("own", "size", "told"),
    [
        ("", 20, "exactly one of the keys 'data' and 'random'"),
        ('data = "d"\nrandom = 3', 20, "exactly one of the keys 'data' and 'random'"),
        ("random = 1024", 1 << 20, "its random inputs are more than 67,108,864 bytes"),
    ],
)
def test_a_task_has_one_kind_of_inputs(tmp_path: Path, own: str, size: int, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        task_of(tmp_path, own, size=size)


@pytest.mark.parametrize("state", [False, True])
def test_answers_of_a_model_with_a_state_are_not_held_against_each_other(state: bool) -> None:
    heading = {"role": HEADING, "seed": 1, "virtual": True, "tick_hz": None}
    asked = [
        {"role": "asked", "name": "a", "scores": [score], "start_us": 0, "end_us": 9}
        for score in (0.5, 0.25)
    ]
    report = always.judge([{**heading, **({"state": True} if state else {})}, *asked], {})
    assert report is not None
    assert len(report.objections) == (0 if state else 1)
    assert any("keeps a state" in text for text in report.left_out) == state


@pytest.mark.long
def test_a_model_with_a_state_is_built_measured_and_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "wake.tflite"
    model.write_bytes(draw_one("READ_VARIABLE", np.random.default_rng(1)).build())
    out, runs = tmp_path / "out", tmp_path / "runs"
    assert main(["build", "--model", str(model), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert f"--hil-tasks {out / 'task'} --hil-task wake -m 'latency or memory'" in printed
    options = ("--hil-tasks", str(out / "task"), "--hil-task", "wake", "-k", "wake")
    status, output = run(
        runs, *NO_PAGE, *options, "--hil-quick", "-m", "latency or memory or accuracy"
    )
    assert status == 0, output
    assert "they tell nothing of quality" in output
    (folder,) = (path.parent for path in runs.glob("*/run.json"))
    report = verify(folder)
    assert report.findings == ()
    assert any("the model keeps a state" in text for text in report.unseen)
    accuracy = next(one for one in report.measures if one.measure == "accuracy")
    assert accuracy.metrics == {}
    called_custom(folder, tmp_path / "forged")
    found = [finding.text for finding in verify(tmp_path / "forged").findings]
    assert any("calls its data set custom, its task says otherwise" in text for text in found)


def called_custom(run_folder: Path, copy: Path) -> None:
    """The same run, which calls its inputs a data set."""
    shutil.copytree(run_folder, copy)
    for name in ("run.json", "record.jsonl"):
        text = (copy / name).read_text()
        (copy / name).write_text(text.replace('"random"', '"custom"'))
