"""What the oracle makes of random operators: ``tflite-runtime`` 2.14 with ``BUILTIN_REF``.

As a program, of an environment with ``tflite-runtime==2.14.0`` and ``numpy<2``:
``python -m compiler.oracle FILE COUNT [SEED [OPERATOR ...]]`` in ``plugin/tests`` writes `COUNT`
models of each operator, with inputs and the right outputs; of ``graph``, chains of many operators.
``python -m compiler.graphs --oracle FILE ...`` compares them with ours.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .operators import ALL, draw_graph, draw_one

SAMPLES: Final = 4


def answers(content: bytes, random: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    """Bytes of the inputs and of the outputs, ``(samples, size)``; a state is kept."""
    from tflite_runtime.interpreter import Interpreter, OpResolverType  # noqa: PLC0415

    interpreter = Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    given, made = [], []
    for sample in range(SAMPLES):
        inputs = []
        for end in interpreter.get_input_details():
            limits = np.iinfo(end["dtype"])
            data = random.integers(limits.min, limits.max + 1, end["shape"], end["dtype"])
            if sample == 1:
                data[...] = random.choice([limits.min, limits.max], data.shape)
            interpreter.set_tensor(end["index"], data)
            inputs.append(data.tobytes())
        interpreter.invoke()
        ends = interpreter.get_output_details()
        given.append(b"".join(inputs))
        made.append(b"".join(interpreter.get_tensor(end["index"]).tobytes() for end in ends))
    return _rows(given), _rows(made)


def _taken(name: str, random: np.random.Generator) -> tuple[bytes, NDArray[Any], NDArray[Any]]:
    """A model that the oracle takes, and its `answers`."""
    for _ in range(100):
        content = (draw_graph(random) if name == "graph" else draw_one(name, random)).build()
        try:
            return (content, *answers(content, random))
        except RuntimeError as error:  # such as one weight scale, and a bias of another one
            refused = error
    raise refused


def _rows(samples: list[bytes]) -> NDArray[Any]:
    return np.frombuffer(b"".join(samples), np.uint8).reshape(len(samples), -1)


def main() -> None:
    """Write the file."""
    file, count = Path(sys.argv[1]), int(sys.argv[2])
    random = np.random.default_rng(int(sys.argv[3]) if sys.argv[3:] else 0)
    arrays: dict[str, NDArray[Any]] = {}
    for name in sys.argv[4:] or ALL:
        for i in range(count):
            content, given, made = _taken(name, random)
            arrays[f"{name}/{i}/model"] = np.frombuffer(content, np.uint8)
            arrays[f"{name}/{i}/inputs"], arrays[f"{name}/{i}/outputs"] = given, made
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
