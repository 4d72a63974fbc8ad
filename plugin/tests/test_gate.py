"""The gate: what it fails, what it shows, and what it refuses to compare."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from rich.console import Console

from tinyhil.catalog.bench import Station
from tinyhil.catalog.board import load_boards
from tinyhil.catalog.task import load_tasks
from tinyhil.ground.errors import ConfigError, TinyhilError
from tinyhil.judge.gate import command
from tinyhil.judge.gate.compare import Comparison, Gate, failed
from tinyhil.judge.gate.reading import load_all
from tinyhil.judge.gate.tolerance import parse
from tinyhil.pytest_side.gate import pairs_of
from tinyhil.pytest_side.plan import Options, Plan

from .gate_runs import EMULATED, INPUTS, SILICON, Content, answers, write


def _gate(*arguments: object) -> tuple[int, str]:
    """Exit status and output of the command."""
    parser, console = ArgumentParser(), Console(file=StringIO(), width=300)
    command.add_arguments(parser)
    options = parser.parse_args([str(argument) for argument in arguments])
    status = options.run(options, console)
    assert isinstance(console.file, StringIO)
    return status, console.file.getvalue()


def _compare(folder: Path, old: Content, new: Content, *tolerances: str) -> dict[str, Comparison]:
    """Comparisons by metric."""
    baseline, candidate = write(folder / "old", old), write(folder / "new", new)
    gate = Gate(load_all([baseline]), parse(tolerances))
    return {entry.metric: entry for entry in gate.compare(load_all([candidate]))}


def _failing(comparisons: dict[str, Comparison]) -> set[str]:
    return {entry.metric for entry in failed(list(comparisons.values()))}


def test_an_unchanged_emulated_run_passes_and_every_figure_is_shown(tmp_path: Path) -> None:
    baseline, candidate = write(tmp_path, Content()), write(tmp_path, Content())
    status, output = _gate(baseline, candidate)
    assert status == 0
    assert "10 figures: 0 worse, 0 missing, 0 better, 10 the same" in output
    assert "not times measured on silicon" in output


def test_a_saved_baseline_is_small_stable_and_judges_as_the_run_does(tmp_path: Path) -> None:
    run, slower = write(tmp_path, Content()), _one_instruction_more()
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    for file in files:
        assert _gate("--save", file, run)[0] == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_size < 5000
    candidate = write(tmp_path, slower)
    of_run, of_file = _gate(run, candidate), _gate(files[0], candidate)
    assert of_run == of_file
    assert of_file[0] == 1


def _one_instruction_more() -> Content:
    """An instruction is 32 ns, a tick 40 ns: its times are a tick longer four times of five."""
    content = Content()
    longer = {
        name: times + (np.arange(len(times)) % 5 != 0) for name, times in content.ticks.items()
    }
    return replace(content, ticks=longer)


def test_one_instruction_more_is_a_regression_and_a_tolerance_allows_it(tmp_path: Path) -> None:
    comparisons = _compare(tmp_path, Content(), _one_instruction_more())
    assert _failing(comparisons) == {"instructions"}
    text = str(comparisons["instructions"])
    assert "kws01 on mps2-an386 (emulated): instructions" in text
    assert "+1.0" in text
    assert ": regression (" in text
    assert not _failing(_compare(tmp_path, Content(), _one_instruction_more(), "latency=0.5%"))


@pytest.mark.parametrize(
    ("change", "failing", "text"),
    [
        ({"text": 46_360}, {"flash_bytes"}, "+1,024 B, +2.26 %: regression (compared as it is; "
         "tolerance 0; bytes of text +1,024)"),
        ({"bss": 53_080}, {"ram_bytes"}, "bytes of bss +4"),
        ({"answers": answers(wrong=5)}, {"outputs", "top1", "auc"}, "1 samples lost, 0 won"),
        ({"windows": dict.fromkeys(INPUTS, (62, 62 * 0.16933))}, {"throughput_ips"}, "-1.96 %"),
        ({"leave_out": ["throughput"]}, {"throughput_ips"},
         "the candidate has no throughput of kws01 on mps2-an386"),
        ({"answers": answers(99, 3)}, {"outputs", "top1", "auc"},
         "the candidate answered 99 samples, the baseline 100"),
        ({"inferences": 50}, {"outputs", "top1", "auc"}, "only 50 of 100 windows were inferred"),
        ({"error": "the port \x1b[31m is gone"},
         {"latency_p50_s", "latency_p90_s", "latency_p99_s", "instructions"},
         r"it ended with an error: the port \x1b[31m is gone"),
        ({"ticks": {name.replace("4", "5"): Content().ticks[name] for name in INPUTS}},
         {"latency_p50_s", "latency_p90_s", "latency_p99_s", "instructions"},
         "inputs missing: sample_4.bin; others: sample_5.bin"),
    ],
    ids=["1 KB of flash", "RAM", "a sample lost", "throughput", "no throughput", "a sample missing",
         "a subset", "an error", "another input"],
)  # fmt: skip
def test_a_worse_or_missing_figure_fails_and_says_why(
    tmp_path: Path, change: dict[str, object], failing: set[str], text: str
) -> None:
    new = replace(Content(), **change)  # type: ignore[arg-type]
    assert _failing(_compare(tmp_path, Content(), new)) == failing
    status, output = _gate(next((tmp_path / "old").iterdir()), next((tmp_path / "new").iterdir()))
    assert status == 1
    assert text in output


def test_a_changed_answer_fails_though_the_score_is_the_same(tmp_path: Path) -> None:
    """What a damaged weight does before it costs a sample."""
    changed = dict(Content().answers)
    label, scores = changed["0007.bin"]
    changed["0007.bin"] = (label, [scores[0], scores[1] + 0.001, scores[2]])
    comparisons = _compare(tmp_path, Content(), replace(Content(), answers=changed))
    assert _failing(comparisons) == {"outputs"}
    assert "0 changed -> 1 changed" in str(comparisons["outputs"])
    allowed = _compare(tmp_path, Content(), replace(Content(), answers=changed), "outputs=1%")
    assert not _failing(allowed)


def test_improvements_are_shown_as_such(tmp_path: Path) -> None:
    content = Content()
    better = replace(
        content,
        ticks={name: times - 1000 for name, times in content.ticks.items()},
        text=45_000,
    )
    comparisons = _compare(tmp_path, content, better)
    assert not _failing(comparisons)
    improved = {entry.metric for entry in comparisons.values() if entry.status == "better"}
    assert improved == {"latency_p50_s", "latency_p90_s", "latency_p99_s", "instructions",
                        "flash_bytes"}  # fmt: skip


def test_an_interrupt_on_the_stack_is_no_regression_a_deeper_stack_is(tmp_path: Path) -> None:
    for deeper, failing in ((250, set()), (300, {"ram_bytes"})):
        new = replace(Content(), stack=372 + deeper)
        assert _failing(_compare(tmp_path / str(deeper), Content(), new)) == failing


def test_a_board_of_the_baseline_that_is_missing_fails(tmp_path: Path) -> None:
    other = replace(
        Content(),
        subject=replace(EMULATED, board="mps2-an500", station="mps2-an500", core="cortex-m7"),
    )
    one, two = write(tmp_path, Content()), write(tmp_path, other)
    file = tmp_path / "both.json"
    _gate("--save", file, one, two)
    assert _gate(file, one, two)[0] == 0
    status, output = _gate(file, one)
    assert status == 1
    assert "the candidate has no memory of kws01 on mps2-an500" in output


def _on(station: str, **changes: object) -> Content:
    """What a unit of one board type measured."""
    subject = replace(EMULATED, station=station)
    return replace(Content(subject), **changes)  # type: ignore[arg-type]


def test_a_baseline_holds_two_units_of_one_type_and_each_is_compared_with_itself(
    tmp_path: Path,
) -> None:
    one, two = write(tmp_path, _on("unit1")), write(tmp_path, _on("unit2", text=50_000))
    file = tmp_path / "both.json"
    assert _gate("--save", file, one, two)[0] == 0
    status, output = _gate(file, two, one)
    assert status == 0, output
    assert "20 figures: 0 worse, 0 missing, 0 better, 20 the same" in output
    assert "is compared with" not in output
    assert {line.split()[0] for line in output.splitlines() if "flash_bytes" in line} == {
        "unit1",
        "unit2",
    }
    grown = write(tmp_path, _on("unit1", text=50_000))
    status, output = _gate(file, grown, two)
    assert status == 1
    assert "- kws01 on unit1 (mps2-an386, emulated): flash_bytes 45,336 B -> 50,000 B" in output
    status, output = _gate(file, one)
    assert status == 1
    assert "the candidate has no memory of kws01 on unit2 (mps2-an386)" in output


def test_another_desk_with_the_only_board_of_the_type_is_compared_and_that_is_said(
    tmp_path: Path,
) -> None:
    old, new = write(tmp_path, Content()), write(tmp_path, _on("desk-7", text=50_000))
    status, output = _gate(old, new)
    assert status == 1
    assert "- kws01 on desk-7 (mps2-an386, emulated) against mps2-an386: flash_bytes" in output
    assert (
        "desk-7 (mps2-an386) is compared with mps2-an386: each is the only mps2-an386 on its side"
    ) in output


def test_a_unit_that_could_be_compared_with_several_is_refused(tmp_path: Path) -> None:
    one, two, three = (write(tmp_path, _on(f"unit{number}")) for number in (1, 2, 3))
    text = (
        r"the baseline is of unit1 \(mps2-an386\), unit2 \(mps2-an386\), the candidate of "
        r"unit3 \(mps2-an386\)"
    )
    file = tmp_path / "both.json"
    _gate("--save", file, one, two)
    with pytest.raises(ConfigError, match=text):
        _gate(file, three)
    status, output = _gate(file, one, three)
    assert status == 1, "unit1 is itself; that unit3 is new says nothing of unit2"
    assert "10 missing" in output
    assert "10 new" in output


def _plan(*units: str) -> Plan:
    """A run of units of one board type."""
    board = load_boards()["mps2-an386"]
    options = cast(Options, SimpleNamespace(quick=False))
    stations = tuple(Station(unit, board, None) for unit in units)
    return Plan(options, stations, tuple(load_tasks().values()), (), None)


@pytest.mark.parametrize(
    ("baseline", "run", "pairs"),
    [
        (("unit1", "unit2"), ("unit2", "unit1"), {"unit1": "unit1", "unit2": "unit2"}),
        (("unit1", "unit2"), ("unit2",), {"unit2": "unit2"}),
        (("mps2-an386",), ("desk-7",), {"desk-7": "mps2-an386"}),
        (("unit1",), ("unit1", "unit2"), {"unit1": "unit1"}),
        (("unit1", "unit2"), ("unit3",), None),
        (("unit1", "unit2", "unit3"), ("unit2", "unit4"), {"unit2": "unit2", "unit4": ""}),
        (("unit1", "unit2", "unit3"), ("unit4",), {"unit4": ""}),
    ],
)
def test_a_run_of_the_suites_is_compared_station_by_station(
    baseline: tuple[str, ...], run: tuple[str, ...], pairs: dict[str, str] | None, tmp_path: Path
) -> None:
    gate = Gate(load_all([write(tmp_path, _on(unit)) for unit in baseline]))
    if pairs is None:
        with pytest.raises(ConfigError, match=r"the baseline is of unit1 .* the run is of unit"):
            pairs_of(gate, _plan(*run), chosen=True)
    else:
        assert pairs_of(gate, _plan(*run), chosen=True) == pairs
    if set(baseline) - set(run) and run != ("desk-7",):
        with pytest.raises(ConfigError, match="choose the same stations"):
            pairs_of(gate, _plan(*run), chosen=False)


def test_two_runs_of_one_station_are_not_one_baseline(tmp_path: Path) -> None:
    runs = [write(tmp_path, _on("unit1")) for _ in range(2)]
    with pytest.raises(ConfigError, match=r"kws01 accuracy on unit1 \(mps2-an386\) is in both"):
        _gate("--save", tmp_path / "x.json", *runs)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("data_sha256", "0" * 64,
         "the baseline (*) has data_sha256 da7ada7ada7ada7a…; * has data_sha256 0000000000000000…"),
        ("data_set", "official", "has data_set stand-in; * has data_set official"),
        ("model_sha256", "0" * 64, "has model_sha256 30de30de*; * has model_sha256 00000000"),
        ("core", "cortex-m33", "has core cortex-m4; * has core cortex-m33"),
        ("link", "rtt", "has link serial; * has link rtt"),
        ("emulated", False, "has emulated True; * has emulated False"),
        ("board", "mps2-an500", "has board mps2-an386; * has board mps2-an500"),
    ],
)  # fmt: skip
def test_another_subject_is_refused_naming_both(
    tmp_path: Path, key: str, value: object, text: str
) -> None:
    subject = replace(EMULATED, **{key: value})  # type: ignore[arg-type]
    with pytest.raises(ConfigError) as error:
        _compare(tmp_path, Content(), replace(Content(), subject=subject))
    parts = text.split("*")
    assert all(part.strip() in str(error.value) for part in parts), error.value


def test_the_open_division_may_change_the_model_and_chance_is_no_regression(
    tmp_path: Path,
) -> None:
    subject = replace(EMULATED, division="open", data_set="custom")
    old = Content(subject, answers=answers(200, 10))
    other = replace(subject, model_sha256="0" * 64)
    a_few = _compare(tmp_path, old, replace(old, subject=other, answers=answers(200, 13)))
    assert a_few["top1"].status == "same"
    assert "McNemar's exact test of 3 samples lost, 0 won: p = 0.12" in a_few["top1"].reason
    many = _compare(tmp_path / "many", old, replace(old, subject=other, answers=answers(200, 40)))
    assert {"top1"} <= _failing(many)
    assert many["outputs"].status == "same"


def _quick(content: Content) -> Content:
    short = {name: times[:8] for name, times in content.ticks.items()}
    return replace(content, ticks=short)


def test_a_quick_run_is_no_baseline_and_no_candidate(tmp_path: Path) -> None:
    whole, quick = write(tmp_path, Content()), write(tmp_path, _quick(Content()))
    with pytest.raises(ConfigError, match="is not a baseline: it is of a quick run"):
        _gate(quick, whole)
    with pytest.raises(ConfigError, match="is not a baseline"):
        _gate("--save", tmp_path / "x.json", quick)
    status, output = _gate(whole, quick)
    assert status == 1
    assert "10 missing" in output


def test_a_run_that_calls_itself_quick_is_so_whatever_it_measured(tmp_path: Path) -> None:
    folder = write(tmp_path, Content(leave_out=("single_stream", "throughput")))
    path = folder / "run.json"
    values = json.loads(path.read_text())
    values["configuration"]["quick"] = True
    path.write_text(json.dumps(values))
    assert all(measured.quick and measured.problem for measured in load_all([folder]))


def test_a_run_with_an_error_is_no_baseline(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="it ended with an error: it broke"):
        _gate("--save", tmp_path / "x.json", write(tmp_path, Content(error="it broke")))


def test_a_subset_is_left_out_of_a_baseline_and_said(tmp_path: Path) -> None:
    run = write(tmp_path, Content(inferences=50))
    _, output = _gate("--save", tmp_path / "x.json", run)
    assert "left out: kws01 accuracy on mps2-an386: only 50 of 100 windows were inferred" in output
    status, output = _gate(tmp_path / "x.json", write(tmp_path, Content()))
    assert status == 0
    assert "3 new" in output


def test_a_record_that_its_raw_rows_deny_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, Content())
    raw = folder / "raw" / "kws01-single_stream.jsonl"
    raw.write_text(raw.read_text().replace("4150165", "4150000"))
    with pytest.raises(ConfigError, match=r"give latency_p50_s = 0\.166.*, the record says"):
        load_all([folder])


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "cannot be read: No such file"),
        ("no json", "is not a baseline"),
        ("[]", "is not a baseline"),
        ('{"schema": 1, "lines": []}', "has schema 1, this tinyhil reads 2"),
        ('{"schema": 2, "lines": [{}]}', "key 'lines.0.station': Field required"),
        ('{"schema": 2, "lines": []}', "key 'lines'"),
    ],
)
def test_what_is_no_baseline_is_named(tmp_path: Path, content: str | None, text: str) -> None:
    file = tmp_path / "file.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(TinyhilError) as error:
        load_all([file])
    assert f"{file}: {text}" in str(error.value)


def test_an_altered_baseline_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    _gate("--save", file, write(tmp_path, Content()))
    values = json.loads(file.read_text())
    (line,) = [line for line in values["lines"] if line["measure"] == "accuracy"]
    line["quality"]["outputs"] = line["quality"]["outputs"][:-2]
    file.write_text(json.dumps(values))
    with pytest.raises(ConfigError, match="does not belong to 'samples'"):
        load_all([file])


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("lateness=1%", "no metric 'lateness'; known: speed, latency"),
        ("latency=a lot", "'a lot' is neither a number nor a number with %"),
        ("latency=-1%", "neither a number"),
    ],
)
def test_a_wrong_tolerance_is_named(option: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        parse([option])


def test_tolerances_are_shares_points_or_amounts() -> None:
    tolerances = parse(["speed=0.5%", "flash=1024", "top1=0.5%"])
    assert tolerances["latency_p90_s"].allowed(2.0) == 0.01
    assert tolerances["throughput_ips"].allowed(10.0) == pytest.approx(0.05)
    assert tolerances["flash_bytes"].allowed(50_000) == 1024
    assert tolerances["top1"].allowed(0.9) == 0.005
    assert "ram_bytes" not in tolerances


def test_times_of_silicon_are_not_compared_as_they_are(tmp_path: Path) -> None:
    """0.4 % is what an oscillator may drift."""
    old = Content(SILICON)
    slower = {name: np.rint(times * 1.004).astype(np.int64) for name, times in old.ticks.items()}
    comparisons = _compare(tmp_path, old, replace(old, ticks=slower))
    assert not _failing(comparisons)
    assert "by order statistics the change is +0.4 % to +0.4 %; tolerance 0.5 %" in (
        comparisons["latency_p90_s"].reason
    )
