"""The check of submission trees: what it recomputes, what it finds, and what it survives."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tinyhil.catalog import metrics
from tinyhil.ground.tree import Tree, Unreadable
from tinyhil.publish.submission import rules
from tinyhil.publish.submission.check import check
from tinyhil.publish.submission.findings import Report
from tinyhil.publish.submission.recompute import stepped_auc
from tinyhil.publish.submission.report import show
from tinyhil.publish.submission.runner_json import read_answers
from tinyhil.publish.submission.runner_log import read_runner_log
from tinyhil.publish.submission.session_log import read_log
from tinyhil.publish.submission.summary import read_summary
from tinyhil.publish.submission.trace import Stamped, read_trace

from .submission_runs import Device, write_run
from .test_submission_export import run_export

SYSTEM = Path("closed/An_Org/systems/desk-board.json")
TASK = Path("closed/An_Org/results/desk-board/ic")
ACCURACY, PERFORMANCE, ENERGY = (TASK / test for test in ("accuracy", "performance", "energy"))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of our own that passes."""
    folder = tmp_path_factory.mktemp("exported")
    write_run(folder / "runs", ("ic01",), Device())
    run_export(folder / "runs", folder / "tree")
    return folder / "tree"


@pytest.fixture
def tree(exported: Path, tmp_path: Path) -> Path:
    """A copy of it to spoil."""
    return Path(shutil.copytree(exported, tmp_path / "tree"))


@pytest.fixture(scope="session")
def real(official: Path) -> Path:
    """The real submission next to the official data."""
    root = official / "submissions"
    if not root.is_dir():
        pytest.skip(f"needs {root}: a real submission")
    return root


def said(report: Report) -> list[str]:
    """All that disagrees, with file and line."""
    figures = [
        f"{figure.file}:{figure.line} {figure.name} {figure.claimed} != {figure.recomputed}"
        for figure in report.figures
        if figure.state == "differs"
    ]
    wrong = [f"{finding.file}:{finding.line} {finding.said}" for finding in report.of("wrong")]
    return figures + wrong


def edit(path: Path, old: str, new: str, count: int = 1) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8")


def lengthen(log: Path, *stamps_us: int) -> None:
    """Move the second stamps of windows by 0.9 s."""
    for stamp in stamps_us:
        edit(log, f"m-lap-us-{stamp}", f"m-lap-us-{stamp + 900_000}")


def move_out(path: Path, outside: Path) -> None:
    path.rename(outside)
    path.symlink_to(outside)


def replace_by_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def redescribe(tree: Path, **changes: str | None) -> None:
    values = json.loads((tree / SYSTEM).read_text())
    for key, value in changes.items():
        values.pop(key.replace("_", " "), None)
        if value is not None:
            values[key.replace("_", " ")] = value
    (tree / SYSTEM).write_text(json.dumps(values))


def test_the_real_submissions_figures_follow_from_its_logs_and_traces(
    real: Path, official: Path
) -> None:
    report = check(real, official)
    assert said(report) == []
    figures = {
        (figure.file.parts[-3], figure.file.parts[-2], figure.name): figure
        for figure in report.figures
    }
    claimed = {
        ("kws", "accuracy", "top-1, %"): ("90.2", "90.200"),
        ("ic", "accuracy", "top-1, %"): ("85.0", "85.000"),
        ("vww", "accuracy", "top-1, %"): ("85.2", "85.200"),
        ("kws", "accuracy", "AUC"): ("0.99", "0.9927"),
        ("ic", "accuracy", "AUC"): ("0.99", "0.9878"),
        ("vww", "accuracy", "AUC"): ("0.94", "0.9360"),
        ("kws", "performance", "median throughput, inf/s"): ("13.323", "13.32346"),
        ("ic", "performance", "median throughput, inf/s"): ("4.407", "4.40739"),
        ("vww", "performance", "median throughput, inf/s"): ("4.339", "4.33851"),
        ("ad", "performance", "median throughput, inf/s"): ("131.950", "131.95011"),
        ("kws", "energy", "median energy, µJ/inf"): ("3371.738", "3371.73753"),
        ("ic", "energy", "median energy, µJ/inf"): ("10681.623", "10681.62321"),
        ("vww", "energy", "median energy, µJ/inf"): ("10066.628", "10066.62780"),
        ("ad", "energy", "median energy, µJ/inf"): ("322.977", "322.97702"),
    }
    for key, (claim, recomputed) in claimed.items():
        figure = figures[key]
        assert (figure.claimed, figure.recomputed, figure.state) == (claim, recomputed, "equal")
    unchecked = [key for key, figure in figures.items() if figure.state == "not checkable"]
    assert unchecked == [("ad", "accuracy", "top-1, %"), ("ad", "accuracy", "AUC")]
    doubled = [finding for finding in report.of("note") if "is there twice" in finding.text]
    assert doubled[0].text.startswith("'Inference Framework'")


@pytest.mark.parametrize("place", ["", "v1.0", "v1.0/closed", "v1.0/closed/STMicroelectronics"])
def test_a_tree_is_read_from_its_root_its_division_or_its_submitter(
    place: str, real: Path, official: Path
) -> None:
    report = check(real / place, official)
    assert sum(figure.state == "equal" for figure in report.figures) == 18


def test_without_the_labels_a_real_logs_accuracy_is_not_checkable(real: Path) -> None:
    report = check(real, None)
    assert report.disagreements == 0
    told = {figure.source for figure in report.figures if figure.state == "not checkable"}
    assert "log.txt: gives no classes: name the folder of the data sets with --data" in told


def test_one_changed_byte_of_a_real_trace_shows_in_its_energy(
    real: Path, official: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(real, tmp_path / "copy"))
    trace = next(copy.glob("v1.0/closed/*/results/*/kws/energy/trace1-energy.bin"))
    trace.chmod(0o644)
    data = bytearray(trace.read_bytes())
    data[5 + 4 * 50_000 + 2] ^= 0x40
    trace.write_bytes(data)
    first, *others = (text.split("/kws/")[1] for text in said(check(copy, official)))
    assert first.startswith("energy/results.txt:22 median energy, µJ/inf 3371.738 != 3371.")
    assert [text.partition(" is ")[0].partition(" ")[2] for text in others] == [
        "window energy", "window total energy", "window power",
    ]  # fmt: skip
    assert others[0].startswith("energy/results.txt:16 window energy is 3371.738, recomputed 3371.")


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a claimed top-1": (
        lambda tree: edit(tree / ACCURACY / "results.txt", "95.0", "95.5"),
        r"accuracy/results.txt:1 top-1, % 95.5 != 95.000",
    ),
    "a claimed AUC": (
        lambda tree: edit(tree / ACCURACY / "results.txt", "AUC = 0.9", "AUC = 0.8"),
        r"accuracy/results.txt:2 AUC 0.8",
    ),
    "an answer in the log": (
        lambda tree: edit(tree / ACCURACY / "log.txt", "0.900", "0.000", 9),
        "accuracy/results.txt:1 top-1, % 95.0 != 9",
    ),
    "a class in results.json": (
        lambda tree: edit(tree / ACCURACY / "results.json", '"class": "3"', '"class": "4"', 4),
        "accuracy/results.txt:1 top-1, % 95.0 != 93.000",
    ),
    "a time stamp": (
        lambda tree: lengthen(tree / PERFORMANCE / "log.txt", 15_500_000, 26_001_000, 36_502_000),
        "performance/results.txt:21 median throughput, inf/s 10.000 != 9.21053",
    ),
    "a single query": (
        lambda tree: edit(tree / PERFORMANCE / "log.txt", ",100006,", ",900006,", 200),
        "results.txt:24 latency of a single query, s 0.100006000 != 0.90000600000",
    ),
    "a window's own line": (
        lambda tree: edit(tree / PERFORMANCE / "results.txt", "   10.000 inf", "   11.000 inf"),
        "performance/results.txt:4 window throughput is 11.000, recomputed 10.00000",
    ),
    "no performance": (
        lambda tree: shutil.rmtree(tree / PERFORMANCE),
        "ic/performance:None is missing; the official checker drops the row",
    ),
    "no accuracy": (
        lambda tree: shutil.rmtree(tree / ACCURACY),
        "ic/accuracy:None is missing; the official checker drops the row",
    ),
    "no text before the figure": (
        lambda tree: edit(tree / ACCURACY / "results.txt", "00040.900 tinyhil: Top", "Top"),
        "accuracy/results.txt:1 '95.0' is not read: the official checker wants text before",
    ),
    "no median": (
        lambda tree: edit(tree / PERFORMANCE / "results.txt", "Median", "Mean"),
        "no figure that the official checker reads as throughput; it drops the row",
    ),
    "a figure that is not a number": (
        lambda tree: edit(tree / ACCURACY / "results.txt", "= 95.0", "= 9.5.0"),
        "accuracy/results.txt:1 '9.5.0' is not a number",
    ),
    "a short window": (
        lambda tree: edit(tree / PERFORMANCE / "log.txt", "m-lap-us-15500000", "m-lap-us-14999999"),
        f"window 1 (lippizaner_s_000613.bin) lasts 10.000 s: {rules.WINDOWS}",
    ),
    "a sample left out": (
        lambda tree: edit(
            tree / ACCURACY / "log.txt", "lippizaner_s_000613", "toy_spaniel_s_000285"
        ),
        "accuracy/log.txt:None 1 of 200 samples of the list of 2021 are missing; 1 samples were",
    ),
    "a log of another task": (
        lambda tree: edit(tree / ACCURACY / "log.txt", "m-task-[ic01]", "m-task-[kws01]"),
        "is a session of 'kws01', not ic01",
    ),
    "a device's error": (
        lambda tree: edit(tree / ACCURACY / "log.txt", "dut: m-infer-done", "dut: e-[no]"),
        "accuracy/log.txt:9 the device answers with the error 'no'",
    ),
    "another category": (
        lambda tree: redescribe(tree, Status="On sale"),
        f"Status is 'On sale': {rules.STATUS}",
    ),
    "another division": (
        lambda tree: redescribe(tree, Division="Open"),
        "Division is 'open', the folder's is 'closed'",
    ),
    "no submitter": (
        lambda tree: redescribe(tree, Submitter=None),
        f"'Submitter' is missing: {rules.SYSTEM}",
    ),
    "no description": (
        lambda tree: (tree / SYSTEM).rename(tree / SYSTEM.parent / "other.json"),
        "the official checker drops the system",
    ),
    "a damaged description": (
        lambda tree: (tree / SYSTEM).write_text("{"),
        "systems/desk-board.json:None is not JSON",
    ),
    "a description that nests without end": (
        lambda tree: (tree / SYSTEM).write_text('{"a":' * 200_000),
        "systems/desk-board.json:None is not JSON",
    ),
    "a link": (
        lambda tree: (tree / TASK / "link").symlink_to("/etc/passwd"),
        "ic/link:None a link: the official checker refuses the submitter",
    ),
    "a log behind a link": (
        lambda tree: move_out(tree / ACCURACY / "log.txt", tree.parent / "outside.txt"),
        "accuracy/log.txt:None a link",
    ),
    "a pipe that nobody writes to": (
        lambda tree: replace_by_a_pipe(tree / ACCURACY / "results.txt"),
        "accuracy/results.txt:None is not a regular file",
    ),
    "an empty folder": (
        lambda tree: (tree / TASK / "nothing").mkdir(),
        "ic/nothing:None is empty: the official checker refuses the submitter",
    ),
}


@pytest.mark.parametrize("what", SPOILED)
def test_what_is_spoiled_is_named_with_its_file_and_line(what: str, tree: Path) -> None:
    assert check(tree, None).disagreements == 0
    spoil, expected = SPOILED[what]
    spoil(tree)
    found = said(check(tree, None))
    assert any(expected in text for text in found), found


def test_a_target_is_missed_by_what_is_claimed_and_by_what_is_recomputed(tree: Path) -> None:
    text = (tree / ACCURACY / "log.txt").read_text().replace("0.900", "0.001", 60)
    (tree / ACCURACY / "log.txt").write_text(text)
    found = said(check(tree, None))
    assert any(f"top1 is 0.695, the target 0.85: {rules.TARGET}" in what for what in found), found
    edit(tree / ACCURACY / "results.txt", "95.0", "84.9")
    found = said(check(tree, None))
    assert any(f"top1 is 0.849, the target 0.85: {rules.TARGET}" in what for what in found), found


def test_a_log_that_is_missing_makes_its_figures_not_checkable_and_no_disagreement(
    tree: Path,
) -> None:
    for name in ("log.txt", "results.json"):
        (tree / ACCURACY / name).unlink()
    report = check(tree, None)
    assert report.disagreements == 0
    states = [figure.state for figure in report.figures if "accuracy" in figure.file.parts]
    assert states == ["not checkable", "not checkable"]
    assert len(report.of("unchecked")) == 1


def test_samples_of_another_list_are_recomputed_and_their_completeness_left_open(
    tree: Path,
) -> None:
    for name in ("log.txt", "results.json"):
        path = tree / ACCURACY / name
        path.write_text(path.read_text().replace(".bin", "_2022.bin"))
    report = check(tree, None)
    assert report.disagreements == 0
    assert {finding.text[:35] for finding in report.of("unchecked")} == {
        "no official list has these samples,"
    }
    top1 = [figure.state for figure in report.figures if figure.name == "top-1, %"]
    assert top1 == ["equal", "equal"]


def test_classes_that_a_tree_claims_are_held_against_the_data_sets_own(
    tree: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data/datasets/ic01"
    folder.mkdir(parents=True)
    entries = json.loads((tree / ACCURACY / "results.json").read_text())
    lines = [f"{entry['file']},10,{entry['class']}" for entry in entries]
    (folder / "y_labels.csv").write_text("\n".join(lines))
    assert check(tree, tmp_path / "data").disagreements == 0
    (folder / "y_labels.csv").write_text("\n".join(["lippizaner_s_000613.bin,10,7", *lines[1:]]))
    found = said(check(tree, tmp_path / "data"))
    assert any(
        "1 classes are not the data set's, for example that of lippizaner" in what for what in found
    ), found


def energy_session(folder: Path, per_inference_uj: list[float]) -> None:
    """An energy session of EEMBC's runner, 20 inferences in 11 s a window, sampled at 1 kHz."""
    folder.mkdir()
    samples = np.full(100_000, 5.0, dtype="<f4")
    log, stamps, texts = ["00001.000 dut: m-model-[ic01]"], [0.5], []
    for number, energy in enumerate(per_inference_uj):
        start = 2000 + 15_000 * number
        samples[start : start + 11_000] = energy * 20 / 11_000
        # Half a period early, so that no rounding of the sums decides.
        stamps += [start / 1000 - 0.0005, (start + 11_000) / 1000 - 0.0005]
        log += [
            f'00002.000 parser: Command "bloadp "C:\\data\\s{number}.bin""',
            "00002.000 io: [dut]: m-infer-start-20",
            "00002.000 io: [dut]: m-infer-done",
        ]
        texts.append(f"00099.000 ulp-ml:   Energy/Inf.  : {energy:12.3f} uJ/inf.")
    log += [
        "00099.000 emon: m-regfile-fn[t-energy.bin]-type[emon]-name[lpm01a]",
        "00099.000 emon: m-regfile-fn[t-timestamps.json]-type[etime]-name[lpm01a]",
    ]
    texts.append(
        f"00099.000 ulp-ml: Median energy cost is {np.median(per_inference_uj):.3f} uJ/inf."
    )
    (folder / "log.txt").write_text("\n".join(log))
    (folder / "t-energy.bin").write_bytes(struct.pack("<Bf", 0xF1, 1000.0) + samples.tobytes())
    (folder / "t-timestamps.json").write_text(json.dumps(stamps))
    (folder / "results.txt").write_text("\n".join(texts))


def test_energy_is_summed_between_the_stamps_of_a_trace(tree: Path) -> None:
    energy_session(tree / ENERGY, [100.0, 140.0, 120.0, 110.0, 130.0])
    report = check(tree, None)
    assert said(report) == []
    figure = next(figure for figure in report.figures if figure.file.parts[-2] == "energy")
    assert (figure.claimed, figure.state) == ("120.000", "equal")
    edit(tree / ENERGY / "results.txt", "is 120.000", "is 119.000")
    assert any("energy, µJ/inf 119.000 != 120.0" in text for text in said(check(tree, None)))


def test_stamps_whose_number_is_right_but_that_are_of_other_things_are_told(tree: Path) -> None:
    """One is missing, and another came twice: what lies between two windows is taken for one."""
    energy_session(tree / ENERGY, [100.0, 140.0, 120.0, 110.0, 130.0])
    log, stamps = tree / ENERGY / "log.txt", tree / ENERGY / "t-timestamps.json"
    times = json.loads(stamps.read_text())
    for start_s in times[1::2]:
        times_s = start_s + 0.01, start_s + 11.01
        started, done = (f"{at:09.3f} io: [dut]: m-infer" for at in times_s)
        edit(log, "00002.000 io: [dut]: m-infer", started)
        edit(log, "00002.000 io: [dut]: m-infer", done)
    assert said(check(tree, None)) == []
    stamps.write_text(json.dumps([times[0], times[0] + 0.001, *times[1:4], *times[5:]]))
    (found,) = check(tree, None).of("unchecked")
    assert "stamps of inference 1 are 1.498 s apart, by the log it took 10.999 s" in found.said


def test_a_trace_that_is_missing_or_torn_makes_energy_not_checkable(tree: Path) -> None:
    energy_session(tree / ENERGY, [100.0, 140.0, 120.0, 110.0, 130.0])
    trace = tree / ENERGY / "t-energy.bin"
    trace.write_bytes(trace.read_bytes()[:-3])
    torn = check(tree, None)
    trace.unlink()
    missing = check(tree, None)
    for report, why in ((torn, "its length is odd"), (missing, "t-energy.bin is not there")):
        (figure,) = (figure for figure in report.figures if figure.file.parts[-2] == "energy")
        assert figure.state == "not checkable"
        assert why in figure.source


def test_energy_of_todays_runner_is_recomputed_from_its_results_json(tree: Path) -> None:
    (tree / ENERGY).mkdir()
    entries = [
        {
            "file": f"s{number}.bin",
            "class": "1",
            "infer": {"results": [0.5] * 10, "iterations": 100},
            "power": {"samples": [1e-6] * 12_000, "timestamps": [[0, 900], [1, 1000], [2, 11_500]]},
        }
        for number in range(5)
    ]
    (tree / ENERGY / "results.json").write_text(json.dumps(entries))
    (tree / ENERGY / "log.txt").write_text("Captured samples:12000 timestamps:3\n")
    (tree / ENERGY / "results.txt").write_text("Median energy cost is 105.0000 uJ/inf.\n")
    report = check(tree, None)
    assert said(report) == []
    figure = next(figure for figure in report.figures if figure.file.parts[-2] == "energy")
    assert (figure.recomputed, figure.state) == ("105.000000", "equal")


def test_the_area_by_101_thresholds_is_the_exact_one_where_scores_lie_apart() -> None:
    generator = np.random.default_rng(7)
    labels = np.arange(300) % 3
    coarse = generator.integers(1, 20, (300, 3)) / 20.0
    coarse[np.arange(300), labels] += 0.3
    shares = np.round(coarse / coarse.sum(axis=1, keepdims=True), 2) + 0.005
    stepped, exact = stepped_auc(labels, shares), metrics.auc(labels, shares)
    assert stepped == pytest.approx(exact, abs=2e-3)
    crowded = np.column_stack([0.0001 * coarse[:, 0], 1.0 - 0.0001 * coarse[:, 0]])
    assert stepped_auc(labels % 2, crowded) == pytest.approx(0.5)


def test_hostile_text_of_a_tree_reaches_the_terminal_escaped(tree: Path) -> None:
    redescribe(tree, Status="\x1b[2J[bold]x[/bold]" + "A" * 10_000)
    (tree / TASK / "a\x1b]0;name\x07b").mkdir()
    shown = io.StringIO()
    show(check(tree, None), Console(file=shown, width=120))
    text = shown.getvalue()
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]x[/bold]" in text.replace("\n", "").replace(" ", "")
    assert len(text) < 20_000


def test_a_file_is_read_within_its_bound_and_never_through_a_folder_that_is_a_link(
    tmp_path: Path,
) -> None:
    (tmp_path / "tree/inside").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_bytes(b"x" * 100)
    (tmp_path / "tree/out").symlink_to(tmp_path / "outside")
    tree = Tree(tmp_path / "tree")
    assert tree.files(PurePosixPath("out")) == []
    with pytest.raises(Unreadable, match="is a link"):
        tree.read(PurePosixPath("out/file"))
    shutil.move(tmp_path / "outside/file", tmp_path / "tree/inside/file")
    with pytest.raises(Unreadable, match="longer than 99 bytes"):
        tree.read(PurePosixPath("inside/file"), 99)
    with pytest.raises(Unreadable, match="is not a regular file"):
        tree.read(PurePosixPath("inside"))


LOG_WORDS = st.sampled_from(
    [
        "00001.000 dut: m-infer-start-1",
        "00001.000 dut: m-lap-us-" + "9" * 25,
        "00001.000 dut: m-lap-us-17",
        "00001.000 dut: m-infer-done",
        "00001.000 io: [dut]: m-results-[0.1,0.9]",
        "00001.000 dut: m-results-[" + "1," * 3000,
        "00001.000 dut: e-[\x1b[2J]",
        '00001.000 parser: Command "bload dut "C:\\x\\y.bin" 0 2560"',
        "00001.000 tinyhil: m-latency-unit-[ticks of 1/0 s]",
        "00001.000 tinyhil: m-latency-[1,2,3]",
        "00001.000 tinyhil: Loading file a.bin at byte 0 of class 3",
        "0725.143458 ulp-mlperf: Loading file a.bin segment 0",
        "0725.143509 ulp-mlperf:   m-results    : [0.5, nan]",
        "00001.000 session: m-session-start-id[1]",
        "m-lap-us-18",
    ]
)


@given(st.lists(LOG_WORDS | st.text(max_size=200), max_size=40))
def test_any_log_is_read_to_its_end(texts: list[str]) -> None:
    log = read_log(enumerate(texts, start=1))
    assert len(log.inferences) <= len(texts)
    inferences, _ = read_runner_log(enumerate(texts, start=1))
    assert len(inferences) <= len(texts)


@given(st.binary(max_size=300), st.binary(max_size=100))
def test_any_bytes_are_a_recording_or_unreadable(recording: bytes, stamps: bytes) -> None:
    for data in (recording, b"\xf1\x00\x00\x7a\x44" + recording):
        with suppress(Unreadable):
            trace = read_trace(BytesIO(data), stamps)
            trace.windows([Stamped(1, 1.0)], PurePosixPath(), PurePosixPath())


JSON_LIKE = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=9) | st.just(10**400),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["file", "class", "infer", "results", "power", "samples", "start_time"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON_LIKE)
def test_any_json_is_answers_or_unreadable(value: object) -> None:
    with suppress(Unreadable):
        read_answers(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("00286.938 ulp-mlperf: Top-1: 90.2%", "top1", 90.2),
        ("0809.000548 ulp-mlperf: Top 1% = 91.3", "top1", 91.3),
        ("00287.001 ulp-mlperf: AUC: 0.99", "auc", 0.99),
        ("0809.000548 ulp-mlperf: AUC = 0.978", "auc", 0.978),
        ("00084.336 ulp-mlperf: Median throughput is 131.950 inf./sec.", "throughput", 131.95),
        ("0808.2 ulp-mlperf: Median throughput is  15396.099 inf./sec.", "throughput", 15396.099),
        ("Median energy cost is 664.4239 uJ/inf.", "energy", 664.4239),
        ("00105.785 ulp-ml: Median energy cost is 3371.738 uJ/inf.", "energy", 3371.738),
    ],
)  # fmt: skip
def test_both_official_runners_forms_are_read(line: str, name: str, value: float) -> None:
    (claim,) = read_summary(line + "\n").claims
    assert (claim.name, claim.value) == (name, value)
