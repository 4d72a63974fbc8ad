"""Reads the tensors of a ``.tflite`` file, which is hostile until checked; see `reader`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import numpy as np
import tflite
from numpy.typing import NDArray

from tinyhil.ground.errors import ModelError
from tinyhil.image.compiler.graph import LIMITS, Quantization, Tensor
from tinyhil.image.compiler.refusals import (
    DAMAGED,
    FLOAT,
    LARGE,
    REQUANTIZE,
    SHAPE,
    STATE,
    Blocker,
    Refuse,
)

MAX_TENSOR_BYTES: Final = 8 << 20
MAX_RANK: Final = 6

_DTYPES: Final[Mapping[str, np.dtype[Any]]] = {
    "INT8": np.dtype("<i1"),
    "UINT8": np.dtype("<u1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FLOAT32": np.dtype("<f4"),
}
_FLOATS: Final = ("FLOAT16", "FLOAT32", "FLOAT64", "BFLOAT16")


@dataclass(frozen=True)
class Tensors:
    """The tensors of the subgraph of a model."""

    model: Any
    subgraph: Any

    def read(self, index: int, place: Blocker, refuse: Refuse, *, kept: bool = False) -> Tensor:
        """One tensor, checked.

        Args:
            index: its own.
            place: who uses it, to name it in an error.
            refuse: makes the error of a blocker.
            kept: whether it is a variable, which an operator itself reads and writes.

        Raises:
            ModelError: it is not there, or is of a kind that the compiler does not take.
        """
        return self._reading(index, place, refuse).tensor(kept=kept)

    def quantization(self, index: int, place: Blocker, refuse: Refuse) -> Quantization | None:
        """How one tensor is quantized, if it is; it may be of any kind.

        Raises:
            ModelError: it is not there, or is quantized in a way that can't be.
        """
        return self._reading(index, place, refuse).quantization(-128, 127)

    def _reading(self, index: int, place: Blocker, refuse: Refuse) -> _Reading:
        if not 0 <= index < self.subgraph.TensorsLength():
            what = f"tensor index {index} is out of range"
            raise refuse(replace(place, what=what, step=DAMAGED))
        return _Reading(self.model, self.subgraph.Tensors(index), index, place, refuse)

    def is_float(self, index: int) -> bool:
        """Whether there is such a tensor, of floats, and it is not a constant."""
        if not 0 <= index < self.subgraph.TensorsLength():
            return False
        tensor = self.subgraph.Tensors(index)
        if _dtype(tensor) not in _FLOATS or not 0 <= tensor.Buffer() < self.model.BuffersLength():
            return False
        return bool(self.model.Buffers(tensor.Buffer()).DataIsNone())

    def is_shape(self, index: int) -> bool:
        """Whether there is such a tensor, and it is of numbers that can be a shape."""
        there = 0 <= index < self.subgraph.TensorsLength()
        return there and _dtype(self.subgraph.Tensors(index)) in ("INT32", "INT64")


@dataclass(frozen=True)
class _Reading:
    """Of one tensor."""

    model: Any
    table: Any
    index: int
    place: Blocker
    refuse: Refuse

    def tensor(self, *, kept: bool) -> Tensor:
        dtype = _dtype(self.table)
        what = f"is {dtype}; only models of int8 or int16, with int8 weights, are compiled"
        self._check(dtype in _DTYPES, what, FLOAT if dtype in _FLOATS else REQUANTIZE)
        shape, elements = self._shape(_DTYPES[dtype].itemsize)
        self._check(
            self.table.Sparsity() is None, "is sparse", "convert the model without sparsity"
        )
        variable = "is no variable" if kept else "is a variable"
        self._check(bool(self.table.IsVariable()) == kept, variable, STATE)
        data = self._data(_DTYPES[dtype], elements)
        quantization = self.quantization(*LIMITS.get(dtype, LIMITS["INT8"]))
        if data is None:
            whole_numbers = dtype in ("INT32", "INT64")
            self._check(not whole_numbers, f"is {dtype} and not a constant", REQUANTIZE)
            whole = quantization is not None and quantization.scales.size == 1
            whole = whole or dtype == "FLOAT32"
            self._check(whole, "is not quantized as a whole", REQUANTIZE)
        if dtype == "INT16" and quantization is not None:
            centered = not quantization.zero_points.any()
            self._check(centered, "is INT16 with a zero point that is not 0", REQUANTIZE)
        shaped = data if data is None else data.reshape(shape)
        return Tensor(self.index, dtype, shape, quantization, shaped)

    def _refused(self, what: str, step: str) -> ModelError:
        return self.refuse(replace(self.place, what=what, step=step, tensor=self.index))

    def _check(self, condition: bool, what: str, step: str) -> None:
        if not condition:
            raise self._refused(what, step)

    def _shape(self, size: int) -> tuple[tuple[int, ...], int]:
        """Elements along each axis and in all; `size` is that of one, in bytes."""
        table = self.table
        self._check(table.ShapeLength() <= MAX_RANK, f"has {table.ShapeLength()} dimensions", SHAPE)
        shape = tuple(int(table.Shape(i)) for i in range(table.ShapeLength()))
        elements = 1
        for length in shape:
            self._check(length > 0, f"has shape {list(shape)}", SHAPE)
            elements *= length
            what = f"is too large: more than {MAX_TENSOR_BYTES:,} bytes"
            self._check(elements * size <= MAX_TENSOR_BYTES, what, LARGE)
        # A leading -1 is the batch, which `shape` fixes; another one is a dynamic shape.
        signature = [table.ShapeSignature(i) for i in range(min(table.ShapeSignatureLength(), 8))]
        self._check(-1 not in signature[1:], f"has the dynamic shape {signature}", SHAPE)
        return shape, elements

    def _data(self, dtype: np.dtype[Any], elements: int) -> NDArray[Any] | None:
        number = self.table.Buffer()
        there = 0 <= number < self.model.BuffersLength()
        self._check(there, f"has buffer index {number}, which is out of range", DAMAGED)
        buffer = self.model.Buffers(number)
        self._check(buffer.Offset() <= 1, "keeps its data outside of the flatbuffer", LARGE)
        if number == 0 or buffer.DataIsNone() or buffer.DataLength() == 0:
            return None
        size, expected = buffer.DataLength(), elements * dtype.itemsize
        self._check(size == expected, f"has {size} bytes of data instead of {expected}", DAMAGED)
        return np.frombuffer(bytes(buffer.DataAsNumpy()), dtype=dtype)

    def quantization(self, lowest: int, highest: int) -> Quantization | None:
        table = self.table.Quantization()
        if table is None or table.ScaleIsNone() or table.ScaleLength() == 0:
            return None
        scales = np.array(table.ScaleAsNumpy(), dtype=np.float32)
        sound = bool(np.isfinite(scales).all() and (scales > 0).all())
        self._check(sound, "has a scale that is not positive", REQUANTIZE)
        zero_points = np.zeros(scales.size, dtype=np.int64)
        if not table.ZeroPointIsNone() and table.ZeroPointLength() > 0:
            zero_points = np.array(table.ZeroPointAsNumpy(), dtype=np.int64)
        fit = zero_points.size == scales.size
        fit = fit and bool((zero_points >= lowest).all() and (zero_points <= highest).all())
        self._check(fit, "has zero points that do not fit", REQUANTIZE)
        return Quantization(scales, zero_points, int(table.QuantizedDimension()))


def operator_name(model: Any, operator: Any) -> str:
    """As in the schema, of an operator whose code is there."""
    code = model.OperatorCodes(operator.OpcodeIndex())
    # Old files know the one-byte field only; new ones write both.
    number = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
    name = names(tflite.BuiltinOperator).get(number, f"operator code {number}")
    if name == "CUSTOM":
        return f"CUSTOM {(code.CustomCode() or b'')[:40]!r}"
    return name


@cache
def names(enumeration: type) -> Mapping[int, str]:
    """Numbers to names of an enumeration of the schema."""
    return {v: k for k, v in vars(enumeration).items() if isinstance(v, int)}


def _dtype(tensor: Any) -> str:
    return names(tflite.TensorType).get(tensor.Type(), str(tensor.Type()))
