"""What commands answer to programs: one JSON object of the schema that the reference shows."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reference import commands
from tinyhil.catalog.board import Board
from tinyhil.catalog.task import Task
from tinyhil.cli.main import main
from tinyhil.ground.answer import Failed, as_json
from tinyhil.ground.errors import DeviceError
from tinyhil.image.build import Firmware
from tinyhil.judge.gate.command import Saved
from tinyhil.judge.verify import trust

from . import gate_runs


def check(name: str, text: str) -> dict[str, Any]:
    """Hold an answer against the schema of its command."""
    found: dict[str, Any] = json.loads(text)
    assert text.isascii()
    jsonschema.validate(found, commands.schema_of(*commands.answers(name), Failed))
    return found


def ask(capsys: pytest.CaptureFixture[str], name: str, *arguments: str) -> tuple[int, Any]:
    """Exit status and answer of a command, which is all that standard output gets."""
    status = main([*name.split()[1:], *arguments, "--format", "json"])
    return status, check(name, capsys.readouterr().out)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run in a project of its own, where the command is given."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TINYHIL_DATA", raising=False)
    return gate_runs.write(tmp_path / "reports" / "runs", gate_runs.Content())


def test_what_this_machine_has(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = ask(capsys, "tinyhil doctor")
    missing = [one for one in found["checks"] if one["found"] is None and not one["optional"]]
    assert (status, found["missing"]) == (min(1, len(missing)), len(missing))
    assert next(iter(found)) == "schema"
    status, found = ask(capsys, "tinyhil boards")
    assert "mps2-an386" in [board["name"] for board in found["boards"] if board["emulated"]]
    status, found = ask(capsys, "tinyhil suites")
    assert Path(found["folder"], "test_latency.py").is_file()
    status, found = ask(capsys, "tinyhil new suite")
    assert (status, found["suite"], found["settings"]) == (0, "hil/test_board.py", None)
    status, found = ask(capsys, "tinyhil completion", "bash")
    assert "mps2-an386" in found["script"]
    assert run.is_dir()


def test_runs_and_what_is_made_of_them(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = ask(capsys, "tinyhil results")
    (row,) = found["rows"]
    assert row["emulated"] is True
    figures = row["tasks"]["kws01"]
    assert figures["latency_s"] == pytest.approx(1 / figures["throughput_ips"])
    status, found = ask(capsys, "tinyhil verify", str(run))
    assert (status, found["sealed"], found["run"]) == (1, False, run.name)
    assert found["findings"][0]["text"]
    status, found = ask(capsys, "tinyhil gate", str(run), "--save", "old.json")
    assert (status, found["file"]) == (0, "old.json")
    assert found["bytes"] == Path("old.json").stat().st_size
    slower = gate_runs.write(Path("other"), gate_runs.Content(text=60_000))
    status, found = ask(capsys, "tinyhil gate", "old.json", str(slower))
    (worse,) = (one for one in found["comparisons"] if one["status"] == "worse")
    assert (status, found["failed"], worse["metric"]) == (1, 1, "flash_bytes")


def test_the_official_data(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = ask(capsys, "tinyhil data list")
    assert (status, found["root"], found["sets"][0]["state"]) == (0, None, None)
    folder = run.parent / "datasets" / "kws01"
    folder.mkdir(parents=True)
    (folder / "y_labels.csv").write_text("none\n")
    status, found = ask(capsys, "tinyhil data verify", str(run.parent), "--only", "kws01")
    (kws01,) = found["sets"]
    assert (status, kws01["altered"]) == (1, ["y_labels.csv"])
    assert len(kws01["missing"]) > 900


def test_a_submission(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, found = ask(capsys, "tinyhil submission template")
    Path("system.toml").write_text(
        found["toml"].replace('system = ""', 'system = "x"'), encoding="utf-8"
    )
    asked = [str(run), "--system", "system.toml", "--division", "closed", "--category", "rdi"]
    status, found = ask(capsys, "tinyhil submission export", *asked, "--out", "tree")
    assert (status, "is not sealed" in found["error"]["message"]) == (2, True)
    # A made-up run has no raw bytes, so it could not be verified.
    monkeypatch.setattr(trust, "trust_of", lambda _: trust.Trust("verified"))
    status, found = ask(capsys, "tinyhil submission export", *asked, "--out", "tree")
    assert (status, found["files"]) == (1, 0)
    assert any("emulated" in one["what"] for one in found["refused"])


def test_a_built_image(
    mps2: Board,
    kws01: Task,
    stand_in_firmware: Firmware,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = stand_in_firmware.image.path.parents[1]
    status, found = ask(capsys, "tinyhil build", "--out", str(folder))
    assert (status, found["board"], found["task"]) == (0, mps2.name, kws01.name)
    assert found["text_bytes"] == stand_in_firmware.image.text_bytes
    assert sum(one["macs"] for one in found["operators"]) == found["macs"] == 2_656_768


def test_an_emulated_board_says_how_to_reach_it_and_ends_with_its_command() -> None:
    command = [sys.executable, "-m", "tinyhil.cli.main", "emulate", "mps2-an386"]
    with subprocess.Popen(
        [*command, "--format", "json"], stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stdout is not None
        lines = list(iter(process.stdout.readline, "}\n"))
        found = check("tinyhil emulate", "".join(lines) + "}")
        assert (found["board"], found["baud"]) == ("mps2-an386", 115_200)
        assert found["port"]
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == ""
    assert process.returncode == 128 + signal.SIGINT


def test_an_error_is_an_answer_too(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["emulate", "nope", "--format", "json"])
    said = capsys.readouterr()
    error = check("tinyhil emulate", said.out)["error"]
    assert (status, error["kind"]) == (2, "ConfigError")
    assert error["next_step"] in said.err
    assert error["page"] in said.err


def test_text_of_strangers_and_figures_without_a_value_harm_nobody() -> None:
    answer = Saved(Path("a\x1b[31m\udcff"), 1, 2, ("\u202e",))
    text = as_json(answer)
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text)["left_out"] == ["\u202e"]
    hostile = DeviceError("said \x07", hint="look", board="b", stage="infer")
    assert "\x07" not in hostile.page


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_one(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(word in script for word in ("mps2-an386", "kws01", "verify", "--tolerance"))
    program = shutil.which(shell)
    if program:
        subprocess.run([program, "-n"], input=script, text=True, check=True, timeout=60)
