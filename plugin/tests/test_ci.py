"""What a CI system reads of a run: JUnit's properties and the summary in Markdown."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tinyhil.catalog.board import load_boards
from tinyhil.catalog.facts import Limit
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.verdict import Verdict, judge
from tinyhil.ground.errors import DataError
from tinyhil.judge.gate.compare import Comparison
from tinyhil.publish.report import ci
from tinyhil.pytest_side.report import HilReport
from tinyhil.pytest_side.summary import SummaryFile
from tinyhil.record import Entry, Subject

_SUBJECT = Subject(
    "mps2-an386", "mps2-an386", "cortex-m4", True, "kws01", "rtt", "none", "stand-in", "", None, "f"
)


def _entry(error: str | None = None) -> Entry:
    verdicts = judge(
        {"latency_p90_s": 0.0123, "instructions": 384_375.0},
        {"latency_p90_s": Limit(max=0.012, source="a")},
    )
    metrics = {verdict.metric: verdict.value for verdict in verdicts}
    now = datetime.now(UTC)
    return Entry(_SUBJECT, MeasureName.SINGLE_STREAM, 9, metrics, verdicts, {}, now, 1.0, error)


def test_a_test_case_has_its_figure_with_unit_limit_verdict_and_place() -> None:
    entry = _entry()
    found = dict(ci.properties(entry.verdicts[0], entry))
    assert found["latency_p90_s"] == "0.0123"
    assert found["latency_p90_s.unit"] == "s"
    assert found["latency_p90_s.limit"] == "max 0.012"
    assert found["latency_p90_s.verdict"] == "fail"
    assert (found["instructions"], found["instructions.unit"]) == ("384375.0", "1")
    assert (found["station"], found["task"]) == ("mps2-an386", "kws01")
    assert "instruction counts" in found["emulated"]


def test_a_test_of_the_users_own_has_all_figures_of_the_measure_that_it_asks_for() -> None:
    latency, instructions = (entry := _entry()).verdicts
    found = dict(ci.properties(instructions, entry, whole=True))
    assert found["latency_p90_s.verdict"] == "fail"
    assert found["instructions.verdict"] == "not judged"
    assert "instructions.verdict" not in dict(ci.properties(latency, entry))


def test_a_figure_that_is_not_defined_is_no_property() -> None:
    undefined = Verdict("auc", math.nan, None, "not judged", "none")
    assert "auc" not in dict(ci.properties(undefined, _entry()))


def test_modelled_energy_says_so_in_its_properties() -> None:
    (energy,) = judge({"energy_j": 2e-4}, {})
    entry = _entry()
    assert "energy_j.modelled" not in dict(ci.properties(energy, entry))
    modelled = replace(entry, measure=MeasureName.ENERGY, details={"modelled": True})
    assert dict(ci.properties(energy, modelled))["energy_j.modelled"] == "yes, not measured"


def test_the_summary_has_a_line_a_figure_and_what_to_know() -> None:
    compared = Comparison(
        *("mps2-an386", "mps2-an386", "kws01", True, "instructions", 1.0, 2.0, "worse", "more"),
        since="worse since Monday",
    )
    folder = Path("reports/runs/1")
    folders = {"mps2-an386": folder}
    text = ci.summary([_entry()], [compared], load_boards(), [folder], folders)
    assert text.startswith("### tinyhil: 1 fail, 1 not judged, 1 of 1 worse than the baseline\n")
    (line,) = [line for line in text.splitlines() if "latency\\_p90" in line]
    assert "| mps2-an386 (emulated) | kws01 | STAND-IN |" in line
    assert "| 12.3 ms | max 12 ms | ❌ FAIL |" in line
    assert "instruction counts" in text
    assert "Run: reports/runs/1" in text
    assert "- FAIL kws01 on mps2-an386 (emulated): p90 latency 12.30 ms &gt; 12.00 ms, em" in text
    assert "regression (more); worse since Monday" in text


def test_hostile_text_stays_text_in_the_summary() -> None:
    error = "no answer <img src=x> | a\n[click](http://x) `code` \x1b[31m"
    text = ci.summary([_entry(error)], [], {}, [], {"mps2-an386": Path("none")})
    assert "<img" not in text
    assert "\x1b" not in text
    assert "\\[click\\]" in text
    assert "⚠️ ERROR" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {8}, "no cell is torn"


def test_the_summary_tells_what_is_broken_and_what_did_not_run(
    pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    """Also of a board that no measure has begun on: it has no line in any table."""
    report = HilReport(pytestconfig, None)
    report.entries.append(_entry("the port is gone"))
    report.folders["mps2-an386"] = tmp_path
    written = SummaryFile(tmp_path / "summary.md", report)
    lost = "BenchError: [l4-3 / flash] no debug probe '066B'\n  next step: plug it in"
    gone = "LinkError: [mps2-an386 / accuracy] the port is gone"
    for number, (when, error) in enumerate((("setup", lost), ("setup", lost), ("call", gone))):
        ran = pytest.TestReport(
            f"t.py::test_{number}", ("t.py", 1, "t"), {}, "failed", error, when,  # type: ignore[arg-type]
        )  # fmt: skip
        # As a worker of pytest-xdist sends it.
        ran.node = SimpleNamespace(_workerinfocache="[gw2] linux -- Python")  # type: ignore[attr-defined]
        report.tests.add(ran)
        written.pytest_runtest_logreport(ran)
    hook = written.pytest_sessionfinish(cast("pytest.Session", SimpleNamespace(testscollected=5)))
    next(hook)
    with pytest.raises(StopIteration):
        hook.send(None)
    text = (tmp_path / "summary.md").read_text(encoding="utf-8")
    head, *lines = text.splitlines()
    assert head.endswith("3 of the tests ended with an error, 2 were not run")
    (told,) = (line for line in lines if line.startswith("- ERROR"))
    assert told == (
        "- ERROR t.py::test\\_0 and 1 more: BenchError: \\[l4-3 / flash\\] no debug probe '066B' "
        "next step: plug it in"
    )


def test_the_summary_is_added_to_githubs_file_and_replaces_any_other(
    tmp_path: Path, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = HilReport(pytestconfig, None)
    report.entries.append(_entry())
    report.folders["mps2-an386"] = tmp_path
    for name, kept in (("github.md", True), ("other.md", False)):
        path = tmp_path / name
        path.write_text("before\n", encoding="utf-8")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "github.md"))
        session = cast("pytest.Session", SimpleNamespace(testscollected=0))
        hook = SummaryFile(path, report).pytest_sessionfinish(session)
        next(hook)
        with pytest.raises(StopIteration):
            hook.send(None)
        text = path.read_text(encoding="utf-8")
        assert text.startswith("before\n") is kept
        assert "### tinyhil: " in text


def test_every_error_of_a_test_on_a_board_names_the_board_and_the_stage(
    pytestconfig: pytest.Config,
) -> None:
    def fail() -> None:
        raise DataError("no file", hint="get it")

    item = SimpleNamespace(
        path=Path("t.py"),
        name="t",
        originalname="t",
        callspec=SimpleNamespace(params={"hil_board": "desk-7"}),
        stash=pytest.Stash(),
    )
    call = pytest.CallInfo.from_call(fail, "setup")
    hook = HilReport(pytestconfig, None).pytest_runtest_makereport(item, call)  # type: ignore[arg-type]
    next(hook)
    report = pytest.TestReport("t", ("t", 0, "t"), {}, "failed", "a traceback", "setup")
    with pytest.raises(StopIteration):
        hook.send(report)
    text = "DataError: [desk-7 / setup] no file\n  next step: get it\n  more: https://"
    assert str(report.longrepr).startswith(text)
