"""What the training scripts of the stand-in models share: training, quantizing, checking, scoring.

A script says in a `Recipe` what is special to its task and calls `run`. TensorFlow is heavy and not
a part of the product, so it has its own environment, for example for ``ic01``::

    python3.11 -m venv build/train
    build/train/bin/pip install -r suites/standin/requirements-train.txt
    build/train/bin/python suites/standin/train_ic01.py --out suites/standin/ic01.tflite

A script takes a few minutes on one core and prints the score on the held-out set and the SHA-256 of
the model; the committed models were made this way, with the defaults of each. The same seed gives
the same file on the same machine with the same TensorFlow; another processor may sum floats in
another order, which gives other weights with about the same score.
"""

# ruff: noqa: T201 - a script is meant to print

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # the CPU's sums are the reproducible ones

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

HERE: Final = Path(__file__).resolve().parent
PACKAGES: Final = HERE.parents[1] / "plugin"
REPRESENTATIVE: Final = 500


def top1_and_auc(content: bytes, inputs: NDArray[np.int8], labels: NDArray[np.int64]) -> str:
    """Scores of a classifier, as text."""
    outputs = np.concatenate(list(infer(content, inputs)))
    top1 = float(np.mean(outputs.argmax(axis=1) == labels))
    return f"top-1 {top1:.3f}, AUC one vs rest, macro {macro_auc(outputs, labels):.4f}"


def quantized(inputs: NDArray[np.float32], scale: float, zero_point: int) -> NDArray[np.int8]:
    """Float inputs as a model's int8 input."""
    steps = np.round(inputs / np.float32(scale)) + zero_point
    return np.clip(steps, -128, 127).astype(np.int8)


@dataclass(frozen=True)
class Recipe:
    """What is special to a task in training."""

    task: str
    build: Callable[[int], Any]
    """The untrained Keras model for so many classes."""
    inputs: Callable[[NDArray[Any]], NDArray[np.float32]]
    """Stored samples to the model's float inputs, one or more for each sample."""
    quantization: tuple[float, int] | None
    """Scale and zero point that the model's input must get; None: any."""
    samples: int
    epochs: int
    batch: int
    learning_rate: float
    loss: str = "sparse_categorical_crossentropy"
    reconstructs: bool = False
    """Learn to reproduce the inputs of class 0 rather than to tell the classes apart."""
    score: Callable[[bytes, NDArray[Any], NDArray[np.int64]], str] | None = None
    """Scores of the int8 model on samples and labels, as text; None: as a classifier."""


def train(
    recipe: Recipe, classes: int, inputs: NDArray[np.float32], targets: NDArray[Any], epochs: int
) -> Any:
    """A trained float model; the learning rate falls to nothing along half a cosine."""
    model = recipe.build(classes)
    steps = epochs * -(-len(inputs) // recipe.batch)
    schedule = tf.keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    model.compile(optimizer=tf.keras.optimizers.Adam(schedule), loss=recipe.loss)
    model.fit(inputs, targets, batch_size=recipe.batch, epochs=epochs, verbose=2)
    return model


def convert(model: Any, inputs: NDArray[np.float32]) -> bytes:
    """Quantize to int8 throughout, input and output included, with the range of ``inputs``."""

    def representative() -> Iterator[list[NDArray[np.float32]]]:
        for value in inputs:
            yield [value[np.newaxis]]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def interpreter_of(content: bytes) -> Any:
    """An interpreter with the reference kernels, the bit-exact ones; tensors allocated."""
    interpreter = tf.lite.Interpreter(
        model_content=content,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    return interpreter


def input_quantization(content: bytes) -> tuple[float, int]:
    """Scale and zero point of a model's int8 input.

    Raises:
        ValueError: the input is not int8.
    """
    (tensor,) = interpreter_of(content).get_input_details()
    if tensor["dtype"] != np.int8:
        raise ValueError(f"input is {tensor['dtype']}, not int8")
    scale, zero_point = tensor["quantization"]
    return float(scale), int(zero_point)


def infer(content: bytes, inputs: NDArray[np.int8]) -> Iterator[NDArray[np.int8]]:
    """The int8 model's output for each input, shape ``(1, outputs)``, by the reference kernels."""
    interpreter = interpreter_of(content)
    source = interpreter.get_input_details()[0]
    sink = interpreter.get_output_details()[0]["index"]
    for value in inputs:
        interpreter.set_tensor(source["index"], value.reshape(source["shape"]))
        interpreter.invoke()
        yield interpreter.get_tensor(sink)


def macro_auc(outputs: NDArray[np.int8], labels: NDArray[np.int64]) -> float:
    """Area under the ROC curve, one class against the rest, mean over classes."""
    return float(np.mean([auc(outputs[:, label], labels == label) for label in np.unique(labels)]))


def auc(scores: NDArray[Any], positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve; a tie is half."""
    inside, outside = scores[positive][:, np.newaxis], scores[~positive][np.newaxis]
    return float(np.mean(inside > outside) + np.mean(inside == outside) / 2)


def parse(recipe: Recipe, arguments: list[str]) -> argparse.Namespace:
    """Command line to options."""
    parser = argparse.ArgumentParser(
        description=f"Train the stand-in model of {recipe.task}.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    out = HERE / f"{recipe.task}.tflite"
    parser.add_argument("--out", type=Path, default=out, help="file to write")
    parser.add_argument("--samples", type=int, default=recipe.samples, help="samples to train on")
    parser.add_argument("--epochs", type=int, default=recipe.epochs, help="passes over them")
    parser.add_argument("--seed", type=int, default=1, help="seed of weights, dropout and order")
    parser.add_argument("--threads", type=int, default=1, help="threads for TensorFlow")
    return parser.parse_args(arguments)


def run(recipe: Recipe, arguments: list[str]) -> int:
    """Train, convert, check, score on the held-out set, write; 0 on success.

    Raises:
        ValueError: the model's input is quantized in another way than the recipe demands, so that
            the stored bytes would not be its input; the representative samples lack the extremes.
    """
    options = parse(recipe, arguments)
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    tf.keras.utils.set_random_seed(options.seed)
    sys.path.insert(0, str(PACKAGES))
    generator = import_module(f"tinyhil.data.standin.{recipe.task}")

    samples, labels = generator.generate(options.samples, generator.TRAIN_SEED)
    inputs = recipe.inputs(samples[labels == 0] if recipe.reconstructs else samples)
    targets = inputs if recipe.reconstructs else labels
    model = train(recipe, len(generator.CLASSES), inputs, targets, options.epochs)
    content = convert(model, inputs[:REPRESENTATIVE])
    found = input_quantization(content)
    if recipe.quantization not in (None, found):
        raise ValueError(f"input has {found}, not {recipe.quantization}")

    held_out, truth = generator.generate(generator.TEST_COUNT, generator.TEST_SEED)
    if recipe.score is None:
        score = top1_and_auc(content, quantized(recipe.inputs(held_out), *found), truth)
    else:
        score = recipe.score(content, held_out, truth)
    options.out.write_bytes(content)
    print(f"held-out, int8: {score}")
    print(f"input scale {found[0]!r}, zero point {found[1]}")
    print(f"sha256 {hashlib.sha256(content).hexdigest()}  {options.out}")
    return 0
