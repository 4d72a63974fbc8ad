"""Blocks that are cut off: they end in time, and nothing comes after them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tinyhil.ground.cutoff import OverdueError, cut_off


def for_ever(rounds: Iterator[int]) -> None:
    while True:
        with suppress(Exception):
            next(rounds)


def test_a_loop_without_end_ends_even_if_it_takes_all_errors_for_its_own() -> None:
    rounds = itertools.count()
    with pytest.raises(OverdueError), cut_off(0.05):
        for_ever(rounds)
    assert next(rounds) > 1


def test_a_block_that_ends_in_time_is_left_alone_and_so_is_what_follows() -> None:
    for _ in range(300):
        with suppress(OverdueError), cut_off(0.0005):
            sum(range(2000))
        sum(range(2000))


def test_an_inner_limit_leaves_the_outer_one_as_it_is() -> None:
    with cut_off(60.0), pytest.raises(OverdueError), cut_off(0.02):
        for_ever(itertools.count())
