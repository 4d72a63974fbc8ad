"""Compiled models as the firmware has them, on the emulated Cortex-M4."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinyhil.catalog.board import load_boards
from tinyhil.data.standin.kws01 import TEST_COUNT, TEST_SEED, generate
from tinyhil.ground.paths import SUITES

from .target import TargetBuild, build_kernels, missing_tool

STAND_IN = SUITES / "standin" / "kws01.tflite"

MODELS = {
    "kws_ref_model.tflite": (7_701_000, 22_820),
    "vww_96_int8.tflite": (24_100_000, 100_708),
    "pretrainedResnet_quant.tflite": (29_870_000, 54_996),
    "ad01_int8.tflite": (583_000, 2_580),
    "str_ww_ref_model.tflite": (2_228_000, 16_596),
    "pretrainedResnet_large_int8.tflite": (145_500_000, 133_620),
}
"""Official models; instructions and bytes of arena that TensorFlow Lite Micro with CMSIS-NN needs
for them on the same emulated board."""


@pytest.fixture(scope="module")
def target_build(tmp_path_factory: pytest.TempPathFactory) -> TargetBuild:
    """Builds models for the Cortex-M4."""
    board = load_boards()["mps2-an386"]
    if missing := missing_tool(board):
        pytest.skip(f"NOT TESTED: {missing} is not installed")
    return build_kernels(board, tmp_path_factory.mktemp("target"))


def test_the_stand_in_model_equals_the_reference_on_the_target(target_build: TargetBuild) -> None:
    oracle = np.load(SUITES / "standin" / "kws01_oracle.npz")
    samples, _ = generate(TEST_COUNT, TEST_SEED)
    outputs = target_build(STAND_IN).run(samples[:100])
    assert np.array_equal(outputs, oracle["outputs"][:100])


def test_instructions_of_the_stand_in_model_are_as_predicted(target_build: TargetBuild) -> None:
    model = target_build(STAND_IN)
    counted = model.instructions(np.zeros((1, model.facts.input.size), np.int8))[0]
    predicted = [
        operator.instructions or 0 for operator in model.facts.operators if operator.kernel
    ]
    assert sum(predicted) == pytest.approx(counted[0], rel=0.1)
    assert predicted == pytest.approx(counted[1:], rel=0.15)


@pytest.mark.parametrize("name", MODELS)
def test_an_official_model_needs_no_more_than_with_tensorflow_lite_micro(
    official: Path, target_build: TargetBuild, name: str
) -> None:
    model = target_build(official / "models" / name)
    inputs = np.random.default_rng(9).integers(-128, 128, (1, model.facts.input.size), np.int8)
    instructions = int(model.instructions(inputs)[0, 0])
    most_instructions, most_arena_bytes = MODELS[name]
    assert instructions <= most_instructions
    assert model.facts.arena_bytes <= most_arena_bytes
    predicted = sum(operator.instructions or 0 for operator in model.facts.operators)
    assert predicted == pytest.approx(instructions, rel=0.1)
