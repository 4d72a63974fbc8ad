"""The tests of a pytest run as the report lists them, each under a title with its figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tinyhil.catalog.wording import named
from tinyhil.ground.paths import SUITES
from tinyhil.ground.text import shown
from tinyhil.publish.report.page.ran import Ran, State
from tinyhil.pytest_side.again import recovered_of
from tinyhil.pytest_side.items import BOARD, TASK

_ATTRIBUTE = "tinyhil_test"
"""Of a test's report, which pytest-xdist hands on: values of JSON alone."""


class SeenTests:
    """Gathers how each test has ended; under pytest-xdist, in the controller."""

    def __init__(self) -> None:
        self._ran: list[Ran] = []
        self._earlier: dict[str, dict[int, str]] = {}
        """Why a test is run again, by its id: a text for each attempt."""
        self._title = ""
        self._figure: State | None = None

    @property
    def ran(self) -> Sequence[Ran]:
        """All that have ended."""
        return self._ran

    @property
    def repeated(self) -> Sequence[str]:
        """A line for each that has passed, but was run more than once, or after recovery."""
        return [
            shown(f"{test.title}: {test.text}")
            for test in self._ran
            if (test.attempts > 1 or test.recovered) and test.state in ("pass", "not judged")
        ]

    @property
    def broken(self) -> Mapping[str, Sequence[str]]:
        """Titles of the tests that ended with an error, by its text."""
        found: dict[str, list[str]] = {}
        for test in self._ran:
            if test.state == "error":
                where = f" ({' '.join(test.place)})" if test.place else ""
                found.setdefault(test.text, []).append(f"{test.title}{where}")
        return found

    def name(self, title: str, figure: State) -> None:
        """Name the running test.

        Args:
            title: with its figure.
            figure: the verdict on it.
        """
        self._title, self._figure = title, figure

    def mark(self, item: pytest.Item, call: pytest.CallInfo[None], report: Any) -> None:
        """Write what we know of a test into pytest's report of it."""
        params = getattr(item, "callspec", None) and item.callspec.params  # type: ignore[attr-defined]
        place = [params[BOARD], params[TASK]] if params and {BOARD, TASK} <= params.keys() else None
        known = {
            "title": self._title or _name(item, params or {}),
            "name": "" if item.path.is_relative_to(SUITES) else item.name,
            "place": place,
            "told": self._figure == "fail",
            "recovered": list(recovered_of(item)),
            "state": _state(call, report, self._figure),
        }
        setattr(report, _ATTRIBUTE, known)
        if call.when == "teardown":
            self._title, self._figure = "", None

    def add(self, report: pytest.TestReport) -> None:
        """A phase of a test has ended."""
        if report.outcome not in ("passed", "failed", "skipped"):  # It will be run again.
            attempts = self._earlier.setdefault(report.nodeid, {})
            attempts.setdefault(getattr(report, "rerun", len(attempts)), _text(report))
            return
        if report.when != "call" and report.passed:
            return
        known = getattr(report, _ATTRIBUTE, {})
        place, earlier = known.get("place"), [*self._earlier.get(report.nodeid, {}).values()]
        after = known.get("recovered", ())
        title = known.get("title", report.nodeid)
        self._ran.append(
            Ran(
                title=f"{title}, when it ended" if report.when == "teardown" else title,
                place=(place[0], place[1]) if place else None,
                state=known.get("state", "error"),
                seconds=report.duration,
                text="\n".join(
                    filter(None, (_again(report, earlier), _after(report, after), _text(report)))
                ),
                recovered=bool(after),
                told=known.get("told", False) and report.when == "call",
                attempts=len(earlier) + 1,
                name="" if title == report.nodeid else known.get("name", ""),
            )
        )


def _name(item: pytest.Item, params: dict[str, Any]) -> str:
    """What a test is of, where it has named no figure."""
    metric = params.get("metric") or params.get("gated_metric")
    if isinstance(metric, str):
        return named(metric)
    if BOARD in params:
        name: str = getattr(item, "originalname", None) or item.name
        return name.removeprefix("test_").replace("_", " ")
    return item.nodeid


def _state(call: pytest.CallInfo[None], report: pytest.TestReport, figure: State | None) -> State:
    if report.passed:
        return "not judged" if figure == "not judged" else "pass"
    if report.skipped:
        return "skipped"
    error = call.excinfo.value if call.excinfo else None
    missed = error is None or isinstance(error, AssertionError | pytest.fail.Exception)
    return "fail" if missed and call.when == "call" else "error"


def _again(report: pytest.TestReport, earlier: Sequence[str]) -> str:
    """How often a test was run, and what for; empty for one that was run once."""
    if not earlier:
        return ""
    reasons = "; ".join(f"attempt {n}: {text}" for n, text in enumerate(earlier, start=1))
    return f"{report.outcome} at attempt {len(earlier) + 1}; {' '.join(reasons.split())}"


def _after(report: pytest.TestReport, rungs: Sequence[str]) -> str:
    """What its board needed; empty for one that never failed."""
    return f"{report.outcome} only after recovery: {', '.join(rungs)}" if rungs else ""


def _text(report: pytest.TestReport) -> str:
    """Why a test failed or was skipped, without the way to it."""
    if report.passed:
        return ""
    why: Any = report.longrepr
    if isinstance(why, tuple):
        return str(why[2]).removeprefix("Skipped: ")
    crash = getattr(why, "reprcrash", None)
    if report.skipped:
        return str(getattr(report, "wasxfail", "")) or "no reason was given"
    if isinstance(why, str):  # `longreprtext` would begin with the worker of pytest-xdist.
        return why
    return str(crash.message) if crash else report.longreprtext
