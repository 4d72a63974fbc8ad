"""The package as others get it: its version, its extras, and the pages that tell of it."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tinyhil.catalog.board import load_boards
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.cli.new_suite import _SUITE
from tinyhil.data.material import stand_in_model
from tinyhil.ground.errors import BenchError
from tinyhil.ground.paths import ROOT
from tinyhil.image import build
from tinyhil.pytest_side.options import KEYS

_PAGES = ROOT / "docs"


def _snippets(page: str, language: str) -> list[str]:
    text = (_PAGES / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_version_has_one_place_and_a_heading_in_the_changes() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(told['version'])}\b", changes, re.MULTILINE)
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").split()[:2] == ["Apache", "License"]


def test_an_image_of_ones_own_needs_no_builder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("tinyhil.image.compiler")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tflite", None)
    task = load_tasks()["kws01"]
    with pytest.raises(BenchError, match="needs the Python package 'tflite'") as raised:
        build.build(load_boards()["mps2-an386"], task, stand_in_model(task), tmp_path)
    assert raised.value.hint == "pip install 'pytest-tinyhil[build]'"


def test_github_and_gitlab_can_read_the_snippets() -> None:
    github, gitlab = (yaml.safe_load(text) for text in _snippets("your-ci.md", "yaml"))
    steps = [step["run"] for step in github["jobs"]["emulated"]["steps"] if "run" in step]
    for commands in (steps, gitlab["emulated"]["script"]):
        (run,) = [command for command in commands if command.startswith("pytest ")]
        assert all(_is_option(word) for word in run.split() if word.startswith("--hil-")), run


def _is_option(word: str) -> bool:
    return word.removeprefix("--hil-").split("=")[0].replace("-", "_") in KEYS


def test_the_settings_and_the_task_of_the_page_are_right() -> None:
    settings, task = (tomllib.loads(text) for text in _snippets("your-suite.md", "toml"))
    assert settings["tool"]["tinyhil"].keys() <= KEYS.keys()
    assert Task.model_validate(task).own is not None


def test_the_test_of_the_page_is_that_of_the_template() -> None:
    (snippet,) = _snippets("your-suite.md", "python")
    assert snippet.split("\n\n", 1)[1] in _SUITE
