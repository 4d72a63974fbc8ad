"""What a run tells Allure, as Allure's pytest plugin writes it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tinyhil.ground.paths import REPORTS
from tinyhil.publish.report import allure

from . import warm

CONFTEST = """
import pytest
from tinyhil.catalog.board import load_boards
from tinyhil.publish.report import allure
from tinyhil.catalog.task import load_tasks

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item, call):
    if call.when == "setup":
        allure.describe(
            load_boards()["mps2-an386"], load_tasks()["kws01"], item.name.removeprefix("test_"),
            data_set="stand-in", station="desk-1",
        )
"""

TESTS = """
from pathlib import Path
import pytest
from tinyhil.ground import errors
from tinyhil.catalog.facts import Limit
from tinyhil.publish.report import allure
from tinyhil.catalog.verdict import judge

HOSTILE = "<script>alert(1)</script>\\x1b[31m\\r\\nnext"

def test_attachments(tmp_path):
    with allure.step("upload\\n" + HOSTILE):
        allure.attach_text("serial link", HOSTILE)
    allure.attach_text("long", "x" * 1_000_000)
    allure.attach_svg("latency", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "record.jsonl").write_bytes(b"{}\\n\\xff")
    allure.attach_file(tmp_path / "record.jsonl")
    (tmp_path / "firmware.elf").write_bytes(b"\\x7fELF")
    allure.attach_file(tmp_path / "firmware.elf", "firmware")
    allure.attach_file(tmp_path / "missing.log")

def test_limit():
    (verdict,) = judge({"top1": 0.5}, {"top1": Limit(min=0.9, source="the rules")})
    assert verdict, str(verdict)

def test_assertion():
    assert 1 == 2

@pytest.mark.parametrize("name", [
    "ConfigError", "DataError", "ModelError", "FirmwareError",
    "BenchError", "TakenError", "WriteError", "LinkError", "LinkTimeoutError", "DeviceError",
    "IdentityError",
])
def test_fault(name):
    error = getattr(errors, name)("said " + ascii(HOSTILE) + ": fail (x)", hint="look")
    error.locate("desk-1", "infer")
    raise error

@pytest.fixture
def broken():
    raise errors.BenchError("probe is taken", hint="stop the other process")

def test_fixture(broken):
    pass

def test_bug():
    raise KeyError("x")
"""


def run(folder: Path) -> Path:
    """Run a small suite with Allure in a process of its own; return its results folder."""
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "test_suite.py").write_text(TESTS, encoding="utf-8")
    results = folder / "results"
    options = ["-q", "-p", "no:tinyhil", "-p", "no:cacheprovider", "-o", "addopts="]
    options += [f"--rootdir={folder}", "--alluredir", str(results)]
    status, output = warm.call("pytest", *options, folder=folder)
    assert status == 1, output
    assert "INTERNALERROR" not in output
    return results


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the small suite."""
    return run(tmp_path_factory.mktemp("allure"))


@pytest.fixture(scope="module")
def tests(results: Path) -> dict[str, dict[str, Any]]:
    """Test results by the name of the test function and its parameter."""
    found = [json.loads(path.read_text("utf-8")) for path in results.glob("*-result.json")]
    return {_story(test): test for test in found}


def _story(test: dict[str, Any]) -> str:
    return next(str(label["value"]) for label in test["labels"] if label["name"] == "story")


def _attached(results: Path, attachments: list[dict[str, str]]) -> dict[str, tuple[str, bytes]]:
    return {
        found["name"]: (found["type"], (results / found["source"]).read_bytes())
        for found in attachments
    }


def test_a_test_is_named_after_what_it_measures_even_when_its_set_up_fails(
    tests: dict[str, dict[str, Any]],
) -> None:
    test = tests["fixture"]
    assert test["name"] == "fixture: kws01 on desk-1 (mps2-an386, emulated), STAND-IN data"
    labels = {(label["name"], label["value"]) for label in test["labels"]}
    expected = {("epic", "desk-1 (mps2-an386, emulated)"), ("feature", "Keyword spotting (kws01)")}
    assert expected <= labels
    assert {("tag", "data: STAND-IN"), ("tag", "emulated")} <= labels
    names = {parameter["name"] for parameter in test["parameters"]}
    assert {"board", "task", "data"} <= names


def test_text_of_a_device_is_attached_as_escaped_plain_text(
    results: Path, tests: dict[str, dict[str, Any]]
) -> None:
    (step,) = tests["attachments"]["steps"]
    assert step["name"] == "upload <script>alert(1)</script>\\x1b[31m next"
    kind, data = _attached(results, step["attachments"])["serial link"]
    assert kind == "text/plain"
    assert data == b"<script>alert(1)</script>\\x1b[31m\nnext"


def test_attachments_are_bounded_and_only_pictures_of_ours_are_shown_as_such(
    results: Path, tests: dict[str, dict[str, Any]]
) -> None:
    attached = _attached(results, tests["attachments"]["attachments"])
    assert len(attached["long"][1]) < 250_000
    assert b"800000 characters left out" in attached["long"][1]
    assert attached["latency"][0] == "image/svg+xml"
    assert attached["record.jsonl"] == ("text/plain", b"{}\n\\xff")
    assert attached["firmware"] == ("application/octet-stream", b"\x7fELF")
    assert b"cannot be read" in attached["missing.log"][1]


def _category(test: dict[str, Any]) -> str:
    """The first category that takes a test, as Allure 2 and 3 choose it."""
    message = test["statusDetails"]["message"]
    for category in json.loads((REPORTS / "categories.json").read_text("utf-8")):
        whole = re.fullmatch(category.get("messageRegex", r"[\s\S]*"), message)
        if test["status"] in category["matchedStatuses"] and whole:
            return str(category["name"]).partition(":")[0]
    return "none"


@pytest.mark.parametrize(
    ("story", "category"),
    [
        ("limit", "Missed limit"),
        ("assertion", "Other failed assertion"),
        ("fault[ConfigError]", "Configuration fault"),
        ("fault[DataError]", "Configuration fault"),
        ("fault[ModelError]", "Configuration fault"),
        ("fault[FirmwareError]", "Configuration fault"),
        ("fault[BenchError]", "Bench fault"),
        ("fault[TakenError]", "Bench fault"),
        ("fixture", "Bench fault"),
        ("fault[LinkError]", "Link fault"),
        ("fault[LinkTimeoutError]", "Link fault"),
        ("fault[DeviceError]", "Device fault"),
        ("fault[IdentityError]", "Identity fault"),
        ("fault[WriteError]", "Bench fault"),
        ("bug", "Fault in the tests themselves"),
    ],
)
def test_each_kind_of_failure_falls_into_its_own_category(
    tests: dict[str, dict[str, Any]], story: str, category: str
) -> None:
    assert _category(tests[story]) == category


def test_all_is_harmless_while_allure_is_off(tmp_path: Path) -> None:
    with allure.step("infer"):
        allure.attach_text("text", "said")
        allure.attach_svg("picture", b"<svg/>")
        allure.attach_file(tmp_path / "missing")


def test_environment_is_escaped_as_property_files_have_it(tmp_path: Path) -> None:
    values = {"a key": "plain: with = signs", "b": "C:\\x\nµ😀", "c#": " lead"}
    allure.write_environment(tmp_path / "results", values)
    lines = (tmp_path / "results" / "environment.properties").read_text("ascii").splitlines()
    assert lines == [
        r"a\ key = plain: with = signs",
        r"b = C:\\x\n\u00b5\ud83d\ude00",
        r"c\# = \ lead",
    ]


def test_categories_are_left_beside_the_results(tmp_path: Path) -> None:
    allure.write_categories(tmp_path / "results")
    assert json.loads((tmp_path / "results" / "categories.json").read_text("utf-8"))
