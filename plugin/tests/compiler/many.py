"""Many models, each compiled in several ways, in one program of this machine."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyhil.ground.errors import ModelError
from tinyhil.image.compiler import CompiledModel, Room, Target, compile_draft, read_model

Bytes = NDArray[np.uint8]

Compiled = Mapping[int, Sequence[CompiledModel]]
"""By model, of those that were not refused, one for each way."""

# Each buffer is allocated to the byte. What a model keeps, each way keeps for itself.
_DRIVER: Final = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define WAY(graph, way, samples, arena, inputs, outputs)                                           \
    void model_##graph##_##way(int8_t *, const int8_t *, int8_t *);
#include "ways.h"
#undef WAY
static const struct way {
    void (*invoke)(int8_t *, const int8_t *, int8_t *);
    int graph;
    size_t samples, arena, inputs, outputs;
} ways[] = {
#define WAY(graph, way, samples, arena, inputs, outputs)                                           \
    {model_##graph##_##way, graph, samples, arena, inputs, outputs},
#include "ways.h"
};
int main(void) {
    int8_t *given = NULL;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const struct way *way = &ways[i];
        if (i == 0 || ways[i - 1].graph != way->graph) {
            free(given);
            given = malloc(way->samples * way->inputs);
            if (fread(given, way->inputs, way->samples, stdin) != way->samples) {
                return 1;
            }
        }
        for (size_t sample = 0; sample < way->samples; sample++) {
            int8_t *arena = aligned_alloc(16, way->arena);
            int8_t *input = malloc(way->inputs), *output = malloc(way->outputs);
            memset(arena, 0x55, way->arena);
            memcpy(input, given + sample * way->inputs, way->inputs);
            memset(output, 0x55, way->outputs);
            way->invoke(arena, input, output);
            fwrite(output, 1, way->outputs, stdout);
            free(arena);
            free(input);
            free(output);
        }
    }
    free(given);
    return 0;
}
"""

_OWN: Final = re.compile(r"\b(op\d|end\d|state\b)")
"""How the names begin that a model's own text gives its constants, see `emit`."""


class Way(NamedTuple):
    """How a model is compiled."""

    target: Target
    room: Room | None = None
    """For the arena: where it is too small, operators are computed in bands of rows."""


def two_thirds(at_once: CompiledModel) -> int:
    """Too little room for the arena."""
    return at_once.arena_bytes * 2 // 3


@dataclass(frozen=True)
class Outputs:
    """What came out."""

    taken: list[int]
    """Which models were not refused, such as for sums that may be too large."""
    rows: list[list[Bytes]]
    """By model, of those that were taken, and way, ``(samples, size)``."""
    kernels: Counter[str]
    """How often each kernel was chosen."""
    left_out: int
    """Channels."""
    in_place: int
    """Concatenations that copy nothing, each way for itself."""
    banded: int
    """Models that are computed in bands of rows, each way for itself."""


def run_many(
    models: Sequence[bytes],
    inputs: Sequence[Bytes],
    ways: Sequence[Way],
    folder: Path,
    compiler: Sequence[str],
) -> Outputs:
    """Compile all models in each way, and run those that the first way does not refuse.

    Args:
        models: ``.tflite``.
        inputs: of each model, ``(samples, size)``, one sample after the other.
        ways: in which they are compiled.
        folder: an empty one.
        compiler: the C compiler's command, with the kernels' include path and objects or sources.
    """
    assert len(models) == len(inputs)
    compiled = _compiled(models, ways, folder / "model.tflite")
    text = _written(compiled, [len(samples) for samples in inputs], folder)
    made = _printed(text, compiler, b"".join(inputs[graph].tobytes() for graph in compiled))
    flat = [model for of_one in compiled.values() for model in of_one]
    operators = [one for model in flat for one in model.operators]
    return Outputs(
        [*compiled],
        _rows(made, compiled, inputs),
        Counter(operator.kernel or "" for operator in operators),
        sum(o.constant_channels + o.unread_channels for o in operators),
        sum(o.name in ("CONCATENATION", "PACK") and bool(o.form) for o in operators),
        sum(model.bands > 1 for model in flat),
    )


def _compiled(models: Sequence[bytes], ways: Sequence[Way], file: Path) -> Compiled:
    """Compile all models in each way; `file` takes one after the other."""
    compiled: dict[int, Sequence[CompiledModel]] = {}
    first, *others = ways
    for graph, content in enumerate(models):
        file.write_bytes(content)
        try:
            draft = read_model(file)
            made = compile_draft(file, draft, *first)
        except ModelError:
            continue
        compiled[graph] = [made, *(compile_draft(file, draft, *way) for way in others)]
    return compiled


def _written(compiled: Compiled, samples: Sequence[int], folder: Path) -> Path:
    """Write one program that runs each model in each way, on so many samples; returns its text."""
    lines, sources = list[str](), ["#include <stdint.h>"]
    for graph, of_one in compiled.items():
        known: dict[str, int] = {}
        for way, model in enumerate(of_one):
            source = model.sources["model.c"]
            # Ways that come to the same are one function, unless it keeps something.
            own = way if model.state_bytes else known.setdefault(source, way)
            if own == way:
                source = source.replace("model_invoke", f"model_{graph}_{way}")
                source = source.replace('#include "model.h"', "")
                sources.append(_OWN.sub(rf"of_{graph}_{way}_\g<0>", source))
            sizes = (samples[graph], model.arena_bytes, model.input.size, model.output.size)
            lines.append(f"WAY({graph}, {own}, {', '.join(map(str, sizes))})")
    (folder / "ways.h").write_text("\n".join(lines), encoding="utf-8")
    text = folder / "many.c"
    text.write_text("\n".join([*sources, _DRIVER]), encoding="utf-8")
    return text


def _printed(text: Path, compiler: Sequence[str], given: bytes) -> Bytes:
    """Build a program and run it; returns all that it prints."""
    program = text.with_suffix("")
    # Of the models themselves, constants and calls: nothing to make faster.
    subprocess.run([*compiler, "-O0", "-g0", text, "-o", program, "-lm"], check=True)
    done = subprocess.run([program], input=given, capture_output=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return np.frombuffer(done.stdout, np.uint8)


def _rows(made: Bytes, compiled: Compiled, inputs: Sequence[Bytes]) -> list[list[Bytes]]:
    """Part what was printed, see `Outputs`."""
    rows: list[list[Bytes]] = []
    for graph, of_one in compiled.items():
        rows.append([])
        for model in of_one:
            size = len(inputs[graph]) * model.output.size
            rows[-1].append(made[:size].reshape(len(inputs[graph]), -1))
            made = made[size:]
    return rows


def differing(one: Bytes, other: Bytes) -> list[Any]:
    """Samples for which outputs differ."""
    found: list[Any] = np.flatnonzero((one != other).any(axis=1)).tolist()
    return found
