"""Outputs that a user names: refused before anything is done, by option, place and next step."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tinyhil.cli.main import main
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.files import gone, unwritable, writing_to
from tinyhil.ground.outputs import check_file, check_folder, write_text

from .runs import run


@pytest.fixture
def bad(tmp_path: Path) -> dict[str, Path]:
    """Places where nothing can be made, by what is wrong with them."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    return {
        "a file": tmp_path / "file" / "x",
        "a link": tmp_path / "dangling" / "x",
        "not ours": Path("/proc/x"),
    }


KINDS = ("a file", "a link", "not ours")


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_cannot_be_made_is_refused(bad: dict[str, Path], kind: str) -> None:
    for check in (check_folder, check_file):
        with pytest.raises(ConfigError, match=r"option --out: .* cannot be written") as caught:
            check(bad[kind], "--out")
        assert caught.value.hint


def test_a_file_is_no_folder_and_a_folder_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is a file, not a folder"):
        check_folder(tmp_path / "file", "--out")
    with pytest.raises(ConfigError, match="is a folder, not a file"):
        check_file(tmp_path, "--out")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="link to a place that does not exist"):
        check_file(tmp_path / "link", "--out")


def test_a_check_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_folder(tmp_path / "a" / "b", "--out")
    check_file(Path("a/b/c.txt"), "--out")
    check_file(Path("/dev/null"), "--out")
    assert list(tmp_path.iterdir()) == []


def test_a_text_is_written_whole_with_its_folders_and_through_links(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b.txt", "first\n")
    (tmp_path / "link").symlink_to(tmp_path / "a" / "b.txt")
    write_text(tmp_path / "link", "second\n")
    assert (tmp_path / "a" / "b.txt").read_text() == "second\n"
    assert (tmp_path / "link").is_symlink()
    write_text(Path("/dev/null"), "nothing\n")
    assert Path("/dev/null").is_char_device(), "not replaced"


@pytest.mark.parametrize(
    ("code", "step"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permissions"),
        (errno.EIO, "dmesg"),
        (errno.ENOTDIR, "choose another place"),
    ],
)
def test_the_next_step_fits_the_cause(tmp_path: Path, code: int, step: str) -> None:
    error = unwritable(tmp_path / "x", OSError(code, os.strerror(code)))
    assert error.message == f"{tmp_path / 'x'}: cannot be written: {os.strerror(code)}"
    assert step in error.hint


def test_a_folder_that_is_gone_is_named_not_what_was_in_it(tmp_path: Path) -> None:
    assert gone(tmp_path / "run" / "raw" / "x.log").message.startswith(
        f"{tmp_path / 'run'} is gone"
    )
    with pytest.raises(Exception, match=f"{tmp_path / 'run'} is gone"), writing_to(tmp_path):
        (tmp_path / "run" / "raw").mkdir()


COMMANDS = {
    "build --out": ["build", "--out"],
    "gate --save": ["gate", "RUNS", "--save"],
    "results --out": ["results", "RUNS", "--out"],
    "results --out, html": ["results", "RUNS", "--format", "html", "--out"],
    "data fetch": ["data", "fetch"],
    "data build": ["data", "build"],
    "submission export --out": [
        *("submission", "export", "RUNS", "--system", "x.toml", "--division", "open"),
        *("--category", "rdi", "--out"),
    ],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_refuses_it(
    bad: dict[str, Path],
    command: str,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = bad[kind]
    monkeypatch.chdir(bad["a file"].parents[1])
    Path("RUNS").mkdir()
    assert main([*COMMANDS[command], str(place)]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("error: option ")
    assert "cannot be written" in errors
    assert "next step: " in errors


@pytest.mark.parametrize("option", ["--hil-build", "--alluredir", "--junitxml"])
def test_a_run_refuses_it_before_a_board_is_started(
    bad: dict[str, Path], tmp_path: Path, option: str
) -> None:
    status, output = run(tmp_path / "runs", option, str(bad["a file"]))
    assert status == pytest.ExitCode.USAGE_ERROR, output
    assert f"option {option}: {bad['a file']} cannot be written" in output
    assert "next step: choose another place" in output
    assert "INTERNALERROR" not in output
    assert not (tmp_path / "runs").exists()


def test_a_run_refuses_a_folder_of_runs_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("mine")
    status, output = run(tmp_path / "runs")
    assert status == pytest.ExitCode.USAGE_ERROR, output
    assert f"option --hil-runs: {tmp_path / 'runs'} cannot be written" in output
    assert (tmp_path / "runs").read_text() == "mine"
