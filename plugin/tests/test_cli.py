"""The command line, as a user types it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tinyhil.image.elf import read_image


def tinyhil(*arguments: str, cwd: Path | None = None) -> tuple[int, str]:
    """Exit status and output of a command."""
    done = subprocess.run(
        [sys.executable, "-m", "tinyhil.cli.main", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_help_names_every_command_and_shows_examples() -> None:
    status, output = tinyhil("--help")
    assert status == 0
    for word in ("doctor", "boards", "emulate", "build", "pytest suites"):
        assert word in output


def test_doctor_finds_what_the_tests_run_with() -> None:
    status, output = tinyhil("doctor")
    assert "qemu-system-arm" in output
    assert status == (1 if "MISSING" in output else 0)


def test_doctor_says_how_to_get_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    status, output = tinyhil("doctor")
    assert status == 1
    assert "apt-get install qemu-system-arm" in " ".join(output.split())


def test_boards_are_listed_with_their_processor() -> None:
    status, output = tinyhil("boards")
    assert status == 0
    assert "mps2-an386" in output
    assert "Cortex-M4F" in output


def test_build_prints_operators_and_sizes_and_leaves_an_image(tmp_path: Path) -> None:
    status, output = tinyhil("build", cwd=tmp_path)
    assert status == 0, output
    assert "DEPTHWISE_CONV_2D" in output
    assert "2,656,768 MACs" in output
    image = tmp_path / "build" / "firmware" / "mps2-an386" / "kws01" / "objects" / "firmware.elf"
    assert f"text {read_image(image).text_bytes:,}" in output


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["build", "--board", "nope"], "no board 'nope'; known: mps2-an386"),
        (["build", "--task", "nope"], "no task 'nope'; known: ad01, ic01, kws01"),
        (["build", "--model", "/nowhere.tflite"], "/nowhere.tflite"),
        (["emulate", "nope"], "no board 'nope'; known: mps2-an386"),
    ],
)
def test_a_wrong_argument_is_an_error_with_a_next_step(
    tmp_path: Path, arguments: list[str], text: str
) -> None:
    status, output = tinyhil(*arguments, cwd=tmp_path)
    assert status == 2
    assert text in output
    assert "next step:" in output
    assert "Traceback" not in output
