"""Official models with the Helium kernels, on the emulated Cortex-M55."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinyhil.catalog.board import load_boards
from tinyhil.data.standin.kws01 import TEST_COUNT, TEST_SEED, generate
from tinyhil.ground.paths import SUITES

from .target import TargetBuild, build_kernels, missing_tool

MODELS = {
    "kws_ref_model.tflite": 1_817_000,
    "vww_96_int8.tflite": 6_558_000,
    "pretrainedResnet_quant.tflite": 4_913_000,
    "ad01_int8.tflite": 150_000,
    "pretrainedResnet_large_int8.tflite": 18_660_000,
}
"""Instructions that TensorFlow Lite Micro with CMSIS-NN needs for them on the same emulated
board."""


@pytest.fixture(scope="module")
def helium(tmp_path_factory: pytest.TempPathFactory) -> TargetBuild:
    """Builds models for the Cortex-M55."""
    board = load_boards()["mps3-an547"]
    if missing := missing_tool(board):
        pytest.skip(f"NOT TESTED: {missing} is not installed")
    return build_kernels(board, tmp_path_factory.mktemp("helium"))


def test_the_stand_in_model_equals_the_reference_with_helium(helium: TargetBuild) -> None:
    oracle = np.load(SUITES / "standin" / "kws01_oracle.npz")
    samples, _ = generate(TEST_COUNT, TEST_SEED)
    outputs = helium(SUITES / "standin" / "kws01.tflite").run(samples[:10])
    assert np.array_equal(outputs, oracle["outputs"][:10])


@pytest.mark.parametrize("name", MODELS)
def test_an_official_model_needs_less_than_with_tensorflow_lite_micro_on_helium(
    official: Path, helium: TargetBuild, name: str
) -> None:
    model = helium(official / "models" / name)
    inputs = np.random.default_rng(9).integers(-128, 128, (1, model.facts.input.size), np.int8)
    assert int(model.instructions(inputs)[0, 0]) < MODELS[name]
