"""What is kept of many runs for the next time: never older than the run, and never needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tinyhil.cli.main import main
from tinyhil.publish import headings as told
from tinyhil.publish.headings import Heading, headings
from tinyhil.publish.results.rows import latest, rows_of_runs
from tinyhil.record import memo
from tinyhil.record.store import Run, find_runs, read_run

from .gate_runs import Content, write


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three runs, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for number in range(3):
        write(tmp_path / "runs", Content(text=1000 + number))
    return tmp_path / "runs"


def found(runs: Path) -> dict[str, str]:
    return {
        one.folder.name: one.worst if isinstance(one, Heading) else one.error.message
        for one in headings(find_runs(runs))
    }


def test_a_run_is_read_again_only_when_it_was_touched(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def reading(folder: Path) -> Run:
        read.append(folder)
        return read_run(folder)

    monkeypatch.setattr(told, "read_run", reading)
    first = found(runs)
    assert len(read) == len(first) == 3
    assert found(runs) == first
    assert len(read) == 3
    last = find_runs(runs)[-1]
    with (last / "record.jsonl").open("a") as file:
        file.write("{}\n")
    assert "record.jsonl" in found(runs)[last.name]
    assert read[3:] == [last]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"form": 1}', "odd"])
def test_what_is_kept_may_be_lost_or_anything(runs: Path, text: str) -> None:
    first = found(runs)
    (place,) = memo.cache().iterdir()
    if text == "odd":
        kept = json.loads(place.read_text())
        kept["runs"] = {name: [mark, {"odd": 1}] for name, (mark, _) in kept["runs"].items()}
        text = json.dumps(kept)
    place.write_text(text)
    assert found(runs) == first
    place.unlink()
    assert found(runs) == first


def test_the_table_reads_only_runs_that_it_shows(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = [one for one in headings(find_runs(runs)) if isinstance(one, Heading)]
    chosen = [read_run(one.folder) for one in latest(known)]
    everything = [read_run(folder) for folder in find_runs(runs)]
    assert len(chosen) < len(everything)
    assert rows_of_runs(chosen) == rows_of_runs(everything)
    assert main(["results", str(runs), "--format", "json"]) == 0
    assert "kws01" in capsys.readouterr().out
