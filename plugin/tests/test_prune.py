"""Which runs may go, and which never do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tinyhil.cli.main import main
from tinyhil.ground import locking
from tinyhil.ground.files import lock
from tinyhil.judge.gate import figures
from tinyhil.judge.gate.reading import figures_of
from tinyhil.publish import prune
from tinyhil.publish.prune import judge_runs, remove
from tinyhil.record.seal import seal
from tinyhil.record.store import read_run

from .gate_runs import Content, write


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    folder = write(tmp_path_factory.mktemp("made"), Content())
    seal(folder, {})
    return folder


def copies(made: Path, runs: Path, *names: str) -> list[Path]:
    """The same run under other names, as if one had been made a day."""
    runs.mkdir()
    found = []
    for name in names:
        folder = runs / name
        for path in sorted(made.rglob("*")):
            if path.is_file():
                target = folder / path.relative_to(made)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
        found.append(folder)
    return found


def fates(runs: Path, days: float = 0.0, baselines: tuple[Path, ...] = ()) -> dict[str, str]:
    later = datetime.now(UTC) + timedelta(days=50)
    return {one.folder.name: one.why for one in judge_runs(runs, days, baselines, later)}


def test_only_an_old_finished_run_that_nothing_needs_goes(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "RUNS", 2)
    runs = tmp_path / "runs"
    one, two, three, four, _, _ = copies(made, runs, "1_x", "2_x", "3_x", "4_x", "5_x", "6_x")
    (two / "seal.json").unlink()
    with (three / "record.jsonl").open("a") as file:
        file.write("\n")
    held = lock(four)
    assert fates(runs) == {
        "6_x": "history", "5_x": "history", "4_x": "being written",
        "3_x": "not as it was sealed", "2_x": "not finished", "1_x": "old",
    }  # fmt: skip
    locking.release(held)
    assert fates(runs)["4_x"] == "old"
    assert set(fates(runs, days=51).values()) == {"recent", "not as it was sealed", "not finished"}

    baseline = tmp_path / "baseline.json"
    named = [
        measured.line.model_copy(update={"run": one.name})
        for measured in figures_of(read_run(made))
    ]
    figures.write(baseline, named)
    assert fates(runs, baselines=(baseline,))["1_x"] == "baseline"

    later = datetime.now(UTC) + timedelta(days=50)
    freed = remove(judge_runs(runs, 0.0, (baseline,), later))
    assert freed == sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    assert sorted(path.name for path in runs.iterdir()) == ["1_x", "2_x", "3_x", "5_x", "6_x"]


def test_the_command_lists_and_removes_only_when_told(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prune, "RUNS", 1)
    runs = tmp_path / "runs"
    copies(made, runs, "1_x", "2_x")
    command = ["runs", "prune", str(runs), "--days", "0"]
    assert main(command) == 0
    assert "1 of 2 runs" in capsys.readouterr().out
    assert len(list(runs.iterdir())) == 2
    assert main([*command, "--remove", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["removed"] is True
    assert [row["why"] for row in answer["runs"]] == ["history", "old"]
    assert [path.name for path in runs.iterdir()] == ["2_x"]
    assert main([*command[:3], "--days", "-1"]) == 2
    assert "is not a number of days" in capsys.readouterr().err
