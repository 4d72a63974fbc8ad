"""The HTML page: one file that opens without a server and asks nobody for anything."""

from __future__ import annotations

import base64
import json
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError
from tinyhil.publish.report import allure, html

_ANALYTICS = """<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>
    <script>
        window.dataLayer = window.dataLayer || [];
        function gtag(){dataLayer.push(arguments);}
    </script>"""

_PAGE = '<html><head>\n<meta charset="utf-8">\n</head><body>{}</body></html>'


def _result(name: str, status: str, message: str) -> dict[str, Any]:
    return {
        "uuid": name,
        "historyId": name,
        "testCaseId": name,
        "fullName": f"suite#{name}",
        "name": name,
        "status": status,
        "statusDetails": {"message": message, "trace": "trace"},
        "start": 1_700_000_000_000,
        "stop": 1_700_000_000_100,
        "labels": [{"name": "epic", "value": "mps2-an386"}, {"name": "framework", "value": "p"}],
        "attachments": [
            {"name": "serial link", "source": "x-attachment.txt", "type": "text/plain"}
        ],
    }


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A small results folder with hostile text in every place that a device can reach."""
    folder = tmp_path / "results"
    folder.mkdir()
    hostile = "</script><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>"
    failures = {
        "limit": ("failed", "AssertionError: top1 = 0.5: fail (at least 0.9; the rules)"),
        "device": (
            "broken",
            f"tinyhil.ground.errors.DeviceError: said {hostile}\n  next step: look",
        ),
    }
    for name, (status, message) in failures.items():
        path = folder / f"{name}-result.json"
        path.write_text(json.dumps(_result(name, status, message)), encoding="utf-8")
    (folder / "x-attachment.txt").write_text(hostile, encoding="utf-8")
    allure.write_environment(folder, {"a key": f"µ = {hostile}"})
    allure.write_categories(folder)
    return folder


def _data(page: str) -> dict[str, str]:
    """The files that the page carries, by name."""
    found = re.findall(r'd\("([^"]+)","([A-Za-z0-9+/=]*)"\)', page)
    return {name: base64.b64decode(content).decode() for name, content in found}


def test_page_is_one_file_without_analytics_that_shows_hostile_text_as_text(
    results: Path, tmp_path: Path
) -> None:
    if html.find_allure() is None:
        pytest.skip("NOT TESTED: Node or Allure is missing; run `make setup`")
    output = html.render(results, tmp_path / "out" / "report.html", Deadline.after(60))
    assert output == tmp_path / "out" / "report.html"
    assert [path.name for path in output.parent.iterdir()] == ["report.html"]
    page = output.read_text("utf-8")
    assert html.external_references(page) == []
    assert "alert(" not in page  # what a device said is in the page's encoded data alone
    data = _data(page)
    assert "a key" in data["widgets/allure_environment.json"]
    categories = data["widgets/categories.json"]
    assert "Missed limit" in categories
    assert "Device fault" in categories
    shown = [text for name, text in data.items() if name.startswith("data/test-results/")]
    assert any("<script>alert(1)</script>" in text for text in shown)


def test_missing_allure_names_the_way_to_get_it(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "REPORTS", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert html.find_allure() is None
    with pytest.raises(BenchError, match="tinyhil doctor"):
        html.render(results, tmp_path / "report.html", Deadline.after(60))


def test_allure_of_the_reports_folder_goes_before_the_one_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("path", "reports/node_modules/.bin"):
        for name in ("node", "allure"):
            program = tmp_path / folder / name
            program.parent.mkdir(parents=True, exist_ok=True)
            program.touch(mode=0o755)
    monkeypatch.setattr(html, "REPORTS", tmp_path / "reports")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    node, ours = (
        str(tmp_path / name) for name in ("path/node", "reports/node_modules/.bin/allure")
    )
    assert html.find_allure() == [node, ours]
    shutil.rmtree(tmp_path / "reports")
    assert html.find_allure() == [node, str(tmp_path / "path/allure")]


def _fake_allure(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    script = folder / "fake_allure.py"
    script.write_text(f"import pathlib, sys, time\nOUTPUT = sys.argv[5]\n{code}", encoding="utf-8")
    monkeypatch.setattr(html, "find_allure", lambda: [sys.executable, str(script)])


def _fake_page(monkeypatch: pytest.MonkeyPatch, folder: Path, page: str) -> None:
    code = (
        "pathlib.Path(OUTPUT).mkdir()\n"
        f"pathlib.Path(OUTPUT, 'index.html').write_text({page!r}, encoding='utf-8')\n"
    )
    _fake_allure(monkeypatch, folder, code)


def test_analytics_are_stripped_and_a_policy_forbids_every_request(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_page(monkeypatch, tmp_path, _PAGE.format(f"<p>kept</p>{_ANALYTICS}<p>kept too</p>"))
    page = html.render(results, tmp_path / "report.html", Deadline.after(60)).read_text("utf-8")
    assert "<p>kept</p><p>kept too</p>" in page
    assert "gtag" not in page
    assert "default-src 'none'" in page


@pytest.mark.parametrize(
    "rest",
    [
        '<script src="https://example.org/x.js"></script>',
        '<link rel="stylesheet" href="//example.org/x.css">',
        "<img src='http://example.org/x.png'>",
        '<img srcset="x.png 2x">',
        "<script>load('https://www.google-analytics.com/collect')</script>",
        '<script src="data:text/javascript;base64,'
        + base64.b64encode(b"load('//www.googletagmanager.com')").decode()
        + '"></script>',
    ],
)
def test_a_page_that_refers_to_something_outside_is_refused_and_the_old_one_kept(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rest: str
) -> None:
    output = tmp_path / "report.html"
    output.write_text("old", encoding="utf-8")
    _fake_page(monkeypatch, tmp_path, _PAGE.format(rest))
    with pytest.raises(BenchError, match="outside itself"):
        html.render(results, output, Deadline.after(60))
    assert output.read_text("utf-8") == "old"


def test_a_page_without_a_place_for_the_policy_is_refused(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_page(monkeypatch, tmp_path, "<html><body></body></html>")
    with pytest.raises(BenchError, match="no place for the policy"):
        html.render(results, tmp_path / "report.html", Deadline.after(60))


def test_a_link_that_a_person_may_follow_is_no_reference() -> None:
    assert html.external_references('<a href="https://example.org">log</a>') == []


def test_failing_allure_is_quoted(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_allure(monkeypatch, tmp_path, "sys.exit('no such plugin: awesome')")
    with pytest.raises(BenchError, match="exit code 1: no such plugin: awesome"):
        html.render(results, tmp_path / "report.html", Deadline.after(60))


def test_allure_that_makes_no_page_is_an_error(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_allure(monkeypatch, tmp_path, "")
    with pytest.raises(BenchError, match="made no page"):
        html.render(results, tmp_path / "report.html", Deadline.after(60))


def test_hanging_allure_is_ended_at_the_deadline(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_allure(monkeypatch, tmp_path, "time.sleep(60)")
    started = time.monotonic()
    with pytest.raises(BenchError, match=r"did not finish within 0\.5 s"):
        html.render(results, tmp_path / "report.html", Deadline.after(0.5))
    assert time.monotonic() - started < 20


def test_a_folder_without_results_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake_allure(monkeypatch, tmp_path, "")
    with pytest.raises(BenchError, match="holds no test results"):
        html.render(tmp_path, tmp_path / "report.html", Deadline.after(60))


def test_an_output_that_cannot_be_written_is_named(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_page(monkeypatch, tmp_path, _PAGE.format(""))
    (tmp_path / "file").touch()
    with pytest.raises(BenchError, match="cannot be written"):
        html.render(results, tmp_path / "file" / "report.html", Deadline.after(60))
