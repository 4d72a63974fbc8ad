"""Reads a ``.tflite`` file into a `Graph`. The file is hostile until checked here.

The generated accessors of package ``tflite`` check nothing: an offset may point anywhere. So all
of them are called in this module and in `tensors` alone, under one guard that turns everything they
raise into a `ModelError`, and every length is bounded before it is looped over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import tflite

from tinyhil.ground.errors import ModelError
from tinyhil.image.compiler.graph import Graph, Node, Quantization, Tensor
from tinyhil.image.compiler.refusals import (
    DAMAGED,
    ENDS,
    FLOAT,
    LARGE,
    OPERATOR,
    STATE,
    UNKNOWN,
    Blocker,
    collected,
    refusal,
)
from tinyhil.image.compiler.tensors import Tensors, names, operator_name
from tinyhil.image.compiler.variables import MAX_OPERATORS, SILENT, Variables

MAX_FILE_BYTES: Final = 8 << 20
MAX_INPUTS: Final = 24
"""Of one operator."""
MAX_PARTS: Final = 64
"""Outputs of one operator."""
MAX_ENDS: Final = 16
"""Inputs or outputs of a model."""

_IDENTIFIER: Final = b"TFL3"
_SCHEMA_VERSION: Final = 3
_CONVERSIONS: Final = ("QUANTIZE", "DEQUANTIZE")
"""They have floats at one end, also in a model that is none of floats."""
_DIVIDING: Final = ("SPLIT", "SPLIT_V", "UNPACK")
"""They may have several outputs."""
_WRITING: Final = ("ASSIGN_VARIABLE",)
"""They write what is their first input, and have no output."""
_KEPT: Final = {"UNIDIRECTIONAL_SEQUENCE_LSTM": (18, 19)}
"""Positions of inputs that an operator keeps for itself from one inference to the next."""

_Ends = tuple[tuple[Tensor, ...], tuple[Tensor, ...]]


@dataclass(frozen=True)
class Draft:
    """What was read of a model, whether it can be compiled or not."""

    nodes: tuple[Node, ...]
    """Those operators that the reader has nothing against."""
    blockers: tuple[Blocker, ...]
    graph: Graph | None
    """The whole model; None if there are blockers."""


def read_graph(path: Path, known: Collection[str]) -> Draft:
    """Read and check a model; `known` are the operators that can be compiled.

    Raises:
        ModelError: the file can't be read, is not a TensorFlow Lite model, is damaged, or larger
            than any that the compiler takes. All else that it refuses is in the draft.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read: {error.strerror}", hint="check the path and its permissions"
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise refusal(path, Blocker(f"is larger than {MAX_FILE_BYTES:,} bytes", LARGE))
    if content[4:8] != _IDENTIFIER:
        what = "is not a TensorFlow Lite model (identifier TFL3 is missing)"
        raise refusal(path, Blocker(what, "give a .tflite file, as the converter writes it"))
    try:
        return _Reader(path, content).draft(known)
    except ModelError:
        raise
    except Exception as error:  # any error of an accessor's arithmetic: see above
        what = f"is damaged ({type(error).__name__}: {error})"
        raise refusal(path, Blocker(what, DAMAGED)) from error


class _Reader:
    """Walks one model."""

    def __init__(self, path: Path, content: bytes) -> None:
        self._path = path
        self._content = content
        self._model = tflite.Model.GetRootAs(content, 0)
        self._check(self._model.Version() == _SCHEMA_VERSION, "schema version is not 3", DAMAGED)
        self._check(self._model.SubgraphsLength() > 0, "has no subgraph", DAMAGED)
        self._subgraph = self._model.Subgraphs(0)
        self._tensors = Tensors(self._model, self._subgraph)
        self._read: dict[int, Tensor] = {}
        self._found: list[Blocker] = []
        self._variables = Variables(self._model, self._subgraph, self._refuse, self._found)

    def _check(self, condition: bool, what: str, step: str) -> None:
        if not condition:
            raise self._refuse(Blocker(what, step))

    def _refuse(self, blocker: Blocker) -> ModelError:
        return refusal(self._path, blocker)

    def draft(self, known: Collection[str]) -> Draft:
        count = self._subgraph.OperatorsLength()
        self._check(count > 0, "has 0 operators", DAMAGED)
        self._check(count <= MAX_OPERATORS, f"has {count:,} operators", LARGE)
        found = self._found
        ends = self._of_the_whole(count)
        nodes: list[Node] = []
        shapes = self._shapes(count)
        for index in range(count):
            if index in shapes:
                continue
            name = self._operator_name(self._subgraph.Operators(index))
            if name in SILENT:
                continue
            if name not in known:
                found.append(Blocker("is not known", UNKNOWN, index, name))
            elif self._float_of(index) is None:
                nodes += self._nodes(index, name, found)
        if found or ends is None:
            return Draft(tuple(nodes), tuple(found), None)
        sha256 = hashlib.sha256(self._content).hexdigest()
        graph = Graph(self._path, sha256, tuple(nodes), *ends, self._variables.all())
        with collected(found):
            _check_order(graph)
        return Draft(graph.nodes, tuple(found), None if found else graph)

    def _of_the_whole(self, count: int) -> _Ends | None:
        """Finds what the model as a whole has against it; returns its inputs and outputs."""
        found, ends = self._found, []
        graphs = self._model.SubgraphsLength()
        with collected(found):
            known = 1 + len(self._variables.initializers())
            what = f"has {graphs:,} subgraphs; one can be compiled, with those that CALL_ONCE names"
            self._check(graphs <= known, what, STATE)
        floats = [(i, tensor) for i in range(count) if (tensor := self._float_of(i)) is not None]
        if len(floats) == count:
            what = f"is a float model: all of its operators ({count:,}) compute with floats"
            found.append(Blocker(what, FLOAT))
            return None
        for index, tensor in floats:
            name = self._operator_name(self._subgraph.Operators(index))
            found.append(Blocker("computes with floats", FLOAT, index, name, tensor))
        for what in ("input", "output"):
            with collected(found):
                ends.append(self._ends(what))
        return (ends[0], ends[1]) if len(ends) == 2 else None

    def _shapes(self, count: int) -> set[int]:
        """Operators that compute nothing but shapes for RESHAPE, which are known already."""
        found: set[int] = set()
        ends = min(self._subgraph.OutputsLength(), MAX_ENDS)
        needed = {self._subgraph.Outputs(i) for i in range(ends)}
        for index in reversed(range(count)):
            operator = self._subgraph.Operators(index)
            outputs = _outputs(operator)
            if outputs and not needed & {*outputs} and all(map(self._tensors.is_shape, outputs)):
                found.add(index)
            else:
                is_reshape = self._operator_name(operator) == "RESHAPE"
                needed |= {*_inputs(operator)[: 1 if is_reshape else None]}
        return found

    def _float_of(self, index: int) -> int | None:
        """The first tensor of floats, not a constant, that an operator reads or writes."""
        operator = self._subgraph.Operators(index)
        if self._operator_name(operator) in _CONVERSIONS:
            return None
        tensors = [*_inputs(operator), *_outputs(operator)]
        return next(filter(self._tensors.is_float, tensors), None)

    def _operator_name(self, operator: Any) -> str:
        index = operator.OpcodeIndex()
        there = 0 <= index < self._model.OperatorCodesLength()
        self._check(there, f"code index {index} is out of range", DAMAGED)
        return operator_name(self._model, operator)

    def _ends(self, what: str) -> tuple[Tensor, ...]:
        """The model's inputs, or its outputs."""
        graph = self._subgraph
        of_inputs = what == "input"
        length = graph.InputsLength() if of_inputs else graph.OutputsLength()
        most = f"has {length:,} {what}s; 1 to {MAX_ENDS} can be compiled"
        self._check(1 <= length <= MAX_ENDS, most, ENDS)
        numbers = [graph.Inputs(i) if of_inputs else graph.Outputs(i) for i in range(length)]
        tensors = tuple(self._tensor(number, Blocker("", "")) for number in numbers)
        constant = any(tensor.data is not None for tensor in tensors)
        self._check(not constant, f"model {what} is a constant", DAMAGED)
        self._check(len({*numbers}) == length, f"has one tensor as {what} several times", ENDS)
        types = sorted({tensor.dtype for tensor in tensors})
        self._check(len(types) == 1, f"has {what}s of several types: {', '.join(types)}", ENDS)
        return tensors

    def _nodes(self, index: int, name: str, found: list[Blocker]) -> list[Node]:
        """One operator; none if there is something against it or its tensors."""
        operator, place = self._subgraph.Operators(index), Blocker("", "", index, name)
        inputs, outputs = operator.InputsLength(), operator.OutputsLength()
        most = MAX_PARTS if name in _DIVIDING else 1
        if not 1 <= inputs <= MAX_INPUTS or not (name in _WRITING or 1 <= outputs <= most):
            what = f"has {inputs:,} inputs and {outputs:,} outputs"
            found.append(Blocker(what, OPERATOR, index, name))
            return []
        before = len(found)
        # The shape that RESHAPE is given is that of its output.
        sources = [
            None if number == -1 else self._source(number, position, name, place)
            for position, number in enumerate(_inputs(operator)[: 1 if name == "RESHAPE" else None])
        ]
        made = [self._collected(number, place) for number in _outputs(operator)]
        if name in _WRITING and len(sources) == 2:
            made = [sources.pop(0)]
        if len(found) > before:
            return []
        kind, options = _options(operator)
        parts = tuple(one for one in made if one is not None)
        with collected(found):
            between = self._between(operator, place)
        if len(found) > before:
            return []
        nodes = [
            Node(index, name, self._path, tuple(sources), one, kind, options, part, parts, between)
            for part, one in enumerate(parts)
        ]
        for node in nodes:
            with collected(found):
                node.check(node.output.data is None, "writes to a constant", DAMAGED)
        return nodes

    def _source(self, number: int, position: int, name: str, place: Blocker) -> Tensor | None:
        """A tensor or a variable that an operator reads; None if there is something against it."""
        if position == 0 and name in (*_WRITING, "READ_VARIABLE"):
            with collected(self._found):
                return self._variables.of_handle(number, place)
            return None
        if position in _KEPT.get(name, ()):
            with collected(self._found):
                tensor = self._tensors.read(number, place, self._refuse, kept=True)
                return self._variables.add(tensor)
            return None
        return self._collected(number, place)

    def _between(self, operator: Any, place: Blocker) -> tuple[Quantization | None, ...]:
        numbers = [operator.Intermediates(i) for i in range(min(operator.IntermediatesLength(), 5))]
        return tuple(self._tensors.quantization(one, place, self._refuse) for one in numbers)

    def _collected(self, number: int, place: Blocker) -> Tensor | None:
        with collected(self._found):
            return self._tensor(number, place)
        return None

    def _tensor(self, index: int, place: Blocker) -> Tensor:
        if index not in self._read:
            self._read[index] = self._tensors.read(index, place, self._refuse)
        return self._read[index]


def _inputs(operator: Any) -> list[int]:
    return [operator.Inputs(i) for i in range(min(operator.InputsLength(), MAX_INPUTS))]


def _outputs(operator: Any) -> list[int]:
    return [operator.Outputs(i) for i in range(min(operator.OutputsLength(), MAX_PARTS))]


def _options(operator: Any) -> tuple[str, dict[str, int | float]]:
    """Name of the options' table and its scalar fields."""
    kind = names(tflite.BuiltinOptions).get(operator.BuiltinOptionsType(), "NONE")
    table = operator.BuiltinOptions()
    if kind == "NONE" or table is None:
        return "", {}
    options = getattr(tflite, kind)()
    options.Init(table.Bytes, table.Pos)
    values = {field: getattr(options, field)() for field in _scalars(kind)}
    return kind, {k: v for k, v in values.items() if isinstance(v, int | float)}


def _check_order(graph: Graph) -> None:
    """Every activation is written once, before it is read; variables may be written again."""
    kept = {variable.tensor.index for variable in graph.variables}
    written = {tensor.index for tensor in graph.inputs}
    read_only = frozenset(written)
    for node in graph.nodes:
        for tensor in node.inputs:
            if tensor is not None and tensor.data is None:
                there = tensor.index in written or tensor.index in kept
                node.check(there, f"reads tensor {tensor.index} too early", DAMAGED)
        again = node.output.index in written and node.output.index not in kept
        node.check(not again, f"writes tensor {node.output.index} again", DAMAGED)
        written.add(node.output.index)
    if not all(tensor.index in written - read_only for tensor in graph.outputs):
        raise refusal(graph.path, Blocker("model output is never written", DAMAGED))


@cache
def _scalars(kind: str) -> tuple[str, ...]:
    """Accessors of a table of options that take no argument and read one field."""
    skipped = ("Init", "GetRoot")
    return tuple(
        name
        for name, member in vars(getattr(tflite, kind)).items()
        if callable(member)
        and not name.startswith(("_", *skipped))
        and member.__code__.co_argcount == 1
        and not name.endswith(("AsNumpy", "IsNone", "Length"))
    )
