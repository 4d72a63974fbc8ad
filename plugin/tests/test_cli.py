"""The command line, as a user types it."""

from __future__ import annotations

import io
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tinyhil.cli import main
from tinyhil.cli.doctor import Check, examine
from tinyhil.ground.paths import ROOT
from tinyhil.ground.text import replace_unprintable
from tinyhil.image.elf import read_image

from . import warm


def tinyhil(*arguments: str, cwd: Path = ROOT) -> tuple[int, str]:
    """Exit status and output of a command."""
    return warm.call("tinyhil.cli.main", *arguments, folder=cwd)


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


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ("/usr/lib/arm-none-eabi/newlib/libstdc++.a", "/usr/lib/arm-none-eabi/newlib/libstdc++.a"),
        ("libstdc++.a", None),  # What GCC says of a file that it does not find.
        ("", None),
    ],
)
def test_doctor_asks_the_c_plus_plus_compiler_for_its_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, found: str | None
) -> None:
    compiler = tmp_path / "arm-none-eabi-g++"
    compiler.write_text(f'#!/bin/sh\n[ "$1" = -print-file-name=libstdc++.a ] && echo {printed}\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (check,) = (check for check in examine({}) if check.thing == "libstdc++")
    assert check.found == found
    assert check.optional
    assert "libstdc++-arm-none-eabi-newlib" in check.remedy


def test_doctor_misses_a_c_plus_plus_library_only_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only firmware in C++ needs it, so its absence is no error."""
    found = Check("libstdc++", None, "firmware in C++", "apt-get install it", optional=True)
    monkeypatch.setattr("tinyhil.cli.doctor.examine", lambda _: [found])
    assert main.main(["doctor"]) == 0
    output = capsys.readouterr().out
    assert "apt-get install it" in output
    assert "nothing is missing" in output


@pytest.mark.parametrize(
    ("thing", "version", "tried"),
    [
        ("qemu-system-arm", "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)", True),
        ("qemu-system-arm", "QEMU emulator version 10.0.8 (Debian 1:10.0.8+ds-0+deb13u1)", True),
        ("qemu-system-arm", "QEMU emulator version 8.2.2 (Debian 1:8.2.2+ds-0ubuntu1)", False),
        ("arm-none-eabi-gcc", "arm-none-eabi-gcc (15:12.2.rel1-1) 12.2.1 20221205", True),
        ("arm-none-eabi-gcc", "arm-none-eabi-gcc (15:14.2.rel1-1) 14.2.1 20241119", True),
        ("arm-none-eabi-gcc", "arm-none-eabi-gcc (Arm GNU Toolchain 13.2.rel1) 13.2.1", False),
        ("Python", "3.11.2", True),
        ("Python", "3.14.0", False),
        ("qemu-system-arm", "/usr/bin/qemu-system-arm", False),
        ("cmake", "cmake version 99.0.0", True),
    ],
)
def test_doctor_knows_the_versions_that_were_tried(thing: str, version: str, tried: bool) -> None:
    warning = Check(thing, version, "a test", "").warning
    assert (warning is None) == tried
    assert warning is None or "not tried; known to work: " in warning


def test_doctor_warns_of_a_version_that_was_not_tried_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "qemu-system-arm"
    program.write_text("#!/bin/sh\necho QEMU emulator version 8.2.2\n", encoding="utf-8")
    program.chmod(0o755)
    usual = tinyhil("doctor")[0]
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    status, output = tinyhil("doctor")
    assert "known to work: 7.2, 10.0" in " ".join(output.split())
    assert "1 not tried" in output
    assert status == usual


def test_doctor_can_be_read_on_a_terminal_that_is_ascii_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    _, output = tinyhil("doctor")
    assert "Traceback" not in output
    assert "..." in output


def test_our_own_characters_are_replaced_by_ascii_that_says_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    replace_unprintable()
    stream.write("42 µs ≤ 50 µs… 表")
    stream.flush()
    assert stream.buffer.getvalue() == b"42 us <= 50 us... ?"


def test_the_version_is_that_of_the_package() -> None:
    assert tinyhil("--version") == (0, f"tinyhil {version('pytest-tinyhil')}\n")


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
        (["build", "--board", "nope"], "no board 'nope'; known: b-l475e-iot01a"),
        (["build", "--task", "nope"], "no task 'nope'; known: ad01, ic01, kws01"),
        (["build", "--model", "/nowhere.tflite"], "/nowhere.tflite"),
        (["emulate", "nope"], "no board 'nope'; known: b-l475e-iot01a"),
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
