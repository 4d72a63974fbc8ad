"""The results table: what is in a row and next to it, and hostile text in each form."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from tinyhil.catalog.measure import MeasureName
from tinyhil.cli.main import main
from tinyhil.data.pins import load_classes
from tinyhil.publish.report.html import external_references
from tinyhil.publish.results import render
from tinyhil.publish.results.page import page
from tinyhil.publish.results.rows import Figures, Row, rows_of_runs
from tinyhil.publish.results.tree_rows import rows_of_tree
from tinyhil.publish.submission.system import load_system
from tinyhil.record.schema import AccuracyRow
from tinyhil.record.store import find_runs, read_run

from .submission_runs import (
    ACCURACY,
    STARTED,
    SYSTEM,
    THROUGHPUT,
    Device,
    system_file,
    write_run,
)
from .test_submission_export import run_export

HOSTILE = "<script>alert('1')</script>|=cmd()\x1b[2J"


def rows_in(runs: Path) -> tuple[Row, ...]:
    return rows_of_runs([read_run(folder) for folder in find_runs(runs)])


def shown(rows: tuple[Row, ...]) -> str:
    out = io.StringIO()
    Console(file=out, width=400).print(render.table(rows))
    return out.getvalue()


def test_a_row_holds_the_latest_of_each_measure_of_a_board_division_and_data_set(
    tmp_path: Path,
) -> None:
    write_run(tmp_path, ("ic01",), Device())
    later = replace(
        Device(),
        measures=ACCURACY,
        wrong_every=40,
        started=STARTED + timedelta(days=1),
    )
    write_run(tmp_path, ("ic01",), later)
    write_run(tmp_path, ("ic01",), replace(later, data_set="custom", wrong_every=10))
    custom, official = sorted(rows_in(tmp_path), key=lambda row: row.data_set)
    assert (official.tasks["ic01"].top1, official.tasks["ic01"].throughput_ips) == (0.975, 10.0)
    assert official.details.endswith(" and 1 more")
    assert (custom.tasks["ic01"].top1, custom.tasks["ic01"].throughput_ips) == (0.9, None)


def test_a_figure_of_images_says_which_list_it_is_of(tmp_path: Path) -> None:
    write_run(tmp_path, ("ic01", "kws01"), Device(measures=ACCURACY))
    write_run(tmp_path, ("ic01",), Device(measures=ACCURACY, data_set="custom"))
    later = Device(measures=ACCURACY, data_set="custom", station="unit2")
    folder = write_run(tmp_path, ("ic01",), later)
    raw = folder / "raw/ic01-accuracy.jsonl"
    rows = [json.loads(line) for line in raw.read_text().splitlines()]
    for row, name in zip(rows, load_classes("ic01-2022"), strict=True):
        row["sample"] = name
    raw.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    custom, official, unit2 = rows_in(tmp_path)
    assert (
        custom.tasks["ic01"].scope == official.tasks["ic01"].scope == ("200 samples, list of 2021")
    )
    assert official.tasks["kws01"].scope == "1000 samples"
    assert unit2.tasks["ic01"].scope == "200 samples, list of 2022"


def test_memory_has_columns_where_a_row_knows_it(tmp_path: Path) -> None:
    known = Row(device="a", tasks={"kws01": Figures(flash_bytes=75_000.0, ram_bytes=23_552.0)})
    unknown = Row(device="b", tasks={"kws01": Figures(top1=0.9)})
    both = shown((known, unknown))
    assert "flash 73.2 KiB" in both
    assert "RAM 23.0 KiB" in both
    assert "RAM -" in both
    none = tmp_path / "none"
    assert page((known, unknown), tmp_path, none).count('<th scope="col">RAM</th>') == 4
    for form in (shown((unknown,)), render.markdown((unknown,)), page((unknown,), tmp_path, none)):
        assert "RAM" not in form
    (line, _) = csv.DictReader(io.StringIO(render.comma_separated((known, unknown))))
    assert line["kws01_ram_bytes"] == "23552.0"


def test_two_units_of_one_board_type_are_two_rows(tmp_path: Path) -> None:
    for unit, wrong_every in (("unit1", 20), ("unit2", 40)):
        device = Device("mps2-an386", unit, measures=ACCURACY, wrong_every=wrong_every)
        write_run(tmp_path, ("ic01",), device)
    rows = rows_in(tmp_path)
    assert [(row.station, row.tasks["ic01"].top1) for row in rows] == [
        ("unit1", 0.95),
        ("unit2", 0.975),
    ]
    text = shown(rows)
    assert "station: unit1" in text
    assert text.count("device: mps2-an386") == 2
    lines = list(csv.DictReader(io.StringIO(render.comma_separated(rows))))
    assert [line["station"] for line in lines] == ["unit1", "unit2"]


def test_a_measure_that_ended_with_an_error_makes_no_figure(tmp_path: Path) -> None:
    folder = write_run(tmp_path, ("ic01",), Device(measures=ACCURACY))
    text = (folder / "record.jsonl").read_text()
    line = json.loads(text) | {"error": "the wire broke", "metrics": {"top1": 0.1}}
    (folder / "record.jsonl").write_text(f"{text}{json.dumps(line)}\n")
    (row,) = rows_in(tmp_path)
    assert row.tasks["ic01"].top1 == 0.95


def test_a_real_quick_run_is_shown_as_instruction_counts_of_stand_in_data(
    quick: tuple[Path, str], tmp_path: Path
) -> None:
    rows = rows_in(quick[0])
    (record,) = quick[0].glob("*/record.jsonl")
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    latency = next(line for line in lines if line["measure"] == "single_stream")
    count = f"{latency['metrics']['instructions']:,.0f} instr. (short)"
    plain, text = page(rows, tmp_path, tmp_path / "none"), shown(rows)
    for form in (render.markdown(rows), text):
        assert count in form
        assert "STAND-IN" in form
        assert "measured on silicon" in form
        assert "(24 samples)" in form
        assert " ms" not in form
    assert count.replace(" (", "<br>(") in plain
    assert rows[0].record == "verified"
    figures = rows[0].tasks["kws01"]
    assert figures.flash_bytes
    assert figures.ram_bytes
    assert "energy -" in text


def test_a_torn_last_line_of_a_killed_run_is_left_out_and_said(tmp_path: Path) -> None:
    folder = write_run(tmp_path, ("ic01",), Device(measures=ACCURACY + THROUGHPUT))
    record, raw = folder / "record.jsonl", folder / "raw/ic01-accuracy.jsonl"
    for path in (record, raw):
        path.write_bytes(path.read_bytes()[:-20])
    run = read_run(folder)
    assert run.torn
    assert [line.measure for line in run.lines] == ["accuracy"]
    assert len(run.rows("ic01", MeasureName.ACCURACY, AccuracyRow)) == 199


def test_a_submission_is_a_row_as_it_claims_it(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", ("ic01", "kws01"), Device(wrong_every=3))
    text = SYSTEM + '"Processor count" = "2"\n"Accelerator" = "Some NPU"\n'
    text += '[models.ic01]\nname = "tiny, pruned"\n[models.kws01]\nname = "other"\n'
    system = load_system(system_file(tmp_path, text))
    run_export(tmp_path / "runs", tmp_path / "tree", system=system, division="open")
    (row,) = rows_of_tree(tmp_path / "tree")
    text = shown((row,))
    for told in (
        "submitter: An Org",
        "division: open",
        "category: Available",
        "processor: 2 x Arm Cortex-M4F @ 120 MHz",
        "accelerator: Some NPU",
        "model: ic01: tiny, pruned; kws01: other",
        "latency p90 100 ms",
        "latency 1/throughput 100 ms",
        "top-1 66.5 %",
    ):
        assert told in text
    assert row.tasks["ic01"].energy_j is None
    assert (row.details, row.code) == (
        "open/An_Org/results/desk-board",
        "open/An_Org/code/desk-board",
    )


def test_the_real_submission_is_read_as_the_field_reads_it(official: Path) -> None:
    if not (official / "submissions").is_dir():
        pytest.skip(f"needs {official / 'submissions'}: a real submission")
    (row,) = rows_of_tree(official / "submissions")
    assert (row.submitter, row.category, row.device) == (
        "STMicroelectronics",
        "Available",
        "NUCLEO-L4R5ZI",
    )
    kws = row.tasks["kws01"]
    assert (kws.throughput_ips, kws.energy_j, kws.top1, kws.auc) == (
        13.323,
        3371.738e-6,
        0.902,
        0.99,
    )
    assert kws.latency_p90_s is None
    assert row.tasks["ad01"].top1 is None
    assert "latency 1/throughput 75.06 ms" in shown((row,))


def test_hostile_text_is_shown_and_never_run_in_any_form(tmp_path: Path) -> None:
    row = Row(
        submitter=HOSTILE,
        device="=HYPERLINK(1)",
        details=HOSTILE,
        models={"kws01": HOSTILE},
        tasks={"kws01": Figures(top1=0.9, scope=HOSTILE)},
    )
    plain = page((row,), tmp_path, tmp_path / "none")
    tags = Tags(plain)
    assert not tags.names & {"script", "img", "iframe", "object", "embed", "link"}
    assert "<script>alert('1')</script>" in tags.text
    assert external_references(plain) == []
    assert "default-src 'none'" in plain
    markdown = render.markdown((row,))
    assert "<script" not in markdown
    assert len({line.replace("\\|", "").count("|") for line in markdown.splitlines()[:3]}) == 1
    (cells,) = csv.DictReader(io.StringIO(render.comma_separated((row,))))
    assert cells["device"] == "'=HYPERLINK(1)"
    assert cells["kws01_auc"] == "-"
    assert "\x1b" not in shown((row,)) + plain + markdown
    (values,) = json.loads(render.as_json((row,)))["rows"]
    assert values["submitter"] == HOSTILE
    assert values["tasks"]["kws01"]["auc"] is None


class Tags(HTMLParser):
    """The tags of a page, and what a person reads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.names.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_strangers_text_reaches_no_terminal_raw_as_csv() -> None:
    text = render.comma_separated((Row(submitter="\x1b]0;owned\x07", details="a\udcff"),))
    assert text.isprintable() or not set(text) & {"\x1b", "\x07", "\udcff"}
    assert "owned" in text


def test_a_project_without_runs_is_told_how_to_make_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["results"]) == 2
    said = capsys.readouterr().err
    assert f"{tmp_path / 'reports' / 'runs'}: is not there: nothing was measured yet" in said
    assert 'next step: `pytest "$(tinyhil suites)" --hil-quick` measures' in said
