"""Two inputs whose axes of one element are repeated, with one of them constant or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul
from typing import Final

from tinyhil.image.compiler.graph import Node, Tensor
from tinyhil.image.compiler.lowered import ConstantArray, stored_array
from tinyhil.image.compiler.plan import SAME_PLACE, Overlap
from tinyhil.image.compiler.refusals import REQUANTIZE

_AXES: Final = 4


@dataclass(frozen=True)
class Pair:
    """Both inputs of an operator, as ``firmware/kernels/include/broadcast.h`` takes them."""

    first: Tensor
    second: Tensor
    fields: dict[str, int]
    order: tuple[int, int]
    """A constant's place is taken by the other input: the kernel has the constant in its struct."""
    arrays: tuple[ConstantArray, ...]
    """The constant, if there is one."""
    overlap: Overlap | None


def pair(node: Node) -> Pair:
    """The inputs, checked.

    Raises:
        ModelError: both are constant, one is not of the output's type, or their shapes do not fit
            the output's.
    """
    tensors, places, arrays = [], [0, 1], []
    for position in (0, 1):
        tensor = node.inputs[position] if position < len(node.inputs) else None
        constant = tensor is not None and tensor.data is not None
        wanted = node.output.dtype
        tensors.append(node.constant(position, wanted) if constant else node.activation(position))
        if constant:
            quantization = tensors[-1].quantization
            whole = quantization is not None and quantization.scales.size == 1
            node.check(whole, "has a constant that is not quantized as a whole", step=REQUANTIZE)
            arrays.append(stored_array(("first", "second")[position], tensors[-1]))
            places[position] = 1 - position
    node.check(len(arrays) < 2, "has two constants")
    first, second = tensors
    full = [tensor.elements == node.output.elements for tensor in tensors if tensor.data is None]
    return Pair(
        first,
        second,
        _fields(node, first, second),
        (places[0], places[1]),
        tuple(arrays),
        SAME_PLACE if all(full) else None,
    )


def _fields(node: Node, first: Tensor, second: Tensor) -> dict[str, int]:
    """Sizes of the output's axes, those that can be one joined; and both inputs' steps."""
    result = node.output.shape
    node.check(
        len(result) >= max(len(first.shape), len(second.shape)), "has an output of fewer axes"
    )
    shapes = [(1,) * (len(result) - len(t.shape)) + t.shape for t in (first, second)]
    for size, a, b in zip(result, *shapes, strict=True):
        fits = size == max(a, b) and {a, b} <= {1, size}
        node.check(fits, f"has inputs of the shapes {[list(t.shape) for t in (first, second)]}")
    merged: list[tuple[int, int, int]] = []  # size, and steps of both inputs
    steps = [_steps(shape) for shape in shapes]
    for size, a, b in zip(result, *steps, strict=True):
        if size == 1:
            continue
        if merged and merged[-1][1:] == (a * size, b * size):
            merged[-1] = (merged[-1][0] * size, a, b)
        else:
            merged.append((size, a, b))
    node.check(len(merged) <= _AXES, f"repeats its inputs along more than {_AXES} axes")
    merged = [(1, 0, 0)] * (_AXES - len(merged)) + merged
    return {
        f"places.{name}[{i}]": axis[j]
        for i, axis in enumerate(merged)
        for j, name in enumerate(("size", "first", "second"))
    }


def _steps(shape: Sequence[int]) -> list[int]:
    """How far apart neighbours along each axis are; 0 along those that are repeated."""
    inner = [*accumulate(reversed(shape), mul, initial=1)][-2::-1]
    return [step if size > 1 else 0 for size, step in zip(shape, inner, strict=True)]
