"""From a model file to a `CompiledModel`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tinyhil.compiler import emit, ops
from tinyhil.compiler.compiled import CompiledModel, OperatorSummary, TensorFacts
from tinyhil.compiler.graph import Graph, Node, Tensor, refusal
from tinyhil.compiler.lowered import Lowered
from tinyhil.compiler.plan import Block, plan_arena
from tinyhil.compiler.reader import read_graph

MAX_ARENA_BYTES: Final = 64 << 20
MAX_CONSTANT_BYTES: Final = 16 << 20


def compile_model(path: Path) -> CompiledModel:
    """Compile an int8 ``.tflite`` model.

    Raises:
        ModelError: the file can't be read or is damaged; or the model holds an operator that is
            not known (the text names it, its index and the model), is not int8, has more than
            one input or output, a dynamic shape, or anything else that can't be compiled.
    """
    graph = read_graph(path, ops.modules().keys())
    lowered = _lower(graph)
    homes = _homes(graph, lowered)
    offsets, arena_bytes = _plan(graph, lowered, homes)
    if arena_bytes > MAX_ARENA_BYTES:
        raise refusal(str(path), f"needs a tensor arena of {arena_bytes} bytes")
    operators = tuple(
        OperatorSummary(node.index, node.name, node.output.shape, low.macs)
        for node, low in zip(graph.nodes, lowered, strict=True)
    )
    calls = [
        _call(graph, node, low, homes, offsets)
        for node, low in zip(graph.nodes, lowered, strict=True)
    ]
    macs = sum(operator.macs for operator in operators)
    return CompiledModel(
        sha256=graph.sha256,
        operators=operators,
        arena_bytes=arena_bytes,
        weights_bytes=sum(array.size for low in lowered for array in low.arrays),
        input=_facts(graph.input),
        output=_facts(graph.output),
        sources={
            "model.c": emit.model_source(calls),
            "model_config.h": emit.config_header(_config(graph, arena_bytes, macs)),
        },
    )


def _lower(graph: Graph) -> list[Lowered]:
    """All operators. A damaged model may use one buffer thousands of times: hence the limit."""
    lowered: list[Lowered] = []
    constant_bytes = 0
    for node in graph.nodes:
        lowered.append(ops.lower(node))
        constant_bytes += sum(array.size for array in lowered[-1].arrays)
        if constant_bytes > MAX_CONSTANT_BYTES:
            raise refusal(str(graph.path), f"has more than {MAX_CONSTANT_BYTES} bytes of constants")
    return lowered


def _facts(tensor: Tensor) -> TensorFacts:
    return TensorFacts(tensor.shape, tensor.elements, tensor.scale, tensor.zero_point)


def _config(graph: Graph, arena_bytes: int, macs: int) -> Mapping[str, str]:
    return {
        "MODEL_SHA256": f'"{graph.sha256}"',
        "MODEL_INPUT_BYTES": str(graph.input.elements),
        "MODEL_INPUT_SCALE": f"{graph.input.scale.hex()}f",
        "MODEL_INPUT_ZERO_POINT": f"({graph.input.zero_point})",
        "MODEL_OUTPUT_COUNT": str(graph.output.elements),
        "MODEL_ARENA_BYTES": str(arena_bytes),
        "MODEL_OUTPUT_SCALE": f"{graph.output.scale.hex()}f",
        "MODEL_OUTPUT_ZERO_POINT": f"({graph.output.zero_point})",
        "MODEL_MACS": str(macs),
    }


def _homes(graph: Graph, lowered: list[Lowered]) -> dict[int, int]:
    """Of each activation, the tensor whose memory it is in: its own, but for mere reshaping."""
    homes = {graph.input.index: graph.input.index}
    for node, low in zip(graph.nodes, lowered, strict=True):
        own = node.output.index
        homes[own] = own if low.kernel else homes[node.activation().index]
    outside = homes[graph.output.index]
    if outside == graph.input.index:
        raise refusal(str(graph.path), "computes nothing")
    return homes


def _plan(
    graph: Graph, lowered: list[Lowered], homes: dict[int, int]
) -> tuple[dict[tuple[str, int], int], int]:
    """Offsets in the arena of ("tensor", index) and ("scratch", node), and its size."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    size: dict[int, int] = {}
    for node in graph.nodes:
        home = homes[node.output.index]
        first.setdefault(home, node.index)
        last[home] = node.index
        size.setdefault(home, node.output.elements)
        for tensor in node.inputs:
            if tensor is not None and tensor.data is None:
                last[homes[tensor.index]] = node.index
    blocks = [
        Block(("tensor", home), size[home], first[home], last[home])
        for home in size
        if home not in (graph.input.index, homes[graph.output.index])
    ]
    blocks += [
        Block(("scratch", i), low.scratch_bytes, i, i)
        for i, low in enumerate(lowered)
        if low.scratch_bytes
    ]
    return plan_arena(blocks)


def _call(
    graph: Graph,
    node: Node,
    low: Lowered,
    homes: dict[int, int],
    offsets: dict[tuple[str, int], int],
) -> emit.Call:
    def place(tensor: Tensor) -> str:
        home = homes[tensor.index]
        if home == graph.input.index:
            return "input"
        if home == homes[graph.output.index]:
            return "output"
        return f"arena + {offsets['tensor', home]}"

    activations = [tensor for tensor in node.inputs if tensor is not None and tensor.data is None]
    arguments = [place(tensor) for tensor in (*activations, node.output)]
    if low.scratch_bytes:
        arguments.append(f"arena + {offsets['scratch', node.index]}")
    shapes = " and ".join("x".join(map(str, tensor.shape)) for tensor in activations)
    result = "x".join(map(str, node.output.shape))
    return emit.Call(
        title=f"{node.index}: {node.name}, {shapes} to {result}, {low.macs} MACs",
        symbol=f"op{node.index}",
        lowered=low,
        arguments=tuple(arguments),
    )
