"""From a model file to a `CompiledModel`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tinyhil.image.compiler import cost, dead, emit, legacy, ops
from tinyhil.image.compiler.bands import JOIN, VIEW
from tinyhil.image.compiler.choice import choose, disagrees
from tinyhil.image.compiler.compiled import (
    CompiledModel,
    InArena,
    ModelStep,
    OperatorSummary,
    TensorFacts,
)
from tinyhil.image.compiler.copies import with_copies
from tinyhil.image.compiler.graph import Graph, Node, Tensor
from tinyhil.image.compiler.layout import Layout, sources, state_offsets
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.pads import fold_pads
from tinyhil.image.compiler.reader import Draft, read_graph
from tinyhil.image.compiler.refusals import LARGE, Blocker, collected, refusal, refused
from tinyhil.image.compiler.stage import Plan, banded_plan, whole_plan
from tinyhil.image.compiler.target import ANY_CORE, Target

_C_TYPES: Final = {
    "INT8": "int8_t",
    "UINT8": "uint8_t",
    "INT16": "int16_t",
    "FLOAT32": "float",
}
MAX_ARENA_BYTES: Final = 64 << 20
MAX_CONSTANT_BYTES: Final = 16 << 20


Room = Callable[[CompiledModel], int]
"""How many bytes a board has for the arena of a model."""


def compile_model(path: Path, target: Target = ANY_CORE, room: Room | None = None) -> CompiledModel:
    """Compile a ``.tflite`` model of int8, or of int16 with weights of int8.

    Args:
        path: the model.
        target: for whom.
        room: where the arena is larger, its first operators are computed in bands of rows, if that
            helps; None: never.

    Raises:
        ModelError: the file can't be read or is damaged; or the model holds operators that are
            not known, is not quantized so, has a dynamic shape, or anything else that can't be
            compiled: the text names all of them, by operator and tensor.
    """
    return compile_draft(path, read_model(path), target, room)


def read_model(path: Path) -> Draft:
    """Read a model, for `compile_draft`.

    Raises:
        ModelError: the file can't be read or is damaged.
    """
    return read_graph(path, ops.modules().keys())


def compile_draft(
    path: Path, draft: Draft, target: Target = ANY_CORE, room: Room | None = None
) -> CompiledModel:
    """Compile what was read of a model, as `compile_model` does; it can be compiled again."""
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
    folded = fold_pads(graph)
    known = lowered if folded is graph else None
    folded, lowered, left_out = _prepared(path, folded, target, known)
    plan = whole_plan(folded, lowered)
    if plan.layout.arena_bytes > MAX_ARENA_BYTES:
        what = f"needs an arena of {plan.layout.arena_bytes:,} bytes"
        raise refusal(path, Blocker(what, LARGE))
    model = _compiled((plan, plan), left_out, macs_before, target)
    most = model.arena_bytes if room is None else room(model)
    if most < model.arena_bytes:
        # A band has paddings of its own: no PAD is folded there.
        frugal = target if target.goal == "size" else replace(target, goal="memory")
        graph, lowered, left_out = _prepared(path, graph, frugal)
        banded = banded_plan(graph, lowered, target, most)
        if banded:
            whole = whole_plan(graph, lowered)
            model = _compiled((banded, whole), left_out, macs_before, target)
    return model


def _prepared(
    path: Path, graph: Graph, target: Target, known: list[Lowered] | None = None
) -> tuple[Graph, list[Lowered], Mapping[int, dead.Dead]]:
    """The operators of a graph that can be compiled in their chosen forms, without dead channels;
    and these.

    Args:
        path: of the model.
        graph: as it was read, or with folded PADs.
        target: for whom.
        known: the graph's operators with all their channels, if they are lowered already.
    """
    left_out: Mapping[int, dead.Dead] = {}
    if not target.keep_dead_channels:
        graph, left_out = dead.fold(graph)
    if known is None or left_out:
        known = _lower(path, graph.nodes, target, [])
    lowered = with_copies(graph, known)
    return graph, choose(graph, lowered, target, path.stat().st_size), left_out


def _compiled(
    plans: tuple[Plan, Plan],
    left_out: Mapping[int, dead.Dead],
    macs_before: Sequence[int],
    target: Target,
) -> CompiledModel:
    """The text of a plan, and what is known of it.

    Args:
        plans: the one to be written; and the same model, each operator at once.
        left_out: dead channels, by the operator's index.
        macs_before: of each operator, with them.
        target: for whom.
    """
    plan, whole = plans
    graph, layout = plan.graph, plan.layout
    parts: list[list[Lowered]] = [[] for _ in whole.lowered]
    for node, low, origin in zip(graph.nodes, plan.lowered, plan.origins, strict=True):
        if node.name not in (VIEW, JOIN):
            parts[origin].append(low)
    operators = tuple(
        _summary(node, (low, own), left_out.get(node.index, dead.Dead()), macs, target)
        for node, low, own, macs in zip(
            whole.graph.nodes, whole.lowered, parts, macs_before, strict=True
        )
    )
    calls = [
        _call(step, node, low, layout)
        for step, (node, low) in enumerate(zip(graph.nodes, plan.lowered, strict=True))
    ]
    arrays = {id(array): array.size for low in plan.lowered for array in low.arrays}
    state = _state(graph)
    macs = sum(operator.macs for operator in operators)
    return CompiledModel(
        sha256=graph.sha256,
        operators=operators,
        arena_bytes=layout.arena_bytes,
        arena_least_bytes=layout.least_bytes,
        arena_at_once_bytes=whole.layout.arena_bytes,
        arena=tuple(
            InArena(one.kind, one.offset, one.size, one.first, one.last) for one in layout.placed
        ),
        steps=tuple(
            ModelStep(origin, low.kernel, node.band.number if node.band else None)
            for node, low, origin in zip(graph.nodes, plan.lowered, plan.origins, strict=True)
        ),
        weights_bytes=sum(arrays.values()),
        state_bytes=len(state),
        inputs=tuple(map(_facts, graph.inputs)),
        outputs=tuple(map(_facts, graph.outputs)),
        sources={
            "model.c": emit.model_source(calls, state),
            "model_config.h": emit.config_header(_config(graph, layout.arena_bytes, macs)),
        },
    )


def _summary(
    node: Node,
    made: tuple[Lowered, Sequence[Lowered]],
    left_out: dead.Dead,
    macs_before: int,
    target: Target,
) -> OperatorSummary:
    """Of an operator: at once, and as the bands that it is computed in."""
    low, bands = made
    macs = sum(one.macs for one in bands)
    return OperatorSummary(
        index=node.index,
        name=node.name,
        output_shape=node.output.shape,
        macs=macs,
        instructions=_sum(cost.predict(one, target) for one in bands),
        cycles=_sum(cost.cycles(one, target) for one in bands),
        disagrees=disagrees(low, target),
        kernel=bands[0].kernel,
        form=bands[0].form,
        scratch_bytes=max(one.scratch_bytes or 0 for one in bands),
        constant_channels=left_out.constant,
        unread_channels=left_out.unread,
        macs_left_out=macs_before - low.macs,
        bands=len(bands),
        macs_again=macs - low.macs,
    )


def _sum(parts: Iterable[int | None]) -> int | None:
    """None if one of them is not known."""
    known = list(parts)
    return None if None in known else sum(one or 0 for one in known)


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


def _symbol(step: int, node: Node) -> str:
    band = f"_{step}" if node.band else ""
    if node.added:
        return f"end{node.output.index}" + band
    return f"op{node.index}" + f"_{node.part}" * (len(node.parts) > 1) + band


def _call(step: int, node: Node, low: Lowered, layout: Layout) -> emit.Call:
    inputs = sources(node, low)
    arguments = [layout.buffers[tensor.index] for tensor in inputs]
    if low.gathered:
        arguments = [f"(const int8_t *const[]){{{', '.join(arguments)}}}"]
    arguments.append(layout.buffers[node.output.index])
    if low.scratch_bytes is not None:
        arguments.append(layout.scratch.get(step, "0"))
    shapes = " and ".join("x".join(map(str, tensor.shape)) for tensor in inputs)
    result = "x".join(map(str, node.output.shape))
    band = f", band {node.band.number}" if node.band else ""
    return emit.Call(
        title=f"{node.index}: {node.name}{band}, {shapes} to {result}, {low.macs} MACs",
        symbol=_symbol(step, node),
        lowered=low,
        arguments=tuple(arguments),
    )
