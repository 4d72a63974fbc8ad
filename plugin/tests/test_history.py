"""History: which earlier runs belong to it, and what the picture of them says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tinyhil.catalog.facts import Limit
from tinyhil.catalog.verdict import judge
from tinyhil.judge.gate.compare import Comparison, Gate
from tinyhil.judge.gate.reading import load
from tinyhil.publish.report import history, trends
from tinyhil.pytest_side.gate import _compared

from .gate_runs import EMULATED, SILICON, Content, answers, write

_SVG = "{http://www.w3.org/2000/svg}"


def _texts(svg: bytes) -> str:
    root = ElementTree.fromstring(svg)  # noqa: S314 - made here
    return "\n".join("".join(element.itertext()) for element in root.iter(f"{_SVG}text"))


def _runs(runs: Path, contents: Sequence[Content]) -> list[Path]:
    """Runs of one day after the other."""
    folders = []
    for day, content in enumerate(contents, start=1):
        made = write(runs / "made", content)
        folder = runs / f"202601{day:02}T000000Z_{content.subject.board}"
        made.rename(folder)
        path, started = folder / "record.jsonl", f"2026-01-{day:02}T00:00:00.000+00:00"
        rows = [json.loads(line) | {"started": started} for line in path.read_text().splitlines()]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        folders.append(folder)
    return folders


def _flash(folder: Path) -> list[float]:
    found = history.series(folder, "kws01")
    assert found is not None
    return [point.metrics["flash_bytes"] for point in found[1]]


def test_history_is_of_the_same_board_task_data_and_firmware_and_ends_with_the_run(
    tmp_path: Path,
) -> None:
    def changed(text: int, **subject: object) -> Content:
        return Content(replace(EMULATED, **subject), text=text)  # type: ignore[arg-type]

    quick = {name: times[:8] for name, times in Content().ticks.items()}
    runs = _runs(
        tmp_path,
        [
            changed(1000),
            changed(1001, board="mps2-an500"),
            changed(1011, station="unit2"),
            changed(1002, task="vww01"),
            changed(1003, data_sha256="0" * 64),
            changed(1004, model_sha256=None),
            replace(changed(1005), ticks=quick),
            replace(changed(1006), error="it broke"),
            changed(1007, firmware_sha256="0" * 64),
            changed(1008),
            changed(1009),
        ],
    )
    assert _flash(runs[9]) == [1000, 1006, 1007, 1008]


def test_two_units_of_one_board_type_never_mix(tmp_path: Path) -> None:
    units = [replace(EMULATED, station=f"unit{1 + number % 2}") for number in range(6)]
    runs = _runs(tmp_path, [Content(unit, text=1000 + n) for n, unit in enumerate(units)])
    assert _flash(runs[4]) == [1000, 1002, 1004]
    assert _flash(runs[5]) == [1001, 1003, 1005]
    ((name, svg),) = trends.pictures(runs[5])
    assert name == "history: kws01 on unit2 (mps2-an386, emulated)"
    assert "last 3 runs: kws01 on unit2 (mps2-an386, emulated)" in _texts(svg)


def test_a_history_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "RUNS", 3)
    runs = _runs(tmp_path, [Content(text=1000 + number) for number in range(6)])
    assert _flash(runs[5]) == [1003, 1004, 1005]


def test_runs_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    runs = _runs(tmp_path, [Content(text=1000 + number) for number in range(5)])
    (runs[0] / "record.jsonl").write_text('{"task": "kws01", "measure": "memory"}\n')
    (runs[1] / "record.jsonl").write_text("[]\n")
    (runs[2] / "record.jsonl").write_bytes(b"\xff torn")
    (tmp_path / "20260103T000000.0Z_report").mkdir()
    (tmp_path / "20260103T000001Z_file").touch()
    assert _flash(runs[4]) == [1003, 1004]


def test_the_picture_shows_latency_size_and_quality_and_what_changed_last(tmp_path: Path) -> None:
    slower = {name: times + 4150 for name, times in Content().ticks.items()}
    runs = _runs(
        tmp_path, [Content(), Content(ticks=slower, text=46_360, answers=answers(wrong=5))]
    )
    ((name, svg),) = trends.pictures(runs[1])
    assert name == "history: kws01 on mps2-an386 (emulated)"
    texts = _texts(svg)
    assert "last 2 runs: kws01 on mps2-an386 (emulated), STAND-IN data" in texts
    assert "emulated: times are instruction counts, not times measured on silicon" in texts
    for text in ("p90 166.173 ms (+0.1 %)", "flash 45.2734 KiB (+2.26 %)", "top-1 95 % (-1.04 %)",
                 "RAM 52.1953 KiB (unchanged)", "latency (ms)", "01-02\n00:00"):  # fmt: skip
        assert all(part in texts for part in text.split("\n"))
    assert [(name, svg)] == list(trends.pictures(runs[1])), "the same bytes each time"


def test_a_metric_has_its_own_panel_and_silicon_no_instructions(tmp_path: Path) -> None:
    runs = _runs(tmp_path, [Content(SILICON), Content(SILICON)])
    ((_, svg),) = trends.pictures_of(runs[1], "kws01", "flash_bytes")
    texts = _texts(svg)
    assert "size (KiB)" in texts
    assert "latency (ms)" not in texts
    assert "instruction" not in texts
    assert not list(trends.pictures_of(runs[1], "kws01", "instructions"))


def test_a_first_run_has_no_history_yet(tmp_path: Path) -> None:
    runs = _runs(tmp_path, [Content()])
    assert not list(trends.pictures(runs[0]))
    assert not list(trends.pictures(tmp_path / "nowhere"))


def test_hostile_names_in_a_record_stay_text(tmp_path: Path) -> None:
    hostile = "</svg><script>alert(1)</script>$x$"
    runs = _runs(tmp_path / "a", [Content(replace(EMULATED, station="b"))] * 2)
    for folder in runs:
        path = folder / "record.jsonl"
        path.write_text(path.read_text().replace('"station": "b"', f'"station": "{hostile}"'))
    ((_, svg),) = trends.pictures(runs[1])
    assert b"<script>" not in svg
    assert hostile in _texts(svg)


def test_since_when_a_limit_is_missed_is_told_by_the_runs_in_a_row(tmp_path: Path) -> None:
    sizes = [1000, 3000, 900, 3000, 3100]
    builds = [f"{number}b" * 20 for number in range(4)]
    contents = zip(sizes, [*builds, None], strict=True)
    folders = _runs(tmp_path, [Content(text=size, build_id=build) for size, build in contents])
    limits = {"flash_bytes": Limit(max=2048, source="x")}

    def told(day: int) -> str:
        (verdict,) = judge({"flash_bytes": sizes[day - 1]}, limits)  # type: ignore[arg-type]
        return history.missed_since(history.points_of(folders[day - 1], "kws01"), verdict)

    assert told(1) == ""
    assert told(2) == (
        "missed since 2026-01-02 00:00 UTC (build 1b1b1b1b1b1b), new in this run; last kept "
        "2026-01-01 00:00 UTC (build 0b0b0b0b0b0b): 1000 B"
    )
    assert told(5) == (
        "missed since 2026-01-04 00:00 UTC (build 3b3b3b3b3b3b), 2 runs in a row; last kept "
        "2026-01-03 00:00 UTC (build 2b2b2b2b2b2b): 900 B"
    )
    for folder in folders[:3]:
        (folder / "record.jsonl").unlink()
    assert told(5).endswith("2 runs in a row; no earlier run here kept it")
    assert told(4).endswith("new in this run; there is no earlier run here")


def test_since_when_a_figure_is_worse_is_told_by_what_the_gate_says_of_earlier_runs(
    tmp_path: Path,
) -> None:
    sizes = [1000, 3000, 1000, 1400, 1400, 1300]
    baseline, *folders = _runs(tmp_path, [Content(text=size) for size in sizes])
    gate = Gate(load(baseline))
    line = gate.line_of("mps2-an386", "mps2-an386", "kws01", "flash_bytes")

    def of(folder: Path) -> Comparison | None:
        return _compared(gate.compare_metric, line, "flash_bytes", "mps2-an386", folder)

    def told(folder: Path) -> str:
        comparison = of(folder)
        assert comparison is not None
        return history.worse_since(folder, comparison, of)

    where = "(firmware f1f1f1f1f1f1)"
    assert told(folders[4]) == (
        f"worse since 2026-01-04 00:00 UTC {where}, 3 runs in a row; last as good as the baseline "
        f"2026-01-03 00:00 UTC {where}: 1,000 B"
    )
    assert told(folders[1]) == ""
    (folders[1] / "record.jsonl").unlink()
    assert ", 3 runs in a row; last as good" not in told(folders[4])
    assert "worse since 2026-01-02" in told(folders[4]), "a run that is gone says nothing"
