"""Seeds of faults against queries to a replayed device: a small regression of ``make faults``.

A run ends with the very answers of a clean one, or in an error that names a fault; what it has
answered until then is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tinyhil.device.faults import Injector, parse_spec
from tinyhil.device.inference import Inference
from tinyhil.device.queries import Queries
from tinyhil.device.queries.text import TextQueries
from tinyhil.emulator.native import NativeDevice
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import TinyhilError

from .replayed import INFER_US, KWS01, all_right, asking, opened, started, windows

ASKED = windows(KWS01, 16)
SEEDS = range(1, 7)


@contextmanager
def by_text(device: NativeDevice, injector: Injector) -> Iterator[Queries]:
    """The official text alone, though the device speaks frames; every sample is read back."""
    with opened(device, injector.through) as session:
        session.synchronize(Deadline.after(2))
        yield TextQueries(session, read_back=1.0, baud=device.facts.baud, answer_s=0.5, first_s=1.0)


@contextmanager
def by_frames(device: NativeDevice, injector: Injector) -> Iterator[Queries]:
    with asking(device, injector.through, patience_s=2.0, first_s=2.0) as queries:
        yield queries


def run(way: str, spec: str) -> str:
    """How a run ends: "equal", or the error's text; anything else fails here."""
    given: list[Inference] = []
    timed: list[Inference] = []
    end = "equal"
    with started() as device:
        injector = Injector(parse_spec(spec), {"reset": device.reset, "death": device.kill})
        try:
            with (by_text if way == "text" else by_frames)(device, injector) as queries:
                for answer in queries.each(ASKED):
                    given.append(answer)
                queries.load(ASKED[0].data)
                timed.append(queries.infer(3, 0, expected_s=0.1, laps=True))
        except TinyhilError as error:
            assert error.hint  # noqa: PT017 - not every run raises
            end = error.message
    equal = end == "equal"
    assert all_right(ASKED if equal else ASKED[: len(given)], given), spec
    assert all_right(ASKED[: int(equal or len(timed))], timed), spec
    assert all(one.laps == (INFER_US,) * 3 for one in timed) or way == "text", spec
    assert end, spec
    return end


@pytest.mark.parametrize(
    ("way", "spec", "least"),
    [
        ("frames", "every=1200,hold_ms=50", 5),
        ("frames", "every=3000,kinds=drop+flip+reset,hold_ms=50", 5),
        ("frames", "every=5000,kinds=flip+death+disconnect,hold_ms=50", 0),
        ("text", "every=8000,hold_ms=50", 4),
        ("text", "every=12000,kinds=drop+reset+death+disconnect,hold_ms=50", 0),
    ],
)
def test_a_run_with_faults_is_equal_to_a_clean_one_or_says_what_happened(
    way: str, spec: str, least: int
) -> None:
    with ThreadPoolExecutor(6) as pool:
        ends = list(pool.map(lambda seed: run(way, f"seed={seed},{spec}"), SEEDS))
    assert ends.count("equal") >= least, ends
