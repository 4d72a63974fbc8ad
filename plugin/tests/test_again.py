"""A test that is run again after its board failed: what is opened anew, kept, and told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tinyhil.benchmarks import BUILD
from tinyhil.data.material import Material
from tinyhil.device.inference import ATTEMPTS
from tinyhil.emulator.foreign import Fault, ForeignDevice
from tinyhil.judge.verify.run import verify
from tinyhil.pytest_side.seen import SeenTests

from . import warm
from .runs import LIGHT, NO_PAGE, RUN_S, lines

SUITE = """
def test_latency(measurement):
    assert measurement.judge("latency_p50_s").value == 0.05

def test_quality(measurement):
    measurement.judge("top1")

def test_latency_again(measurement):
    assert measurement.judge("latency_p50_s").value == 0.05
"""

RUN_AGAIN = """
import pytest
from _pytest.runner import runtestprotocol

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    for attempt in range(2):
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        again = attempt == 0 and any(report.failed for report in reports)
        for report in reports:
            if again and report.failed:
                report.outcome, report.rerun = "rerun", attempt
            item.ihook.pytest_runtest_logreport(report=report)
        if not again:
            return True
"""
"""A test that has failed is run once more, in the way of pytest-rerunfailures."""


def test_a_second_attempt_opens_anew_keeps_what_was_measured_and_is_told(
    tmp_path: Path, stand_in: Material
) -> None:
    assert stand_in.data.samples
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "data").symlink_to(BUILD / "data")
    (tmp_path / "test_mine.py").write_text(SUITE, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(RUN_AGAIN, encoding="utf-8")
    faults = [Fault("error", "db load", nth=20 + n) for n in range(ATTEMPTS)]
    with ForeignDevice("kws01", lambda _: [1.0] + [0.0] * 11, faults=faults) as device:
        bench = f'[stations.desk]\nboard = "nucleo-l4r5zi"\nport = "{device.port}"\n'
        (tmp_path / "bench.toml").write_text(f"schema = 1\n{bench}", encoding="utf-8")
        options = ("--hil-board", "desk", "--hil-task", "kws01", "--hil-quick")
        files = ("--junitxml", tmp_path / "junit.xml", "--hil-summary", tmp_path / "summary.md")
        place = (tmp_path, "--rootdir", tmp_path, *LIGHT, *NO_PAGE)
        process = warm.Run([str(one) for one in (*place, *options, *files)], os.environ)
        text, _ = process.communicate(timeout=RUN_S)
    assert process.returncode == 0, text
    assert text.count("desk: is measured as it is") == 2, "the job was begun anew"
    told = "not judged: passed at attempt 2; attempt 1: DeviceError: [desk / accuracy]"
    assert told in text
    assert told.partition(";")[0] in (tmp_path / "summary.md").read_text("utf-8")
    assert "is not finished" not in text
    assert "ERROR" not in text, "what was measured at last takes the error's place"
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]  # noqa: S314 - our own
    found = [one.get("value") for one in suite.iter("property") if one.get("name") == "attempts"]
    assert found == ["2"]
    (folder,) = tmp_path.glob("reports/runs/*_desk")
    measured = [(line["measure"], line["verdict"]) for line in lines(folder / "record.jsonl")]
    assert measured == [
        ("single_stream", "not judged"), ("accuracy", "error"), ("accuracy", "not judged"),
    ]  # fmt: skip
    (page,) = tmp_path.glob("reports/runs/*_report/report.html")
    assert "1 test passed only when run again" in page.read_text("utf-8")
    # The device's clock is made up, which the host's shows; all else is as the run says.
    assert {one.file for one in verify(folder).findings} == {"raw/kws01-serial.log"}


def test_attempts_that_all_fail_are_told_with_the_reason_of_each() -> None:
    seen = SeenTests()
    for attempt, outcome, why in (
        (0, "rerun", "no answer\nnext step: look"),
        (0, "rerun", "nor when it ended"),
        (1, "failed", "gone"),
    ):
        report: Any = pytest.TestReport("t", ("", 0, ""), {}, "failed", why, "call", rerun=attempt)
        report.outcome = outcome
        seen.add(report)
    (ran,) = seen.ran
    assert ran.text == "failed at attempt 2; attempt 1: no answer next step: look\ngone"
    assert ran.attempts == 2
