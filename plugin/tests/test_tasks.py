"""Every task on a device: samples go in and results come out as the task's facts say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tinyhil import flash
from tinyhil.benchmarks.oracle import expected
from tinyhil.catalog.bench import stations
from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import load_named
from tinyhil.catalog.task import Task, Window, load_tasks
from tinyhil.data.material import Material, Sample, material
from tinyhil.device.dut import attached
from tinyhil.device.links import open_link
from tinyhil.device.queries import Queries
from tinyhil.device.queries.opening import asking
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.paths import LATER, SUITES
from tinyhil.image import build as firmware
from tinyhil.image.build import Firmware
from tinyhil.image.elf import Image


@contextmanager
def running(board: Board, image: Image) -> Iterator[Queries]:
    """Queries to an emulated board that runs the firmware."""
    with attached(stations({board.name: board}, None)[board.name]) as dut:
        flash.flash(image, board, dut.probe_uid, Deadline.after(60))
        session = Session(open_link("rtt", dut))
        session.synchronize(Deadline.after(60))
        info = session.identify(Deadline.after(60))
        with asking(session, info, dut, image, "rtt") as queries:
            yield queries


def int8(data: bytes) -> NDArray[np.int8]:
    return np.frombuffer(data, dtype=np.int8)


def windows(task: Task, samples: Sequence[Sample]) -> list[Window]:
    return [window for sample in samples for window in task.input.windows(sample.data)]


@pytest.mark.parametrize("name", ["ic01", "kws01", "vww01"])
def test_a_classifier_answers_as_its_oracle(
    name: str,
    mps2: Board,
    stand_in_of: Callable[[Task], Material],
    firmware_of: Callable[[Board, Task], Firmware],
) -> None:
    task = load_tasks()[name]
    made = stand_in_of(task)
    samples = made.data.samples[:8]
    oracle = np.load(SUITES / "standin" / f"{name}_oracle.npz")["outputs"][:8].reshape(8, -1)
    with running(mps2, firmware_of(mps2, task).image) as queries:
        answers = list(queries.each(windows(task, samples), output=True))
    for answer, output in zip(answers, oracle, strict=True):
        assert np.array_equal(int8(answer.output), output)
        assert np.allclose(answer.scores, (output + 128.0) / 256, atol=0.0006)


def test_anomaly_detection_answers_the_error_of_each_window(
    mps2: Board,
    stand_in_of: Callable[[Task], Material],
    firmware_of: Callable[[Board, Task], Firmware],
) -> None:
    task = load_tasks()["ad01"]
    made = stand_in_of(task)
    oracle = np.load(SUITES / "standin" / "ad01_oracle.npz")
    by_name = {sample.name: sample for sample in made.data.samples}
    name = str(oracle["output_names"][0])
    errors = oracle["window_mse"][oracle["names"].tolist().index(name)]
    with running(mps2, firmware_of(mps2, task).image) as queries:
        answers = list(queries.each(windows(task, [by_name[name]])[:40], output=True))
    for number, answer in enumerate(answers):
        assert np.array_equal(int8(answer.output), oracle["outputs"][0][number])
        (error,) = answer.scores
        assert error == pytest.approx(errors[number], abs=0.0006)


def test_windows_overlap_and_a_subset_is_spread_evenly() -> None:
    facts = load_tasks()["ad01"].input
    data = bytes(range(256)) * 400
    every = facts.windows(data)
    some = facts.windows(data, all_windows=False)
    assert (len(every), len(some)) == (196, 14)
    assert [window.keep for window in every[:3]] == [0, 2048, 2048]
    assert every[1].data[:2048] == every[0].data[512:]
    assert (some[0].data, some[-1].data) == (every[0].data, every[-1].data)
    assert {window.keep for window in some} == {0}


# `make bench-oracle` compares the full sets of all tasks.
@pytest.mark.parametrize(
    ("name", "every"), [("kws01", 1), ("ic01", 4), ("vww01", 25), ("ad01", 13)]
)
def test_official_outputs_on_the_device_equal_the_oracle(
    name: str, every: int, mps2: Board, official: Path, tmp_path: Path
) -> None:
    task = load_tasks()[name]
    made = material(task, official, tmp_path)
    assert made.data.kind == "official"
    wanted = expected(task, made, official / "oracle", None)
    # Windows that are left out have no successor that keeps a part of them.
    chosen = [Window(window.data, 0) for window in wanted.windows[::every]]
    with running(mps2, firmware.build(mps2, task, made.model, tmp_path).image) as queries:
        outputs = [answer.output for answer in queries.each(chosen, output=True)]
    assert outputs == [output.tobytes() for output in wanted.outputs[::every]]
    assert len(chosen) == {"kws01": 1000, "ic01": 50, "vww01": 40, "ad01": 377}[name]


@pytest.mark.parametrize("name", ["sww01", "ic02"])
def test_a_later_model_needs_a_file_of_facts_and_no_more(
    name: str, mps2: Board, official: Path, tmp_path: Path
) -> None:
    task = load_named(LATER / f"{name}.toml", Task)
    oracle = np.load(official / "oracle" / f"{name}.npz")
    flip = 128 if task.input.encoding == "uint8" else 0
    inputs = [Window((tensor.view(np.uint8) ^ flip).tobytes(), 0) for tensor in oracle["inputs"]]
    image = firmware.build(mps2, task, official / task.official.model, tmp_path).image
    with running(mps2, image) as queries:
        outputs = [answer.output for answer in queries.each(inputs, output=True)]
    assert outputs == [output.ravel().tobytes() for output in oracle["outputs"]]
