"""Where the pages of a run go, and how its tests are listed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tinyhil.catalog.board import load_boards
from tinyhil.ground.errors import BenchError
from tinyhil.ground.paths import SUITES
from tinyhil.publish.report import html
from tinyhil.publish.report.page.content import Source
from tinyhil.pytest_side.items import BOARD, TASK
from tinyhil.pytest_side.pages import Pages
from tinyhil.pytest_side.report import HilReport, choose_results
from tinyhil.pytest_side.seen import SeenTests

from .gate_runs import Content
from .page_sources import judged, runs


@pytest.fixture
def source(tmp_path: Path) -> Source:
    (folder,) = runs(tmp_path / "made", [Content()])
    return Source(judged(folder), {"mps2-an386": (None, folder)})


def test_pages_go_into_a_folder_of_their_own_wherever_results_go(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Allure's documentation has results in a folder beside which a user's report.html may be."""
    theirs = tmp_path / "report.html"
    theirs.write_text("the user's own")
    config: Any = SimpleNamespace(
        option=SimpleNamespace(allure_report_dir=str(tmp_path / "allure-results"))
    )
    folder = tmp_path / "runs" / "x_report"
    results = choose_results(config, folder)
    assert results == tmp_path / "allure-results"

    def render(_: Path, page: Path, *__: object) -> Path:
        page.write_text("Allure's", encoding="utf-8")
        return page

    monkeypatch.setattr(html, "render", render)
    pages = Pages(folder, results, None)
    pages.make(source)
    assert list(pages.lines()) == [
        f"report: {folder / 'report.html'}",
        f"allure: {folder / 'allure.html'}",
    ]
    assert theirs.read_text() == "the user's own"


def test_without_node_there_is_a_report(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "find_allure", lambda: None)
    pages = Pages(tmp_path / "pages", tmp_path, None)
    pages.make(source)
    report, allure = pages.lines()
    assert report == f"report: {tmp_path / 'pages' / 'report.html'}"
    assert allure.startswith("no page of Allure: ")
    assert "next step:" in allure


def test_a_page_that_cannot_be_written_is_a_line(tmp_path: Path, source: Source) -> None:
    (tmp_path / "file").touch()
    pages = Pages(tmp_path / "file" / "pages", None, None)
    pages.make(source)
    (line,) = pages.lines()
    assert line.startswith("no report: ")
    assert "cannot be written" in line


def _item(name: str, **params: object) -> Any:
    path = Path("/mine/t.py")
    item = SimpleNamespace(nodeid=f"t.py::{name}", originalname=name, name=name, path=path,
                           stash=pytest.Stash())  # fmt: skip
    if params:
        item.callspec = SimpleNamespace(params=params)
    return item


def _ended(
    seen: SeenTests, item: Any, outcome: str, error: BaseException | None, when: str = "call"
) -> None:
    """One phase of a test has ended, as pytest tells it."""
    longrepr: Any = None if outcome == "passed" else str(error)
    if outcome == "skipped":
        longrepr = ("t.py", 1, f"Skipped: {error}")
    known: Any = outcome
    report = pytest.TestReport(item.nodeid, ("t.py", 1, ""), {}, known, longrepr, when)  # type: ignore[arg-type]
    call: Any = SimpleNamespace(when=when, excinfo=error and SimpleNamespace(value=error))
    seen.mark(item, call, report)
    seen.add(report)


def test_a_test_is_listed_once_with_its_figure_and_its_kind_of_end() -> None:
    seen, place = SeenTests(), {BOARD: "desk", TASK: "kws01"}
    failing: Callable[[str], AssertionError] = AssertionError
    figure = "p90 latency 166.0 ms"
    for item, outcome, error, title in (
        (_item("test_p90", **place, metric="latency_p90_s"), "passed", None, figure),
        (_item("test_top1", **place, metric="top1"), "failed", failing("missed"), ""),
        (_item("test_x", **place), "failed", BenchError("no probe", hint="look"), ""),
        (_item("test_y"), "skipped", ValueError("not today"), ""),
        (_item("test_again"), "rerun", failing("once more"), ""),
    ):
        _ended(seen, item, "passed", None, "setup")
        if title:
            seen.name(title, "pass")
        _ended(seen, item, outcome, error)
        _ended(seen, item, "passed", None, "teardown")
    _ended(seen, _item("test_z"), "failed", OSError("gone"), "teardown")
    assert [(test.title, test.state, test.place is not None) for test in seen.ran] == [
        (figure, "pass", True),
        ("top-1", "fail", True),
        ("x", "error", True),
        ("t.py::test_y", "skipped", False),
        ("t.py::test_z, when it ended", "error", False),
    ]
    assert seen.ran[3].text == "not today"
    assert [test.name for test in seen.ran] == ["test_p90", "test_top1", "test_x", "", ""]


def test_tests_of_the_users_own_are_told_apart_by_their_names() -> None:
    """Ours need no name: the figure of the title is what they are."""
    seen = SeenTests()
    ours, theirs = _item("test_ours"), _item("test_theirs")
    ours.path = SUITES / "test_latency.py"
    for item in (ours, theirs):
        seen.name("p90 latency 166.0 ms", "pass")
        _ended(seen, item, "passed", None)
    assert [test.name for test in seen.ran] == ["", "test_theirs"]


def test_the_terminal_names_what_misses_its_limit_and_since_when(tmp_path: Path) -> None:
    folders = runs(tmp_path / "made", [Content(text=50_000)] * 2)
    report, said = HilReport(SimpleNamespace(), None, tmp_path / "pages"), []  # type: ignore[arg-type]
    report.using("mps2-an386", load_boards()["mps2-an386"], folders[1])
    for entry in judged(folders[1]):
        report.made(entry)
    finishing = report.pytest_sessionfinish()
    next(finishing)
    assert next(finishing, "ended") == "ended"
    terminal: Any = SimpleNamespace(
        section=lambda _: None, line=lambda text, **_: said.append(text)
    )
    report.pytest_terminal_summary(terminal)
    place = said.index("FAIL kws01 on mps2-an386 (emulated): flash 48.83 KiB > 44.92 KiB")
    assert [line.strip() for line in said[place + 1 : place + 4]] == [
        "missed since 2026-01-01 00:00 UTC (firmware f1f1f1f1f1f1), 2 runs in a row",
        "no earlier run here kept it",
        "limit: the bootloader's slot",
    ]
    assert said[-1] == f"report: {tmp_path / 'pages' / 'report.html'}"
