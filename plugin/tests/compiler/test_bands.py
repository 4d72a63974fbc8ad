"""The first operators of a model in bands of rows: less memory, and the same outputs to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tinyhil.catalog.board import Board, load_boards
from tinyhil.data.standin.vww01 import TEST_COUNT, TEST_SEED, generate
from tinyhil.ground.errors import ModelError
from tinyhil.ground.paths import SUITES
from tinyhil.image.build import Wishes, compile_as
from tinyhil.image.compiler import ANY_CORE, CompiledModel, Target, compile_model
from tinyhil.image.generic import task_for

from .host import HostBuild
from .many import Bytes, Way, differing, run_many, two_thirds
from .models import Activation, Model, Operator, Weights
from .stages import draw_stage
from .target import build_kernels, missing_tool

VWW = SUITES / "standin" / "vww01.tflite"
WISHES = Wishes()
M4, M55 = Target(("armv7e-m",)), Target(("mve",))
SMALL = [Way(target, two_thirds) for target in (ANY_CORE, M4, M55)]


def images() -> NDArray[np.int8]:
    """What the oracle was given."""
    samples, _ = generate(TEST_COUNT, TEST_SEED)
    return (samples.reshape(len(samples), -1).astype(np.int16) - 128).astype(np.int8)


@pytest.mark.parametrize("count", [4, pytest.param(60, marks=pytest.mark.long)])
def test_random_stages_in_bands_equal_the_whole_ones(
    host_compiler: list[str], tmp_path: Path, count: int
) -> None:
    random = np.random.default_rng(5)
    models = [draw_stage(random) for _ in range(count)]
    inputs: list[Bytes] = []
    for model in models:
        (first, *_) = model.tensors
        assert isinstance(first, Activation)
        inputs.append(random.integers(0, 256, (3, int(np.prod(first.shape))), np.uint8))
    contents = [model.build() for model in models]
    made = run_many(contents, inputs, (Way(ANY_CORE), *SMALL), tmp_path, host_compiler)
    wrong = [
        (graph, way)
        for graph, rows in enumerate(made.rows)
        for way, row in enumerate(rows)
        if differing(rows[0], row)
    ]
    assert wrong == []
    assert made.banded > count // 2  # of three times as many


def test_bands_cost_a_few_rows_that_are_computed_again() -> None:
    at_once = compile_model(VWW, M4)
    facts = compile_model(VWW, M4, lambda one: one.arena_bytes // 2)
    assert facts.bands > 1
    assert facts.arena_bytes <= at_once.arena_bytes // 2
    assert facts.arena_at_once_bytes == at_once.arena_bytes
    # The weights are in flash once; only rows at the sides of bands are computed again.
    assert facts.weights_bytes == at_once.weights_bytes
    again = sum(one.macs_again for one in facts.operators)
    assert 0 < again == facts.macs - at_once.macs < at_once.macs // 4


def test_only_what_has_no_room_is_computed_in_bands() -> None:
    at_once = compile_model(VWW, M4)
    enough = compile_model(VWW, M4, lambda one: one.arena_bytes)
    never = compile_model(VWW, M4, lambda _: 1)
    assert enough.sources == never.sources == at_once.sources
    assert at_once.bands == 1


def large() -> Model:
    """A network whose largest activation is of 1 MiB; no channel of it is dead."""
    random, side, before = np.random.default_rng(7), 128, 3
    tensors: list[Weights | Activation] = [Activation((1, side, side, before), 1.0, -3)]
    operators = []
    for channels, kernel, stride in ((64, 3, 1), (16, 3, 2), (32, 3, 2), (32, 3, 2), (10, 16, 1)):
        source, options = len(tensors) - 1, {"Padding": int(kernel == 16)}
        side = 1 if kernel == 16 else -(-side // stride)
        weights = random.integers(-127, 128, (channels, kernel, kernel, before), dtype=np.int8)
        steps = [0.025 / (kernel * before**0.5)] * channels
        tensors += [
            Weights(weights, steps),
            Weights(random.integers(-2000, 2000, channels).astype(np.int32)),
            Activation((1, side, side, channels), 1.0, -3),
        ]
        options |= {"StrideH": stride, "StrideW": stride}
        inputs = (source, source + 1, source + 2)
        operators.append(Operator("CONV_2D", inputs, source + 3, "Conv2DOptions", options))
        before = channels
    return Model(tensors, operators)


def of_512_kib(board: Board) -> Board:
    """The same board with so much RAM."""
    sizes = {"ram": 512 << 10, "flash": 4 << 20}
    memory = tuple(one.model_copy(update={"size": sizes[one.kind]}) for one in board.memory[:2])
    return board.model_copy(update={"memory": memory})


def compiled_for(board: Board, file: Path, wishes: Wishes = WISHES) -> CompiledModel:
    return compile_as(lambda one: task_for(file, one, {}), file, board, wishes)[1]


def test_an_activation_of_a_mebibyte_fits_a_board_of_half_of_it(tmp_path: Path) -> None:
    file = tmp_path / "large.tflite"
    file.write_bytes(large().build())
    board = load_boards()["mps2-an386"]
    at_once = compiled_for(board, file)
    assert at_once.bands == 1
    assert at_once.arena_bytes >= 1 << 20
    facts = compiled_for(of_512_kib(board), file)
    assert facts.bands > 1
    assert facts.arena_bytes < 450_000
    assert facts.macs < at_once.macs * 1.01
    asked = compiled_for(board, file, Wishes(most_arena_bytes=200 << 10))
    assert asked.arena_bytes <= 200 << 10
    with pytest.raises(
        ModelError, match=r"100 bytes are allowed for the tensor arena, it needs [\d,]+"
    ):
        compiled_for(board, file, Wishes(most_arena_bytes=100))


@pytest.mark.long
@pytest.mark.parametrize("name", ["mps2-an386", "mps3-an547"])
def test_models_in_bands_are_exact_on_emulated_cores(
    name: str, tmp_path: Path, host_build: HostBuild
) -> None:
    board = load_boards()[name]
    if missing := missing_tool(board):
        pytest.skip(f"NOT TESTED: {missing} is not installed")
    build = build_kernels(board, tmp_path / "target")
    oracle = np.load(SUITES / "standin" / "vww01_oracle.npz")
    samples = images()
    model = build(VWW, lambda one: one.arena_bytes * 3 // 4)
    assert model.facts.bands > 1
    assert np.array_equal(model.run(samples[:2]), oracle["outputs"][:2].reshape(2, -1))
    file = tmp_path / "large.tflite"
    file.write_bytes(large().build())
    inputs = np.random.default_rng(1).integers(-128, 128, (1, 49_152), np.int8)
    banded = build(file, lambda _: 300 << 10)
    assert banded.facts.bands > 1
    # In the general form, at once, on this machine.
    assert np.array_equal(host_build(file).run(inputs), banded.run(inputs))
