"""A little of what ``make fuzz-protocol`` does at length."""

from __future__ import annotations

import pytest

from .fuzz_protocol import TARGETS, Batch, run


@pytest.mark.parametrize("target", range(len(TARGETS)), ids=lambda n: TARGETS[n].name)
def test_damaged_sessions_break_no_reader(target: int) -> None:
    tally = run(Batch(target, number=0, count=TARGETS[target].batch // 4, seed=0))
    assert tally.failure is None, tally.failure
    assert tally.believed > tally.inputs / 10, "most of what is tried must come near"
