"""In a repository of the user's own: settings, where things go, boards and tasks of his own."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from tinyhil.catalog.bench import images_of
from tinyhil.catalog.board import load_boards
from tinyhil.catalog.task import load_tasks
from tinyhil.cli.main import main
from tinyhil.cli.new_suite import _SETTINGS, _SUITE
from tinyhil.data.material import Material, brought_data, material
from tinyhil.ground.errors import ConfigError, DataError
from tinyhil.ground.paths import BOARDS, SUITES
from tinyhil.ground.project import project_around
from tinyhil.pytest_side import neighbours
from tinyhil.pytest_side.plan import Options, make_plan
from tinyhil.pytest_side.plugin import _names

from . import gate_runs, warm

pytest_plugins = ["pytester"]

TASK = """\
schema = 1
name = "wake01"
title = "Wake word"
classes = ["Down", "Go", "Left", "No", "Off", "On", "Right", "Stop", "Up", "Yes", "Silence", "?"]
[input]
bytes = 490
encoding = "int8"
[own]
data = "../data/wake"
"""


def _option(pytester: pytest.Pytester, table: str, *arguments: str) -> Any:
    """The options of a run in a project with this ``[tool.tinyhil]``."""
    (pytester.path / "pyproject.toml").write_text(f"[tool.tinyhil]\n{table}", encoding="utf-8")
    config = pytester.parseconfig(*arguments)
    config.pluginmanager.getplugin("tinyhil").settings.apply(config)
    return config.option


def test_commands_use_the_folders_of_the_projects_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.tinyhil]\nruns = "kept/runs"\n')
    gate_runs.write(tmp_path / "kept" / "runs", gate_runs.Content())
    below = tmp_path / "src"
    below.mkdir()
    monkeypatch.chdir(below)
    assert main(["results", "--format", "csv"]) == 0
    assert "mps2-an386" in capsys.readouterr().out
    assert project_around(below).build == tmp_path / "build"


def test_the_table_says_what_the_command_line_does_not(pytester: pytest.Pytester) -> None:
    table = 'board = "desk"\nfirmware = "out/my.elf"\nwait = 5\nquick = true\nlink = "serial"\n'
    option = _option(pytester, table, "--hil-board", "other", "--hil-link", "auto")
    assert (option.hil_board, option.hil_link) == (["other"], "auto"), "the command line wins"
    assert option.hil_firmware == pytester.path / "out" / "my.elf"
    assert (option.hil_wait, option.hil_quick, option.hil_read_back) == (5.0, True, 0.05)


def test_a_zero_is_a_value(pytester: pytest.Pytester) -> None:
    option = _option(pytester, "read_back = 0.5\nwait = 60\n", "--hil-read-back=0", "--hil-wait=0")
    assert (option.hil_read_back, option.hil_wait) == (0.0, 0.0)


@pytest.mark.parametrize(
    "mark",
    [
        pytest.mark.parametrize("hil_task, n", []),  # noqa: PT006 - one of the forms
        pytest.mark.parametrize(["hil_task", "n"], []),  # noqa: PT006 - as above
        pytest.mark.parametrize(argnames=("hil_task", "n"), argvalues=[]),
    ],
)
def test_a_users_own_parameters_are_known_in_every_form(mark: pytest.MarkDecorator) -> None:
    assert _names(mark.mark) == ["hil_task", "n"]


def test_the_table_names_an_image_for_each_task(pytester: pytest.Pytester) -> None:
    (pytester.path / "kws.elf").write_bytes(b"x")
    table = '[tool.tinyhil.firmware]\nkws01 = "kws.elf"\nad01 = "ad.elf"\n'
    option = _option(pytester, table)
    wanted = {"kws01": pytester.path / "kws.elf", "ad01": pytester.path / "ad.elf"}
    assert option.hil_firmware == wanted
    file = pytester.path / "pyproject.toml"
    with pytest.raises(ConfigError, match=r"toml: key 'firmware\.ad01': .*ad\.elf is not a file"):
        images_of(wanted, ["kws01", "ad01"], file)
    with pytest.raises(ConfigError, match=r"toml: key 'firmware\.ad01': unknown task; known: kws"):
        images_of(wanted, ["kws01"], file)
    del wanted["ad01"]
    assert images_of(wanted, ["kws01"], file) == wanted


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("baord = 'x'", "unknown key 'tool.tinyhil.baord'; known keys here: all_windows, baseline"),
        ("resume = 'x'", "unknown key 'tool.tinyhil.resume'"),
        ("wait = 'x'", "key 'tool.tinyhil.wait' is not a number"),
        ("wait = true", "key 'tool.tinyhil.wait' is not a number"),
        ("quick = 1", "key 'tool.tinyhil.quick' is not true or false"),
        ("board = [1]", "key 'tool.tinyhil.board' is not a string, or a list of them"),
        ("runs = 3", "key 'tool.tinyhil.runs' is not a path"),
        ("firmware.kws01.mps2 = 'a.elf'", "key 'tool.tinyhil.firmware.kws01' is not a path"),
    ],
)
def test_a_wrong_setting_is_named(pytester: pytest.Pytester, table: str, text: str) -> None:
    with pytest.raises(pytest.UsageError) as raised:
        _option(pytester, table)
    assert text in str(raised.value)
    assert f"{pytester.path / 'pyproject.toml'}: " in str(raised.value)
    assert "next step: " in str(raised.value)


def test_a_board_in_the_table_costs_a_run_without_board_tests_nothing(
    pytester: pytest.Pytester,
) -> None:
    (pytester.path / "pyproject.toml").write_text("[tool.tinyhil]\nboard = 'x'\n", encoding="utf-8")
    config = pytester.parseconfigure()
    assert not config.pluginmanager.hasplugin("tinyhil-report")
    with pytest.raises(pytest.UsageError, match="no station 'x'") as raised:
        pytester.parseconfigure("--dist", "load")
    place = f"the value stands in {pytester.path / 'pyproject.toml'}, [tool.tinyhil]"
    assert place in str(raised.value)


def test_what_is_written_goes_to_where_pytest_is_called(pytester: pytest.Pytester) -> None:
    (pytester.path / "bench.toml").write_text("schema = 1\n[stations]\n", encoding="utf-8")
    option = _option(pytester, "", str(SUITES))
    assert option.hil_runs == pytester.path / "reports" / "runs"
    assert option.hil_build == pytester.path / "build"
    assert option.hil_bench == pytester.path / "bench.toml"


def test_the_nearest_project_above_is_the_users(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.tinyhil]\nruns = 'r'\n", encoding="utf-8")
    assert project_around(inner).path("runs") == tmp_path / "r"
    (tmp_path / "a" / "pyproject.toml").write_text("[tool", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not TOML"):
        project_around(inner)


@pytest.fixture
def own(tmp_path: Path, stand_in: Material) -> Path:
    """A folder of tasks of the user's own, with data."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "wake").symlink_to(stand_in.data.folder)
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "wake01.toml").write_text(TASK, encoding="utf-8")
    return tmp_path / "tasks"


def test_a_task_of_ones_own_has_its_data_and_no_place_in_the_benchmark(
    own: Path, tmp_path: Path
) -> None:
    tasks = load_tasks(own)
    assert {"kws01", "wake01"} <= tasks.keys()
    made = material(tasks["wake01"], None, tmp_path)
    assert (made.data.kind, made.division, len(made.data.samples)) == ("custom", "none", 1000)
    assert brought_data(tasks["wake01"], tmp_path).sha256 == made.data.sha256
    with pytest.raises(DataError, match="names no model") as raised:
        _ = made.model
    assert "--hil-firmware" in raised.value.hint
    with pytest.raises(ConfigError, match="none of the benchmark's"):
        _ = tasks["wake01"].official


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (("[own]\n", "[owned]\n"), "unknown key 'owned'"),
        (('[own]\ndata = "../data/wake"\n', ""), "exactly one of the tables 'official' and 'own'"),
        (('"wake01"', '"wake02"'), "the file's name 'wake01'"),
    ],
)
def test_a_wrong_task_is_refused_before_anything_starts(
    own: Path, change: tuple[str, str], text: str
) -> None:
    (own / "wake01.toml").write_text(TASK.replace(*change), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"wake01\.toml") as raised:
        load_tasks(own)
    assert text in str(raised.value)


def test_a_name_that_tinyhil_has_is_taken(tmp_path: Path) -> None:
    shutil.copy(BOARDS / "mps2-an386.toml", tmp_path)
    with pytest.raises(ConfigError, match="the name 'mps2-an386' is taken by"):
        load_boards(tmp_path)
    with pytest.raises(ConfigError, match="nowhere: is not a folder"):
        load_boards(Path("nowhere"))


def test_the_table_names_the_folders_for_every_command(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.tinyhil]\ntasks = 'tasks'\n", encoding="utf-8")
    monkeypatch.chdir(own)
    assert "wake01" in load_tasks()


def test_tasks_are_chosen_by_name_or_glob(tmp_path: Path) -> None:
    def chosen(*names: str) -> list[str]:
        options = Options((), None, None, None, "auto", False, False, 0, None, tmp_path, tmp_path,
                          tasks=names)  # fmt: skip
        return [task.name for task in make_plan(options).chosen]

    assert chosen() == ["ad01", "ic01", "kws01", "vww01"]
    assert chosen("k*", "kws01", "ad01") == ["kws01", "ad01"]
    with pytest.raises(ConfigError, match="option --hil-task: no task 'x'; known: ad01"):
        chosen("x")


def test_new_suite_writes_what_runs_and_replaces_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "suite"]) == 0
    assert Path("hil/test_board.py").read_text(encoding="utf-8") == _SUITE
    assert Path("pyproject.toml").read_text(encoding="utf-8") == _SETTINGS.format(folder="hil")
    assert main(["new", "suite"]) == 2, "it is there already"
    assert main(["new", "suite", "more"]) == 0
    assert "it stays as it is" in capsys.readouterr().out
    Path("pyproject.toml").write_text("[project]\n", encoding="utf-8")
    assert main(["new", "suite", "most"]) == 0
    assert "[tool.tinyhil]\nboard = " in capsys.readouterr().out
    assert Path("pyproject.toml").read_text(encoding="utf-8") == "[project]\n"


class _Test:
    """As much of a pytest item as its place needs."""

    def __init__(self, name: str, board: str | None = None, task: str = "") -> None:
        self.name = name
        if board:
            params = {"hil_board": board, "hil_task": task}
            self.callspec = type("", (), {"params": params})


def test_tests_of_a_board_and_a_task_stay_together_in_any_order() -> None:
    tests = [
        _Test("1", "a", "x"), _Test("free"), _Test("2", "b", "x"), _Test("3", "a", "y"),
        _Test("4", "b", "x"), _Test("5", "a", "x"),
    ]  # fmt: skip
    names = [test.name for test in neighbours.grouped(tests)]  # type: ignore[arg-type]
    assert names == ["1", "free", "5", "3", "2", "4"]


def test_a_measure_has_no_limit_but_its_own_unless_the_test_says_so(
    pytestconfig: pytest.Config,
) -> None:
    """With pytest-timeout, whose limit is for tests of seconds."""
    pytestconfig.addinivalue_line("markers", "timeout: of pytest-timeout")

    class Marked(_Test):
        def __init__(self, board: str | None, marks: list[pytest.Mark]) -> None:
            super().__init__("t", board)
            self.marks = marks

        def get_closest_marker(self, _: str) -> pytest.Mark | None:
            return self.marks[0] if self.marks else None

        def add_marker(self, mark: pytest.MarkDecorator) -> None:
            self.marks.append(mark.mark)

    own = pytest.mark.timeout(5).mark
    items = [Marked("a", []), Marked("a", [own]), Marked(None, [])]
    there = SimpleNamespace(hasplugin=lambda name: name == "timeout")
    hook = neighbours.pytest_collection_modifyitems(SimpleNamespace(pluginmanager=there), items)  # type: ignore[arg-type]
    next(hook)
    with pytest.raises(StopIteration):
        hook.send(None)
    assert [[mark.args for mark in item.marks] for item in items] == [[(0,)], [(5,)], []]


@dataclass(frozen=True)
class Foreign:
    """A run in a repository that `tinyhil new suite` was called in."""

    folder: Path
    output: str
    record: Mapping[str, Any]
    properties: Mapping[str, str]
    """Of one test, in JUnit's file."""


@pytest.fixture(scope="module")
def foreign(stand_in: Material, tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    """One run for all that follows: of a task of the user's own, beside his fixtures."""
    folder = tmp_path_factory.mktemp("repository")
    for place in ("hil/tasks", "hil/data"):
        (folder / place).mkdir(parents=True)
    (folder / "hil" / "data" / "wake").symlink_to(stand_in.data.folder)
    task = f"{TASK}model = {json.dumps(str(stand_in.model))}\n"
    (folder / "hil" / "tasks" / "wake01.toml").write_text(task, encoding="utf-8")
    fixtures = "\n".join(f"@pytest.fixture\ndef {name}(): return 1" for name in ("session", "task"))
    (folder / "hil" / "conftest.py").write_text(f"import pytest\n{fixtures}\n", encoding="utf-8")
    (folder / "hil" / "test_board.py").write_text(_SUITE, encoding="utf-8")
    settings = (
        _SETTINGS.format(folder="hil").replace("# tasks =", "tasks =").replace("kws01", "wake01")
    )
    (folder / "pyproject.toml").write_text(settings, encoding="utf-8")
    (folder / "report.html").write_text("the user's own page", encoding="utf-8")
    options = ["-m", "memory", "--hil-quick", "--junitxml", "junit.xml", "--hil-summary", "s.md"]
    status, output = warm.call(
        *("pytest", "hil", "-p", "no:cacheprovider", *options),
        folder=folder,
        environment={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert status == 0, output
    (record,) = folder.glob("reports/runs/*_mps2-an386/record.jsonl")
    found = ElementTree.parse(folder / "junit.xml").iter("property")  # noqa: S314 - our own
    properties = {one.attrib["name"]: one.attrib["value"] for one in found}
    lines = record.read_text(encoding="utf-8").splitlines()
    return Foreign(folder, output, json.loads(lines[0]), properties)


@pytest.mark.long
def test_a_foreign_repository_gets_its_figures(foreign: Foreign) -> None:
    assert (foreign.record["task"], foreign.record["division"]) == ("wake01", "none")
    line = r"mps2-an386[ |]+wake01[ |]+custom[ |]+flash_bytes"
    assert re.search(line, foreign.output), foreign.output


@pytest.mark.long
def test_its_files_are_where_the_user_looks_and_none_is_replaced(foreign: Foreign) -> None:
    made = {path.name for path in foreign.folder.iterdir()}
    assert made - {".benchmarks"} == {  # pytest-benchmark's
        "hil", "pyproject.toml", "report.html", "build", "reports", "junit.xml", "s.md"
    }  # fmt: skip
    page = (foreign.folder / "report.html").read_text(encoding="utf-8")
    assert page == "the user's own page"


@pytest.mark.long
def test_junit_and_the_summary_have_the_figure_of_the_record(foreign: Foreign) -> None:
    value = foreign.record["metrics"]["flash_bytes"]
    assert float(foreign.properties["flash_bytes"]) == value
    assert foreign.properties["flash_bytes.unit"] == "B"
    assert float(foreign.properties["ram_bytes"]) == foreign.record["metrics"]["ram_bytes"]
    assert foreign.properties["station"] == "mps2-an386"
    summary = (foreign.folder / "s.md").read_text(encoding="utf-8")
    assert f"| flash\\_bytes | {value / 1024:.6g} KiB |" in summary
    assert "summary: " in foreign.output


@pytest.mark.long
def test_an_ascii_log_can_hold_all_that_a_run_says(foreign: Foreign) -> None:
    assert "UnicodeEncodeError" not in foreign.output
    assert foreign.output.isascii()
