"""Trees written from runs: every rule that forbids one is named, and what is written holds."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from tinyhil.catalog.task import Task
from tinyhil.data.pins import load_classes
from tinyhil.ground.errors import ConfigError
from tinyhil.publish.submission import owed, rules
from tinyhil.publish.submission.check import check
from tinyhil.publish.submission.export import Exported, export
from tinyhil.publish.submission.refusals import Request
from tinyhil.publish.submission.report import show_refusals
from tinyhil.publish.submission.system import System, load_system, template
from tinyhil.record import FAULTS_MARK
from tinyhil.record.store import find_runs, read_run

from .submission_runs import (
    ACCURACY,
    SYSTEM,
    THROUGHPUT,
    Device,
    system_file,
    write_run,
)

DEVICE = Device()


def run_export(
    runs: Path, out: Path, *, system: System | None = None, division: str = "closed",
    rehearsal: bool = False,
) -> Exported:  # fmt: skip
    described = system or load_system(system_file(runs))
    request = Request(described, division, "Available", rehearsal)
    return export([read_run(folder) for folder in find_runs(runs)], request, out)


def reasons(done: Exported) -> dict[str, list[str]]:
    """What was refused, by rule."""
    found: dict[str, list[str]] = {}
    for refusal in done.refused:
        found.setdefault(refusal.rule, []).append(refusal.what)
    return found


@pytest.mark.long
def test_a_tree_of_three_tasks_passes_the_check_and_owes_what_is_no_figure(
    tmp_path: Path,
) -> None:
    write_run(tmp_path / "runs", ("kws01", "ic01", "ad01"), DEVICE)
    done = run_export(tmp_path / "runs", tmp_path / "out")
    assert not done.refused
    report = check(tmp_path / "out", None)
    assert report.disagreements == 0
    assert report.reservations == len(report.of("owed"))
    assert {finding.rule for finding in report.of("owed")} == {
        owed.CHECKLIST, owed.CODE, owed.LATER_LIST, rules.RUNNER,
    }  # fmt: skip
    names = sorted({figure.name for figure in report.figures})
    assert names == ["AUC", "latency of a single query, s", "median throughput, inf/s", "top-1, %"]
    assert {figure.file.parts[4] for figure in report.figures} == {"kws", "ic", "ad"}
    assert {figure.source.split(",")[0] for figure in report.figures} == {"log.txt", "results.json"}


def test_a_figure_stands_in_results_txt_as_the_official_checker_reads_it(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", ("ic01",), DEVICE)
    folder = run_export(tmp_path / "runs", tmp_path / "out").submitter / "results/desk-board/ic"
    accuracy = (folder / "accuracy/results.txt").read_text()
    performance = (folder / "performance/results.txt").read_text()
    assert re.search(r"^\S+ tinyhil: Top 1% = 95\.0$", accuracy, re.MULTILINE)
    assert re.search(r"^\S+ tinyhil: AUC = 0\.9\d\d$", accuracy, re.MULTILINE)
    assert re.search(r"^\S+ tinyhil: Median throughput is +10\.000 inf\./sec\.$", performance, re.M)


def test_a_quick_emulated_run_is_refused_with_every_rule_that_it_breaks(
    quick: tuple[Path, str], tmp_path: Path
) -> None:
    done = run_export(quick[0], tmp_path / "out", system=System("desk", {}))
    assert reasons(done).keys() == {
        rules.SYSTEM,
        rules.PHYSICAL,
        rules.OFFICIAL_DATA,
        rules.CLOSED_MODEL,
        rules.WINDOWS,
        rules.SINGLE_STREAM,
        rules.WHOLE_SET,
    }
    assert not (tmp_path / "out").exists()
    shown = io.StringIO()
    show_refusals(done.refused, Console(file=shown, width=200))
    for rule in reasons(done):
        assert f"rule: {rule}" in shown.getvalue()


@pytest.mark.parametrize(
    ("device", "rule", "text"),
    [
        (replace(DEVICE, emulated=True), rules.PHYSICAL, "accuracy of .* is emulated"),
        (replace(DEVICE, data_set="custom"), rules.OFFICIAL_DATA, "ran on custom data"),
        (replace(DEVICE, link=f"rtt, {FAULTS_MARK}"), rules.EVIDENCE, "with faults on purpose"),
        (replace(DEVICE, data_set="stand-in"), rules.OFFICIAL_DATA, "ran on stand-in data"),
        (replace(DEVICE, model_sha256="ab" * 32), rules.CLOSED_MODEL, "another model"),
        (replace(DEVICE, model_sha256=None), rules.CLOSED_MODEL, "does not report its model"),
        (replace(DEVICE, window_s=9.9), rules.WINDOWS, r"window 1 .* lasts 9\.900 s"),
        (replace(DEVICE, inference_s=1.2), rules.WINDOWS, "window 1 .* has 9 inferences"),
        (replace(DEVICE, queries=1020), rules.SINGLE_STREAM, "1020 queries"),
        (replace(DEVICE, inference_s=0.05), rules.SINGLE_STREAM, r"of 51\.\d+ s in all"),
        (replace(DEVICE, samples=199), rules.WHOLE_SET, "1 of 200 samples of the list of 2021"),
        (replace(DEVICE, samples=4), rules.WINDOWS, "4 windows, 4 different inputs"),
        (replace(DEVICE, wrong_every=5), rules.TARGET, r"top1 is 0\.8, the target 0\.85"),
        (replace(DEVICE, measures=ACCURACY), rules.BOTH_TESTS, "ic01 has no throughput"),
        (replace(DEVICE, measures=THROUGHPUT), rules.BOTH_TESTS, "ic01 has no accuracy"),
        (replace(DEVICE, recorded={"top1": 0.99}), rules.EVIDENCE, "top1 .* recorded as 0.99"),
        (replace(DEVICE, recorded={"throughput_ips": 11.0}), rules.EVIDENCE, "recorded as 11.0"),
        (replace(DEVICE, recorded={"latency_p90_s": 0.09}), rules.EVIDENCE, "recorded as 0.09"),
    ],
)  # fmt: skip
def test_what_the_rules_forbid_is_refused(
    device: Device, rule: str, text: str, tmp_path: Path
) -> None:
    write_run(tmp_path / "runs", ("ic01",), device)
    done = run_export(tmp_path / "runs", tmp_path / "out")
    assert any(re.search(text, what) for what in reasons(done).get(rule, [])), reasons(done)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("labels_right", [True, False])
def test_the_list_of_2022_is_taken_when_each_sample_and_class_is_its_own(
    labels_right: bool, tmp_path: Path
) -> None:
    folder = write_run(tmp_path / "runs", ("ic01",), replace(DEVICE, data_set="custom"))
    raw = folder / "raw/ic01-accuracy.jsonl"
    left = load_classes("ic01-2022")
    rows = []
    for text in raw.read_text().splitlines():
        row = json.loads(text)
        row["sample"] = next(name for name, label in left.items() if label == row["label"])
        del left[row["sample"]]
        rows.append(row)
    if not labels_right:
        names = (rows[0]["sample"], rows[1]["sample"])
        rows[1]["sample"], rows[0]["sample"] = names
    raw.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    done = run_export(tmp_path / "runs", tmp_path / "out")
    assert (rules.OFFICIAL_DATA in reasons(done)) is not labels_right
    if labels_right:
        report = check(tmp_path / "out", None)
        assert report.disagreements == 0
        assert owed.LATER_LIST not in {finding.rule for finding in report.of("owed")}


def test_runs_of_two_units_or_two_images_are_not_one_system(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", ("ic01",), replace(DEVICE, measures=ACCURACY))
    other = replace(DEVICE, measures=THROUGHPUT, firmware_sha256="f2" * 32, station="unit2")
    write_run(tmp_path / "runs", ("ic01",), other)
    what = reasons(run_export(tmp_path / "runs", tmp_path / "out"))[rules.ONE_SYSTEM]
    assert what == [
        "the runs are of desk-board, unit2 (desk-board)",
        "ic01: accuracy and performance ran different images",
    ]


def test_the_latest_of_several_runs_is_exported(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", ("ic01",), DEVICE)
    later = replace(DEVICE, started=DEVICE.started.replace(day=3), wrong_every=40)
    write_run(tmp_path / "runs", ("ic01",), later)
    done = run_export(tmp_path / "runs", tmp_path / "out")
    results = done.submitter / "results/desk-board/ic/accuracy/results.txt"
    assert "Top 1% = 97.5" in results.read_text()


def test_a_rehearsal_says_so_in_folder_description_and_every_file(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", ("ic01",), replace(DEVICE, emulated=True))
    done = run_export(tmp_path / "runs", tmp_path / "out", rehearsal=True)
    mark = "REHEARSAL, emulated: times are instruction counts"
    system = done.submitter / "systems/REHEARSAL-desk-board.json"
    description = json.loads(system.read_text())
    assert description["Rehearsal"] == mark
    assert mark in description["Hardware Notes"]
    texts = list((done.submitter / "results/REHEARSAL-desk-board/ic").glob("*/*.txt"))
    assert len(texts) == 4
    for text in texts:
        assert mark in text.read_text().splitlines()[0]
    report = check(tmp_path / "out", None)
    assert report.disagreements == 0
    assert [finding.text for finding in report.of("note")] == [
        f"a rehearsal, not to be handed in: {mark}"
    ]


@pytest.mark.parametrize("hidden", ["folder", "description"])
def test_a_rehearsal_that_hides_its_mark_is_found_out(hidden: str, tmp_path: Path) -> None:
    write_run(tmp_path / "runs", ("ic01",), replace(DEVICE, emulated=True))
    submitter = run_export(tmp_path / "runs", tmp_path / "out", rehearsal=True).submitter
    system = submitter / "systems/REHEARSAL-desk-board.json"
    description = json.loads(system.read_text())
    del description["Rehearsal"]
    system.write_text(json.dumps(description))
    if hidden == "folder":
        system.rename(submitter / "systems/desk.json")
        (submitter / "results/REHEARSAL-desk-board").rename(submitter / "results/desk")
    texts = [finding.text for finding in check(tmp_path / "out", None).of("wrong")]
    expected = {
        "folder": ["the log is a rehearsal's, the system's folder is not"],
        "description": ["the folder is a rehearsal's, the description does not say so"],
    }
    assert list(dict.fromkeys(texts)) == expected[hidden]


def test_an_open_row_names_its_model_and_misses_no_target(tmp_path: Path) -> None:
    pruned = replace(DEVICE, model_sha256="ab" * 32, wrong_every=5)
    write_run(tmp_path / "runs", ("ic01",), pruned)
    refused = reasons(run_export(tmp_path / "runs", tmp_path / "out", division="open"))
    what = "ic01: the description names no model (models.ic01.name)"
    assert refused == {rules.OPEN_MODEL: [what]}
    path = system_file(tmp_path, SYSTEM + '[models.ic01]\nname = "resnet, pruned"\n')
    done = run_export(
        tmp_path / "runs", tmp_path / "out", system=load_system(path), division="open"
    )
    assert not done.refused
    description = json.loads((done.submitter / "systems/desk-board.json").read_text())
    assert description["Models"] == {"ic01": "resnet, pruned"}
    assert check(tmp_path / "out", None).disagreements == 0


@pytest.mark.parametrize(("declared", "refused"), [("official", False), ("ab" * 32, True)])
def test_a_firmware_that_does_not_tell_its_model_takes_a_declared_one(
    declared: str, refused: bool, kws01: Task, tmp_path: Path
) -> None:
    write_run(tmp_path / "runs", ("kws01",), replace(DEVICE, model_sha256=None))
    sha256 = kws01.official.model_sha256 if declared == "official" else declared
    path = system_file(tmp_path, f'{SYSTEM}[models.kws01]\nsha256 = "{sha256}"\n')
    done = run_export(tmp_path / "runs", tmp_path / "out", system=load_system(path))
    assert (rules.CLOSED_MODEL in reasons(done)) == refused


def test_another_system_joins_a_tree_and_the_same_one_is_not_overwritten(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", ("ic01",), DEVICE)
    run_export(tmp_path / "runs", tmp_path / "out")
    with pytest.raises(ConfigError, match=r"systems/desk-board\.json: exists already"):
        run_export(tmp_path / "runs", tmp_path / "out")
    other = system_file(tmp_path, SYSTEM.replace("desk-board", "second"))
    done = run_export(tmp_path / "runs", tmp_path / "out", system=load_system(other))
    assert not done.refused
    assert sorted(path.name for path in (done.submitter / "results").iterdir()) == [
        "desk-board",
        "second",
    ]
    assert [path for path in done.submitter.iterdir() if path.name.startswith(".")] == []
    assert check(tmp_path / "out", None).disagreements == 0


def test_the_template_takes_a_description_once_it_is_filled_in(tmp_path: Path) -> None:
    empty = system_file(tmp_path, template())
    with pytest.raises(ConfigError, match="'system': '' can't be the name of a folder"):
        load_system(empty)
    named = load_system(system_file(tmp_path, template().replace('system = ""', 'system = "b"')))
    assert "Submitter" in named.missing
    assert "Accelerator" not in named.missing


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SYSTEM.replace('"Board Name"', '"Board"'), "unknown field 'Board'"),
        (SYSTEM.replace('"desk-board"', '"../up"'), "'../up' can't be the name of a folder"),
        (SYSTEM.replace('"tinyhil"', "7"), "'Inference Framework': is not a text"),
        (SYSTEM + "[models.kws01]\nsha256 = 'short'\n", "is not a SHA-256"),
        ("[description", "cannot be read"),
    ],
)
def test_a_wrong_description_names_the_key(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_system(system_file(tmp_path, text))


def test_a_systems_json_of_an_older_submission_is_taken_as_a_description(tmp_path: Path) -> None:
    values = {"Submitter": "An Org", "Operating System ": "", "Status": "Preview"}
    (tmp_path / "board.json").write_text(json.dumps(values))
    system = load_system(tmp_path / "board.json")
    assert (system.name, system.description["Submitter"]) == ("board", "An Org")
    write_run(tmp_path / "runs", ("ic01",), DEVICE)
    refused = reasons(run_export(tmp_path / "runs", tmp_path / "out", system=system))
    assert (
        "the system's description says Status 'Preview', the command 'Available'"
        in (refused[rules.SYSTEM])
    )
