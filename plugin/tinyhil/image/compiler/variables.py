"""Reads the variables of a model: what VAR_HANDLE names and CALL_ONCE sets; see `reader`.

A variable is known by its container and name, in whichever subgraph. Its first content is a
constant that the subgraph of a CALL_ONCE assigns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import tflite

from tinyhil.image.compiler.graph import Tensor, Variable
from tinyhil.image.compiler.refusals import DAMAGED, STATE, Blocker, Refuse, collected
from tinyhil.image.compiler.tensors import Tensors, operator_name

SILENT: Final = ("CALL_ONCE", "VAR_HANDLE")
"""Operators that compute nothing: they say which variables there are."""
MAX_OPERATORS: Final = 4096
"""Of a subgraph."""
MAX_INITIALIZERS: Final = 8

_Key = tuple[bytes, bytes]
"""Container and name."""


@dataclass
class Variables:
    """Those of a model."""

    model: Any
    subgraph: Any
    refuse: Refuse
    found: list[Blocker]
    """Gets what keeps the model from being compiled."""

    def __post_init__(self) -> None:
        self._handles = _handles(self.model, self.subgraph)
        self._variables: dict[_Key, Variable] = {}
        self._own: list[Variable] = []
        for number in self.initializers():
            with collected(self.found):
                self._initialize(number)

    def all(self) -> tuple[Variable, ...]:
        """In the order in which they are set at the start."""
        return (*self._variables.values(), *self._own)

    def initializers(self) -> list[int]:
        """Numbers of the subgraphs that are called once, without the first one's own."""
        called = [
            _options(operator, tflite.CallOnceOptions).InitSubgraphIndex()
            for operator in _operators(self.subgraph)
            if operator_name(self.model, operator) == "CALL_ONCE"
        ]
        return [number for number in dict.fromkeys(called) if number != 0][:MAX_INITIALIZERS]

    def of_handle(self, index: int, place: Blocker) -> Tensor:
        """The variable that a tensor of the main subgraph is the handle of.

        Raises:
            ModelError: it is none, or has no first content.
        """
        key = self._handles.get(index)
        if key is None:
            what = f"tensor {index} is not the handle of a variable"
            raise self.refuse(replace(place, what=what, step=DAMAGED))
        if key not in self._variables:
            raise self.refuse(replace(place, what="has a variable that nothing sets", step=STATE))
        return self._variables[key].tensor

    def add(self, tensor: Tensor) -> Tensor:
        """A variable that has no name, and is zero at the start; returns its tensor."""
        made = replace(tensor, index=self._next_index(), data=None)
        dtype = np.dtype("<i2" if made.dtype == "INT16" else "<i1")
        self._own.append(Variable(made, np.full(made.shape, made.zero_point, dtype)))
        return made

    def _next_index(self) -> int:
        return int(self.subgraph.TensorsLength()) + len(self._variables) + len(self._own)

    def _initialize(self, number: int) -> None:
        place = Blocker("", DAMAGED)
        if not 0 < number < self.model.SubgraphsLength():
            raise self.refuse(replace(place, what=f"calls subgraph {number}, which is not there"))
        subgraph = self.model.Subgraphs(number)
        handles, tensors = _handles(self.model, subgraph), Tensors(self.model, subgraph)
        for operator in _operators(subgraph):
            name = operator_name(self.model, operator)
            if name == "VAR_HANDLE":
                continue
            if name != "ASSIGN_VARIABLE" or operator.InputsLength() != 2:
                what = f"has {name} in what is called once, where only constants can be assigned"
                raise self.refuse(replace(place, what=what, step=STATE))
            key = handles.get(operator.Inputs(0))
            value = tensors.read(operator.Inputs(1), place, self.refuse)
            if key is None or value.data is None or value.dtype not in ("INT8", "INT16"):
                what = "has a variable whose first content is not a constant of int8 or int16"
                raise self.refuse(replace(place, what=what, step=STATE))
            known = self._variables.get(key)
            index = known.tensor.index if known else self._next_index()
            self._variables[key] = Variable(replace(value, index=index, data=None), value.data)


def _operators(subgraph: Any) -> Iterable[Any]:
    return map(subgraph.Operators, range(min(subgraph.OperatorsLength(), MAX_OPERATORS)))


def _handles(model: Any, subgraph: Any) -> dict[int, _Key]:
    """The variable that each handle is of, by index of the handle's tensor."""
    found: dict[int, _Key] = {}
    operators: Sequence[Any] = list(_operators(subgraph))
    for operator in operators:
        if operator_name(model, operator) == "VAR_HANDLE" and operator.OutputsLength() == 1:
            options = _options(operator, tflite.VarHandleOptions)
            key = (options.Container() or b"", options.SharedName() or b"")
            found[operator.Outputs(0)] = key
    return found


def _options(operator: Any, kind: type) -> Any:
    options, table = kind(), operator.BuiltinOptions()
    if table is None or operator.BuiltinOptionsType() != getattr(
        tflite.BuiltinOptions, kind.__name__
    ):
        raise ValueError(f"an operator has no {kind.__name__}")
    options.Init(table.Bytes, table.Pos)
    return options
