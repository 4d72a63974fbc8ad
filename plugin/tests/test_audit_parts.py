"""What audits are made of: evidence, inputs, and verdicts in the record."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tinyhil.catalog.board import Board
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.catalog.verdict import judge
from tinyhil.data.material import DataSet, Material, Sample
from tinyhil.device.dut import Dut
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.session import Session
from tinyhil.emulator.cheats import CachesAll, HonestDevice
from tinyhil.ground.deadline import Deadline
from tinyhil.image.build import Firmware
from tinyhil.measure.audit import clock
from tinyhil.measure.audit.answers import Answer
from tinyhil.measure.audit.evidence import SURE, Comparison, paired, unpaired
from tinyhil.measure.audit.inputs import constants, drawn, exchanged, in_order, permuted, unseen
from tinyhil.measure.audit.lives import Lives
from tinyhil.measure.audit.setting import EMULATED, QUICK, Rules
from tinyhil.measure.job import Conversation, Job
from tinyhil.measure.kinds import MEASURES
from tinyhil.record.rows import Rows

from .audit_samples import samples

TASKS = load_tasks()
DTYPES = {"int8": "i1", "uint8": "u1", "float32": "<f4"}
MARGIN = 0.01

Times = NDArray[np.float64]


def pairs_of(first: Times, second: Times) -> list[tuple[Answer, Answer]]:
    answers = [
        [Answer("", place, "", (), each_s=time) for place, time in enumerate(times)]
        for times in (first, second)
    ]
    return list(zip(*answers, strict=True))


def compare(shorter_by: float, seed: int, noise: float = 0.003) -> tuple[Comparison, Comparison]:
    """Both tests on times of which one group is so much shorter."""
    random = np.random.default_rng(seed)
    times = random.normal(1.0 - shorter_by, noise, 24)
    others = random.normal(1.0, noise, 24)
    return paired(pairs_of(times, others), MARGIN), unpaired(list(times[:6]), list(others), MARGIN)


def test_equal_times_and_times_at_the_margin_are_told_shorter_by_no_comparison() -> None:
    for seed in range(500):
        for shorter_by in (0.0, MARGIN):
            assert not any(found.shorter for found in compare(shorter_by, seed)), seed


@pytest.mark.parametrize("shorter_by", [0.03, 0.5])
def test_what_is_shorter_by_thrice_the_margin_is_told_each_time(shorter_by: float) -> None:
    for seed in range(50):
        for found in compare(shorter_by, seed):
            assert found.shorter, seed
            assert found.change == pytest.approx(-shorter_by, abs=0.005)


def test_two_wild_times_of_a_shared_processor_hide_nothing() -> None:
    random = np.random.default_rng(1)
    times, others = random.normal(0.9, 0.003, 24), random.normal(1.0, 0.003, 24)
    times[3] = others[7] = 17.0
    assert paired(pairs_of(times, others), MARGIN).shorter is True
    others[7], times[9] = 1.0, 17.0
    assert paired(pairs_of(times, others), MARGIN).shorter is True


@pytest.mark.parametrize("rules", [Rules(), EMULATED, QUICK], ids=["full", "emulated", "quick"])
def test_every_amount_of_questions_can_convict(rules: Rules) -> None:
    fast, slow = np.full(rules.pairs, 0.5), np.full(rules.pairs, 1.0)
    assert paired(pairs_of(fast, slow), MARGIN).p < SURE
    assert unpaired(list(fast[: rules.runs]), list(slow), MARGIN).p < SURE


@pytest.mark.parametrize("name", TASKS)
def test_made_inputs_look_like_those_of_the_task(name: str) -> None:
    task, random = TASKS[name], Random(1)  # noqa: S311 - made-up data
    found = drawn(task, some_data(task), 3, random)
    one, dtype = found[0], np.dtype(DTYPES[task.input.encoding])
    values = np.frombuffer(one.data, dtype)

    near = np.frombuffer(unseen(task, one, random).data, dtype)
    assert values.min() <= near.min() <= near.max() <= values.max()
    assert 0.3 < np.mean(near != values) < 0.6, "about half of the values have moved"
    step = np.abs(near.astype(float) - values.astype(float)).max()
    assert 0 < step <= 1.01 * max(1.0, float(np.ptp(values.astype(float))) / 256)

    shuffled = np.frombuffer(permuted(task, one, random).data, dtype)
    assert np.array_equal(np.sort(shuffled), np.sort(values))
    assert not np.array_equal(shuffled, values)

    for level in constants(task, found):
        assert len(set(np.frombuffer(level.data, dtype))) == 1
        assert len(level.data) == len(one.data)

    whole = np.concatenate(
        [
            np.frombuffer(exchanged(task, one, found[1], part, 4).data, dtype)[
                quarter(part, values)
            ]
            for part in range(4)
        ]
    )
    assert whole.tobytes() == found[1].data, "the four parts make a whole"


def quarter(part: int, values: NDArray[Any]) -> slice:
    return slice(len(values) * part // 4, len(values) * (part + 1) // 4)


def test_rows_without_any_time_on_the_hosts_clock_have_no_rate() -> None:
    """As somebody may have written them."""
    answers = [Answer("", n, "", (), start_us=n, end_us=n + 1, asked_s=1.0) for n in range(3)]
    made = clock.figures(Lives.of([replace(one, answered_s=1.0) for one in answers]))
    assert (made["rate_at_least"], made["rate_at_most"]) == (None, None)


def some_data(task: Task) -> tuple[Sample, ...]:
    found = samples(4, task.input.bytes)
    if task.input.encoding != "float32":
        return found
    random = np.random.default_rng(1)
    return tuple(
        replace(one, data=random.normal(0, 9, task.input.bytes // 4).astype("<f4").tobytes())
        for one in found
    )


def test_windows_are_taken_in_the_order_of_an_accuracy_run() -> None:
    task = TASKS["ad01"]
    data = some_data(task)
    every = [window.data for one in data for window in task.input.windows(one.data)]
    found = in_order(task, data, 200, all_windows=True)
    assert [one.data for one in found] == every[:200]
    assert [one.place for one in found] == list(range(200))


@pytest.mark.parametrize(
    ("kind", "status", "objections"), [(HonestDevice, "pass", 0), (CachesAll, "fail", 2)]
)
def test_an_audit_is_a_measure_that_ends_in_a_verdict(
    kind: type[HonestDevice],
    status: str,
    objections: int,
    mps2: Board,
    stand_in_firmware: Firmware,
) -> None:
    """On a board of silicon, whose firmware speaks the official protocol alone."""
    board = mps2.model_copy(update={"emulator": None})
    data = DataSet("custom", stand_in_firmware.image.path.parent, "0" * 64, samples(40, 76))
    rows = Rows(lambda _: None)
    with kind("kws01") as device:
        job = Job(
            Dut("desk", board, "", device.port, 115200, 115200),
            TASKS["kws01"],
            Material(data, stand_in_firmware.image.path, "0" * 64),
            stand_in_firmware.image,
            None,
            "serial",
            quick=False,
            all_windows=True,
            read_back=0.0,
            faults=None,
        )
        session = Session(SerialLink(device.port, 115200))
        session.synchronize(Deadline.after(60))
        info = session.identify(Deadline.after(60))
        talk = Conversation(job, session, info, lambda link, _: link, None)
        measure = MEASURES[MeasureName.AUDIT_CACHING]
        told = measure.ask(talk, rows, lambda *_: None)
        finding = measure.find(talk, rows.all, told)
        session.link.close()
    (verdict,) = judge(finding.metrics, job.limits)
    assert (verdict.metric, verdict.status, verdict.value) == ("audit_caching", status, objections)
    assert "caching queries or responses is disallowed" in verdict.reason
    assert len(finding.details["objections"]) == objections
    assert finding.samples == 84


def test_where_there_is_nothing_to_compare_no_number_is_made() -> None:
    with pytest.raises(ValueError, match="no pair of answers"):
        paired((), 0.1)
    with pytest.raises(ValueError, match="no times to compare"):
        unpaired([1.0], [], 0.1)
