"""The graph between reader and operators: checked, free of flatbuffers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.ground.errors import ModelError
from tinyhil.image.compiler.refusals import ENDS_TYPE, OPERATOR, REQUANTIZE, Blocker, refusal

LIMITS: Final[Mapping[str, tuple[int, int]]] = {
    "INT8": (-128, 127),
    "UINT8": (0, 255),
    "INT16": (-(2**15), 2**15 - 1),
}
"""Least and greatest stored value of each type that can be quantized and computed."""


@dataclass(frozen=True)
class Quantization:
    """real = scale * (stored - zero_point), for the whole tensor or for each slice of `axis`."""

    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]
    axis: int


@dataclass(frozen=True)
class Tensor:
    """One tensor; `data` is None unless it is a constant."""

    index: int
    dtype: str
    """Of what is computed ``INT8`` or ``INT16``, at a model's ends also ``UINT8`` or ``FLOAT32``;
    of constants also ``INT32`` and ``INT64``."""
    shape: tuple[int, ...]
    quantization: Quantization | None
    data: NDArray[Any] | None

    @property
    def elements(self) -> int:
        """How many."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def item(self) -> int:
        """Bytes of one element."""
        return {"INT64": 8, "INT32": 4, "FLOAT32": 4, "INT16": 2}.get(self.dtype, 1)

    @property
    def size(self) -> int:
        """In bytes."""
        return self.elements * self.item

    @property
    def limits(self) -> tuple[int, int]:
        """Least and greatest stored value of an integer of 8 or 16 bits."""
        return LIMITS[self.dtype]

    @property
    def channels(self) -> int:
        """Elements along the last axis."""
        return self.shape[-1] if self.shape else 1

    @property
    def rows(self) -> tuple[int, ...]:
        """The shape in bytes: the last axis has as many of them."""
        return (*self.shape[:-1], self.channels * self.item)

    @property
    def scale(self) -> float:
        """Of a tensor that the reader checked to be quantized as a whole; 1 of floats."""
        if self.dtype == "FLOAT32":
            return 1.0
        assert self.quantization is not None
        return float(self.quantization.scales[0])

    @property
    def zero_point(self) -> int:
        """Of a tensor that the reader checked to be quantized as a whole; 0 of floats."""
        if self.dtype == "FLOAT32":
            return 0
        assert self.quantization is not None
        return int(self.quantization.zero_points[0])


@dataclass(frozen=True)
class Home:
    """The memory that an activation is in: its own, or a part of another one's."""

    tensor: int
    """Index."""
    offset: int
    """In bytes, behind its beginning."""


Around = tuple[int, int, int, int]
"""Elements above, below, left and right of an image."""


@dataclass(frozen=True)
class Band:
    """Of an operator that makes some rows of its output alone, see `bands`."""

    number: int
    """From 1, from top to bottom."""
    pad: int
    """Rows that its window hangs over, above its first input row."""
    offset: int = 0
    """Where nothing is computed: how many bytes behind the input's beginning the output begins."""


@dataclass(frozen=True)
class Node:
    """One operator of the graph."""

    index: int
    name: str
    """As in the TensorFlow Lite schema: ``CONV_2D``."""
    path: Path
    """The model file, to begin an error with."""
    inputs: tuple[Tensor | None, ...]
    """None for an optional tensor that is left out."""
    output: Tensor
    options_kind: str
    """Name of the table of options in the schema: ``Conv2DOptions``; "" when there is none."""
    options: Mapping[str, int | float]
    """Its scalar fields by their names in the schema: ``StrideW``."""
    part: int = 0
    """Which of the operator's outputs this is: one that has several becomes as many nodes."""
    parts: tuple[Tensor, ...] = ()
    """All outputs of such an operator, in order."""
    between: tuple[Quantization | None, ...] = ()
    """Of what an operator computes in between, and writes nowhere."""
    legacy: bool = False
    """Whether it is of a model of uint8, of which `legacy` made one of int8."""
    around: Around = (0, 0, 0, 0)
    """Of an image that a PAD before it would add to, see `pads`."""
    folded: bool = False
    """Whether it is such a PAD: then its readers read its input."""
    added: bool = False
    """Whether the compiler added it: it has the index of an operator beside it."""
    band: Band | None = None
    """None: it makes all rows."""
    into: Home | None = None
    """Where its output is, if that is a part of another tensor."""

    def refuse(self, what: str, step: str = OPERATOR) -> ModelError:
        """The error that says that this operator can't be compiled, and which step helps."""
        return refusal(self.path, Blocker(what, step, self.index, self.name))

    def check(self, condition: bool, what: str, step: str = OPERATOR) -> None:
        """Refuse the operator unless `condition`."""
        if not condition:
            raise self.refuse(what, step)

    def check_scale_kept(self) -> None:
        """Refuse the operator if its output stands for other numbers than its input."""
        source, result = self.activation(), self.output
        self.check(
            (source.scale, source.zero_point) == (result.scale, result.zero_point),
            "has an output of another scale or zero point than its input",
        )

    def activation(self, position: int = 0) -> Tensor:
        """An input that is computed (not constant), of the output's type, quantized as a whole."""
        tensor = self.computed(position)
        wanted = self.output.dtype if self.output.dtype == "INT16" else "INT8"
        wrong = f"input {position} is {tensor.dtype}, not {wanted}"
        self.check(tensor.dtype == wanted, wrong, step=ENDS_TYPE)
        return tensor

    def computed(self, position: int = 0) -> Tensor:
        """An input that is computed, of any type."""
        tensor = self._input(position)
        self.check(tensor.data is None, f"input {position} is a constant")
        return tensor

    def constant(self, position: int, dtype: str) -> Tensor:
        """An input that is a constant of type `dtype`."""
        tensor = self._input(position)
        self.check(tensor.data is not None, f"input {position} is not a constant")
        wrong = f"input {position} is {tensor.dtype}, not {dtype}"
        self.check(tensor.dtype == dtype, wrong, step=REQUANTIZE)
        return tensor

    def optional_constant(self, position: int, dtype: str) -> Tensor | None:
        """The same of an input that may be left out."""
        if position >= len(self.inputs) or self.inputs[position] is None:
            return None
        return self.constant(position, dtype)

    def option(self, kind: str, field: str) -> int | float:
        """One field of the options, which must be of the table `kind`."""
        self.check(self.options_kind == kind, f"has no {kind}")
        return self.options[field]

    def _input(self, position: int) -> Tensor:
        tensor = self.inputs[position] if position < len(self.inputs) else None
        if tensor is None:
            raise self.refuse(f"input {position} is missing")
        return tensor


@dataclass(frozen=True)
class Variable:
    """What a model keeps from one inference to the next."""

    tensor: Tensor
    """With an index that no tensor of the model has."""
    start: NDArray[Any]
    """What is in it before the first inference."""


@dataclass(frozen=True)
class Graph:
    """A model; nodes are in the order of execution.

    The reader has checked that every activation is written once, before it is read; variables are
    there from the start, and may be written over.
    """

    path: Path
    sha256: str
    nodes: tuple[Node, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    variables: tuple[Variable, ...] = ()
