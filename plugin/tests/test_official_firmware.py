"""A firmware that is not ours, on a board: the official protocol in text, on a polled UART."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinyhil.benchmarks.same import official
from tinyhil.catalog.board import Board
from tinyhil.catalog.task import load_tasks
from tinyhil.data.material import material
from tinyhil.image.elf import read_image
from tinyhil.image.reference import reference

from .compiler.models import Activation, Model, Operator, Weights
from .runs import NO_PAGE, record, run

_TASK = """\
schema = 1
name = "marks01"
title = "Four marks in noise"
classes = ["A", "B", "C", "D"]
[input]
bytes = 64
encoding = "int8"
[own]
data = "data"
[targets.top1]
min = 0.75
source = "a filter for each mark finds more"
"""
_SAMPLES, _BYTES, _COPIES = 72, 64, 64
_SIGNAL, _NOISE = 24, 75.0

_RANDOM = np.random.default_rng(11)
_MARKS = _RANDOM.choice(np.array([-1, 1], np.int8), (4, _BYTES))


def _model() -> bytes:
    """Each mark's filter, many times, and their sums: small, and an inference takes its time."""
    filters, sums = np.repeat(_MARKS, _COPIES, axis=0), np.repeat(np.eye(4), _COPIES, axis=1)
    tensors: list[Weights | Activation] = [
        Activation((1, _BYTES), 1 / 512),
        Weights(filters, [1.0]),
        Activation((1, 4 * _COPIES), 1 / 16),
        Weights(sums.astype(np.int8), [1 / _COPIES]),
        Activation((1, 4), 1 / 16),
        Activation((1, 4), 1 / 256, -128),
    ]
    operators = [
        Operator("FULLY_CONNECTED", (0, 1), 2, "FullyConnectedOptions"),
        Operator("FULLY_CONNECTED", (2, 3), 4, "FullyConnectedOptions"),
        Operator("SOFTMAX", (4,), 5, "SoftmaxOptions", {"Beta": 1.0}),
    ]
    return Model(tensors, operators).build()


@dataclass(frozen=True)
class Judged:
    """A run with an image of the user's own."""

    elf: Path
    output: str
    entries: dict[str, dict[str, Any]]
    """Of the record, by measure."""
    right: float
    """Share of the samples whose class the model knows, on this machine."""


@pytest.fixture(scope="module")
def judged(mps2: Board, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """Accuracy, memory and audits, with a task small enough for a port that is polled; the other
    audits ask for longer."""
    folder = tmp_path_factory.mktemp("official")
    (folder / "marks01.toml").write_text(_TASK, encoding="utf-8")
    (folder / "data").mkdir()
    names = [f"mark{number:02}" for number in range(_SAMPLES)]
    for number, name in enumerate(names):
        noise = _RANDOM.normal(0, _NOISE, _BYTES)
        sample = np.clip(np.rint(_SIGNAL * _MARKS[number % 4] + noise), -128, 127)
        (folder / "data" / f"{name}.bin").write_bytes(sample.astype(np.int8).tobytes())
    rows = [f"{name}.bin,4,{number % 4}\n" for number, name in enumerate(names)]
    (folder / "data" / "y_labels.csv").write_text("".join(rows))
    model, task = folder / "marks.tflite", load_tasks(folder)["marks01"]
    model.write_bytes(_model())
    (folder / "build").mkdir()
    elf = official(mps2, task, model, folder / "build")

    host = reference(task, model, folder / "host")
    assert host is not None
    samples = material(task, None, folder).data.samples
    answers = host.answers([sample.data for sample in samples])
    right = np.mean(np.argmax(answers, axis=1) == [sample.label for sample in samples])

    wanted = "top1 or flash or clock or performance or number or depend"
    chosen = ("-k", f"marks01 and ({wanted})", "-m", "accuracy or memory or audit")
    options = ("--hil-tasks", str(folder), "--hil-firmware", str(elf))
    status, output = run(folder / "runs", *NO_PAGE, *chosen, *options)
    assert status == 0, output
    entries = {entry["measure"]: entry for entry in record(folder / "runs")}
    return Judged(elf, output, entries, float(right))


pytestmark = [
    pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: no 'cc'"),
    pytest.mark.long,
]


def test_a_polled_firmware_without_our_harness_is_judged_by_accuracy(judged: Judged) -> None:
    entry = judged.entries["accuracy"]
    assert entry["verdict"] == "pass"
    assert 0.75 < entry["metrics"]["top1"] == judged.right < 0.95
    assert entry["details"]["healed"] == {}


def test_its_flash_is_that_of_its_image(judged: Judged) -> None:
    image = read_image(judged.elf)
    assert not image.has_harness
    flash_bytes = judged.entries["memory"]["metrics"]["flash_bytes"]
    assert flash_bytes == image.text_bytes + image.data_bytes


@pytest.mark.parametrize("name", ["clock", "performance", "count", "dependence"])
def test_audits_have_nothing_against_it(judged: Judged, name: str) -> None:
    entry = judged.entries[f"audit_{name}"]
    assert entry["verdict"] == "pass", entry["details"]
    assert entry["details"]["objections"] == []
