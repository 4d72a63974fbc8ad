"""The file of ``--hil-summary``: a run's figures in Markdown, for the page of a CI system."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from tinyhil.ground.errors import WriteError
from tinyhil.ground.files import writing_to
from tinyhil.ground.outputs import write_text
from tinyhil.publish.report.ci import summary
from tinyhil.pytest_side.report import HilReport


class SummaryFile:
    """Writes it when everything is measured.

    Args:
        path: of the file.
        report: knows the figures.
    """

    def __init__(self, path: Path, report: HilReport) -> None:
        self._path = path
        self._report = report
        self._problem: WriteError | None = None
        self._ended: set[str] = set()
        """Node ids of the tests that have."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the tests that were run: a job may be ended by its time limit."""
        self._ended.add(report.nodeid)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Boards are released by now, and the workers of pytest-xdist have told what they know."""
        try:
            yield
        finally:
            report = self._report
            text = summary(
                *(report.entries, report.comparisons, report.boards, report.runs, report.folders),
                notes=(*report.notes, *report.tests.repeated),
                broken=report.tests.broken,
                not_run=max(0, session.testscollected - len(self._ended)),
            )
            try:
                self._write(text)
            except WriteError as error:
                self._problem = error

    def _write(self, text: str) -> None:
        """To the end of GitHub's file, which a job's other commands write to; else a new file."""
        if str(self._path) == os.environ.get("GITHUB_STEP_SUMMARY"):
            with writing_to(self._path), self._path.open("a", encoding="utf-8") as file:
                file.write(text)
        else:
            write_text(self._path, text)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where it is."""
        if self._problem:
            terminalreporter.line(f"no summary: {self._problem}")
        else:
            terminalreporter.line(f"summary: {self._path}")
