"""Random graphs on QEMU's cores, with the kernels that each board has: they give the same outputs
as the general kernels on this machine.

What is joined without a copy begins at any address. A Cortex-M0 has no load of a word that is not
aligned: it stops there, in QEMU too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import tflite

from tinyhil.catalog.board import load_boards
from tinyhil.ground.errors import ModelError
from tinyhil.image.compiler import Target, compile_model

from .drawn import Drawn
from .graphs import drawn_inputs
from .many import Way, run_many
from .models import Activation, Model
from .operators import draw_graph
from .target import TargetBuild, build_kernels, missing_tool

pytestmark = [pytest.mark.long, pytest.mark.nightly]
BOARDS = ("microbit", "mps2-an385", "mps2-an386", "mps3-an547")
GRAPHS = 12
MOST_BYTES = 6000
"""Of arena, input and output: a micro:bit has 16 KiB."""
GENERAL = Way(Target(keep_dead_channels=True))


def built(name: str, folder: Path) -> TargetBuild:
    board = load_boards()[name]
    if missing := missing_tool(board):
        pytest.skip(f"NOT TESTED: {missing} is not installed")
    return build_kernels(board, folder / "target")


def draw_small(random: np.random.Generator, folder: Path) -> Iterator[Model]:
    """Graphs that are compiled, and fit each board."""
    file = folder / "drawn.tflite"
    while True:
        model = draw_graph(random)
        file.write_bytes(model.build())
        try:
            facts = compile_model(file, *GENERAL)
        except ModelError:
            continue
        # A state would go on from one way to the next one.
        if facts.whole_arena_bytes <= MOST_BYTES and not facts.state_bytes:
            yield model


def check(
    target: TargetBuild, models: Sequence[Model], folder: Path, compiler: Sequence[str]
) -> None:
    """Run models on the board, and on this machine by the general kernels.

    Args:
        target: builds them for the board.
        models: such as no way of compiling refuses.
        folder: for all that is written.
        compiler: of this machine, see `run_many`.
    """
    random = np.random.default_rng(1)
    inputs = [drawn_inputs(random, model) for model in models]
    host = folder / "host"
    host.mkdir()
    wanted = run_many([model.build() for model in models], inputs, [GENERAL], host, compiler)
    for number, (model, given, (rows,)) in enumerate(zip(models, inputs, wanted.rows, strict=True)):
        file = folder / f"{number}.tflite"
        file.write_bytes(model.build())
        found = target(file).run(given.view(np.int8))
        assert np.array_equal(found.view(np.uint8), rows), f"graph {number}"


def joined(dtype: int) -> Model:
    """Three convolutions in a row; their outputs, of an odd number of elements, are joined."""
    drawn = Drawn(np.random.default_rng(2), dtype=dtype)
    shape = (1, 1, 3, 5)
    drawn.tensors.append(Activation(shape, 0.1, 0, dtype))
    parts = []
    for _ in range(3):
        options: dict[str, int | float] = {"Padding": 1, "StrideH": 1, "StrideW": 1}
        drawn.mixed("CONV_2D", drawn.weights(5, 1, 1, 5), 0, shape, "Conv2DOptions", options)
        drawn.tensors[-1] = Activation(shape, 0.1, 0, dtype)
        parts.append(len(drawn.tensors) - 1)
    first, second, third = parts
    drawn.made("CONCATENATION", (second, first), (1, 2, 3, 5), "ConcatenationOptions", Axis=1)
    both = len(drawn.tensors) - 1
    drawn.made("CONCATENATION", (third, both), (1, 3, 3, 5), "ConcatenationOptions", Axis=1)
    drawn.convolution(pointwise=True)
    return drawn.model()


def test_a_cortex_m0_writes_what_is_joined_at_odd_addresses(
    tmp_path: Path, host_compiler: list[str]
) -> None:
    models = [joined(tflite.TensorType.INT8), joined(tflite.TensorType.INT16)]
    target = built("microbit", tmp_path)
    file = tmp_path / "joined.tflite"
    for model in models:
        file.write_bytes(model.build())
        facts = compile_model(file, Target(("armv6-m",)))
        assert any(one.form == "written in place" for one in facts.operators)
    check(target, models, tmp_path, host_compiler)


@pytest.mark.parametrize("name", BOARDS)
def test_random_graphs_give_the_same_outputs_on_a_board(
    name: str, tmp_path: Path, host_compiler: list[str]
) -> None:
    random = np.random.default_rng(BOARDS.index(name))
    drawn = draw_small(random, tmp_path)
    models = [next(drawn) for _ in range(GRAPHS)]
    check(built(name, tmp_path), models, tmp_path, host_compiler)
