"""Random graphs, compiled in each way there is: all must give the same outputs.

The general kernels, all channels kept, are what is compared with the definition elsewhere; here
they are the reference.

As a program: ``python -m compiler.graphs COUNT [SEED]`` in ``plugin/tests``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.ground.paths import FIRMWARE
from tinyhil.image.compiler import CompiledModel, Target, compile_model

from .models import Activation, Model, Operator, Weights

_KERNELS: Final = FIRMWARE / "kernels"
_BATCH: Final = 100
WAYS: Final = (
    Target(keep_dead_channels=True),
    Target(("armv7e-m",)),
    Target(("armv7e-m",), "size"),
    Target(("armv7e-m",), keep_dead_channels=True),
    Target(("mve",)),
)
"""The first one is the reference."""

# Graph, way, output and what differs; each buffer is allocated to the byte.
_DRIVER: Final = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#define WAY(graph, way, arena, inputs, outputs)                                                    \
    void model_##graph##_##way(int8_t *, const int8_t *, int8_t *);
#include "graphs.h"
#undef WAY
static const struct way {
    void (*invoke)(int8_t *, const int8_t *, int8_t *);
    int graph, way, arena, inputs, outputs;
} ways[] = {
#define WAY(graph, way, arena, inputs, outputs)                                                    \
    {model_##graph##_##way, graph, way, arena, inputs, outputs},
#include "graphs.h"
};
int main(void) {
    static int8_t wanted[1 << 16];
    uint32_t state = 1;
    size_t count = sizeof ways / sizeof *ways, last = 0;
    for (size_t first = 0; first < count; first = last) {
        for (last = first; last < count && ways[last].graph == ways[first].graph; last++) {
        }
        for (int sample = 0; sample < 6; sample++) {
            int8_t *input = malloc((size_t)ways[first].inputs);
            for (int i = 0; i < ways[first].inputs; i++) {
                state = state * 1664525u + 1013904223u;
                int8_t value = (int8_t)(state >> 24);
                input[i] = sample < 2 ? (int8_t)(sample ? 127 : -128)
                           : sample == 2 ? (int8_t)(value % 4) : value;
            }
            for (size_t i = first; i < last; i++) {
                size_t size = (size_t)ways[i].outputs;
                int8_t *arena = aligned_alloc(16, (size_t)ways[i].arena);
                int8_t *output = malloc(size);
                memset(arena, 0x55, (size_t)ways[i].arena);
                ways[i].invoke(arena, input, output);
                if (i == first) {
                    memcpy(wanted, output, size);
                } else if (memcmp(wanted, output, size) != 0) {
                    printf("graph %d, way %d, sample %d\n", ways[i].graph, ways[i].way, sample);
                }
                free(arena);
                free(output);
            }
            free(input);
        }
    }
    return 0;
}
"""


@dataclass
class _Drawn:
    """A chain of operators, as it grows."""

    random: np.random.Generator
    tensors: list[Weights | Activation] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)

    @property
    def last(self) -> Activation:
        assert isinstance(self.tensors[-1], Activation)
        return self.tensors[-1]

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
        room = 40.0 * 74 * size**0.5
        steps = 2.0 ** self.random.uniform(-1.5, 1.5, channels) * 100 / room
        if self.chance(0.1):
            steps *= 2.0 ** self.random.uniform(-20, 9)
        biases = self.random.uniform(-1, 1, channels) * room
        for i in np.flatnonzero(self.random.random(channels) < self.random.choice([0.0, 0.3])):
            biases[i] = self.random.choice([-1, 1]) * (160 * 128 * size + 300 / steps[i])
        activation = self.random.choice([0, 1, 1, 3])
        zero_point = -128 if activation and self.chance(0.8) else self.pick(-128, 127)
        # The input's scale is 1: then those of weights are all that counts.
        output_scale = float(self.random.choice([0.02, 0.1, 1.0]))
        scales = (steps * output_scale / self.last.scale).astype(np.float32)
        biases = np.clip(biases, -(2**28), 2**28)
        self.tensors += [
            Weights(weights, scales.tolist(), axis=axis),
            Weights(biases.astype(np.int32)),
            Activation(shape, output_scale, zero_point),
        ]
        fused = {**options, "FusedActivationFunction": int(activation)}
        inputs = (source, source + 1, source + 2)
        self.operators.append(Operator(name, inputs, source + 3, kind, fused))

    def weights(self, *shape: int) -> NDArray[np.int8]:
        """With zeros in places, for channels that nothing reads."""
        values = self.random.integers(-127, 128, shape, dtype=np.int8)
        if self.chance(0.3):
            values[..., self.random.random(shape[-1]) < 0.3] = 0
        return values

    def convolution(self, *, pointwise: bool) -> None:
        _, height, width, inputs = self.last.shape
        outputs = self.pick(1, 6) * 2 - int(self.chance(0.15))
        if self.chance(0.3):
            outputs = inputs
        kernel = (1, 1) if pointwise else (self.pick(1, 3), self.pick(1, 4))
        options, size = self._window(kernel, height, width)
        weights = self.weights(outputs, *kernel, inputs)
        self.mixed("CONV_2D", weights, 0, (1, *size, outputs), "Conv2DOptions", options)

    def depthwise(self) -> None:
        _, height, width, channels = self.last.shape
        kernel = (3, 3) if self.chance(0.8) else (self.pick(1, 3), self.pick(1, 3))
        options, size = self._window(kernel, height, width)
        weights = self.weights(1, *kernel, channels)
        kind = "DepthwiseConv2DOptions"
        self.mixed(
            "DEPTHWISE_CONV_2D", weights, 3, (1, *size, channels), kind,
            {**options, "DepthMultiplier": 1},
        )  # fmt: skip

    def _window(
        self, kernel: tuple[int, int], height: int, width: int
    ) -> tuple[dict[str, int | float], tuple[int, int]]:
        fits = kernel[0] <= height and kernel[1] <= width
        same = not fits or self.chance(0.7)
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
        made = Activation((1, 1, 1, channels), self.last.scale, self.last.zero_point)
        self.tensors.append(made)
        self.operators.append(
            Operator("AVERAGE_POOL_2D", (source,), source + 1, "Pool2DOptions", options)
        )

    def fully_connected(self) -> None:
        size = int(np.prod(self.last.shape))
        outputs = self.pick(1, 9)
        weights = self.weights(outputs, size)
        self.mixed("FULLY_CONNECTED", weights, 0, (1, outputs), "FullyConnectedOptions", {})


def draw_graph(random: np.random.Generator) -> Model:
    """A chain as in MobileNet, small."""
    drawn = _Drawn(random)
    channels = drawn.pick(1, 3) if drawn.chance(0.5) else 4 * drawn.pick(1, 3)
    shape = (1, drawn.pick(1, 9), drawn.pick(1, 9), channels)
    drawn.tensors.append(Activation(shape, 1.0, drawn.pick(-128, 127)))
    drawn.convolution(pointwise=drawn.chance(0.3))
    for _ in range(drawn.pick(0, 2)):
        if drawn.chance(0.7):
            drawn.depthwise()
        drawn.convolution(pointwise=drawn.chance(0.8))
    if drawn.chance(0.5):
        drawn.pool()
    for _ in range(drawn.pick(0, 2)):
        drawn.fully_connected()
    return Model(drawn.tensors, drawn.operators)


@dataclass(frozen=True)
class Compared:
    """What came out of a number of graphs."""

    differences: list[str]
    kernels: Counter[str]
    """How often each kernel was chosen."""
    left_out: int
    """Channels."""


def compare(count: int, seed: int, folder: Path, compiler: Sequence[str]) -> Compared:
    """Compile and run `count` graphs in each of `WAYS` on this machine.

    Args:
        count: how many.
        seed: of the random numbers.
        folder: an empty one.
        compiler: the C compiler's command, with the kernels' include path and objects or sources.
    """
    random = np.random.default_rng(seed)
    kernels: Counter[str] = Counter()
    lines, left_out = [], 0
    file = folder / "graph.tflite"
    for graph in range(count):
        file.write_bytes(draw_graph(random).build())
        for way, target in enumerate(WAYS):
            facts = compile_model(file, target)
            kernels.update(operator.kernel or "" for operator in facts.operators)
            left_out += sum(o.constant_channels + o.unread_channels for o in facts.operators)
            source = facts.sources["model.c"].replace("model_invoke", f"model_{graph}_{way}")
            source = source.replace('#include "model.h"', "#include <stdint.h>")
            (folder / f"graph_{graph}_{way}.c").write_text(source, encoding="utf-8")
            lines.append(_line(graph, way, facts))
    (folder / "graphs.h").write_text("\n".join(lines), encoding="utf-8")
    (folder / "driver.c").write_text(_DRIVER, encoding="utf-8")
    program = folder / "compare"
    subprocess.run([*compiler, *sorted(folder.glob("*.c")), "-o", program], check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=True, timeout=600)
    return Compared(done.stdout.splitlines(), kernels, left_out)


def _line(graph: int, way: int, facts: CompiledModel) -> str:
    sizes = (facts.arena_bytes, facts.input.size, facts.output.size)
    return f"WAY({graph}, {way}, {', '.join(map(str, sizes))})"


def main() -> int:
    """Compare many graphs; 1 if any output differs."""
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 0
    kernels = sorted(str(path) for path in (_KERNELS / "portable").glob("*.c"))
    compiler = ["cc", "-std=c11", "-O1", f"-I{_KERNELS / 'include'}", *kernels]
    total: Counter[str] = Counter()
    differences: list[Any] = []
    for first in range(0, count, _BATCH):
        with tempfile.TemporaryDirectory() as folder:
            found = compare(min(_BATCH, count - first), seed + first, Path(folder), compiler)
        total += found.kernels
        differences += [(seed + first, line) for line in found.differences]
    kinds = ", ".join(f"{name or 'none'} {number}" for name, number in sorted(total.items()))
    sys.stdout.write(f"{count} graphs: {len(differences)} outputs differ; kernels: {kinds}\n")
    sys.stdout.writelines(f"{difference}\n" for difference in differences[:20])
    return 1 if differences else 0


if __name__ == "__main__":
    raise SystemExit(main())
