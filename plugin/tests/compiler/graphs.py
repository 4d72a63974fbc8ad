"""Random graphs, compiled in each way there is: all must give the same outputs.

The general kernels, all channels kept, are what is compared with the definition elsewhere; here
they are the reference.

As a program: ``python -m compiler.graphs COUNT [SEED]`` in ``plugin/tests``.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from tinyhil.catalog.cycles import load_cycles
from tinyhil.ground.paths import FIRMWARE
from tinyhil.image.compiler import Target

from .drawn import Drawn
from .many import Bytes, differing, run_many
from .models import Activation, Model
from .operators import OPERATORS

_KERNELS: Final = FIRMWARE / "kernels"
_BATCH: Final = 100
_SAMPLES: Final = 6
WAYS: Final = (
    Target(keep_dead_channels=True),
    Target(("armv7e-m",)),
    Target(("armv7e-m",), "size"),
    Target(("armv7e-m",), "memory"),
    Target(("armv7e-m",), flash=load_cycles().flash),
    Target(("armv7e-m",), keep_dead_channels=True),
    Target(("mve",)),
    Target(("mve",), "memory"),
    Target(("mve",), "size"),
)
"""The first one is the reference."""


def draw_graph(random: np.random.Generator) -> Model:
    """A chain as in MobileNet, small; in every other one, operators of other kinds in between."""
    drawn = Drawn(random)
    others = 0.4 * drawn.chance(0.5)
    channels = drawn.pick(1, 3) if drawn.chance(0.5) else 4 * drawn.pick(1, 3)
    shape = (1, drawn.pick(1, 9), drawn.pick(1, 9), channels)
    drawn.tensors.append(Activation(shape, 1.0, drawn.pick(-128, 127)))
    _others(drawn, others)
    drawn.convolution(pointwise=drawn.chance(0.3))
    for _ in range(drawn.pick(0, 2)):
        _others(drawn, others)
        if drawn.chance(0.7):
            drawn.depthwise()
        _others(drawn, others)
        drawn.convolution(pointwise=drawn.chance(0.8))
    _others(drawn, others)
    if drawn.chance(0.5):
        drawn.pool()
    for _ in range(drawn.pick(0, 2)):
        drawn.fully_connected()
    return drawn.model()


def _others(drawn: Drawn, probability: float) -> None:
    """One or two operators of any kind, or none."""
    while drawn.chance(probability):
        name = str(drawn.random.choice(sorted(OPERATORS)))
        OPERATORS[name](drawn)


def _inputs(random: np.random.Generator, model: Model) -> Bytes:
    """The least and the greatest values, small ones, and any."""
    ends = [model.tensors[number] for number in model.inputs]
    size = sum(int(np.prod(end.shape)) for end in ends if isinstance(end, Activation))
    made = random.integers(0, 256, (_SAMPLES, size), np.uint8)
    made[0], made[1] = 0x80, 0x7F
    made[2] %= 4
    return made


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
    models = [draw_graph(random) for _ in range(count)]
    inputs = [_inputs(random, model) for model in models]
    made = run_many([model.build() for model in models], inputs, WAYS, folder, compiler)
    differences = [
        f"graph {graph}, way {way}, sample {sample}"
        for graph, rows in enumerate(made.rows)
        for way, row in enumerate(rows)
        for sample in differing(rows[0], row)
    ]
    return Compared(differences, made.kernels, made.left_out)


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
