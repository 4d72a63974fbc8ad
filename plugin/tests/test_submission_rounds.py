"""Submissions as the public rounds hold them: each form is read, and no correct one is accused."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from rich.console import Console

from tinyhil.catalog.rules import Round
from tinyhil.cli.main import main
from tinyhil.data.pins import load_classes, load_pins
from tinyhil.publish.results import render
from tinyhil.publish.results.tree_rows import rows_of_tree
from tinyhil.publish.submission import report as reporting
from tinyhil.publish.submission import rules
from tinyhil.publish.submission.check import check
from tinyhil.publish.submission.findings import Figure, Finding, Report, report_of
from tinyhil.publish.submission.owed import LATER_LIST
from tinyhil.publish.submission.recompute import stepped_auc
from tinyhil.publish.submission.runner_json import Heard
from tinyhil.publish.submission.session_log import read_log
from tinyhil.publish.submission.streaming import detections

from .field_sessions import (
    Eembc,
    Scores,
    answers,
    described,
    eembc_tree,
    energy_session,
    labelled,
    three_decimals,
)

NAMES = [f"made_up_{number:03}.bin" for number in range(60)]
RIGHT = "00099.000 ulp-mlperf: Top-1: 90.0%"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Scores]:
    """A user's own label file, and the answers of a device that is right but for every tenth."""
    folder = tmp_path_factory.mktemp("data")
    return folder, labelled(folder, NAMES)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A submitter with a described system."""
    folder = tmp_path / "tree/closed/Lab"
    described(folder)
    return folder


def figure(report: Report, name: str, test: str = "") -> Figure:
    """The only figure of this name."""
    (found,) = (one for one in report.figures if one.name == name and test in one.file.parts[-2])
    return found


def texts(report: Report, level: str) -> list[str]:
    return [finding.said for finding in report.findings if finding.level == level]


def spelled(task: Path) -> None:
    task.rename(task.parent / "keyword_spotting")


def renamed(task: Path) -> None:
    for file in task.glob("*/*"):
        file.rename(file.parent / f"{file.parent.name}_{file.name}")


def postprocessed(task: Path) -> None:
    (task / "accuracy/results.txt").rename(task / "accuracy/postproc.txt")


def framework_above(task: Path) -> None:
    lab = task.parents[2]
    (lab / "results/fast_nn").mkdir()
    (lab / "results/board").rename(lab / "results/fast_nn/board")
    (lab / "systems/board.json").rename(lab / "systems/system_description_BOARD_fast_nn.json")


def model_below(task: Path) -> None:
    (task / "DS-CNN-2").mkdir()
    for test in ("accuracy", "performance"):
        (task / test).rename(task / "DS-CNN-2" / test)


@pytest.mark.parametrize(
    "move",
    [spelled, renamed, postprocessed, framework_above, model_below],
    ids=lambda f: f.__name__,
)
def test_layouts_of_earlier_rounds_are_read_and_told(
    move: Callable[[Path], None], lab: Path, data: tuple[Path, Scores]
) -> None:
    task = lab / "results/board/kws"
    eembc_tree(task, data[1], claimed=RIGHT)
    move(task)
    report = check(lab.parents[1], data[0])
    assert {one.state for one in report.figures} == {"equal"}
    assert len(report.figures) == 2
    assert texts(report, "wrong") == []
    assert any("today's checker" in text for text in texts(report, "note"))
    (row,) = rows_of_tree(lab.parents[1])
    assert (row.device, row.tasks["kws01"].top1) == ("board", 0.9)
    assert row.models == ({"kws01": "DS-CNN-2"} if move is model_below else {})


def test_energy_in_a_folder_called_power_and_a_description_that_begins_alike(
    lab: Path, data: tuple[Path, Scores]
) -> None:
    eembc_tree(lab / "results/board-z2/kws", data[1], claimed=RIGHT)
    energy_session(lab / "results/board-z2/kws/power", NAMES)
    claim = "Median energy cost is 10500.000 uJ/inf.\n"
    (lab / "results/board-z2/kws/power/results.txt").write_text(claim)
    report = check(lab.parents[1], data[0])
    assert figure(report, "median energy, µJ/inf").state == "equal"
    assert texts(report, "wrong") == []


def split_lines(text: str) -> str:
    """A device prints lines of its own between two of the protocol, and the runner keeps all."""
    return f"dut: got ack\nand a feature\n{text}"


FORMS: dict[str, Callable[[], Eembc]] = {
    "three decimals": Eembc,
    "whole numbers": lambda: Eembc(write=lambda row: ",".join(str(round(127 * x)) for x in row)),
    "a comma behind": lambda: Eembc(write=lambda row: "".join(f"{x:.6f}," for x in row)),
    "seventeen digits": lambda: Eembc(write=lambda row: ",".join(f"{x:.17g}" for x in row)),
    "CR before a line": lambda: Eembc(lambda text: f"dut: \r{text}"),
    "CR CR behind": lambda: Eembc(lambda text: f"dut: {text}\r\r"),
    "an echo": lambda: Eembc(lambda text: f"dut: infer 1 0%{text}"),
    "lines of its own": lambda: Eembc(split_lines),
    "an interface board": lambda: Eembc(lambda text: f"io: [dut]: {text}"),
    "text behind each line": lambda: Eembc(lambda text: f"dut: {text} (app.c:12)"),
    "lines in JSON": lambda: Eembc(lambda text: f'dut: {{"text": "{text}"}}'),
    "no ends of inferences": lambda: Eembc(
        lambda text: "dut: idle" if text == "m-infer-done" else f"dut: {text}"
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_answers_in_every_form_of_the_field_are_read(
    form: str, lab: Path, data: tuple[Path, Scores]
) -> None:
    eembc_tree(lab / "results/board/kws", data[1], log=FORMS[form], claimed=RIGHT)
    report = check(lab.parents[1], data[0])
    assert figure(report, "top-1, %").state == "equal"
    assert figure(report, "median throughput, inf/s").state == "equal"
    assert texts(report, "wrong") == []


def test_the_older_runners_area_is_that_of_the_scores_as_they_came(
    lab: Path, data: tuple[Path, Scores]
) -> None:
    draw = np.random.default_rng(1)
    sigmoids = {
        name: list(np.where(np.array(row) > 0.5, 0.4, 0.0) + 0.5 * draw.random(len(row)))
        for name, row in data[1].items()
    }
    rows = np.round(np.array(list(sigmoids.values())), 3)
    area = stepped_auc(np.arange(len(rows)) % 12, rows)
    claimed = f"{RIGHT}\n00099.000 ulp-mlperf: AUC: {area:.3f}"
    eembc_tree(lab / "results/board/kws", sigmoids, claimed=claimed)
    found = figure(check(lab.parents[1], data[0]), "AUC")
    assert found.state == "equal"
    assert "exact 0." in found.source


def test_the_last_bits_of_a_double_are_no_disagreement(
    lab: Path, data: tuple[Path, Scores]
) -> None:
    task = lab / "results/board/kws"
    eembc_tree(task, data[1], claimed=RIGHT)
    rates = [250 / (250 * (50_000 + number)) * 1e6 * (1 + 2e-16) for number in range(5)]
    lines = [f"    Throughput: {rate!r} inf./sec." for rate in rates]
    with (task / "performance/results.txt").open("a") as file:
        file.write("\n".join(lines) + "\n")
    assert check(lab.parents[1], data[0]).disagreements == 0
    lines[3] = lines[3].replace("1", "2", 1)
    (task / "performance/results.txt").write_text("\n".join(lines) + "\n")
    wrong = texts(check(lab.parents[1], data[0]), "wrong")
    assert any("window throughput is 29" in text and rules.EVIDENCE in text for text in wrong)


def test_answers_of_timed_runs_that_differ_are_one_finding_with_its_rule_and_cause(
    lab: Path, data: tuple[Path, Scores]
) -> None:
    other = {name: [0.25] * 4 + [0.0] * 8 for name in NAMES[:5]}
    eembc_tree(lab / "results/board/kws", data[1], claimed=RIGHT, timed=other)
    report = check(lab.parents[1], data[0])
    (said,) = (f for f in report.findings if f.rule == rules.SAME_CODE)
    assert said.level == "unchecked"
    assert said.text.startswith("5 of 5 answers are not those of the accuracy session")
    assert "copy it before each inference" in said.cause
    log = lab / "results/board/kws/performance/log.txt"
    log.write_text(log.read_text().replace("m-infer-start-250", "m-infer-start-1"))
    (said,) = (f for f in check(lab.parents[1], data[0]).findings if f.rule == rules.SAME_CODE)
    assert (said.level, said.cause) == ("wrong", "")


def test_a_figure_that_cannot_be_checked_says_why(lab: Path, data: tuple[Path, Scores]) -> None:
    task = lab / "results/board/kws"
    eembc_tree(task, data[1], claimed=RIGHT)
    log = Eembc()
    for name in NAMES[:5]:
        log.host(f'parser: Command "bload dut "C:\\data\\{name}" 0 490"')
        log.host("dut: m-infer-start-250")
        log.host("dut: m-infer-do~")
    (task / "performance/log.txt").write_text("\n".join(log.lines))
    report = check(lab.parents[1], data[0])
    found = figure(report, "median throughput, inf/s")
    assert (found.state, found.source) == (
        "not checkable",
        "log.txt: 5 inferences, none with its end",
    )
    assert any("5 times, here first: a line" in text for text in texts(report, "unchecked"))
    with pytest.raises(ValueError, match="no reason is given"):
        Figure(PurePosixPath("results.txt"), 1, "AUC", "0.9", "-", "not checkable", " ")


@pytest.mark.parametrize(
    ("lost", "state", "told"),
    [
        ((), "equal", ""),
        ((0,), "equal", "10 time stamps where 11 belong (5 inferences): the pairs are taken"),
        ((7,), "not checkable", "10 time stamps where 11 belong (5 inferences): no pairs of them"),
        ((0, 5, 6), "not checkable", "8 time stamps where 11 belong"),
    ],
)
def test_energy_is_taken_between_stamps_that_fit_the_log(
    lost: Sequence[int], state: str, told: str, lab: Path
) -> None:
    folder = lab / "results/board/kws/energy"
    energy_session(folder, NAMES, lost)
    (folder / "results.txt").write_text("Median energy cost is 10500.000 uJ/inf.\n")
    report = check(lab.parents[1], None)
    found = figure(report, "median energy, µJ/inf")
    assert found.state == state
    notes = [text for text in texts(report, "note") if "time stamps" in text]
    assert told in (found.source if state == "not checkable" else "".join(notes))


def test_energy_of_the_gaps_is_told_from_that_of_the_inferences(lab: Path) -> None:
    folder = lab / "results/board/kws/energy"
    energy_session(folder, NAMES, (0,))
    gaps_uj = 9500 * 35.0 / 50
    (folder / "results.txt").write_text(f"Median energy cost is {gaps_uj:.3f} uJ/inf.\n")
    report = check(lab.parents[1], None)
    found = figure(report, "median energy, µJ/inf")
    assert (found.state, found.recomputed) == ("differs", "10500.00000")
    assert any("took the gaps between the inferences" in text for text in texts(report, "note"))


def test_a_round_without_summaries_has_its_figures_told(
    lab: Path, data: tuple[Path, Scores]
) -> None:
    task = lab / "results/board/kws"
    eembc_tree(task, data[1], claimed=RIGHT)
    for test in ("accuracy", "performance"):
        (task / test / "results.txt").unlink()
    notes = texts(check(lab.parents[1], data[0]), "note")
    assert "no claim to compare with; the answers give top-1 90.0 %, AUC 0.945" in notes
    assert "no claim to compare with; the answers give median throughput 19.999 inf/s" in notes


def test_a_stamp_that_todays_runner_lost_makes_its_energy_not_checkable(lab: Path) -> None:
    folder = lab / "results/board/kws/energy"
    folder.mkdir(parents=True)
    power = {"samples": [1e-6] * 12_000, "timestamps": [[0, 900], [1, 1000], [3, 11_500]]}
    good = {"file": "a.bin", "infer": {"iterations": 100, "results": [1.0]}, "power": power}
    (folder / "results.json").write_text(json.dumps([good, {"error": "loop_count was not 5"}]))
    (folder / "results.txt").write_text("Median energy cost is 105.0000 uJ/inf.\n")
    found = figure(check(lab.parents[1], None), "median energy, µJ/inf")
    assert found.source.endswith("time stamps 1 and 3 do not follow each other: one was lost")


def ic_tree(lab: Path, names: Sequence[str], task: str = "ic", claimed: str = RIGHT) -> None:
    labels = load_classes("ic01-2022")
    scores = answers({name: labels.get(name, 0) for name in names}, 10)
    eembc_tree(lab / f"results/board/{task}", scores, claimed=claimed)


def test_the_list_of_2022_is_known_and_named_in_each_figure(lab: Path) -> None:
    names = list(load_classes("ic01-2022"))
    ic_tree(lab, names)
    report = check(lab.parents[1], None)
    found = figure(report, "top-1, %")
    assert (found.state, found.source) == ("equal", "log.txt, list of 2022")
    assert texts(report, "wrong") == []


LATER = load_classes("ic01-2022")
FIRST = [name for name in load_pins("ic01") if name.endswith(".bin")]
BOTH = sorted(LATER.keys() & set(FIRST))
ONLY_FIRST = [name for name in FIRST if name not in LATER]
ONLY_LATER = [name for name in LATER if name not in BOTH]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([*BOTH, *ONLY_LATER[:1]], "list of 2022"),
        ([*BOTH, *ONLY_FIRST[:1]], "list of 2021"),
        (BOTH, "list of 2021 or of 2022"),
        (ONLY_LATER[:1], "list of 2022"),
        ([*ONLY_FIRST, *ONLY_LATER[:1]], "lists of 2021 and of 2022 mixed"),
        ([*ONLY_FIRST[:100], *ONLY_LATER[:100]], "lists of 2021 and of 2022 mixed"),
    ],
    ids=["later", "first", "both", "one sample", "one other", "half and half"],
)
def test_lists_of_images_are_told_sample_by_sample(
    lab: Path, tmp_path: Path, names: list[str], said: str
) -> None:
    labelled(tmp_path / "data", names, "ic01", 10)
    eembc_tree(lab / "results/board/ic", answers(dict.fromkeys(names, 0), 10), claimed=RIGHT)
    report = check(lab.parents[1], tmp_path / "data")
    assert len(BOTH) == 3
    assert figure(report, "top-1, %").source == f"log.txt, {said}"
    if "mixed" not in said:  # The five samples of performance are not.
        assert figure(report, "median throughput, inf/s").source == f"log.txt, {said}"
    (told,) = (f.text for f in report.findings if f.rule == rules.WHOLE_SET)
    if "mixed" in said:
        first, later = len(set(names) & set(ONLY_FIRST)), len(set(names) & set(ONLY_LATER))
        assert told == (
            f"samples of several lists: {first} are of the list of 2021 alone, {later} are of the "
            "list of 2022 alone"
        )
    else:
        assert told == f"{200 - len(names)} of 200 samples of the {said} are missing"
    owed = [f for f in report.findings if f.rule == LATER_LIST]
    assert bool(owed) == ("2021" in said and " or " not in said)


def test_a_set_of_the_users_own_is_held_against_its_own_label_file(
    lab: Path, tmp_path: Path
) -> None:
    both = load_classes("ic01-2022").keys() & load_pins("ic01").keys()
    assert len(both) == 3
    names = [*sorted(both), *(f"own_{number:03}.bin" for number in range(197))]
    scores = labelled(tmp_path / "data", names, "ic01", 10)
    eembc_tree(lab / "results/board/ic", scores, claimed=RIGHT)
    report = check(lab.parents[1], tmp_path / "data")
    found = figure(report, "top-1, %")
    assert (found.state, found.source) == ("equal", "log.txt, list of --data")
    assert texts(report, "wrong") == []


def test_ic2_has_its_own_target_and_comes_beside_ic_only(lab: Path) -> None:
    ic_tree(lab, list(load_classes("ic01-2022")), "ic2")
    wrong = texts(check(lab.parents[1], None), "wrong")
    assert f"there is no ic: {rules.LARGE}" in wrong
    assert f"top1 is 0.9, the target 0.91: {rules.TARGET}" in wrong
    ic_tree(lab, list(load_classes("ic01-2022")))
    wrong = texts(check(lab.parents[1], None), "wrong")
    assert not any(rules.LARGE in text for text in wrong)
    (row,) = rows_of_tree(lab.parents[1])
    assert list(row.tasks) == ["ic01", "ic02"]


def sww_tree(lab: Path, **changes: object) -> Path:
    """An energy session of the streaming wake word: 3 words, of which one is missed."""
    folder = lab / "results/board/sww/energy"
    folder.mkdir(parents=True)
    # The first marks the start. A word from 2 to 3 s is heard late, one at 10 s twice, one at 20 s
    # not at all; 30 and 30.9 s are one false positive, 31.95 s is another.
    heard = [100, 4050, 10_200, 10_300, 30_100, 31_000, 32_050]
    entry = {
        "infer": {"wav_file": "long_wav.wav", "detections": heard,
                  "detection_windows": [[2.0, 3.0], [10.0, 10.5], [20.0, 20.5]]},
        "dutycycle": {"start_times_s": [0.0, 0.032, 0.064], "stop_times_s": [0.016, 0.048, 0.080]},
        "power": {"samples": [1e-3] * 3000, "timestamps": [[0, 100], [1, 500], [2, 2500]]},
    }  # fmt: skip
    (folder / "results.json").write_text(json.dumps([entry | changes]))
    (folder / "log.txt").write_text("Device model retrieved: sww01\n")
    (folder / "results.txt").write_text(
        "Median energy cost is 2000000.0000 uJ/inf.\n"
        "Accuracy: 2 True positives, 1 False negatives, 2 False positives\n"
        "Average duty cycle: 0.50000\nAverage period: 0.032000 s\n"
        "Estimated throughput: 62.500 inf./sec.\n"
    )
    return folder


def test_the_streaming_wake_word_is_recomputed_and_shown(lab: Path) -> None:
    sww_tree(lab)
    report = check(lab.parents[1], None)
    assert {one.name: one.state for one in report.figures} == {
        "false negatives": "equal",
        "false positives": "equal",
        "duty cycle": "equal",
        "estimated throughput, inf/s": "equal",
        "median energy, µJ/inf": "equal",
    }
    assert texts(report, "wrong") == []
    (row,) = rows_of_tree(lab.parents[1])
    out = io.StringIO()
    Console(file=out, width=300).print(render.table((row,)))
    assert "2 FP, 1 FN, duty cycle 50 %" in out.getvalue()
    assert "energy 2 J" in out.getvalue()


@pytest.mark.parametrize("kind", ["positives", "negatives"])
def test_a_wake_word_may_be_wrong_eight_times_and_not_nine(lab: Path, kind: str) -> None:
    folder = sww_tree(lab)
    text, said = (folder / "results.txt").read_text(), rf"\d False {kind}"
    for count, refused in ((8, False), (9, True)):
        (folder / "results.txt").write_text(re.sub(said, f"{count} False {kind}", text))
        report = check(lab.parents[1], None)
        assert figure(report, f"false {kind}").state == "differs"
        found = f"{count} false {kind}, at most 8: {rules.STREAMED}" in texts(report, "wrong")
        assert found == refused


def test_detections_of_a_log_are_held_against_the_users_own_windows(
    lab: Path, tmp_path: Path
) -> None:
    folder = sww_tree(lab)
    entry = json.loads((folder / "results.json").read_text())[0]["infer"]
    (folder / "results.json").unlink()
    told = {one.source for one in check(lab.parents[1], None).figures}
    assert told == {"log.txt: holds no answers of a device"}
    (tmp_path / "datasets/sww01").mkdir(parents=True)
    truth = tmp_path / "datasets/sww01/sww_long_test.json"
    truth.write_text(json.dumps([{"wav_file": "long_wav.wav", **entry}]))
    report = check(lab.parents[1], tmp_path)
    assert "log.txt: holds no list of detections" in figure(report, "false positives").source
    with (folder / "log.txt").open("a") as log:
        log.write(f"{entry['detections']}\n")
    report = check(lab.parents[1], tmp_path)
    for name in ("false positives", "false negatives"):
        assert figure(report, name).state == "equal"
    assert figure(report, "duty cycle").state == "not checkable"
    truth.write_text("[]")
    report = check(lab.parents[1], tmp_path)
    assert "of --data holds no windows" in figure(report, "false positives").source


def test_the_edges_of_a_detection_window_count_as_the_runner_counts() -> None:
    heard = Heard(detections=(0, 999, 1000, 3000, 3001), detection_windows=((1.0, 2.0),))
    found = detections(heard)
    assert (found.true_positives, found.false_negatives, found.false_positives) == (1, 0, 2)


def test_a_file_that_git_lfs_has_not_fetched_says_so(lab: Path, data: tuple[Path, Scores]) -> None:
    task = lab / "results/board/kws"
    eembc_tree(task, data[1], claimed=RIGHT)
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    for place in ("accuracy/log.txt", "performance/log.txt", "performance/results.json"):
        (task / place).write_text(pointer)
    told = {one.source for one in check(lab.parents[1], data[0]).figures}
    why = "is only a pointer of Git LFS: `git lfs pull` fetches the file"
    assert told == {f"log.txt: {why}", f"results.json: {why}; log.txt: {why}"}


@pytest.mark.parametrize(
    ("system", "own"),
    [
        ("fast_nn/BOARD-5", "system_description_BOARD5_fast_nn.json"),
        ("slow_nn/BOARD-5", "system_description_BOARD5_slow_nn.json"),
        ("board-z2", "system_description_board.json"),
        ("KIT-6", "KIT_6_System_Description.json"),
        ("kit", "kit/all_of_it.json"),
    ],
)
def test_a_description_is_found_under_a_name_that_resembles_its_system(
    system: str, own: str, lab: Path
) -> None:
    others = ("BOARD5_fast_nn", "BOARD5_slow_nn", "board")
    for place in (own, *(f"system_description_{other}.json" for other in others)):
        described(lab, "other", place)
    (lab / "results" / system / "kws/accuracy").mkdir(parents=True)
    described(lab, system, own)
    (lab / "systems/board.json").unlink()
    (row,) = rows_of_tree(lab)
    assert row.device == system


@pytest.mark.parametrize("middle", ["1" + 60_000 * " ", "1, " * 20_000, 60_000 * " "])
def test_a_hostile_line_costs_no_more_than_its_length(middle: str) -> None:
    started = time.process_time()
    log = read_log([(1, f"1.0 dut: m-results-[{middle}x")])
    assert len(log.problems) == 1
    assert time.process_time() - started < 5.0  # Quadratic in the blanks, it takes minutes.


MLC = """\
Device model retrieved: kws01
0725.143458 ulp-mlperf: Loading file {name} segment 0
Running inference with 1/2200 (warmup/measured) iterations ...
0725.143509 ulp-mlperf:   # Inferences :          2200
0725.143509 ulp-mlperf:   Runtime      :     10.546 sec.
0725.143509 ulp-mlperf:   m-results    : [{scores}]
"""


def test_a_log_of_todays_runner_is_read_where_its_answers_are_missing(
    lab: Path, data: tuple[Path, Scores]
) -> None:
    task = lab / "results/board/kws"
    eembc_tree(task, data[1], claimed=RIGHT.replace("Top-1: 90.0%", "Top 1% = 90.0"))
    for test, count in (("accuracy", 60), ("performance", 5)):
        log = "".join(
            MLC.format(name=name, scores=three_decimals(row).replace(",", ", "))
            for name, row in list(data[1].items())[:count]
        )
        exact = "# Inferences : 2200\nRuntime: 10.546091 sec.\n" * (5 if count == 5 else 0)
        (task / test / "log.txt").write_text(log + exact)
    claim = "0725.1 ulp-mlperf: Median throughput is    208.608 inf./sec.\n"
    (task / "performance/results.txt").write_text(claim)
    report = check(lab.parents[1], data[0])
    assert figure(report, "top-1, %").state == "equal"
    assert figure(report, "median throughput, inf/s").state == "equal"
    owed = texts(report, "owed")
    assert any("accuracy lacks results.json; performance lacks" in text for text in owed)


@pytest.mark.parametrize(
    ("parts", "kept"),
    [
        ((NAMES[:2], NAMES[:5], NAMES[:1]), NAMES[:5]),
        ((NAMES[:3], NAMES[:3]), NAMES[:3]),
        ((NAMES[:4], NAMES[4:10], NAMES[10:12]), NAMES[:12]),
    ],
)
def test_of_several_sessions_in_a_log_the_longest_counts_and_parts_are_joined(
    parts: Sequence[list[str]], kept: list[str]
) -> None:
    lines = []
    for number, names in enumerate(parts):
        log = Eembc()
        log.host(f"session: m-session-start-id[{number}]")
        for name in names:
            log.infer(name, [0.5, 0.5])
        lines += log.lines
    read = read_log(enumerate(lines, start=1))
    assert [inference.file for inference in read.inferences] == kept
    assert (read.sessions, read.problems) == (len(parts), ())


@pytest.mark.parametrize(
    ("round_", "owed"),
    [(None, True), (Round(1, 4), True), (Round(1, 3), False), (Round(1, 2), False)],
)
def test_the_older_runner_is_permitted_up_to_its_last_round(
    round_: Round | None, owed: bool, lab: Path, data: tuple[Path, Scores]
) -> None:
    eembc_tree(lab / "results/board/kws", data[1], claimed=RIGHT)
    report = check(lab.parents[1], data[0], None, round_)
    said = any(finding.rule == rules.RUNNER for finding in report.of("owed"))
    assert said is owed
    beside = {finding.text for finding in report.of("owed") if finding.rule != rules.RUNNER}
    assert ("no checklist" in beside) is (round_ != Round(1, 2))


def test_what_is_wrong_is_shown_first_and_what_is_left_out_is_counted() -> None:
    file = PurePosixPath("results.txt")
    notes = [Finding("note", file, f"note {number}") for number in range(700)]
    equal = [Figure(file, n, "AUC", "0.9", "0.9", "equal", "log.txt") for n in range(600)]
    differing = Figure(file, 999, "AUC", "0.8", "0.9", "differs", "log.txt")
    wrong = Finding("wrong", file, "what matters", rule="a rule")
    report = report_of([*equal, differing, *notes, wrong])
    out = io.StringIO()
    reporting.show(report, Console(file=out, width=150))
    text = out.getvalue()
    assert text.index("differs") < text.index("equal")
    assert "what matters: a rule" in text
    assert "and 101 more figures (all: --format json)" in text
    assert "and 201 more findings (all: --format json)" in text
    whole = json.loads(reporting.as_json(report))
    assert whole["counts"]["figures"] == len(whole["figures"]) == 601
    assert whole["findings"][0]["rule"] == "a rule"
    assert len(whole["findings"]) == 701


def test_the_command_writes_json_alone_and_refuses_a_round_that_is_none(
    lab: Path, data: tuple[Path, Scores], capsys: pytest.CaptureFixture[str]
) -> None:
    eembc_tree(lab / "results/board/kws", data[1], claimed=RIGHT)
    tree = str(lab.parents[1])
    options = ["--data", str(data[0]), "--format", "json", "--round", "v1.3"]
    assert main(["submission", "check", tree, *options]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert {one["state"] for one in whole["figures"]} == {"equal"}
    assert main(["submission", "check", tree, "--round", "latest"]) == 2
    assert "'latest' is not a round; such as v1.4" in capsys.readouterr().err
