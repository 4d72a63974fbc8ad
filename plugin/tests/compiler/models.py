"""Models made up on the spot, written as ``.tflite`` files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import flatbuffers
import numpy as np
import tflite
from numpy.typing import NDArray

_TYPES: Final = {
    "i1": tflite.TensorType.INT8,
    "u1": tflite.TensorType.UINT8,
    "i2": tflite.TensorType.INT16,
    "i4": tflite.TensorType.INT32,
    "i8": tflite.TensorType.INT64,
    "f4": tflite.TensorType.FLOAT32,
}
"""Of constants, by their NumPy types."""


@dataclass(frozen=True)
class Weights:
    """A constant tensor; `scales` empty: not quantized."""

    data: NDArray[Any]
    scales: Sequence[float] = ()
    axis: int = 0
    zero_point: int = 0


@dataclass(frozen=True)
class Activation:
    """A computed tensor."""

    shape: tuple[int, ...]
    scale: float = 1.0
    zero_point: int = 0
    dtype: int = tflite.TensorType.INT8
    signature: tuple[int, ...] = ()
    variable: bool = False
    """Whether it is kept from one inference to the next."""


@dataclass(frozen=True)
class Operator:
    """One operator; `inputs` and `output` are indexes of tensors."""

    name: str
    inputs: tuple[int, ...]
    output: int | tuple[int, ...]
    """One, or all of them."""
    options: str = ""
    values: Mapping[str, int | float | str] = field(default_factory=dict)
    between: tuple[int, ...] = ()
    """What is computed in between."""


@dataclass(frozen=True)
class Model:
    """A model to be written as a ``.tflite`` file."""

    tensors: Sequence[Weights | Activation]
    operators: Sequence[Operator]
    inputs: tuple[int, ...] = (0,)
    outputs: tuple[int, ...] = (-1,)
    others: Sequence[Model] = ()
    """Further subgraphs."""

    def build(self) -> bytes:
        """The file's content."""
        return _Builder().model(self)


class _Builder:
    """Writes the flatbuffer, as `tflite` has no object interface."""

    def __init__(self) -> None:
        self._builder = flatbuffers.Builder(0)

    def model(self, model: Model) -> bytes:
        builder, graphs = self._builder, (model, *model.others)
        tensors = [tensor for graph in graphs for tensor in graph.tensors]
        contents = [t.data.tobytes() if isinstance(t, Weights) else b"" for t in tensors]
        names = sorted({operator.name for graph in graphs for operator in graph.operators})
        subgraphs, first = [], 1
        for graph in graphs:
            subgraphs.append(self._subgraph(graph, names, first))
            first += len(graph.tensors)
        root = self._table(
            "Model",
            Version=3,
            OperatorCodes=self._offsets([self._code(name) for name in names]),
            Subgraphs=self._offsets(subgraphs),
            Buffers=self._offsets([self._buffer(content) for content in (b"", *contents)]),
        )
        builder.Finish(root, b"TFL3")
        return bytes(builder.Output())

    def _subgraph(self, graph: Model, names: Sequence[str], first: int) -> int:
        """`first` is the buffer of its first tensor; each has one of its own."""
        tensors = [self._tensor(t, first + i) for i, t in enumerate(graph.tensors)]
        operators = [self._operator(o, names.index(o.name)) for o in graph.operators]
        last = len(tensors)
        return self._table(
            "SubGraph",
            Tensors=self._offsets(tensors),
            Inputs=self._numbers(np.array(graph.inputs, np.int32) % last),
            Outputs=self._numbers(np.array(graph.outputs, np.int32) % last),
            Operators=self._offsets(operators),
        )

    def _table(self, table: str, **values: Any) -> int:
        getattr(tflite, f"{table}Start")(self._builder)
        for name, value in values.items():
            getattr(tflite, f"{table}Add{name}")(self._builder, value)
        return int(getattr(tflite, f"{table}End")(self._builder))

    def _offsets(self, offsets: Sequence[int]) -> int:
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return int(self._builder.EndVector())

    def _numbers(self, values: NDArray[Any]) -> int:
        return int(self._builder.CreateNumpyVector(values))

    def _code(self, name: str) -> int:
        number = getattr(tflite.BuiltinOperator, name)
        return self._table(
            "OperatorCode", DeprecatedBuiltinCode=min(number, 127), BuiltinCode=number, Version=1
        )

    def _buffer(self, content: bytes) -> int:
        data = self._builder.CreateByteVector(content) if content else None
        return self._table("Buffer", **({"Data": data} if data else {}))

    def _operator(self, operator: Operator, code: int) -> int:
        inputs = self._numbers(np.array(operator.inputs, np.int32))
        outputs = self._numbers(np.atleast_1d(np.array(operator.output, np.int32)))
        values: dict[str, Any] = {"OpcodeIndex": code, "Inputs": inputs, "Outputs": outputs}
        if operator.between:
            values["Intermediates"] = self._numbers(np.array(operator.between, np.int32))
        if operator.options:
            own = {
                name: self._builder.CreateString(value) if isinstance(value, str) else value
                for name, value in operator.values.items()
            }
            values["BuiltinOptions"] = self._table(operator.options, **own)
            values["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, operator.options)
        return self._table("Operator", **values)

    def _tensor(self, tensor: Weights | Activation, buffer: int) -> int:
        if isinstance(tensor, Activation):
            shape, scales, axis = tensor.shape, [tensor.scale], 0
            dtype = tensor.dtype
        else:
            shape, scales, axis = tensor.data.shape, list(tensor.scales), tensor.axis
            dtype = _TYPES[tensor.data.dtype.str[1:]]
        values: dict[str, Any] = {"Type": dtype, "Buffer": buffer}
        values["Shape"] = self._numbers(np.array(shape, np.int32))
        if isinstance(tensor, Activation) and tensor.signature:
            values["ShapeSignature"] = self._numbers(np.array(tensor.signature, np.int32))
        if isinstance(tensor, Activation) and tensor.variable:
            values["IsVariable"] = True
        if scales:
            zero_points = np.full(len(scales), tensor.zero_point, np.int64)
            scale_vector = self._numbers(np.array(scales, np.float32))
            zero_vector = self._numbers(zero_points)
            values["Quantization"] = self._table(
                "QuantizationParameters",
                Scale=scale_vector,
                ZeroPoint=zero_vector,
                QuantizedDimension=axis,
            )
        return self._table("Tensor", **values)
