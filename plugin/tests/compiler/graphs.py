"""Random graphs, compiled for each core and in other ways: all must give the same outputs.

The general kernels, all channels kept, are what is compared with the definition elsewhere; here
they are the reference.

As a program: ``python -m compiler.graphs COUNT [SEED]`` in ``plugin/tests``; or with
``--oracle FILE ...``, which compares with what the oracle made of graphs, see `oracle`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
import tflite
from numpy.typing import NDArray

from tinyhil.catalog.cycles import load_cycles
from tinyhil.ground.paths import FIRMWARE
from tinyhil.image.compiler import ANY_CORE, Target

from .many import Bytes, Outputs, Way, differing, run_many, two_thirds
from .models import Activation, Model
from .operators import draw_graph

_KERNELS: Final = FIRMWARE / "kernels"
_BATCH: Final = 100
_SAMPLES: Final = 6
WAYS: Final = (
    Way(Target(keep_dead_channels=True)),
    Way(Target(("armv7e-m",))),
    Way(Target(("armv7e-m",), "size")),
    Way(Target(("armv7e-m",), "memory")),
    Way(Target(("armv7e-m",), flash=load_cycles().flash)),
    Way(Target(("armv7e-m",), keep_dead_channels=True)),
    Way(Target(("mve",))),
    Way(Target(("mve",), "memory")),
    Way(Target(("mve",), "size")),
    *(Way(Target(kernels), room=two_thirds) for kernels in ((), ("armv7e-m",), ("mve",))),
)
"""The first one is the reference."""
_ALWAYS: Final = (WAYS[0], Way(Target(("armv7e-m",))), Way(Target(("mve",))))
_DRAWN: Final = 2
"""Of the other ways, for each hundred graphs: of thousands, each gets hundreds."""


def _inputs(random: np.random.Generator, model: Model) -> Bytes:
    """The least and the greatest values, small ones, and any."""
    ends = [model.tensors[number] for number in model.inputs]
    bytes_each = 2 if ends[0].dtype == tflite.TensorType.INT16 else 1  # type: ignore[union-attr]
    size = bytes_each * sum(int(np.prod(end.shape)) for end in ends if isinstance(end, Activation))
    made = random.integers(0, 256, (_SAMPLES, size), np.uint8)
    made[0], made[1] = 0x80, 0x7F
    made[2] %= 4
    return made


@dataclass
class Compared:
    """What came out of a number of graphs."""

    graphs: int = 0
    refused: int = 0
    """Graphs besides these that the compiler takes none of."""
    differences: list[str] = field(default_factory=list)
    kernels: Counter[str] = field(default_factory=Counter)
    """How often each kernel was chosen."""
    left_out: int = 0
    """Channels."""
    in_place: int = 0
    """Concatenations that copy nothing, each way for itself."""
    banded: int = 0
    """Graphs that are computed in bands of rows, each way for itself."""

    def add(self, other: Compared) -> None:
        """Those of other graphs too."""
        self.graphs += other.graphs
        self.refused += other.refused
        self.differences += other.differences
        self.kernels += other.kernels
        self.left_out += other.left_out
        self.in_place += other.in_place
        self.banded += other.banded


def compare(
    count: int, seed: int, folder: Path, compiler: Sequence[str], ways: Sequence[Way] = WAYS
) -> Compared:
    """Compile and run `count` graphs in each of some ways on this machine.

    Args:
        count: how many.
        seed: of the random numbers.
        folder: an empty one.
        compiler: the C compiler's command, with the kernels' include path and objects or sources.
        ways: of `WAYS`; the first one is the reference.
    """
    random = np.random.default_rng(seed)
    models = [draw_graph(random) for _ in range(count)]
    contents = [model.build() for model in models]
    inputs = [_inputs(random, model) for model in models]
    made = run_many(contents, inputs, ways, folder, compiler)
    differences = [
        f"seed {seed}, graph {graph}, way {WAYS.index(ways[way])}, sample {sample}"
        for graph, rows in zip(made.taken, made.rows, strict=True)
        for way, row in enumerate(rows)
        for sample in differing(rows[0], row)
    ]
    return _compared(count, differences, made)


def compare_with_oracle(
    cases: Mapping[str, NDArray[Any]], names: Sequence[str], folder: Path, compiler: Sequence[str]
) -> Compared:
    """Compile and run models of a file of `oracle`; the other arguments are as for `compare`."""
    models = [cases[f"{name}/model"].tobytes() for name in names]
    inputs = [cases[f"{name}/inputs"] for name in names]
    made = run_many(models, inputs, [Way(ANY_CORE)], folder, compiler)
    differences = [
        f"{name}, sample {sample}"
        for name, (row,) in zip((names[i] for i in made.taken), made.rows, strict=True)
        for sample in differing(row, cases[f"{name}/outputs"])
    ]
    return _compared(len(names), differences, made)


def _compared(count: int, differences: list[str], made: Outputs) -> Compared:
    """Of `count` graphs that were given."""
    graphs = len(made.taken)
    return Compared(
        graphs,
        count - graphs,
        differences,
        made.kernels,
        made.left_out,
        made.in_place,
        made.banded,
    )


def main() -> int:
    """Compare many graphs; 1 if any output differs."""
    total = Compared()
    with tempfile.TemporaryDirectory() as objects:
        compiler = _compiler(Path(objects))
        if sys.argv[1] == "--oracle":
            for file in sys.argv[2:]:
                with np.load(file) as opened:
                    cases = dict(opened)
                names = sorted({name.rpartition("/")[0] for name in cases})
                for part in _batches(names):
                    with tempfile.TemporaryDirectory() as folder:
                        total.add(compare_with_oracle(cases, part, Path(folder), compiler))
        else:
            count, seed = int(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 0
            for first in range(0, count, _BATCH):
                size = min(_BATCH, count - first)
                with tempfile.TemporaryDirectory() as folder:
                    ways = _drawn(seed + first)
                    total.add(compare(size, seed + first, Path(folder), compiler, ways))
                sys.stderr.write(f"\r{total.graphs} of {count} graphs")
    kinds = ", ".join(f"{name or 'none'} {n}" for name, n in sorted(total.kernels.items()))
    sys.stdout.write(
        f"{total.graphs} graphs: {len(total.differences)} outputs differ; {total.refused} more "
        f"were refused; in bands {total.banded}, concatenations in place {total.in_place}; "
        f"kernels: {kinds}\n"
    )
    sys.stdout.writelines(f"{difference}\n" for difference in total.differences[:20])
    return 1 if total.differences else 0


def _drawn(seed: int) -> Sequence[Way]:
    """Each core's kernels, and some of the other ways."""
    others = [way for way in WAYS if way not in _ALWAYS]
    return (*_ALWAYS, *Random(seed).sample(others, _DRAWN))  # noqa: S311 - must be repeatable


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[i : i + _BATCH] for i in range(0, len(names), _BATCH))


def _compiler(folder: Path) -> list[str]:
    """A C compiler's command, with the portable kernels, compiled into a folder."""
    command = ["cc", "-std=c11", "-O1", f"-I{_KERNELS / 'include'}"]
    kernels = sorted(str(path) for path in (_KERNELS / "portable").glob("*.c"))
    subprocess.run([*command, "-c", *kernels], cwd=folder, check=True)
    return [*command, *sorted(map(str, folder.glob("*.o")))]


if __name__ == "__main__":
    raise SystemExit(main())
