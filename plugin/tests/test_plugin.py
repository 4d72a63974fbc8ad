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


@pytest.mark.parametrize("option", ["--collect-only", "--verbose"])
def test_a_wrong_option_that_a_test_of_a_board_shows_is_told_once_without_a_traceback(
    pytester: pytest.Pytester, option: str
) -> None:
    (pytester.path / "pyproject.toml").write_text("[tool.tinyhil]\nfirmware = 'no.elf'\n")
    test = "def test_quality(measurement): measurement.judge('top1')"
    pytester.makepyfile(test_one=test, test_two=test, test_other="def test_other(): pass")
    result = pytester.runpytest(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = result.stdout.str() + result.stderr.str()
    assert said.count("no.elf is not a file") == 1
    assert "the value stands in " in said
    assert "Traceback" not in said
    assert "rig.py" not in said


def test_a_worker_tells_a_wrong_option_for_each_file_without_a_traceback(
    pytester: pytest.Pytester,
) -> None:
    """Where the controller could not know that a board is tested."""
    pytester.makepyfile("def test_quality(measurement): measurement.judge('top1')")
    config = pytester.parseconfigure("--hil-firmware", "no.elf")
    config.workerinput = {}  # type: ignore[attr-defined]
    with pytest.raises(pytest.Collector.CollectError, match=r"no\.elf is not a file"):
        plugin._choices(config, "hil_board")


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
