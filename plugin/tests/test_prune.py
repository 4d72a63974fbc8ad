"""Which runs may go, and which never do."""

from __future__ import annotations

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tinyhil.cli.farm.status import status
from tinyhil.cli.main import main
from tinyhil.device.far import coordinator
from tinyhil.device.far.coordinator import Place
from tinyhil.ground import locking
from tinyhil.ground.files import lock
from tinyhil.judge.gate import figures
from tinyhil.judge.gate.reading import figures_of
from tinyhil.publish import prune
from tinyhil.publish.prune import Removed, judge_runs, remove
from tinyhil.record import Configuration, Record
from tinyhil.record.seal import seal
from tinyhil.record.store import find_runs, read_run

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
    done = remove(runs, judge_runs(runs, 0.0, (baseline,), later))
    assert done.folders == {four}
    assert done.problems == ()
    assert done.freed_bytes == sum(
        path.stat().st_size for path in made.rglob("*") if path.is_file()
    )
    assert sorted(path.name for path in runs.iterdir()) == ["1_x", "2_x", "3_x", "5_x", "6_x"]


def test_the_command_lists_and_removes_only_when_told(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prune, "RUNS", 1)
    runs = tmp_path / "runs"
    copies(made, runs, "1_x", "2_x")
    command = ["runs", "prune", str(runs), "--days", "0"]
    assert main(command) == 0
    output = capsys.readouterr().out
    assert "1 can go, " in output
    assert "1 stay, " in output
    assert len(list(runs.iterdir())) == 2
    assert main([*command, "--remove", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["removed"], answer["gone"], answer["problems"]) == (True, 1, [])
    assert [row["why"] for row in answer["runs"]] == ["history", "old"]
    assert [path.name for path in runs.iterdir()] == ["2_x"]
    assert main([*command[:3], "--days", "-1"]) == 2
    assert "is not a number of days" in capsys.readouterr().err


@pytest.fixture
def old(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three old runs, of which no history is drawn."""
    monkeypatch.setattr(prune, "RUNS", 0)
    copies(made, tmp_path / "runs", "1_x", "2_x", "3_x")
    return tmp_path / "runs"


def test_a_run_stays_that_another_one_goes_on_with_or_that_is_a_baseline_itself(old: Path) -> None:
    description = json.loads((old / "3_x" / "run.json").read_text())
    (old / "3_x" / "run.json").write_text(json.dumps({**description, "rerun_of": ["1_x"]}))
    seal(old / "3_x", {})
    assert fates(old) == {"3_x": "old", "2_x": "old", "1_x": "old"}
    # A name that the run was made with is of all three.
    kept = {"3_x": "baseline", "2_x": "old", "1_x": "gone on with"}
    for name in ("1_x", "2_x"):
        described = json.loads((old / name / "run.json").read_text())
        (old / name / "run.json").write_text(json.dumps({**described, "run": name}))
        seal(old / name, {})
    assert fates(old, baselines=(old / "3_x",)) == kept


def test_a_removal_that_was_killed_leaves_nothing_that_looks_like_a_run(old: Path) -> None:
    (old / "1_x").rename(old / ".1_x.pruned")
    assert [one.name for one in find_runs(old)] == ["2_x", "3_x"]
    done = remove(old, judge_runs(old, 10_000, ()))
    assert done.folders == {old / ".1_x.pruned"}
    assert sorted(one.name for one in old.iterdir()) == ["2_x", "3_x"]


def test_one_that_can_not_be_removed_keeps_no_other_one(
    old: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor does one that is behind a link, or that somebody else has begun to write or remove."""
    rename = os.rename

    def refused(source: Path, target: Path) -> None:
        if source.name == "2_x":
            raise PermissionError(errno.EACCES, "Permission denied", str(source))
        rename(source, target)

    monkeypatch.setattr(os, "rename", refused)
    (old.parent / "elsewhere").mkdir()
    (old / "3_x").rename(old.parent / "elsewhere" / "3_x")
    (old / "3_x").symlink_to(old.parent / "elsewhere" / "3_x")
    judged = judge_runs(old, 0.0, (), datetime.now(UTC) + timedelta(days=50))
    assert [one.why for one in judged] == ["elsewhere", "old", "old"]
    assert main(["runs", "prune", str(old), "--days", "0", "--remove"]) == 1
    output = capsys.readouterr().out
    assert "2_x: cannot be written: Permission denied" in output
    assert "1 were removed" in output
    assert (old / "3_x" / "record.jsonl").is_file()
    monkeypatch.undo()
    held = lock(old / "2_x")
    assert remove(old, judged).folders == set()
    locking.release(held)
    assert remove(old, judged).folders == {old / "2_x"}
    assert remove(old, judged) == Removed(frozenset(), 0, ())


def test_two_may_remove_at_the_same_time(old: Path) -> None:
    judged = judge_runs(old, 0.0, (), datetime.now(UTC) + timedelta(days=50))
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: remove(old, judged), range(4)))
    assert not any(one.problems for one in done)
    assert list(old.iterdir()) == []


def test_pages_of_old_nights_go_but_for_the_newest(old: Path) -> None:
    names = [f"2026010{day}T223000.000000Z_report" for day in (1, 2, 3)]
    for name in (*names, "notes_report"):
        (old / name).mkdir()
        (old / name / "report.html").write_text("<html>")
    assert {name: why for name, why in fates(old).items() if name.endswith("_report")} == {
        names[2]: "recent", names[1]: "old", names[0]: "old",
    }  # fmt: skip
    later = datetime(2026, 1, 4, tzinfo=UTC)
    found = {one.folder.name: one for one in judge_runs(old, 1.9, (), later)}
    assert [found[name].why for name in names] == ["old", "recent", "recent"]
    assert found[names[0]].size_bytes == len("<html>")
    (old / names[0] / "link").symlink_to(old)
    remove(old, [found[names[0]]])
    assert not (old / names[0]).exists()
    assert (old / "1_x" / "record.jsonl").is_file()


def test_a_run_that_came_to_no_measure_is_seen_and_goes_when_it_is_old(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its board had failed: a folder a night, which nobody would ever see."""
    record = Record.start(old, Configuration(station="l4-3", board="nucleo-l4r5zi"))
    record.close()
    seal(record.folder, {})
    assert fates(old)[record.folder.name] == "old"
    assert fates(old, days=51)[record.folder.name] == "recent"
    monkeypatch.setattr(coordinator, "places", lambda: (Place("l4-3"), Place("mps2-an386")))
    rows = {row.place: (row.last_run, row.last_verdict) for row in status(old).boards}
    assert rows["l4-3"] == (record.folder.name, "nothing")
    assert rows["mps2-an386"] == ("3_x", "not judged")
    held = lock(record.folder)
    assert fates(old)[record.folder.name] == "being written"
    locking.release(held)
    later = datetime.now(UTC) + timedelta(days=50)
    assert record.folder in remove(old, judge_runs(old, 0.0, (), later)).folders
