"""What each measure has against itself, by its rows; time is played, or rows are made up."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinyhil.benchmarks import cheating_firmware, check_costs
from tinyhil.benchmarks.cheats import SAMPLES, TASK, checked, made
from tinyhil.catalog.board import load_boards
from tinyhil.catalog.rules import Rules
from tinyhil.catalog.task import Task
from tinyhil.catalog.verdict import judge
from tinyhil.data.material import Material
from tinyhil.emulator.cheats import (
    HONEST,
    CoarseInPerformance,
    HonestDevice,
    KnowsTheSamples,
    SlowClock,
    subtle,
)
from tinyhil.ground.paths import FIRMWARE, SUITES
from tinyhil.image.reference import reference
from tinyhil.measure.audit import always
from tinyhil.measure.draws import Draws
from tinyhil.measure.floor import floor_s
from tinyhil.record.entry import objected
from tinyhil.record.rows import Row

RULES = Rules(queries=150, single_stream_s=0.0)


@pytest.mark.parametrize("kind", HONEST, ids=lambda kind: kind.__name__)
def test_an_honest_device_is_objected_to_by_no_measure(kind: type[HonestDevice]) -> None:
    for name, report in checked(made(kind, 1), 1, rules=RULES).items():
        assert not report.objections, f"{name}: {report}"


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        (subtle.WorksInUploads, "throughput", "the last piece of an upload mostly takes 0.0"),
        (subtle.FastInARow, "latency", "in a row, takes 90[.0-9]* % less time"),
        (KnowsTheSamples, "latency", "than the same with a step here and there"),
        (CoarseInPerformance, "throughput", "are not answered the same each time"),
        (subtle.LeavesOutTheLast, "throughput", "in windows of many an inference takes 1"),
        (SlowClock, "throughput", "its clock hides time while it infers"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_measure_objects_to_a_cheat(kind: type[HonestDevice], name: str, text: str) -> None:
    rules = Rules(queries=300, single_stream_s=0.0)
    report = checked(made(kind, 1), 1, [name], rules)[name]
    assert any(re.search(text, one.seen) for one in report.objections), report


def heading(**more: Any) -> Row:
    return {"role": "heading", "seed": 1, "tick_hz": None, "virtual": True, **more}


def query(name: str, *scores: float, took_us: int = 1000) -> Row:
    stamps = {"start_us": 5000, "end_us": 5000 + took_us}
    return {"sample": name, "times": [took_us], "unit": "us", "scores": scores, **stamps}


def canary(*scores: float, expected: tuple[float, ...]) -> Row:
    stamps = {"start_us": 1, "end_us": 2}
    return {"role": "canary", "name": "a", "scores": scores, "expected": expected, **stamps}


def seen(*rows: Row, **known: tuple[float, ...]) -> str:
    report = always.judge(rows, known)
    assert report is not None
    return " ".join(one.seen for one in report.objections)


def test_rows_of_older_runs_have_nothing_against_them() -> None:
    assert always.judge([query("a", 1.0, 0.0)], {}) is None


def test_an_answer_that_another_measure_did_not_have_is_named() -> None:
    assert not seen(heading(), query("a", 1.0, 0.0), a=(1.0, 0.0))
    text = seen(heading(), query("a", 1.0, 0.0), a=(0.0, 1.0))
    assert "answered differently from the measure before: a has [1.000, 0.000]" in text


def test_our_own_firmware_must_answer_as_the_model_on_the_host() -> None:
    off = canary(0.9, 0.1, expected=(0.901, 0.099))
    assert "1 of 1 answers to samples that were changed" in seen(heading(exact=True), off)
    whole = {"role": "reference", "answers": 9, "equal": 8, "beyond_tolerance": 0, "such_as": ["b"]}
    assert "1 of 9 answers to samples are not those of the model" in seen(
        heading(exact=True), whole
    )


def test_another_engine_may_round_otherwise_and_may_hold_another_model() -> None:
    near = [canary(0.9, 0.1, expected=(0.901, 0.099))] * 4
    far = [canary(0.1, 0.9, expected=(0.901, 0.099))] * 4
    whole = {"role": "reference", "answers": 20, "equal": 2, "beyond_tolerance": 1, "such_as": []}
    assert not seen(heading(exact=False), *near, whole)
    assert "4 of 4 answers to samples that were changed" in seen(heading(exact=False), *far, whole)
    other = {**whole, "beyond_tolerance": 19}
    assert not seen(heading(exact=False), *far, other), "its model is simply another one"


def test_no_core_infers_faster_than_it_multiplies() -> None:
    board = load_boards()["nucleo-l4r5zi"]
    least = floor_s(board, 2_660_000, ours=True)
    assert least == pytest.approx(2_660_000 / 2 / 2.5 / board.clock_hz)
    assert floor_s(board, 2_660_000, ours=False) is None, "an accelerator may compute it"
    text = seen(heading(floor_s=0.004), query("a", 1.0, took_us=3900))
    assert "in that time this core can't compute the model" in text
    assert not seen(heading(floor_s=0.004), query("a", 1.0, took_us=4100))


def test_an_objection_makes_every_figure_fail() -> None:
    details = {"checks": {"objections": [{"seen": "it cheats", "hint": "ask why"}]}}
    (verdict,) = judge({"latency_p50_s": 0.1}, {}, objected=objected(details), unjudged="quick")
    assert (verdict.status, verdict.reason) == ("fail", "it cheats; next step: ask why")
    assert objected({"checks": {"objections": []}}) is None
    assert objected({}) is None


def test_draws_are_the_same_by_a_seed_and_others_by_another() -> None:
    def all_of(draws: Draws) -> tuple[Any, ...]:
        random = [draws.warm_up(Rules(), place) for place in range(5)]
        changed = draws.canary(TASK, SAMPLES[0].data, 3)
        return draws.shuffled(range(5)), random, draws.changed_samples(1000), changed

    assert all_of(Draws(1, "kws01 accuracy")) == all_of(Draws(1, "kws01 accuracy"))
    others = [Draws(2, "kws01 accuracy"), Draws(1, "kws01 throughput")]
    assert all(all_of(Draws(1, "kws01 accuracy")) != all_of(other) for other in others)
    assert len(Draws(1).changed_samples(1000)) == 10


def test_the_model_on_the_host_answers_as_the_oracle(
    kws01: Task, stand_in: Material, tmp_path: Path
) -> None:
    known = reference(kws01, stand_in.model, tmp_path)
    assert known is not None
    oracle = np.load(SUITES / "standin" / "kws01_oracle.npz")
    by_name = {sample.name: sample.data for sample in stand_in.data.samples}
    inputs = [by_name[name] for name in oracle["names"].tolist()[:100]]
    # The model's output is a softmax: 256 steps from 0.
    wanted = np.rint((oracle["outputs"][:100].astype(float) + 128) / 256 * 1000) / 1000
    assert np.array_equal(np.array(known.answers(inputs)), wanted)
    assert known.answers([]) == []


def test_every_firmware_that_cheats_can_still_be_made() -> None:
    for cheat in cheating_firmware.cheats([b"sample"]):
        texts = {name: (FIRMWARE / name).read_text() for name, _, _ in cheat.edits}
        for name, old, new in cheat.edits:
            assert old in texts[name], f"{cheat.name}: {name}"
            texts[name] = texts[name].replace(old, new, 1)


def test_what_the_checks_cost_is_told_by_the_rows(quick: tuple[Path, str]) -> None:
    (folder,) = (path.parent for path in quick[0].glob("*/run.json"))
    found = {cost.measure: cost for cost in check_costs.costs(folder)}
    assert list(found) == ["accuracy", "single_stream", "throughput"]
    # Two canaries beside 24 samples; all inferences take the same.
    accuracy = found["accuracy"]
    assert accuracy.canaries_s / accuracy.own_s == pytest.approx(2 / 24, rel=0.01)
    assert accuracy.others_s == 0
    for cost in (found["single_stream"], found["throughput"]):
        assert 0 < cost.canaries_s < cost.own_s
        assert cost.others_s > 0
