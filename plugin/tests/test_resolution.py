"""How fine time stamps are, for counters of every rate."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest

from tinyhil.record.resolution import Row, tick_us
from tinyhil.record.rows import single_stream_of

MHZ = 10**6


def stamp(us: int, hz: Fraction, rounded: bool) -> int:
    exact = math.floor(us * hz / MHZ) * MHZ / hz
    return math.floor(exact + Fraction(rounded, 2))


def made(hz: Fraction, count: int, *, rounded: bool = False, seed: int = 1) -> list[Row]:
    """Queries of one length, asked for when the host is ready."""
    host, now = random.Random(seed), MHZ  # noqa: S311 - no secret
    rows: list[Row] = []
    for _ in range(count):
        now += 54_321 + host.randrange(400_000)
        ends = {"start_us": now, "end_us": now + 54_321}
        rows.append({name: stamp(us, hz, rounded) for name, us in ends.items()})
    return rows


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize(
    "hz",
    [100, 1000, 1024, 31_250, 32_768, 400_000, Fraction(72 * MHZ, 65_536),
     Fraction(84 * MHZ, 1024), MHZ, 84 * MHZ],
    ids=str,
)  # fmt: skip
def test_the_tick_of_a_counter_is_found(hz: int, rounded: bool) -> None:
    rows = made(Fraction(hz), 40, rounded=rounded)
    assert tick_us(rows) == pytest.approx(max(1.0, float(MHZ / Fraction(hz))))


def test_a_fine_clock_is_never_taken_for_a_coarse_one_by_chance() -> None:
    for count in (1, 2, 3, 5, 9):
        for seed in range(40):
            assert tick_us(made(Fraction(MHZ), count, seed=seed)) == 1


def test_equal_steps_between_stamps_are_no_ticks() -> None:
    """As of an emulated core, whose every query takes the same time."""
    ends = [(1_000_137 + 54_458 * n, 1_054_458 + 54_458 * n) for n in range(40)]
    assert tick_us([{"start_us": start, "end_us": end} for start, end in ends]) == 1


def test_a_clock_that_wraps_beside_its_ticks_is_as_coarse_as_before() -> None:
    rows = made(Fraction(1000), 40)
    wrapped = [{name: us + 2**32 % 1000 for name, us in row.items()} for row in rows]
    assert tick_us([*rows, *wrapped]) == 1000


def row(sample: str, start_us: int, took_us: int, **more: object) -> Row:
    return {"sample": sample, "times": [took_us], "unit": "us", "start_us": start_us,
            "end_us": start_us + took_us, **more}  # fmt: skip


def test_the_bracket_is_what_a_single_query_takes_longer() -> None:
    rows = [
        row(name, at, took, **more)
        for at, name in ((1_000_003, "a"), (2_000_011, "b"))
        for took, more in ((50_045, {}), (10 * 50_000 + 45, {"count": 10, "bracket": True}))
    ]
    found = single_stream_of(rows, None)
    assert list(found.times_s) == [0.050045, 0.050045], "the many are in no figure"
    assert found.bracket_s == pytest.approx(45e-6)
    below, above = (getattr(found.errors(None)["latency_p90_s"], end) for end in ("below", "above"))
    assert (below, above) == (pytest.approx(47e-6), 2e-6)
    quiet = [{**one, "end_us": one["end_us"] - 45} for one in rows]
    assert single_stream_of(quiet, None).bracket_s == 0.0
    noisy = [*rows[:3], {**rows[3], "end_us": rows[3]["end_us"] + 900}]
    assert single_stream_of(noisy, None).bracket_s is None
