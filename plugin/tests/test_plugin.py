"""The plugin in other people's test suites: it must not disturb what is not its own."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tinyhil.ground.paths import SUITES
from tinyhil.pytest_side import plugin

pytest_plugins = ["pytester"]


def test_arguments_and_fixtures_of_the_users_own_names_are_left_alone(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def board():
            return "mine"

        def test_fixture(board):
            assert board == "mine"

        @pytest.mark.parametrize("task, number", [("wash", 1), ("dry", 2)])
        def test_parameter(task, number):
            assert task in ("wash", "dry")
        """
    )
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=3)


def test_a_run_without_boards_leaves_nothing_behind(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)
    assert "tinyhil ===" not in result.stdout.str()
    assert not (Path(pytester.path) / "reports").exists()


def test_fixtures_of_ours_are_parametrized_in_suites_of_the_users(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile("def test_quality(measurement): measurement.judge('top1')")
    result = pytester.runpytest("--collect-only", "-q", "--hil-board", "mps2-an386")
    result.stdout.fnmatch_lines(["*test_quality[[]mps2-an386-kws01[]]*"])


def test_audits_that_nobody_asked_for_are_left_out_unless_they_are_all_there_is() -> None:
    audit, other = (SimpleNamespace(path=SUITES / f"test_{name}.py") for name in ("audit", "x"))
    left_out: list[Any] = []

    def tell(items: list[Any]) -> None:
        left_out.extend(items)

    def chosen(markexpr: str, *items: Any) -> list[Any]:
        hook = SimpleNamespace(pytest_deselected=tell)
        config: Any = SimpleNamespace(option=SimpleNamespace(markexpr=markexpr), hook=hook)
        found = list(items)
        plugin.pytest_collection_modifyitems(config, found)
        return found

    assert chosen("", audit, other) == [other]
    assert left_out == [audit]
    assert chosen("", audit) == [audit], "it says how it is run"
    assert chosen("audit", audit, other) == [audit, other]
