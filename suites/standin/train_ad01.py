"""Train the stand-in model for anomaly detection, ``ad01.tflite``; see `training` for how to.

The model has exactly the architecture of the closed division, that is of the reference model of
MLPerf Tiny (github.com/mlcommons/tiny, benchmark/training/anomaly_detection): an autoencoder of
fully connected layers with 640, four times 128, 8, four times 128 and 640 outputs. Only its weights
are ours, learned from made-up spectrograms (``plugin/tinyhil/data/standin/ad01.py``), so its score
says nothing about machines.

It sees windows of normal samples only, and learns to reproduce them. A sample's score is the mean
over its windows of the mean squared error between the float window and the dequantized output.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from training import Recipe, auc, infer, interpreter_of, quantized, run

FRAMES: Final = 5
WIDTH: Final = 128
BOTTLENECK: Final = 8


def windows(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """All windows of samples ``(n, 200, 128)``, shape ``(196 * n, 640)``.

    The first windows of all samples come first, so that some hundred, which the quantization is
    derived from, are of all of them.
    """
    views = np.lib.stride_tricks.sliding_window_view(samples, FRAMES, axis=1)  # n, 196, 128, 5
    return views.transpose(1, 0, 3, 2).reshape(-1, FRAMES * samples.shape[2]).astype(np.float32)


def build(_classes: int) -> Any:
    """The autoencoder of the closed division, untrained: 640 decibels to 640 decibels."""
    layers = tf.keras.layers
    source = layers.Input(shape=(FRAMES * 128,))
    x = source
    for width in (*(WIDTH,) * 4, BOTTLENECK, *(WIDTH,) * 4):
        x = layers.Activation("relu")(layers.BatchNormalization()(layers.Dense(width)(x)))
    return tf.keras.Model(source, layers.Dense(FRAMES * 128)(x))


def score(content: bytes, samples: NDArray[np.float32], labels: NDArray[np.int64]) -> str:
    """Area under the ROC curve of the samples' scores, as text."""
    interpreter = interpreter_of(content)
    scale, zero_point = interpreter.get_output_details()[0]["quantization"]
    found = interpreter.get_input_details()[0]["quantization"]
    scores = []
    for sample in samples:
        values = windows(sample[np.newaxis])
        outputs = np.concatenate(list(infer(content, quantized(values, *found))))
        errors = values - (outputs.astype(np.float64) - zero_point) * scale
        scores.append(np.mean(errors**2))
    return f"AUC {auc(np.array(scores), labels == 1):.4f}"


RECIPE: Final = Recipe(
    task="ad01",
    build=build,
    inputs=windows,
    quantization=None,
    samples=240,
    epochs=15,
    batch=256,
    learning_rate=2e-3,
    loss="mse",
    reconstructs=True,
    score=score,
)

if __name__ == "__main__":
    sys.exit(run(RECIPE, sys.argv[1:]))
