"""Train the stand-in model for visual wake words, ``vww01.tflite``; see `training` for how to.

The model has exactly the architecture of the closed division, that is of the reference model of
MLPerf Tiny (github.com/mlcommons/tiny, benchmark/training/visual_wake_words): a MobileNetV1 with a
quarter of the channels. Only its weights are ours, learned from made-up scenes
(``plugin/tinyhil/data/standin/vww01.py``), so its score says nothing about photographs.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from training import Recipe, run

WEIGHT_DECAY: Final = 1e-4
FIRST_CHANNELS: Final = 8
# Channels and stride of each depthwise-separable block.
BLOCKS: Final = (
    (16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (128, 1), (128, 1), (128, 1),
    (128, 1), (256, 2), (256, 1),
)  # fmt: skip
INPUT_SCALE: Final = float(np.float32(1 / 255))


def unit_range(samples: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bytes as 0 to 1, like those of the official model."""
    return samples.astype(np.float32) / np.float32(255)


def build(classes: int) -> Any:
    """The MobileNetV1 of the closed division, untrained: ``(96, 96, 3)`` to probabilities."""
    layers = tf.keras.layers
    decay = tf.keras.regularizers.l2(WEIGHT_DECAY)

    def normalized(x: Any) -> Any:
        return layers.Activation("relu")(layers.BatchNormalization()(x))

    def convolution(x: Any, channels: int, kernel: int, stride: int) -> Any:
        return normalized(
            layers.Conv2D(
                channels,
                kernel,
                strides=stride,
                padding="same",
                kernel_initializer="he_normal",
                kernel_regularizer=decay,
            )(x)
        )

    source = layers.Input(shape=(96, 96, 3))
    x = convolution(source, FIRST_CHANNELS, 3, 2)
    for channels, stride in BLOCKS:
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", depthwise_regularizer=decay)(
            x
        )
        x = convolution(normalized(x), channels, 1, 1)
    x = layers.Flatten()(layers.AveragePooling2D(pool_size=3)(x))
    return tf.keras.Model(source, layers.Dense(classes, activation="softmax")(x))


RECIPE: Final = Recipe(
    task="vww01",
    build=build,
    inputs=unit_range,
    quantization=(INPUT_SCALE, -128),
    samples=12_000,
    epochs=11,
    batch=32,
    learning_rate=2e-3,
)

if __name__ == "__main__":
    sys.exit(run(RECIPE, sys.argv[1:]))
