"""The report: figures with limits, verdicts in words, changes and since when; nothing loaded."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tinyhil.catalog.facts import Limit, Metric
from tinyhil.catalog.verdict import judge
from tinyhil.catalog.wording import beside_limit, in_short
from tinyhil.cli.main import main
from tinyhil.publish.report.html import external_references
from tinyhil.publish.report.page.content import Source
from tinyhil.publish.report.page.ran import Ran
from tinyhil.publish.report.page.render import write_page
from tinyhil.publish.report.title import figure_title

from .browser import DESK, PHONE, Browser
from .gate_runs import EMULATED, Content
from .page_sources import judged, runs, source


class _Texts(HTMLParser):
    """What a reader sees of a page, part by part, and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: dict[str, str] = {"": ""}
        self.tags: set[str] = set()
        self._part, self._silent = "", False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._silent = tag in ("style", "title")
        if tag == "section":
            self._part = dict(attrs)["id"] or ""
            self.parts[self._part] = ""

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts[self._part] += f" {' '.join(data.split())}"

    def __getitem__(self, part: str) -> str:
        return " ".join(self.parts[part].split())


def made(what: Source, folder: Path) -> _Texts:
    output = folder / "report.html"
    write_page(what, output)
    return _Texts(output.read_text("utf-8"))


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with all that a page can show."""
    folder = tmp_path_factory.mktemp("page")
    write_page(source(folder), folder / "report.html")
    return folder / "report.html"


@pytest.fixture(scope="module")
def texts(everything: Path) -> _Texts:
    return _Texts(everything.read_text("utf-8"))


def test_the_first_words_say_what_is_wrong(texts: _Texts) -> None:
    assert (
        "! ERROR 2 figures miss their limits, 1 figure is worse than the baseline, 2 errors"
        in texts[""]
    )
    assert "Emulated: mps2-an386, unit2. All times there are instruction counts" in texts[""]


def test_failures_say_value_limit_unit_and_since_when(texts: _Texts) -> None:
    problems = texts["problems"]
    assert (
        "p90 latency 176.0 ms > 170.0 ms kws01 on desk (nucleo-l4r5zi) missed since 2026-01-02 "
        "00:00 UTC (firmware f1f1f1f1f1f1), 2 runs in a row last kept 2026-01-01 00:00 UTC "
        "(firmware f1f1f1f1f1f1): 166.0 ms limit: the fleet's limit"
    ) in problems
    assert (
        "RAM 53,000 B → 53,448 B, +448 B, +0.845 %: regression against the baseline "
        "kws01 on desk (nucleo-l4r5zi) worse since Monday 448 bytes more, 256 are allowed"
    ) in problems


def test_what_a_verdict_tells_no_test_tells_again_and_equal_failures_are_one(
    texts: _Texts,
) -> None:
    assert texts["problems"].count("p90 latency") == 1
    assert texts["problems"].count("flash, and 1 other test ic01 on desk BenchError") == 1
    assert "2 \u00d7 runs with -m audit" in texts["tests"]
    assert "audit of" not in texts["tests"]
    assert "1 failed, 2 ended with an error, 2 passed, 2 skipped" in texts["tests"]
    assert "✓ pass top-1 96.00 % ≥ 90.00 % test_mine[desk] test took 12.0 s" in texts["tests"]


def test_figures_stand_beside_their_limits_with_verdict_change_and_mark(texts: _Texts) -> None:
    figures = texts["figures"]
    assert "176.0 ms ≤ 170.0 ms ✗ FAIL" in figures
    assert "166.0 ms emulated ≤ 170.0 ms ✓ pass no change against the run before" in figures
    assert "95.00 % top-1 ≥ 90.00 % ✓ pass -1 points against the run before" in figures
    assert "! ERROR STAND-IN data ! ERROR 6.024 inf/s" in figures
    assert "322.6 µJ no limit \u2013 not judged" in figures
    assert figures.count("inf/s emulated") == 2
    assert "176.0 ms emulated" not in figures, "it is of silicon"
    assert "top-1 over 2 runs: 96.00 % → 95.00 %" in texts["pictures"]


def test_hostile_text_stays_text_and_nothing_is_loaded(everything: Path, texts: _Texts) -> None:
    page = everything.read_text("utf-8")
    assert external_references(page) == []
    assert not {"script", "img", "link", "iframe"} & texts.tags
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "said </script><script>alert(1)</script>" in texts["problems"]
    assert "default-src 'none'" in page


def test_a_clock_that_wraps_is_told(tmp_path: Path) -> None:
    (folder,) = runs(tmp_path, [Content()])
    details = {"checks": {"wraps": {"times": 2, "period_s": [25.6, 25.6]}}}
    entries = [replace(entry, details={**entry.details, **details}) for entry in judged(folder)]
    shown = made(Source(entries, {"mps2-an386": (None, folder)}), tmp_path)
    assert "the device's clock began anew, as one that wraps after 25.6 s does" in shown[""]


def test_a_run_without_an_end_has_a_page_of_what_there_is(tmp_path: Path) -> None:
    (folder,) = runs(tmp_path, [Content(leave_out=["throughput", "memory"])])
    (folder / "raw" / "kws01-single_stream.jsonl").write_text("{}\n")
    shown = made(Source(judged(folder), {"mps2-an386": (None, folder)}), tmp_path)
    assert "✓ pass All 2 figures that have a limit keep it" in shown[""]
    assert shown["figures"].count("not measured") == 3
    assert "Confusion matrix" not in shown["pictures"], "the task has more classes"
    assert "Latency of single queries" not in shown["pictures"]
    (folder / "record.jsonl").unlink()
    silent = Ran("RAM", ("mps2-an386", "kws01"), "fail", 0.0, "")
    shown = made(Source([], {"mps2-an386": (None, folder)}, tests=[silent]), tmp_path)
    assert "1 other check fails; 0 figures keep theirs" in shown[""]
    assert "Nothing was measured" in shown["figures"]


def test_one_page_of_runs_of_many_machines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stations = [Content(EMULATED.__class__(**{**vars(EMULATED), "station": f"unit{n}"}))
                for n in range(3)]  # fmt: skip
    folders = runs(tmp_path / "runs", stations)
    output = tmp_path / "nightly.html"
    assert main(["report", *map(str, folders), "--out", str(output)]) == 0
    assert str(output) in capsys.readouterr().out.replace("\n", "")
    texts = _Texts(output.read_text("utf-8"))
    assert "3 boards" in texts[""]
    assert "Verdict and p90 latency of each board and task" in texts["figures"]
    assert main(["report", str(folders[0]), str(folders[0]), "--out", str(output)]) == 2
    assert "are both runs of 'unit0'" in capsys.readouterr().err
    assert main(["report", str(tmp_path), "--out", str(output)]) == 2
    assert "next step:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("metric", "value", "limit", "text"),
    [
        ("latency_p90_s", 0.166, {"max": 0.246432}, "166.0 ms ≤ 246.4 ms"),
        ("latency_p90_s", 0.2464321, {"max": 0.246432}, "246.4321 ms > 246.4320 ms"),
        ("top1", 0.9, {"min": 0.9}, "90.00 % ≥ 90.00 %"),
        ("throughput_ips", 3.9999, {"min": 4.0}, "3.9999 inf/s < 4.0000 inf/s"),
        ("flash_bytes", 512.0, {"max": 1024.0}, "512 B ≤ 1.000 KiB"),
        ("energy_j", 3.2e-4, {"max": 1e-3}, "320.0 µJ ≤ 1.000 mJ"),
    ],
)
def test_a_value_and_its_limit_never_look_alike_where_they_differ(
    metric: Metric, value: float, limit: dict[str, float], text: str
) -> None:
    assert beside_limit(metric, value, Limit(**limit, source="x")) == text


def test_titles_carry_value_unit_and_limit() -> None:
    limits = {"latency_p90_s": Limit(max=0.2464, source="x")}
    (kept,) = judge({"latency_p90_s": 0.166}, limits)  # type: ignore[arg-type]
    assert figure_title(kept, emulated=False) == "p90 latency 166.0 ms ≤ 246.4 ms"
    assert figure_title(kept, emulated=False, modelled=True) == "p90 latency 166.0 ms ≤ 246.4 ms"
    (power,) = judge({"power_w": 0.02}, {})
    assert figure_title(power, emulated=False, modelled=True).endswith("no limit, modelled")
    assert figure_title(kept, emulated=True) == "p90 latency 166.0 ms ≤ 246.4 ms, emulated"
    (quick,) = judge({"latency_p90_s": 0.166}, limits, unjudged="quick")  # type: ignore[arg-type]
    assert "166.0 ms, limit ≤ 246.4 ms, not judged" in figure_title(quick, emulated=False)
    (free,) = judge({"auc": 0.5}, {})
    assert figure_title(free, emulated=True) == "AUC 0.5000, no limit"
    assert in_short("audit_clock", 0.0) == "0 objections"


def test_the_page_needs_neither_matplotlib_nor_allure() -> None:
    code = (
        "import sys, tinyhil.publish.report.page.render; "
        "assert not {'matplotlib', 'allure', 'scipy.stats', 'sklearn'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_a_run_leaves_both_pages_with_titles_that_carry_figures(quick: tuple[Path, str]) -> None:
    (page,) = quick[0].glob("*_report/report.html")
    assert f"report: {page}" in quick[1]
    texts = _Texts(page.read_text("utf-8"))
    # The count of instructions is the compiler's.
    for part in (r"p90 latency \d\d\.\d\d ms, limit ≤ 246\.6 ms, not judged, emulated",
                 r"p90 latency \d\d\.\d\d ms to pytest-benchmark, emulated"):  # fmt: skip
        assert re.search(part, texts["tests"])
    assert "audit" not in quick[1].split("tinyhil")[0]
    names = [json.loads(path.read_text())["name"]
             for path in page.parent.glob("allure-results/*-result.json")]  # fmt: skip
    assert not [name for name in names if not re.match(r"[\w -]+ [\d.,]+ ?\S*|AUC: none", name)]
    assert any(re.match(r"p90 latency \d\d\.\d\d ms, limit ≤ 246\.6 ms", name) for name in names)


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_page_in_a_browser(everything: Path, browser: Browser, width: int, dark: bool) -> None:
    with browser.open(everything, width=width, dark=dark) as view:
        assert view.serious_findings() == []
        assert view.overflow() == 0
        assert (view.requests, view.files, view.errors) == ([], [], [])
        view.page.keyboard.press("Tab")
        first = view.page.evaluate("document.activeElement.getAttribute('href')")
        assert first == "#figures", "the keyboard gets past the heading at once"
        view.page.keyboard.press("Enter")
        assert view.page.evaluate("location.hash") == "#figures"
