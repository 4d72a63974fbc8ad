"""Each way of writing that firmware of the field has: the right figures, and still strict."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import closing

import numpy as np
import pytest

from tinyhil.catalog import metrics
from tinyhil.catalog.rules import Rules
from tinyhil.catalog.task import load_tasks
from tinyhil.data.material import Sample
from tinyhil.device.links.serial import SerialLink
from tinyhil.device.queries.text import TextQueries
from tinyhil.device.session import Session
from tinyhil.emulator.foreign import ZOO, ForeignDevice, Manner
from tinyhil.ground.deadline import Deadline
from tinyhil.measure import measures as measure

TASK = load_tasks()["kws01"].model_copy(update={"classes": ("a", "b", "c")})
SAMPLES = tuple(Sample(f"s{i}.bin", i % 3, bytes([i]) * 76) for i in range(6))
INPUTS = measure.performance_inputs(TASK, SAMPLES)
RULES = Rules(queries=10, single_stream_s=0.0, window_s=10.0, warm_up=1)
INFER_US = 54_321


def scores(data: bytes) -> Sequence[float]:
    """Three scores of the sum 1 that any byte changes; the first byte gives the class."""
    low = hashlib.sha256(data).digest()[0] / 1024
    return [1 - 2 * low if index == data[0] % 3 else low for index in range(3)]


def ignore(*_: object) -> None:
    """Progress and raw answers of no interest."""


@pytest.mark.parametrize("manner", ZOO, ids=lambda manner: manner.name.replace(" ", "-"))
def test_each_way_of_writing_gives_the_right_figures(manner: Manner) -> None:
    with (
        ForeignDevice("kws01", scores, infer_us=INFER_US, manner=manner) as device,
        closing(SerialLink(device.port, 115200)) as link,
    ):
        session = Session(link)
        session.synchronize(Deadline.after(60))
        info = session.identify(Deadline.after(60))
        queries = TextQueries(session, read_back=1.0)
        found = measure.accuracy(queries, TASK, SAMPLES, ignore, ignore)
        timed = measure.single_stream(queries, info, INPUTS, RULES, ignore, ignore)
        rate = measure.throughput(queries, INPUTS, RULES, ignore, ignore)
    assert info.vendor == "elsewhere"
    wanted = [manner.read(scores(sample.data)) for sample in SAMPLES]
    assert np.array_equal(found.scores, wanted)
    assert np.allclose(timed.times_s, INFER_US * 1e-6, atol=manner.tick_us * 1e-6)
    assert metrics.throughput(rate.windows) == pytest.approx(1e6 / INFER_US, rel=2e-3)
    assert not queries.healed, "nothing was damaged"
