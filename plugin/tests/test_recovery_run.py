"""Whole runs on boards that break: what is told of recovery, and what goes on without a board."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tinyhil.cli.main import main
from tinyhil.device import quarantine
from tinyhil.device.far import coordinator
from tinyhil.device.lock import FOLDER_VARIABLE
from tinyhil.ground.errors import ConfigError
from tinyhil.judge.verify.run import verify
from tinyhil.pytest_side.plan import Options, make_plan
from tinyhil.pytest_side.rerun import read_earlier
from tinyhil.record.schema import TESTS

from .runs import NO_PAGE, lines, run

RECOVER = ("--hil-recover", "on", "--hil-link", "serial", "--hil-quick")
ONCE = "direction=in,every=1,first=2500,limit=1"


def ended_in(folder: Path) -> list[dict[str, Any]]:
    return lines(folder / TESTS)


def test_recovery_is_on_where_nobody_sits_beside_the_board(tmp_path: Path) -> None:
    bench = tmp_path / "bench.toml"
    station = '[stations.{}]\nboard = "nucleo-l4r5zi"\n{}\n'
    bench.write_text(
        "schema = 1\n"
        + station.format("desk", 'port = "/dev/a"')
        + station.format("far", 'port = "/dev/b"\nhost = "bench1"')
        + station.format("farm", 'labgrid = "l4-3"'),
        encoding="utf-8",
    )

    def recovers(choice: str | None) -> dict[str, bool]:
        options = Options(
            boards=["desk", "far", "farm", "mps2-an386"], bench=bench, data=None, firmware=None,
            link="auto", quick=False, all_windows=False, read_back=0.05, faults=None,
            runs=tmp_path, build=tmp_path, recover=choice,
        )  # fmt: skip
        made = make_plan(options)
        return {one.name: made.recovers(one) for one in made.stations}

    assert recovers(None) == {"desk": False, "far": True, "farm": True, "mps2-an386": False}
    assert set(recovers("on").values()) == {True}
    assert set(recovers("off").values()) == {False}
    with pytest.raises(ConfigError, match=r"--hil-recover: 'perhaps' is neither on nor off"):
        recovers("perhaps")


@pytest.mark.nightly
@pytest.mark.long
def test_a_test_that_passed_only_after_recovery_says_so_wherever_it_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The port goes away in the middle of accuracy, whose tests are the first."""
    junit, summary = tmp_path / "junit.xml", tmp_path / "summary.md"
    allure = tmp_path / "allure"
    files = ("--junitxml", str(junit), "--hil-summary", str(summary), "--alluredir", str(allure))
    faults = ("--hil-faults", f"kinds=disconnect,{ONCE}")
    code, output = run(tmp_path / "runs", *RECOVER, *faults, *files, "-m", "accuracy or memory")
    assert code == 0, output
    (folder,) = (file.parent for file in (tmp_path / "runs").glob("*/run.json"))
    assert verify(folder).findings == ()

    words = "reopen the port"
    assert f"recovery: {words}" in output
    assert f"mps2-an386: {words} has helped (" in output
    assert re.search(rf"accuracy: measured only after recovery: {words}; \d", output)
    assert re.search(r"top1.* not judged, recovered", output)
    assert not re.search(r"flash_bytes.* recovered", output)
    by_name = {re.split(r"[:\[]+", one["test"])[1]: one["recovered"] for one in ended_in(folder)}
    assert [name for name, by in by_name.items() if by] == ["test_quality_reaches_its_target"]
    assert by_name["test_quality_reaches_its_target"] == [words]
    suite = ElementTree.parse(junit).getroot()[0]  # noqa: S314 - our own
    found = [one.get("value") for one in suite.iter("property") if one.get("name") == "recovered"]
    assert {text.partition(";")[0] for text in found if text} == {words}
    text = summary.read_text("utf-8")
    assert "not judged, recovered" in text
    assert "measured only after recovery" in text
    results = "".join(file.read_text("utf-8") for file in allure.glob("*-result.json"))
    assert "measured only after recovery" in results
    (page,) = (tmp_path / "runs").glob("*_report/report.html")
    assert "measured only after recovery" in page.read_text("utf-8")
    assert f"passed only after recovery: {words}" in page.read_text("utf-8")

    assert main(["results", str(tmp_path / "runs")]) == 0
    assert "(recovered): the board failed" in " ".join(capsys.readouterr().out.split())


@pytest.mark.nightly
@pytest.mark.long
def test_the_farm_goes_on_without_a_board_that_nothing_brings_back(tmp_path: Path) -> None:
    """It dies in the first measure; its other tests end at once with the reason, and are what is
    run later."""
    options = (*NO_PAGE, *RECOVER, "-m", "accuracy or latency")
    faults = ("--hil-faults", f"kinds=death,{ONCE}")
    runs = tmp_path / "runs"
    code, output = run(runs, *options, *faults)
    assert code == 1
    assert "mps2-an386: is in quarantine, in this run: " in output
    assert output.count("the board is in quarantine: ") >= 2
    assert "farm return" not in output, "it is nobody else's"
    (folder,) = (file.parent for file in runs.glob("*/run.json"))
    assert verify(folder).findings == ()
    (line,) = lines(folder / "record.jsonl")
    rungs = [step["rung"] for step in line["details"]["recovery"]]
    assert rungs[0] == "reopen the port"
    assert rungs[-2:] == ["power cycle", "quarantine"]
    assert not any(step["helped"] for step in line["details"]["recovery"])
    assert {one["how"] for one in ended_in(folder)} == {"error"}
    (earlier,) = read_earlier([folder])
    assert earlier.ended == frozenset()


@pytest.mark.long
def test_one_board_in_quarantine_leaves_the_others_and_waits_for_its_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its probe is not there at all: the board is refused by the next run, until it is returned."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "locks"))
    monkeypatch.setenv(coordinator.PROGRAM_VARIABLE, "/no/labgrid-client")
    bench = tmp_path / "bench.toml"
    bench.write_text(
        'schema = 1\n[stations.worn]\nboard = "mps2-an386"\nprobe = "0123456789"\n'
        'port = "/dev/null"\n[stations.worn.power]\nmethod = "command"\ncommand = ["true"]\n'
    )
    boards = ("--hil-board", "worn", "--hil-board", "mps2-an386", "--hil-bench", str(bench))
    options = (*NO_PAGE, *RECOVER, *boards, "-m", "memory")
    code, output = run(tmp_path / "runs", *options)
    assert code == 1
    assert "worn: is in quarantine, until it is returned: no debug probe '0123456789'" in output
    assert re.search(r"= 2 passed.* 2 errors in", output), output
    code, output = run(tmp_path / "runs", *options)
    assert code == 1
    assert re.search(r"QuarantinedError: \[worn\S*\] station 'worn' is in quarantine since", output)
    assert re.search(r"= 2 passed.* 2 errors in", output), output
    assert main(["farm", "return", "worn"]) == 0
    assert quarantine.notes() == []
