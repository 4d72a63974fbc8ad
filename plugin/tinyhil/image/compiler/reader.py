"""Reads a ``.tflite`` file into a `Graph`. The file is hostile until checked here.

The generated accessors of package ``tflite`` check nothing: an offset may point anywhere. So all
of them are called in this module alone, under one guard that turns everything they raise into a
`ModelError`, and every length is bounded before it is looped over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import tflite
from numpy.typing import NDArray

from tinyhil.ground.errors import ModelError
from tinyhil.image.compiler.graph import Graph, Node, Quantization, Tensor, refusal

MAX_FILE_BYTES: Final = 8 << 20
MAX_TENSOR_BYTES: Final = 8 << 20
MAX_OPERATORS: Final = 4096
MAX_RANK: Final = 6

_IDENTIFIER: Final = b"TFL3"
_SCHEMA_VERSION: Final = 3
_DTYPES: Final[Mapping[str, np.dtype[Any]]] = {"INT8": np.dtype("<i1"), "INT32": np.dtype("<i4")}


def read_graph(path: Path, known: Collection[str]) -> Graph:
    """Read and check a model; `known` are the operators that can be compiled.

    Raises:
        ModelError: the file can't be read, is not a TensorFlow Lite model, is damaged, or holds
            something that the compiler refuses.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read: {error.strerror}", hint="check the path and its permissions"
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise refusal(str(path), f"is larger than {MAX_FILE_BYTES} bytes")
    if content[4:8] != _IDENTIFIER:
        raise refusal(str(path), "is not a TensorFlow Lite model (identifier TFL3 is missing)")
    try:
        return _Reader(path, content).graph(known)
    except ModelError:
        raise
    except Exception as error:  # any error of an accessor's arithmetic: see above
        raise refusal(str(path), f"is damaged ({type(error).__name__}: {error})") from error


class _Reader:
    """Walks one model."""

    def __init__(self, path: Path, content: bytes) -> None:
        self._path = path
        self._content = content
        self._model = tflite.Model.GetRootAs(content, 0)
        self._check(self._model.Version() == _SCHEMA_VERSION, "schema version is not 3")
        self._check(self._model.SubgraphsLength() == 1, "does not have exactly one subgraph")
        self._subgraph = self._model.Subgraphs(0)
        self._tensors: dict[int, Tensor] = {}

    def _check(self, condition: bool, what: str) -> None:
        if not condition:
            raise refusal(str(self._path), what)

    def graph(self, known: Collection[str]) -> Graph:
        count = self._subgraph.OperatorsLength()
        self._check(0 < count <= MAX_OPERATORS, f"has {count} operators")
        names = [self._operator_name(self._subgraph.Operators(i)) for i in range(count)]
        for index, name in enumerate(names):
            if name not in known:
                where = f"{self._path}: operator {index} ({name})"
                raise refusal(where, f"is not known; known are {', '.join(sorted(known))}")
        nodes = tuple(self._node(index, name) for index, name in enumerate(names))
        graph = Graph(
            path=self._path,
            sha256=hashlib.sha256(self._content).hexdigest(),
            nodes=nodes,
            input=self._end("input", self._subgraph.InputsLength(), self._subgraph.Inputs),
            output=self._end("output", self._subgraph.OutputsLength(), self._subgraph.Outputs),
        )
        _check_order(graph)
        return graph

    def _operator_name(self, operator: Any) -> str:
        code = self._model.OperatorCodes(
            self._bounded(operator.OpcodeIndex(), self._model.OperatorCodesLength(), "code")
        )
        # Old files know the one-byte field only; new ones write both.
        number = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
        name = _names(tflite.BuiltinOperator).get(number, f"operator code {number}")
        if name == "CUSTOM":
            return f"CUSTOM {(code.CustomCode() or b'')[:40]!r}"
        return name

    def _bounded(self, index: int, length: int, what: str) -> int:
        self._check(0 <= index < length, f"{what} index {index} is out of range")
        return index

    def _end(self, what: str, length: int, get: Callable[[int], int]) -> Tensor:
        self._check(length == 1, f"has {length} {what}s; exactly one can be compiled")
        tensor = self._tensor(get(0), f"{self._path}: model {what}")
        self._check(tensor.data is None, f"model {what} is a constant")
        self._check(tensor.dtype == "INT8", f"model {what} is {tensor.dtype}, not INT8")
        return tensor

    def _node(self, index: int, name: str) -> Node:
        operator = self._subgraph.Operators(index)
        where = f"{self._path}: operator {index} ({name})"
        inputs, outputs = operator.InputsLength(), operator.OutputsLength()
        if not 1 <= inputs <= 16 or outputs != 1:
            raise refusal(where, f"has {inputs} inputs and {outputs} outputs")
        kind, options = self._options(operator)
        node = Node(
            index=index,
            name=name,
            where=where,
            inputs=tuple(
                None if (tensor := operator.Inputs(i)) == -1 else self._tensor(tensor, where)
                for i in range(inputs)
            ),
            output=self._tensor(operator.Outputs(0), where),
            options_kind=kind,
            options=options,
        )
        node.check(node.output.data is None, "writes to a constant")
        return node

    def _options(self, operator: Any) -> tuple[str, dict[str, int | float]]:
        """Name of the options' table and its scalar fields."""
        kind = _names(tflite.BuiltinOptions).get(operator.BuiltinOptionsType(), "NONE")
        table = operator.BuiltinOptions()
        if kind == "NONE" or table is None:
            return "", {}
        options = getattr(tflite, kind)()
        options.Init(table.Bytes, table.Pos)
        values = {field: getattr(options, field)() for field in _scalars(kind)}
        return kind, {k: v for k, v in values.items() if isinstance(v, int | float)}

    def _tensor(self, index: int, where: str) -> Tensor:
        if index not in self._tensors:
            self._bounded(index, self._subgraph.TensorsLength(), "tensor")
            self._tensors[index] = self._read_tensor(index, f"{where}: tensor {index}")
        return self._tensors[index]

    def _read_tensor(self, index: int, where: str) -> Tensor:
        def check(condition: bool, what: str) -> None:
            if not condition:
                raise refusal(where, what)

        tensor = self._subgraph.Tensors(index)
        dtype = _names(tflite.TensorType).get(tensor.Type(), str(tensor.Type()))
        check(dtype in _DTYPES, f"is {dtype}; only int8 models (with int32 biases) are compiled")
        check(tensor.ShapeLength() <= MAX_RANK, f"has {tensor.ShapeLength()} dimensions")
        shape = tuple(int(size) for size in (tensor.Shape(i) for i in range(tensor.ShapeLength())))
        elements = 1
        for size in shape:
            check(size > 0, f"has shape {list(shape)}")
            elements *= size
            check(elements * _DTYPES[dtype].itemsize <= MAX_TENSOR_BYTES, "is too large")
        # A leading -1 is the batch, which `shape` fixes; another one is a dynamic shape.
        signature = [tensor.ShapeSignature(i) for i in range(min(tensor.ShapeSignatureLength(), 8))]
        check(-1 not in signature[1:], f"has the dynamic shape {signature}")
        check(tensor.Sparsity() is None, "is sparse")
        check(not tensor.IsVariable(), "is a variable")
        data = self._data(tensor, _DTYPES[dtype], elements, where)
        quantization = _quantization(tensor, where)
        if data is None:
            check(dtype == "INT8", f"is {dtype} and not a constant")
            whole = quantization is not None and quantization.scales.size == 1
            check(whole, "is not quantized as a whole")
        return Tensor(
            index, dtype, shape, quantization, data if data is None else data.reshape(shape)
        )

    def _data(
        self, tensor: Any, dtype: np.dtype[Any], elements: int, where: str
    ) -> NDArray[Any] | None:
        number = self._bounded(tensor.Buffer(), self._model.BuffersLength(), "buffer")
        buffer = self._model.Buffers(number)
        if buffer.Offset() > 1:
            raise refusal(where, "keeps its data outside of the flatbuffer")
        if number == 0 or buffer.DataIsNone() or buffer.DataLength() == 0:
            return None
        expected = elements * dtype.itemsize
        if buffer.DataLength() != expected:
            raise refusal(where, f"has {buffer.DataLength()} bytes of data instead of {expected}")
        return np.frombuffer(bytes(buffer.DataAsNumpy()), dtype=dtype)


def _quantization(tensor: Any, where: str) -> Quantization | None:
    table = tensor.Quantization()
    if table is None or table.ScaleIsNone() or table.ScaleLength() == 0:
        return None
    scales = np.array(table.ScaleAsNumpy(), dtype=np.float32)
    if not (np.isfinite(scales).all() and (scales > 0).all()):
        raise refusal(where, "has a scale that is not positive")
    zero_points = np.zeros(scales.size, dtype=np.int64)
    if not table.ZeroPointIsNone() and table.ZeroPointLength() > 0:
        zero_points = np.array(table.ZeroPointAsNumpy(), dtype=np.int64)
    if zero_points.size != scales.size or (zero_points < -128).any() or (zero_points > 127).any():
        raise refusal(where, "has zero points that do not fit")
    return Quantization(scales, zero_points, int(table.QuantizedDimension()))


def _check_order(graph: Graph) -> None:
    """Every activation is written once, before it is read."""
    written = {graph.input.index}
    for node in graph.nodes:
        for tensor in node.inputs:
            if tensor is not None and tensor.data is None:
                node.check(tensor.index in written, f"reads tensor {tensor.index} too early")
        node.check(node.output.index not in written, f"writes tensor {node.output.index} again")
        written.add(node.output.index)
    if graph.output.index not in written or graph.output.index == graph.input.index:
        raise refusal(str(graph.path), "model output is never written")


@cache
def _names(enumeration: type) -> Mapping[int, str]:
    """Numbers to names of an enumeration of the schema."""
    return {v: k for k, v in vars(enumeration).items() if isinstance(v, int)}


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
