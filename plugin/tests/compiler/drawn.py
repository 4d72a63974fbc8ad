"""Random models: chains of operators, small, whose outputs vary.

Needs neither the package nor a compiler: the oracle's environment makes models by this too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

from .models import Activation, Model, Operator, Weights


@dataclass
class Drawn:
    """A chain of operators, as it grows."""

    random: np.random.Generator
    tensors: list[Weights | Activation] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    inputs: list[int] = field(default_factory=lambda: [0])
    others: list[Model] = field(default_factory=list)
    """Further subgraphs."""
    dtype: int = tflite.TensorType.INT8
    """Of activations; what is of 16 bits has no zero points."""

    @property
    def wide(self) -> bool:
        """Whether activations have 16 bits."""
        return bool(self.dtype == tflite.TensorType.INT16)

    @property
    def legacy(self) -> bool:
        """Whether activations, and weights, are uint8."""
        return bool(self.dtype == tflite.TensorType.UINT8)

    def zero_point(self) -> int:
        """Any that an activation can have."""
        if self.legacy:
            return self.pick(0, 255)
        return 0 if self.wide else self.pick(-128, 127)

    def stored(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """Any stored values of a constant that is of the activations' type."""
        if self.wide:
            return self.random.integers(-(2**15), 2**15, shape, dtype=np.int16)
        if self.legacy:
            return self.random.integers(0, 256, shape, dtype=np.uint8)
        return self.random.integers(-128, 128, shape, dtype=np.int8)

    @property
    def last(self) -> Activation:
        return self.activation(-1)

    def activation(self, number: int) -> Activation:
        """A tensor that is one."""
        tensor = self.tensors[number]
        assert isinstance(tensor, Activation)
        return tensor

    def model(self) -> Model:
        """All that nothing reads is an output."""
        read = {number for operator in self.operators for number in operator.inputs}
        made = [int(n) for o in self.operators for n in np.atleast_1d(np.array(o.output, int))]
        ends = tuple(number for number in made if number not in read)
        return Model(self.tensors, self.operators, tuple(self.inputs), ends, self.others)

    def constant(self, data: NDArray[np.int32] | list[int] | list[list[int]] | int) -> int:
        """A tensor of numbers that are not quantized; returns its index."""
        self.tensors.append(Weights(np.array(data, np.int32)))
        return len(self.tensors) - 1

    def made(self, name: str, inputs: tuple[int, ...], shape: tuple[int, ...], options: str = "",
             scale: float | None = None, zero_point: int | None = None,
             **values: int | float | str) -> None:  # fmt: skip
        """Append an operator whose output has the quantization of its first computed input."""
        tensors = [self.tensors[number] for number in inputs if number >= 0]
        like = next(tensor for tensor in tensors if isinstance(tensor, Activation))
        zero_point = like.zero_point if zero_point is None else zero_point
        self.tensors.append(Activation(shape, scale or like.scale, zero_point, self.dtype))
        self.operators.append(Operator(name, inputs, len(self.tensors) - 1, options, values))

    def image(self) -> None:
        """Give the last tensor the shape of an image, if it has another one."""
        shape = self.last.shape
        if len(shape) != 4 or shape[0] != 1:
            size = int(np.prod(shape, dtype=int))
            height = max(side for side in range(1, 10) if size % side == 0)
            source = len(self.tensors) - 1
            made = (1, height, 1, size // height)
            self.made("RESHAPE", (source, self.constant(list(made))), made, "ReshapeOptions")

    def chance(self, probability: float) -> bool:
        return bool(self.random.random() < probability)

    def pick(self, low: int, high: int) -> int:
        return int(self.random.integers(low, high + 1))

    def mixed(self, name: str, weights: NDArray[np.int8], axis: int, shape: tuple[int, ...],
              kind: str, options: dict[str, int | float]) -> None:  # fmt: skip
        """Append an operator with weights, such that its outputs vary, but not those of each."""
        channels = weights.shape[axis]
        source = len(self.tensors) - 1
        size = weights.size // channels
        # Sums are mostly within this; the output's scale makes them some 100 steps.
        room = 40.0 * 74 * size**0.5 * (256 if self.wide else 1)
        steps = 2.0 ** self.random.uniform(-1.5, 1.5, channels) * 100 / room
        if self.chance(0.1):
            steps *= 2.0 ** self.random.uniform(-20, 9)
        biases = self.random.uniform(-1, 1, channels) * room
        for i in np.flatnonzero(self.random.random(channels) < self.random.choice([0.0, 0.3])):
            biases[i] = self.random.choice([-1, 1]) * (160 * 128 * size + 300 / steps[i])
        activation = self.random.choice([0, 1, 1, 3])
        zero_point = -128 if activation and self.chance(0.8) else self.pick(-128, 127)
        zero_point = 0 if self.wide else zero_point
        zero_point += 128 * self.legacy
        # The input's scale is 1: then those of weights are all that counts.
        output_scale = float(self.random.choice([0.02, 0.1, 1.0]))
        scales = (steps * output_scale / self.last.scale).astype(np.float32)
        if self.wide:
            scales *= 256
        # Of int16, the reference takes those of few operators that are not int64, or left out.
        either = name in ("FULLY_CONNECTED", "TRANSPOSE_CONV")
        biased = not (self.wide and either and self.chance(0.2))
        large = self.wide and (name == "DEPTHWISE_CONV_2D" or self.chance(0.7))
        limit, integer = (2**40, np.int64) if large else (2**28, np.int32)
        biases = np.clip(biases, -limit, limit)
        given = Weights(weights, scales.tolist(), axis=axis)
        if self.legacy:  # one scale for all
            own = self.pick(90, 160) if self.chance(0.8) else 128
            stored = (weights.astype(int) + own).clip(0, 255).astype(np.uint8)
            given = Weights(stored, [float(scales[0])], 0, own)
        self.tensors += [
            given,
            Weights(biases.astype(integer)),
            Activation(shape, output_scale, zero_point, self.dtype),
        ]
        fused = {**options, "FusedActivationFunction": int(activation)}
        inputs = (source, source + 1, source + 2 if biased else -1)
        self.operators.append(Operator(name, inputs, source + 3, kind, fused))

    def weights(self, *shape: int) -> NDArray[np.int8]:
        """With zeros in places, for channels that nothing reads."""
        values = self.random.integers(-127, 128, shape, dtype=np.int8)
        if self.chance(0.3):
            values[..., self.random.random(shape[-1]) < 0.3] = 0
        return values

    def convolution(self, *, pointwise: bool, valid: bool = False) -> None:
        _, height, width, inputs = self.last.shape
        outputs = self.pick(1, 6) * 2 - int(self.chance(0.15))
        if self.chance(0.3):
            outputs = inputs
        kernel = (1, 1) if pointwise else (self.pick(1, 3), self.pick(1, 4))
        options, size = self._window(kernel, height, width, valid=valid)
        weights = self.weights(outputs, *kernel, inputs)
        self.mixed("CONV_2D", weights, 0, (1, *size, outputs), "Conv2DOptions", options)

    def depthwise(self, *, valid: bool = False) -> None:
        _, height, width, channels = self.last.shape
        kernel = (3, 3) if self.chance(0.8) else (self.pick(1, 3), self.pick(1, 3))
        options, size = self._window(kernel, height, width, valid=valid)
        weights = self.weights(1, *kernel, channels)
        kind = "DepthwiseConv2DOptions"
        self.mixed(
            "DEPTHWISE_CONV_2D", weights, 3, (1, *size, channels), kind,
            {**options, "DepthMultiplier": 1},
        )  # fmt: skip

    def _window(
        self, kernel: tuple[int, int], height: int, width: int, *, valid: bool
    ) -> tuple[dict[str, int | float], tuple[int, int]]:
        fits = kernel[0] <= height and kernel[1] <= width
        same = not fits or (not valid and self.chance(0.7))
        stride = self.random.choice([1, 1, 2])
        strides = (stride, stride) if self.chance(0.8) else (self.pick(1, 2), self.pick(1, 3))
        room = (height, width) if same else (height - kernel[0] + 1, width - kernel[1] + 1)
        size = (-(-room[0] // strides[0]), -(-room[1] // strides[1]))
        options = {"Padding": 0 if same else 1, "StrideH": strides[0], "StrideW": strides[1]}
        return {name: int(value) for name, value in options.items()}, (int(size[0]), int(size[1]))

    def pool(self) -> None:
        _, height, width, channels = self.last.shape
        source = len(self.tensors) - 1
        options = {
            "Padding": 1, "StrideH": height, "StrideW": width,
            "FilterHeight": height, "FilterWidth": width, "FusedActivationFunction": 0,
        }  # fmt: skip
        self.made("AVERAGE_POOL_2D", (source,), (1, 1, 1, channels), "Pool2DOptions", **options)

    def fully_connected(self) -> None:
        size = int(np.prod(self.last.shape))
        outputs = self.pick(1, 9)
        weights = self.weights(outputs, size)
        self.mixed("FULLY_CONNECTED", weights, 0, (1, outputs), "FullyConnectedOptions", {})
