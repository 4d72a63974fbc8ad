"""Train the stand-in model for image classification, ``ic01.tflite``; see `training` for how to.

The model has exactly the architecture of the closed division, that is of the reference model of
MLPerf Tiny (github.com/mlcommons/tiny, benchmark/training/image_classification): a ResNet-8 of
three stages with 16, 32 and 64 channels. Only its weights are ours, learned from made-up pictures
(``plugin/tinyhil/data/standin/ic01.py``), so its score says nothing about photographs.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from training import Recipe, run

WEIGHT_DECAY: Final = 1e-4


def inputs(samples: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bytes as they are, 0 to 255, like those of the official model."""
    return samples.astype(np.float32)


def build(classes: int) -> Any:
    """The ResNet-8 of the closed division, untrained: ``(32, 32, 3)`` to class probabilities."""
    layers = tf.keras.layers

    def convolution(x: Any, channels: int, kernel: int, stride: int) -> Any:
        return layers.Conv2D(
            channels,
            kernel,
            strides=stride,
            padding="same",
            kernel_initializer="he_normal",
            kernel_regularizer=tf.keras.regularizers.l2(WEIGHT_DECAY),
        )(x)

    def normalized(x: Any) -> Any:
        return layers.Activation("relu")(layers.BatchNormalization()(x))

    source = layers.Input(shape=(32, 32, 3))
    x = normalized(convolution(source, 16, 3, 1))
    for channels, stride in ((16, 1), (32, 2), (64, 2)):
        y = normalized(convolution(x, channels, 3, stride))
        y = layers.BatchNormalization()(convolution(y, channels, 3, 1))
        if stride > 1:
            x = convolution(x, channels, 1, stride)
        x = layers.Activation("relu")(layers.add([x, y]))
    x = layers.Flatten()(layers.AveragePooling2D(pool_size=8)(x))
    return tf.keras.Model(
        source, layers.Dense(classes, activation="softmax", kernel_initializer="he_normal")(x)
    )


RECIPE: Final = Recipe(
    task="ic01",
    build=build,
    inputs=inputs,
    quantization=(1.0, -128),
    samples=12_000,
    epochs=5,
    batch=64,
    learning_rate=3e-3,
)

if __name__ == "__main__":
    sys.exit(run(RECIPE, sys.argv[1:]))
