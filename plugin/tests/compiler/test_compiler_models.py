"""Whole models against the outputs of the TensorFlow Lite reference, byte for byte."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tflite
from numpy.typing import NDArray

from tinyhil.data.standin.kws01 import TEST_COUNT, TEST_SEED, generate
from tinyhil.ground.errors import ModelError
from tinyhil.ground.paths import SUITES
from tinyhil.image.compiler import compile_model

from .host import HostBuild
from .models import Activation, Model, Operator

STAND_IN = SUITES / "standin" / "kws01.tflite"


def _files(folder: Path, names: NDArray[np.str_]) -> NDArray[np.int8]:
    return np.stack([np.frombuffer((folder / str(n)).read_bytes(), np.int8) for n in names])


@pytest.mark.long
def test_the_stand_in_model_equals_the_reference_on_its_whole_set(host_build: HostBuild) -> None:
    oracle = np.load(SUITES / "standin" / "kws01_oracle.npz")
    samples, _ = generate(TEST_COUNT, TEST_SEED)
    outputs = host_build(STAND_IN).run(samples)
    assert np.array_equal(outputs, oracle["outputs"])


def test_official_keyword_spotting_equals_the_reference_on_its_whole_set(
    official: Path, host_build: HostBuild
) -> None:
    oracle = np.load(official / "oracle" / "kws01.npz")
    model = host_build(official / "models" / "kws_ref_model.tflite")
    outputs = model.run(_files(official / "datasets" / "kws01", oracle["names"]))
    assert np.array_equal(outputs, oracle["outputs"])
    labels = [int(re.findall(r"_(\d+)\.bin", str(name))[0]) for name in oracle["names"]]
    assert (outputs.argmax(axis=1) == labels).mean() == pytest.approx(0.901)


def test_official_visual_wake_words_equal_the_reference(
    official: Path, host_build: HostBuild
) -> None:
    oracle = np.load(official / "oracle" / "vww01.npz")
    some = slice(None, None, 50)
    images = _files(official / "datasets" / "vww01", oracle["names"][some])
    model = host_build(official / "models" / "vww_96_int8.tflite")
    # An image is sent as unsigned bytes; the model wants them less 128.
    assert np.array_equal(model.run(images ^ np.int8(-128)), oracle["outputs"][some])


def test_official_image_classification_equals_the_reference_on_its_whole_set(
    official: Path, host_build: HostBuild
) -> None:
    oracle = np.load(official / "oracle" / "ic01.npz")
    images = _files(official / "datasets" / "ic01", oracle["names"])
    model = host_build(official / "models" / "pretrainedResnet_quant.tflite")
    assert np.array_equal(model.run(images ^ np.int8(-128)), oracle["outputs"])


def test_official_large_image_classification_equals_the_reference(
    official: Path, host_build: HostBuild
) -> None:
    oracle = np.load(official / "oracle" / "ic02.npz")
    some = slice(None, None, 4)
    model = host_build(official / "models" / "pretrainedResnet_large_int8.tflite")
    outputs = model.run(oracle["inputs"][some])
    assert np.array_equal(outputs, oracle["outputs"][some].reshape(outputs.shape))


def test_official_streaming_wake_word_equals_the_reference(
    official: Path, host_build: HostBuild
) -> None:
    oracle = np.load(official / "oracle" / "sww01.npz")
    model = host_build(official / "models" / "str_ww_ref_model.tflite")
    outputs = model.run(oracle["inputs"])
    assert np.array_equal(outputs, oracle["outputs"].reshape(outputs.shape))


def test_official_anomaly_detection_equals_the_reference(
    official: Path, host_build: HostBuild
) -> None:
    oracle = np.load(official / "oracle" / "ad01.npz")
    model = host_build(official / "models" / "ad01_int8.tflite")
    sound = np.fromfile(official / "datasets" / "ad01" / str(oracle["output_names"][0]), "<f4")
    windows = np.stack([sound[start * 128 : start * 128 + 640] for start in range(196)])
    facts = model.facts.input
    stored = np.clip(np.round(windows / np.float32(facts.scale)) + facts.zero_point, -128, 127)
    assert np.array_equal(model.run(stored.astype(np.int8)), oracle["outputs"][0])


def test_facts_of_the_keyword_model_are_those_that_are_known() -> None:
    model = compile_model(STAND_IN)
    assert model.macs == 2_656_768
    assert model.input.shape == (1, 49, 10, 1)
    assert model.input.size == 490
    assert (model.output.size, model.output.scale, model.output.zero_point) == (12, 1 / 256, -128)
    assert 8_000 <= model.arena_bytes < 9_000  # one live activation of 8000 bytes, and scratch
    assert 22_016 <= model.weights_bytes < 32_000
    names = [operator.name for operator in model.operators]
    assert names == [
        "CONV_2D",
        *["DEPTHWISE_CONV_2D", "CONV_2D"] * 4,
        "AVERAGE_POOL_2D",
        "RESHAPE",
        "FULLY_CONNECTED",
        "SOFTMAX",
    ]
    assert model.operators[0].macs == 320_000


def test_the_configuration_header_states_the_facts() -> None:
    model = compile_model(STAND_IN)
    macros = dict(re.findall(r"#define (\S+) +(\S+)", model.sources["model_config.h"]))
    assert macros["MODEL_SHA256"] == f'"{model.sha256}"'
    assert int(macros["MODEL_INPUT_BYTES"]) == model.input.size
    assert int(macros["MODEL_OUTPUT_COUNT"]) == model.output.size
    assert int(macros["MODEL_ARENA_BYTES"]) == model.arena_bytes
    assert int(macros["MODEL_MACS"]) == model.macs
    for end, tensor in (("INPUT", model.input), ("OUTPUT", model.output)):
        scale = macros[f"MODEL_{end}_SCALE"]
        assert scale.endswith("f")
        assert float.fromhex(scale.removesuffix("f")) == tensor.scale
        assert int(macros[f"MODEL_{end}_ZERO_POINT"].strip("()")) == tensor.zero_point


def test_writing_leaves_files_alone_that_are_right_already(tmp_path: Path) -> None:
    model = compile_model(STAND_IN)
    model.write(tmp_path)
    (tmp_path / "model_config.h").write_text("stale", encoding="utf-8")
    source = tmp_path / "model.c"
    source.touch()
    before = source.stat().st_mtime_ns
    model.write(tmp_path)
    assert source.stat().st_mtime_ns == before
    config = (tmp_path / "model_config.h").read_text(encoding="utf-8")
    assert config == model.sources["model_config.h"]


def test_a_shape_that_is_computed_is_known_already(tmp_path: Path) -> None:
    number, shape = (Activation(size, dtype=tflite.TensorType.INT32) for size in ((), (2,)))
    tensors = [
        Activation((1, 3, 4)),
        shape,
        number,
        shape,
        Activation((1, 12)),
        Activation((1, 12), 2.0),
    ]
    operators = [
        Operator("SHAPE", (0,), 1),
        Operator("STRIDED_SLICE", (1, 1, 1, 1), 2),
        Operator("PACK", (2, 2), 3),
        Operator("RESHAPE", (0, 3), 4),
        Operator("ADD", (4, 4), 5, "AddOptions"),
    ]
    file = tmp_path / "model.tflite"
    file.write_bytes(Model(tensors, operators).build())
    assert [one.name for one in compile_model(file).operators] == ["RESHAPE", "ADD"]
    # Where something else needs it, it is an operator as all others.
    file.write_bytes(Model(tensors, operators, outputs=(3,)).build())
    with pytest.raises(ModelError, match=r"operator 0 \(SHAPE\): is not known"):
        compile_model(file)
