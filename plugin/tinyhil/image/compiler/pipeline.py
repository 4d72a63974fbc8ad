"""From a model file to a `CompiledModel`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tinyhil.image.compiler import cost, dead, emit, legacy, ops
from tinyhil.image.compiler.choice import choose, disagrees
from tinyhil.image.compiler.compiled import CompiledModel, OperatorSummary, TensorFacts
from tinyhil.image.compiler.copies import with_copies
from tinyhil.image.compiler.graph import Graph, Node, Tensor
from tinyhil.image.compiler.layout import Layout, lay_out, sources, state_offsets
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.pads import fold_pads
from tinyhil.image.compiler.reader import read_graph
from tinyhil.image.compiler.refusals import LARGE, Blocker, collected, refusal, refused
from tinyhil.image.compiler.target import ANY_CORE, Target

_C_TYPES: Final = {
    "INT8": "int8_t",
    "UINT8": "uint8_t",
    "INT16": "int16_t",
    "FLOAT32": "float",
}
MAX_ARENA_BYTES: Final = 64 << 20
MAX_CONSTANT_BYTES: Final = 16 << 20


def compile_model(path: Path, target: Target = ANY_CORE) -> CompiledModel:
    """Compile a ``.tflite`` model of int8, or of int16 with weights of int8.

    Raises:
        ModelError: the file can't be read or is damaged; or the model holds operators that are
            not known, is not quantized so, has a dynamic shape, or anything else that can't be
            compiled: the text names all of them, by operator and tensor.
    """
    draft = read_graph(path, ops.modules().keys())
    blockers, nodes, graph = list(draft.blockers), draft.nodes, draft.graph
    if legacy.is_legacy(nodes):
        nodes = legacy.as_int8(nodes)
        if graph is not None:
            graph = legacy.with_ends(replace(graph, nodes=nodes))
            nodes = graph.nodes
    lowered = _lower(path, nodes, target, blockers)
    if blockers or graph is None:
        raise refused(path, blockers, ops.modules())
    macs_before = [low.macs for low in lowered]
    checked, graph = graph, fold_pads(graph)
    changed = graph is not checked
    left_out: Mapping[int, dead.Dead] = {}
    if not target.keep_dead_channels:
        graph, left_out = dead.fold(graph)
    if left_out or changed:
        lowered = _lower(path, graph.nodes, target, [])
    lowered = choose(graph, with_copies(graph, lowered), target, path.stat().st_size)
    layout = lay_out(graph, lowered)
    if layout.arena_bytes > MAX_ARENA_BYTES:
        raise refusal(path, Blocker(f"needs an arena of {layout.arena_bytes:,} bytes", LARGE))
    operators = tuple(
        _summary(node, low, left_out.get(node.index, dead.Dead()), macs, target)
        for node, low, macs in zip(graph.nodes, lowered, macs_before, strict=True)
    )
    calls = [_call(node, low, layout) for node, low in zip(graph.nodes, lowered, strict=True)]
    macs = sum(operator.macs for operator in operators)
    state = _state(graph)
    return CompiledModel(
        sha256=graph.sha256,
        operators=operators,
        arena_bytes=layout.arena_bytes,
        arena_least_bytes=layout.least_bytes,
        weights_bytes=sum(low.constant_bytes for low in lowered),
        state_bytes=len(state),
        inputs=tuple(map(_facts, graph.inputs)),
        outputs=tuple(map(_facts, graph.outputs)),
        sources={
            "model.c": emit.model_source(calls, state),
            "model_config.h": emit.config_header(_config(graph, layout.arena_bytes, macs)),
        },
    )


def _summary(
    node: Node, low: Lowered, left_out: dead.Dead, macs_before: int, target: Target
) -> OperatorSummary:
    return OperatorSummary(
        index=node.index,
        name=node.name,
        output_shape=node.output.shape,
        macs=low.macs,
        instructions=cost.predict(low, target),
        cycles=cost.cycles(low, target),
        disagrees=disagrees(low, target),
        kernel=low.kernel,
        form=low.form,
        scratch_bytes=low.scratch_bytes or 0,
        constant_channels=left_out.constant,
        unread_channels=left_out.unread,
        macs_left_out=macs_before - low.macs,
    )


def _lower(
    path: Path, nodes: Sequence[Node], target: Target, found: list[Blocker]
) -> list[Lowered]:
    """All operators that can be; what the others have against them is added to `found`.

    A damaged model may use one buffer thousands of times, so there is a limit.
    """
    lowered: list[Lowered] = []
    constant_bytes = 0
    for node in nodes:
        with collected(found):
            lowered.append(ops.lower(node, target))
            constant_bytes += lowered[-1].constant_bytes
        if constant_bytes > MAX_CONSTANT_BYTES:
            what = f"has more than {MAX_CONSTANT_BYTES:,} bytes of constants"
            raise refused(path, [Blocker(what, LARGE), *found])
    return lowered


def _facts(tensor: Tensor) -> TensorFacts:
    return TensorFacts(
        tensor.shape, tensor.size, tensor.scale, tensor.zero_point, tensor.dtype.lower()
    )


def _state(graph: Graph) -> list[int]:
    """What is kept between inferences, byte by byte, before the first one."""
    offsets, size = state_offsets(graph)
    state = bytearray(size)
    for variable in graph.variables:
        at = offsets[variable.tensor.index]
        state[at : at + variable.tensor.size] = variable.start.tobytes()
    return [byte - 256 if byte > 127 else byte for byte in state]


def _config(graph: Graph, arena_bytes: int, macs: int) -> Mapping[str, str]:
    (first_in, *_), (first_out, *_) = graph.inputs, graph.outputs
    parts = (f"{{{t.elements}, {t.scale.hex()}f, {t.zero_point}}}" for t in graph.outputs)
    return {
        "MODEL_SHA256": f'"{graph.sha256}"',
        "MODEL_INPUT_BYTES": str(sum(tensor.size for tensor in graph.inputs)),
        "MODEL_INPUT_TYPE": _C_TYPES[first_in.dtype],
        "MODEL_INPUT_SCALE": f"{first_in.scale.hex()}f",
        "MODEL_INPUT_ZERO_POINT": f"({first_in.zero_point})",
        "MODEL_OUTPUT_COUNT": str(sum(tensor.elements for tensor in graph.outputs)),
        "MODEL_OUTPUT_BYTES": str(sum(tensor.size for tensor in graph.outputs)),
        "MODEL_OUTPUT_TYPE": _C_TYPES[first_out.dtype],
        "MODEL_OUTPUT_PARTS": ", ".join(parts),
        "MODEL_ARENA_BYTES": str(arena_bytes),
        "MODEL_OUTPUT_SCALE": f"{first_out.scale.hex()}f",
        "MODEL_OUTPUT_ZERO_POINT": f"({first_out.zero_point})",
        "MODEL_MACS": str(macs),
    }


def _symbol(node: Node) -> str:
    if node.added:
        return f"end{node.output.index}"
    return f"op{node.index}" + f"_{node.part}" * (len(node.parts) > 1)


def _call(node: Node, low: Lowered, layout: Layout) -> emit.Call:
    inputs = sources(node, low)
    arguments = [layout.buffers[tensor.index] for tensor in inputs]
    if low.gathered:
        arguments = [f"(const int8_t *const[]){{{', '.join(arguments)}}}"]
    arguments.append(layout.buffers[node.output.index])
    if low.scratch_bytes is not None:
        arguments.append(layout.scratch.get(node.index, "0"))
    shapes = " and ".join("x".join(map(str, tensor.shape)) for tensor in inputs)
    result = "x".join(map(str, node.output.shape))
    return emit.Call(
        title=f"{node.index}: {node.name}, {shapes} to {result}, {low.macs} MACs",
        symbol=_symbol(node),
        lowered=low,
        arguments=tuple(arguments),
    )
