"""Train the stand-in model for keyword spotting, ``kws01.tflite``; see `training` for how to.

The model has exactly the architecture of the closed division, that is of the reference model of
MLPerf Tiny (github.com/mlcommons/tiny, benchmark/training/keyword_spotting): a DS-CNN of one 10x4
convolution and four depthwise-separable blocks with 64 channels. Only its weights are ours, learned
from made-up samples (``plugin/tinyhil/data/standin/kws01.py``), so its score says nothing about
speech.

Samples are stored as int8 the way the model takes them. So training sees them dequantized
with ``INPUT_SCALE`` and ``INPUT_ZERO_POINT``, and the converter, which derives both from the range
of the representative samples, must arrive at the same two numbers.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from training import Recipe, run

INPUT_SCALE: Final = 0.5  # a power of two, so that dequantizing is exact
INPUT_ZERO_POINT: Final = 83  # that of the official model
CHANNELS: Final = 64
BLOCKS: Final = 4
WEIGHT_DECAY: Final = 1e-4


def dequantized(samples: NDArray[np.int8]) -> NDArray[np.float32]:
    """Stored samples ``(n, 49, 10)`` as the model's float input ``(n, 49, 10, 1)``; exact."""
    values = (samples.astype(np.float32) - INPUT_ZERO_POINT) * INPUT_SCALE
    return values[..., np.newaxis].astype(np.float32)


def build(classes: int) -> Any:
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


RECIPE: Final = Recipe(
    task="kws01",
    build=build,
    inputs=dequantized,
    quantization=(INPUT_SCALE, INPUT_ZERO_POINT),
    samples=12_000,
    epochs=16,
    batch=64,
    learning_rate=2e-3,
)

if __name__ == "__main__":
    sys.exit(run(RECIPE, sys.argv[1:]))
