"""Train the stand-in model for keyword spotting and write it as a full int8 ``.tflite`` file.

The committed ``kws01.tflite`` was made by this script; run it only to make it anew. TensorFlow is
heavy and no part of the product, so it lives in an environment of its own::

    python3.11 -m venv build/train
    build/train/bin/pip install -r suites/standin/requirements-train.txt
    build/train/bin/python suites/standin/train_kws01.py --out suites/standin/kws01.tflite

It takes a few minutes on one core and prints the score on the held-out set and the SHA-256 of the
model. The model has exactly the architecture of the closed division, that is of the reference
model of MLPerf Tiny (github.com/mlcommons/tiny, benchmark/training/keyword_spotting): a DS-CNN of
one 10x4 convolution and four depthwise-separable blocks with 64 channels. Only its weights are
ours, learnt from made-up samples (``plugin/tinyhil/standin/kws01.py``), so its score says nothing
about speech.

Samples are stored as int8 the way the model takes them. Training therefore sees them dequantized
with ``INPUT_SCALE`` and ``INPUT_ZERO_POINT``, and the converter, which derives both from the range
of the representative samples, must arrive at the same two numbers; the script fails if not.

The same seed gives the same file on the same machine with the same TensorFlow; another processor
may sum floats in another order and so give other weights with about the same score.
"""

# ruff: noqa: T201 - printing is what a script is for

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # the CPU's sums are the reproducible ones

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

HERE: Final = Path(__file__).resolve().parent
GENERATOR: Final = HERE.parents[1] / "plugin" / "tinyhil" / "standin" / "kws01.py"

INPUT_SCALE: Final = 0.5  # a power of two, so that dequantizing is exact
INPUT_ZERO_POINT: Final = 83  # that of the official model
CHANNELS: Final = 64
BLOCKS: Final = 4
WEIGHT_DECAY: Final = 1e-4
LEARNING_RATE: Final = 2e-3
BATCH: Final = 64
REPRESENTATIVE: Final = 500


def load_generator() -> ModuleType:
    """The sample generator, by its file: the package around it needs more than this script."""
    spec = importlib.util.spec_from_file_location("standin_kws01", GENERATOR)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"no generator at {GENERATOR}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def dequantize(samples: NDArray[np.int8]) -> NDArray[np.float32]:
    """Stored samples ``(n, 49, 10)`` as the model's float input ``(n, 49, 10, 1)``; exact."""
    values = (samples.astype(np.float32) - INPUT_ZERO_POINT) * INPUT_SCALE
    return values[..., np.newaxis].astype(np.float32)


def build_model(classes: int) -> Any:
    """The DS-CNN of the closed division, untrained: ``(49, 10, 1)`` floats to class probabilities.

    Dropout is active in training only and leaves nothing in the converted model.
    """
    layers = tf.keras.layers
    decay = tf.keras.regularizers.l2(WEIGHT_DECAY)

    def normalized(x: Any) -> Any:
        return layers.Activation("relu")(layers.BatchNormalization()(x))

    inputs = layers.Input(shape=(49, 10, 1))
    x = layers.Conv2D(CHANNELS, (10, 4), strides=(2, 2), padding="same", kernel_regularizer=decay)(
        inputs
    )
    x = layers.Dropout(0.2)(normalized(x))
    for _ in range(BLOCKS):
        x = layers.DepthwiseConv2D((3, 3), padding="same", depthwise_regularizer=decay)(x)
        x = normalized(x)
        x = layers.Conv2D(CHANNELS, (1, 1), padding="same", kernel_regularizer=decay)(x)
        x = normalized(x)
    x = layers.Dropout(0.4)(x)
    x = layers.AveragePooling2D(pool_size=(25, 5))(x)
    x = layers.Flatten()(x)
    return tf.keras.Model(inputs, layers.Dense(classes, activation="softmax")(x))


def train(
    samples: NDArray[np.int8], labels: NDArray[np.int64], classes: int, epochs: int, seed: int
) -> Any:
    """A trained float model; the learning rate falls to nothing along half a cosine."""
    tf.keras.utils.set_random_seed(seed)
    model = build_model(classes)
    steps = epochs * -(-len(samples) // BATCH)
    schedule = tf.keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    model.compile(
        optimizer=tf.keras.optimizers.Adam(schedule),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(dequantize(samples), labels, batch_size=BATCH, epochs=epochs, verbose=2)
    return model


def convert(model: Any, samples: NDArray[np.int8]) -> bytes:
    """Quantize to int8 throughout, input and output included, with the range of ``samples``.

    Raises:
        ValueError: the samples don't span the whole int8 range, so that the converter would pick
            another input quantization.
    """
    if (int(samples.min()), int(samples.max())) != (-128, 127):
        raise ValueError(f"representative samples span {samples.min()} to {samples.max()} only")

    def representative() -> Iterator[list[NDArray[np.float32]]]:
        for sample in dequantize(samples):
            yield [sample[np.newaxis]]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def check_input(content: bytes) -> None:
    """Fail unless the stored bytes are the model's input as they are.

    Raises:
        ValueError: another scale, zero point or type.
    """
    (tensor,) = tf.lite.Interpreter(model_content=content).get_input_details()
    found = (tensor["dtype"], *tensor["quantization"])
    if found != (np.int8, INPUT_SCALE, INPUT_ZERO_POINT):
        raise ValueError(f"input is {found}, not int8 with {INPUT_SCALE}, {INPUT_ZERO_POINT}")


def infer(content: bytes, samples: NDArray[np.int8]) -> NDArray[np.int8]:
    """The int8 model's outputs ``(n, classes)`` by the reference kernels, the bit-exact ones."""
    interpreter = tf.lite.Interpreter(
        model_content=content,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    sink = interpreter.get_output_details()[0]["index"]
    outputs = []
    for sample in samples:
        interpreter.set_tensor(source, sample.reshape(1, 49, 10, 1))
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(sink)[0])
    return np.stack(outputs)


def macro_auc(outputs: NDArray[np.int8], labels: NDArray[np.int64]) -> float:
    """Area under the ROC curve, one class against the rest, mean over classes; a tie is half."""
    areas = []
    for label in np.unique(labels):
        inside = outputs[labels == label, label][:, np.newaxis]
        outside = outputs[labels != label, label][np.newaxis]
        areas.append(np.mean(inside > outside) + np.mean(inside == outside) / 2)
    return float(np.mean(areas))


def parse(arguments: list[str]) -> argparse.Namespace:
    """Command line to options."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n", 1)[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=HERE / "kws01.tflite", help="file to write")
    parser.add_argument("--samples", type=int, default=12_000, help="training samples to generate")
    parser.add_argument("--epochs", type=int, default=16, help="passes over them")
    parser.add_argument("--seed", type=int, default=1, help="seed of weights, dropout and order")
    parser.add_argument("--threads", type=int, default=1, help="threads for TensorFlow")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Train, convert, check, score on the held-out set, write; 0 on success."""
    options = parse(arguments)
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    kws01 = load_generator()
    samples, labels = kws01.generate(options.samples, kws01.TRAIN_SEED)
    model = train(samples, labels, len(kws01.CLASSES), options.epochs, options.seed)
    content = convert(model, samples[:REPRESENTATIVE])
    check_input(content)
    held_out, truth = kws01.generate(kws01.TEST_COUNT, kws01.TEST_SEED)
    outputs = infer(content, held_out)
    top1 = float(np.mean(outputs.argmax(axis=1) == truth))
    options.out.write_bytes(content)
    print(f"held-out top-1 (int8) {top1:.3f}")
    print(f"held-out AUC, one vs rest, macro {macro_auc(outputs, truth):.4f}")
    print(f"sha256 {hashlib.sha256(content).hexdigest()}  {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
