"""What the kernels for one kind of core rest on: proofs of their rounding, and whole graphs."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyhil.catalog.board import load_boards
from tinyhil.catalog.cycles import load_cycles
from tinyhil.cli.built import built_table
from tinyhil.ground.errors import ModelError
from tinyhil.ground.paths import SUITES
from tinyhil.image.build import Firmware, Wishes
from tinyhil.image.compiler import CompiledModel, Goal, Target, compile_model, cost, ops
from tinyhil.image.compiler.dsp.finish import FIXED, SHIFTED, SIGNED, Finish, Sums, finishes
from tinyhil.image.compiler.quantize import Channel
from tinyhil.image.compiler.reader import read_graph
from tinyhil.image.elf import image_of

from ..made_elf import Part, elf
from .graphs import Compared, compare
from .operators import draw_graph

GOALS = get_args(Goal)


@st.composite
def sums(draw: st.DrawFn) -> Sums:
    """One channel, with sums of any size."""
    right = draw(st.integers(0, 31))
    reach = 2 ** draw(st.integers(0, min(30, right + 10)))
    bias = draw(st.integers(-reach, reach))
    least = draw(st.integers(0, reach))
    zero_point = draw(st.sampled_from([-128, -128, -128, -5, 0, 127]))
    return Sums(
        Channel(bias, draw(st.integers(2**30, 2**31 - 1)), draw(st.sampled_from([0, 0, 0, 1])),
                right, 0),
        bias - least,
        bias + draw(st.integers(0, reach)),
        draw(st.integers(1, 128)),
        zero_point,
        draw(st.sampled_from([-128, zero_point])),
    )  # fmt: skip


def _as_the_kernel(finish: Finish, rounding: int, total: int) -> int:
    """An output by the kernels' instructions; see pairs.h."""
    total = 0 if finish.scale is None else total << finish.scale
    assert -(2**31) <= total < 2**31
    product = total * finish.multiplier
    high = product >> 32 if rounding == FIXED else product + 2**31 >> 32
    high += finish.addend - (rounding == SIGNED and total < 0)
    assert -(2**31) <= high < 2**31
    return max(-128, min(127, high >> finish.right))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(one=sums(), shift=st.sampled_from([10, 12]), seed=st.integers(0, 2**32))
def test_a_proved_rounding_is_the_references(one: Sums, shift: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    totals = {one.lowest, one.highest, *random.integers(one.lowest, one.highest + 1, 50).tolist()}
    totals |= {total + near for total in _steps(one) for near in (-1, 0, 1)}
    totals |= {-2, -1, 0, 1, 2}
    for rounding in (FIXED, SHIFTED, SIGNED):
        for finish in finishes([one], rounding, shift) or ():
            for total in totals:
                if one.lowest <= total <= one.highest:
                    output = max(one.floor, _as_the_kernel(finish, rounding, total))
                    assert output == one.output(total), (rounding, finish, total)


def _steps(one: Sums) -> set[int]:
    """Some of the sums from which on the output is larger."""
    found = set()
    for output in range(one.output(one.lowest) + 1, one.output(one.highest) + 1, 7):
        low, high = one.lowest, one.highest
        while low + 1 < high:
            middle = (low + high) // 2
            low, high = (middle, high) if one.output(middle) < output else (low, middle)
        found.add(high)
    return found


def test_usual_channels_are_proved() -> None:
    for right in range(5, 12):
        channel = Channel(700, 2**30 + 12345, 0, right, 0)
        one = Sums(channel, -(2**20), 2**20, 127, -128, -128)
        assert finishes([one], FIXED, 12)
        away = Sums(channel, -(2**20), 2**20, 127, 4, -128)
        assert finishes([away], FIXED, 12) is None
        assert finishes([away], SHIFTED, 12) is None
        assert finishes([away], SIGNED, 12)


@pytest.mark.long
def test_all_ways_to_compile_a_graph_give_the_same_outputs(
    host_compiler: list[str], tmp_path: Path
) -> None:
    compared = Compared()
    # What is drawn changes with the drawer: on, until each kind was seen.
    for seed in range(4, 12):
        folder = tmp_path / str(seed)
        folder.mkdir()
        compared.add(compare(6, seed, folder, host_compiler))
        if not _unseen(compared):
            break
    assert compared.differences == []
    assert _unseen(compared) == []


def _unseen(compared: Compared) -> list[str]:
    """Kinds of graphs and kernels that this comparison should have, and does not."""
    names = ("conv2d_pairs", "depthwise_pairs", "fully_connected_pairs", "conv2d_fours")
    seen = {
        "channels left out": compared.left_out,
        "bands": compared.banded,
        "joins in place": compared.in_place,
        **{name: compared.kernels[f"{name}_s8"] for name in (*names, "depthwise_planes")},
    }
    return [kind for kind, count in seen.items() if not count]


def test_weights_take_16_bits_only_as_far_as_the_model_does_not_grow() -> None:
    path = SUITES / "standin" / "ic01.tflite"
    fast, small = (compile_model(path, Target(("armv7e-m",), goal)) for goal in GOALS[:2])
    assert small.weights_bytes < fast.weights_bytes <= path.stat().st_size
    source = fast.sources["model.c"]
    assert ".bytes = 0" in source
    assert ".bytes = 1" in source
    assert ".bytes = 0" not in small.sources["model.c"]
    counts = [sum(one.instructions or 0 for one in made.operators) for made in (fast, small)]
    assert counts[0] < counts[1]


def test_the_arena_is_the_smallest_one_unless_that_costs_more_than_a_hundredth() -> None:
    made = [
        {goal: compile_model(path, Target(("armv7e-m",), goal)) for goal in GOALS}
        for path in map(_stand_in, ("ad01", "vww01"))
    ]
    for model in made:
        fast, small, least = (model[goal] for goal in GOALS)
        assert least.arena_bytes <= min(fast.arena_bytes, small.arena_bytes)
        if least.arena_bytes < fast.arena_bytes:
            assert _cycles(fast) < _cycles(least) / 1.01
    assert any(model["memory"].arena_bytes < model["speed"].arena_bytes for model in made)
    # Bands of two channels' planes save memory for next to no time.
    fast = made[1]["speed"]
    forms = [one.form for one in fast.operators if one.kernel == "depthwise_pairs_s8"]
    assert any(form.startswith("2 channels") for form in forms)
    assert any(form.startswith("4 channels") for form in forms)
    row = next(i for i, one in enumerate(fast.operators) if one.form in forms)
    assert {fast.operators[row].form, f"{fast.operators[row].scratch_bytes:,}"} < {
        *cells(fast, row)
    }


def test_weights_are_staged_in_ram_where_flash_waits_and_there_is_room() -> None:
    flash = load_cycles().flash
    fast, waiting = (
        compile_model(_stand_in("ic01"), Target(("armv7e-m",), flash=known))
        for known in (None, flash)
    )
    assert waiting.arena_bytes == fast.arena_bytes
    staged = [one for one in waiting.operators if one.form.endswith("staged in RAM")]
    assert staged
    assert not any("staged" in one.form for one in fast.operators)
    assert len(re.findall(r"\.staged = [1-9]", waiting.sources["model.c"])) == len(staged)
    there = compile_model(_stand_in("ic01"), Target(("armv7e-m",), "size", flash=flash))
    assert there.weights_bytes < waiting.weights_bytes
    assert _cycles(there) > _cycles(waiting)


def test_helium_has_forms_for_each_goal_too() -> None:
    fast, small, least = (
        compile_model(_stand_in("vww01"), Target(("mve",), goal)) for goal in GOALS
    )
    assert small.weights_bytes <= fast.weights_bytes
    assert least.arena_bytes <= fast.arena_bytes < 38_000
    kernels = {one.kernel for one in fast.operators if one.name == "DEPTHWISE_CONV_2D"}
    assert kernels == {"depthwise_planes_s8", "depthwise_conv2d_s8"}, "with a stride of 2, either"


def test_a_boards_flash_waits_if_it_is_known_to_or_as_it_is_told() -> None:
    boards = load_boards()
    flash = load_cycles().flash
    assert Wishes().target(boards["nucleo-l4r5zi"]).flash == flash
    assert Wishes(wait_states=0).target(boards["nucleo-l4r5zi"]).flash is None
    assert Wishes().target(boards["mps2-an386"]).flash is None
    told = Wishes(wait_states=3).target(boards["mps2-an386"]).flash
    assert told is not None
    assert told.wait_states == 3


def _stand_in(task: str) -> Path:
    return SUITES / "standin" / f"{task}.tflite"


def _cycles(model: CompiledModel) -> int:
    return sum(one.cycles or 0 for one in model.operators)


def test_the_table_says_where_the_count_and_the_cycles_disagree() -> None:
    path = SUITES / "standin" / "ic01.tflite"
    fast, small = (compile_model(path, Target(("armv7e-m",), goal)) for goal in GOALS[:2])
    cycles = [_cycles(made) for made in (fast, small)]
    assert cycles[0] < cycles[1] < cycles[0] * 1.1, "nearly the same, without waits for flash"
    disagreeing = [one for one in fast.operators if one.disagrees]
    assert {one.kernel for one in disagreeing} == {"conv2d_pairs_s8"}
    assert not any(one.disagrees for one in small.operators)
    assert cells(fast, disagreeing[0].index)[-1].endswith(" *")
    assert not cells(small, disagreeing[0].index)[-1].endswith(" *")


def cells(model: CompiledModel, row: int) -> list[str]:
    """Of a row of what `tinyhil build` shows."""
    image = image_of(Path("made.elf"), elf([Part(0, bytes(8))]))
    table = built_table(Firmware(image, model), None, frozenset())
    return [str([*column.cells][row]) for column in table.columns]


@pytest.mark.parametrize("kernels", [(), ("armv7e-m",), ("mve",)], ids=str)
def test_between_forms_predicted_cycles_choose(kernels: tuple[str, ...], tmp_path: Path) -> None:
    """A kernel that nothing is predicted for would always be the fastest."""
    random, target, several = np.random.default_rng(5), Target(kernels), 0
    files = sorted((SUITES / "standin").glob("*.tflite"))
    for number in range(60):
        files.append(tmp_path / f"{number}.tflite")
        files[-1].write_bytes(draw_graph(random).build())
    for file in files:
        graph = read_graph(file, ops.modules().keys()).graph
        for node in graph.nodes if graph else ():
            with suppress(ModelError):  # such as sums that may not fit
                low = ops.lower(node, target)
                several += bool(low.others)
                for form in (low, *low.others) if low.others else ():
                    assert cost.cycles(form, target), (form.kernel, form.form)
    assert bool(several) == bool(kernels), "the portable kernels have one form each"
