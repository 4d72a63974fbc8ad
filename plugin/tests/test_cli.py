"""The command line, as a user types it."""

from __future__ import annotations

import argparse
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from unittest.mock import Mock

import pytest
from rich.console import Console

from tinyhil.cli import main
from tinyhil.cli.bench.command import _look
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


def test_without_a_command_it_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main([]) == 2
    assert "first steps:" in capsys.readouterr().out


def test_a_command_that_does_not_exist_has_a_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["new", "house"]) == 2
    assert "  next step: `tinyhil new --help` shows what it takes\n" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [("--format", "json"), ("--format=json",)])
def test_a_program_is_told_what_it_typed_wrong(
    asked: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["gate", *asked, "--tolerance"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "ConfigError"
    assert error["next_step"] == "`tinyhil gate --help` shows what it takes"


def _all_parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _all_parsers(inner)


def test_each_help_teaches_and_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a command to copy may be longer than a line."""
    monkeypatch.setenv("COLUMNS", "80")
    parsers = list(_all_parsers(main.parser()))
    assert len(parsers) > 20
    for parser in parsers:
        text = parser.format_help()
        assert "first steps:" in text or "examples:\n" in text, parser.prog
        wide = [line for line in text.splitlines() if len(line) > 80]
        assert [line for line in wide if not re.match("  (tinyhil|pytest) ", line)] == []
        assert [line for line in wide if re.search(r"\S {2,}\S", line)] == []


def test_help_names_the_suites_as_they_are_typed_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert "  pytest suites --hil-quick " in main.parser().format_help()
    monkeypatch.chdir(tmp_path)
    text = main.parser().format_help()
    assert "pytest suites" not in text
    assert '  pytest "$(tinyhil suites)" --hil-quick' in text
    told = {line.index(words) for line in text.splitlines() for words in WORDS if words in line}
    assert len(told) == 1, "one below the other"


WORDS = ("show what is missing", "a first look on", "run the benchmark")


def test_doctor_finds_what_the_tests_run_with() -> None:
    status, output = tinyhil("doctor")
    assert "qemu-system-arm" in output
    assert status == (1 if "MISSING" in output else 0)


def test_doctor_says_how_to_get_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    status, output = tinyhil("doctor")
    assert status == 1
    assert "apt-get install qemu-system-arm" in " ".join(output.split())


def test_doctor_counts_only_what_a_run_can_not_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures and Allure's page are an extra's: without them there is a report all the same."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setattr("tinyhil.cli.doctor.version", Mock(side_effect=PackageNotFoundError))
    monkeypatch.setattr("tinyhil.cli.doctor.find_allure", lambda: None)
    checks = {check.thing: check for check in examine({})}
    assert checks["cmake"].missing
    for thing in ("matplotlib", "node", "allure"):
        assert (checks[thing].found, checks[thing].missing) == (None, False)
        assert checks[thing].advice


def test_doctor_breaks_no_command_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    command = "apt-get install gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib"
    found = [Check("libstdc++", None, "firmware in C++", command)]
    monkeypatch.setattr("tinyhil.cli.doctor.examine", lambda _: found)
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=80, no_color=True, markup=False)
    assert _look(argparse.Namespace(boards=None), console) == 1
    assert f"libstdc++: {command}\n" in output.getvalue()
    assert max(map(len, output.getvalue().splitlines())) < 100


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
    get = "pip install 'it[build]'"
    found = Check("libstdc++", None, "firmware in C++", get, optional=True)
    monkeypatch.setattr("tinyhil.cli.doctor.examine", lambda _: [found])
    assert main.main(["doctor"]) == 0
    output = capsys.readouterr().out
    assert get in output, "as it is: no markup"
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


def test_a_command_imports_no_other_ones_modules() -> None:
    """Shells and scripts call it often, and NumPy alone is a tenth of a second."""
    script = """
import sys
from tinyhil.cli.main import COMMANDS, parser
parser("")
names = {f"tinyhil.{module}" for module, _ in COMMANDS.values()}
assert not names & sys.modules.keys(), names & sys.modules.keys()
parser("gate").parse_args(["gate", "a", "b"])
assert names & sys.modules.keys() == {"tinyhil.judge.gate.command"}
import tinyhil.publish.results.command, tinyhil.publish.results.render
assert not {"numpy", "pyocd", "sklearn", "tinyhil.judge.gate.compare"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", script], check=True)
