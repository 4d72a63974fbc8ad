"""A model of the user's own in the place of a task's: ``--hil-model``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tinyhil.catalog.task import Task
from tinyhil.cli.main import main
from tinyhil.data.material import Material, material
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.paths import SUITES
from tinyhil.image.build import Firmware
from tinyhil.judge.verify.run import verify
from tinyhil.pytest_side.plan import Options, Plan, make_plan

from .runs import NO_PAGE, run

_MODEL = SUITES / "standin" / "kws01.tflite"


def plan(folder: Path, *models: str, firmware: Path | None = None) -> Plan:
    options = Options(
        boards=(), bench=None, data=None, firmware=firmware, link="auto", quick=False,
        all_windows=False, read_back=0, faults=None, runs=folder, build=folder, models=models,
        tasks=["kws01", "ad01"],
    )  # fmt: skip
    return make_plan(options)


def test_a_model_is_of_one_task_that_is_tested(tmp_path: Path) -> None:
    given = tmp_path / "my.tflite"
    shutil.copy(_MODEL, given)
    assert plan(tmp_path, f"kws01={given}").models == {"kws01": given}
    for words, told in (
        ((str(given),), r"is not TASK=FILE with one of the tasks kws01, ad01"),
        ((f"vww01={given}",), "'vww01=.*' is not TASK=FILE with one of the tasks"),
        ((f"kws01={tmp_path}",), "is not a file"),
        ((f"kws01={given}", f"kws01={given}"), "two models for kws01"),
    ):
        with pytest.raises(ConfigError, match=f"option --hil-model: .*{told}"):
            plan(tmp_path, *words)


def test_an_image_of_the_users_own_has_its_model_already(
    tmp_path: Path, stand_in_firmware: Firmware
) -> None:
    with pytest.raises(ConfigError, match="for kws01 an image of your own is flashed"):
        plan(tmp_path, f"kws01={_MODEL}", firmware=stand_in_firmware.image.path)


def test_with_official_data_it_is_of_the_open_division(
    official: Path, kws01: Task, tmp_path: Path
) -> None:
    assert material(kws01, official, tmp_path).division == "closed"
    own = material(kws01, official, tmp_path, _MODEL)
    assert (own.division, own.data.kind, own.model) == ("open", "official", _MODEL)


def test_on_stand_in_data_it_is_of_none(kws01: Task, stand_in: Material) -> None:
    assert material(kws01, None, stand_in.data.folder.parent, _MODEL).division == "none"


def test_it_is_built_measured_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = tmp_path / "my [red] model.tflite"
    # A byte behind the model's end changes its sum alone.
    given.write_bytes(_MODEL.read_bytes() + b"\0")
    runs = tmp_path / "runs"
    options = ("-m", "memory", "--hil-quick", "--hil-model", f"kws01={given}")
    status, output = run(runs, *NO_PAGE, *options)
    assert status == 0, output
    (folder,) = (path.parent for path in runs.glob("*/run.json"))
    description = json.loads((folder / "run.json").read_text())
    assert description["configuration"]["models"] == {"kws01": given.name}
    assert description["jobs"]["kws01"]["subject"]["division"] == "none"
    assert verify(folder).findings == ()
    assert main(["results", str(folder), "--format", "json"]) == 0
    assert given.name in capsys.readouterr().out


def test_a_model_of_another_task_is_refused_before_anything_is_flashed(tmp_path: Path) -> None:
    given = SUITES / "standin" / "ic01.tflite"
    options = ("-m", "memory", "--hil-quick", "--hil-model", f"kws01={given}")
    status, output = run(tmp_path, *NO_PAGE, *options)
    assert status == 1
    assert "makes 10 numbers of 3072, the task kws01 12 of 490" in " ".join(output.split())
    assert "programmed" not in output
