"""The first operators of a model, computed in bands of rows, so that no whole tensor of theirs is
ever in memory: for each band of the last one's output, only the rows that it needs are computed.

Neighbouring bands need rows in common, which are computed again: that is the price, in MACs. What
comes out is the same to the bit, as no operator here looks at other rows than those of its window.
This is patch-based inference, with patches as wide as the image: rows lie in one piece in memory,
so that a band is read and written where it is, and nothing is copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from typing import Any, Final

import numpy as np

from tinyhil.image.compiler import ops
from tinyhil.image.compiler.graph import Band, Graph, Home, Node, Tensor
from tinyhil.image.compiler.lowered import ConstantArray, Lowered
from tinyhil.image.compiler.target import Target
from tinyhil.image.compiler.window import Axis, windows

_FILTERS: Final = {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1}
"""Operators with a window whose size is that of their weights, at this position."""
_POOLS: Final = ("AVERAGE_POOL_2D", "MAX_POOL_2D")
_ELEMENTS: Final = ("ADD", "HARD_SWISH", "LOGISTIC", "MUL", "QUANTIZE", "RELU", "RELU6",
                    "RELU_N1_TO_1", "SUB", "TANH")  # fmt: skip
"""Operators of which each element of the output needs one element of each input."""


@dataclass(frozen=True)
class Rows:
    """From `first` to before `end`."""

    first: int
    end: int

    def __len__(self) -> int:
        return max(0, self.end - self.first)

    def with_(self, other: Rows | None) -> Rows:
        """The rows from the first one of both to the last one."""
        if other is None:
            return self
        return Rows(min(self.first, other.first), max(self.end, other.end))


@dataclass(frozen=True)
class Sketch:
    """What so many bands up to an operator come to, without making their operators."""

    last: int
    bands: int
    macs: int
    """More than at once."""
    least_bytes: int
    """Less memory than this can't do."""


def sketch(graph: Graph, macs: Sequence[int], last: int, bands: int) -> Sketch | None:
    """Look at a stage in bands.

    Args:
        graph: a model.
        macs: of its operators.
        last: position of the stage's last operator.
        bands: how many.

    Returns:
        None where a band would be of padding alone.
    """
    stage, more, largest = graph.nodes[: last + 1], -sum(macs[: last + 1]), 0
    for rows in _sides(stage[-1], bands):
        needed = _needed(stage, rows)
        if needed is None:
            return None
        for node, cost in zip(stage, macs, strict=False):
            made = len(needed.get(node.output.index, ()))
            more += cost * made // node.output.shape[1]
            if node is not stage[-1]:
                largest = max(largest, made * _row_bytes(node.output))
    return Sketch(last, bands, more, largest + stage[-1].output.size)


def _sides(node: Node, bands: int) -> Iterator[Rows]:
    height = node.output.shape[1]
    sides = (height * number // bands for number in range(bands + 1))
    return (Rows(first, end) for first, end in pairwise(sides))


VIEW: Final = "rows"
JOIN: Final = "all rows"
"""Names of nodes that no model has: rows of a tensor, and a tensor whose bands are all there."""


@dataclass(frozen=True)
class Banded:
    """A graph whose first operators work band by band."""

    graph: Graph
    bands: int
    last: int
    """Position of the last operator that works so, in the graph before."""
    origins: tuple[int, ...]
    """By position here, which operator of the graph before each is a part of."""
    alike: tuple[tuple[object, ...], ...]
    """By position here: operators that are equal here become equal calls."""


def ends(graph: Graph) -> Iterator[int]:
    """Positions of operators that a stage in bands can end with: all before them work on rows, and
    what comes after reads of them all only the last one's output."""
    inside = {tensor.index for tensor in graph.inputs}
    outputs = {tensor.index for tensor in graph.outputs}
    read_last: dict[int, int] = {}
    for position, node in enumerate(graph.nodes):
        for tensor in _activations(node):
            read_last[tensor.index] = position
    open_: set[int] = set()
    for position, node in enumerate(graph.nodes):
        sources = _activations(node)
        if not _works_on_rows(node) or any(one.index not in inside for one in sources):
            return
        made = node.output.index
        if made in outputs:
            return
        inside.add(made)
        open_ = {one for one in {*open_, made} if read_last.get(one, -1) > position}
        if position and open_ == {made} and node.output.shape[1] > 1:
            yield position


def split(graph: Graph, last: int, bands: int) -> Banded | None:
    """Compute the operators up to position `last` in so many bands.

    Returns:
        None where a band would be of padding alone.
    """
    made = _Splitting(graph, last)
    for number, rows in enumerate(_sides(graph.nodes[last], bands), start=1):
        if not made.add_band(number, rows):
            return None
    made.join()
    rest = graph.nodes[last + 1 :]
    return Banded(
        replace(graph, nodes=(*made.nodes, *rest)),
        bands,
        last,
        (*made.origins, *range(last + 1, len(graph.nodes))),
        (*made.alike, *(("whole", number) for number in range(len(rest)))),
    )


@dataclass
class BandLowering:
    """Lowers the operators of banded graphs of one model, equal ones once."""

    whole: Sequence[Lowered]
    """The operators of the graph before."""
    target: Target
    _known: dict[tuple[object, ...], Lowered] = field(default_factory=dict)
    _arrays: dict[tuple[int, str], list[ConstantArray]] = field(default_factory=dict)

    def lower(self, banded: Banded) -> list[Lowered]:
        """The operators of a banded graph, ready to be written."""
        return [
            self.whole[origin] if node.band is None else self._band(node, node.band, origin, alike)
            for node, origin, alike in zip(
                banded.graph.nodes, banded.origins, banded.alike, strict=True
            )
        ]

    def _band(self, node: Node, band: Band, origin: int, alike: tuple[object, ...]) -> Lowered:
        if node.name in (VIEW, JOIN):
            return Lowered(kernel=None, offset=band.offset)
        if alike not in self._known:
            low = self._form(ops.lower(node, self.target), self.whole[origin])
            arrays = tuple(self._shared(origin, one) for one in low.arrays)
            self._known[alike] = replace(low, arrays=arrays, others=())
        return self._known[alike]

    @staticmethod
    def _form(low: Lowered, whole: Lowered) -> Lowered:
        """The one with constants of the size that the operator's own have, and little memory."""
        wanted = whole.kernel, whole.constant_bytes
        alike = [
            form for form in (low, *low.others) if (form.kernel, form.constant_bytes) == wanted
        ]
        return min(alike, key=lambda form: form.scratch_bytes or 0, default=low)

    def _shared(self, origin: int, array: ConstantArray) -> ConstantArray:
        """The one that another band has, if it is equal: it is in flash once."""
        known = self._arrays.setdefault((origin, array.field), [])
        found = next((one for one in known if one == array), None)
        if found is None:
            known.append(array)
        return found or array


@dataclass
class _Splitting:
    """The nodes of a stage, band by band."""

    graph: Graph
    last: int
    nodes: list[Node] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    alike: list[tuple[object, ...]] = field(default_factory=list)
    _numbers: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        graph = self.graph
        used = [one.index for one in (*graph.inputs, *(each.tensor for each in graph.variables))]
        for node in graph.nodes:
            used += [node.output.index, *(one.index for one in node.inputs if one is not None)]
        self._numbers = count(max(used) + 1)

    @property
    def whole(self) -> Tensor:
        """What the stage makes."""
        return self.graph.nodes[self.last].output

    def add_band(self, number: int, rows: Rows) -> bool:
        """The nodes that make these rows of the stage's output; False if that can't be."""
        stage = self.graph.nodes[: self.last + 1]
        needed = _needed(stage, rows)
        if needed is None:
            return False
        there = {
            one.index: (one, Rows(0, one.shape[1]))
            for one in self.graph.inputs
            if len(one.shape) == 4
        }
        for position, node in enumerate(stage):
            made = needed.get(node.output.index)
            if made is None:
                continue
            read = _reads(node, made)
            inputs = [
                self._view(position, number, there[one.index], read)
                if one is not None and one.data is None
                else one
                for one in node.inputs
            ]
            output = self._rows_of(node.output, made)
            pad = 0
            if node.name == "PAD":
                inputs[1] = _padding(node, made, read, next(self._numbers))
            elif (axis := _axis(node)) is not None:
                pad = read.first - (made.first * axis.stride - axis.pad)
            into = None
            if position == self.last:
                into = Home(self.whole.index, rows.first * _row_bytes(self.whole))
            made_here = replace(
                node, inputs=tuple(inputs), output=output, band=Band(number, pad), into=into
            )
            self._add(position, made_here,
                      ("band", position, len(made), len(read), pad, _pads(inputs)))  # fmt: skip
            there[node.output.index] = (output, made)
        return True

    def join(self) -> None:
        """Say that all rows of the stage's output are there."""
        made = self.nodes[-1]
        assert made.band is not None
        assert made.into is not None
        band = Band(made.band.number, 0, offset=-made.into.offset)
        node = replace(
            made, name=JOIN, inputs=(made.output,), output=self.whole, band=band, into=None
        )
        self._add(self.last, node, (JOIN,))

    def _add(self, position: int, node: Node, alike: tuple[object, ...]) -> None:
        self.nodes.append(node)
        self.origins.append(position)
        self.alike.append(alike)

    def _view(self, position: int, number: int, there: tuple[Tensor, Rows], read: Rows) -> Tensor:
        """These rows of what is there, which begins at another one."""
        tensor, rows = there
        if rows == read:
            return tensor
        made = self._rows_of(tensor, read)
        band = Band(number, 0, offset=(read.first - rows.first) * _row_bytes(tensor))
        node = replace(
            self.graph.nodes[position], name=VIEW, inputs=(tensor,), output=made, band=band
        )
        self._add(position, node, (VIEW,))
        return made

    def _rows_of(self, tensor: Tensor, rows: Rows) -> Tensor:
        shape = (tensor.shape[0], len(rows), *tensor.shape[2:])
        return replace(tensor, index=next(self._numbers), shape=shape)


def _needed(stage: Sequence[Node], rows: Rows) -> Mapping[int, Rows] | None:
    """Which rows of each tensor are needed for `rows` of the last one's output, by index."""
    needed = {stage[-1].output.index: rows}
    for node in reversed(stage):
        made = needed.get(node.output.index)
        if made is None:
            continue
        read = _reads(node, made)
        if not read:
            return None
        for tensor in _activations(node):
            needed[tensor.index] = read.with_(needed.get(tensor.index))
    return needed


def _reads(node: Node, made: Rows) -> Rows:
    """The rows of its inputs that an operator needs for these rows of its output."""
    source = _activations(node)[0]
    first, end = made.first, made.end
    if node.name == "PAD":
        above = int(_constant(node, 1)[1][0])
        first, end = first - above, end - above
    elif (axis := _axis(node)) is not None:
        first = first * axis.stride - axis.pad
        end = (end - 1) * axis.stride - axis.pad + (axis.size - 1) * axis.dilation + 1
    return Rows(max(0, first), min(source.shape[1], end))


def _axis(node: Node) -> Axis | None:
    """The window of an operator from top to bottom; None of one that has none."""
    if node.name in _FILTERS:
        weights = node.inputs[1]
        assert weights is not None
        return windows(node, node.options_kind, *weights.shape[1:3])[0]
    if node.name in _POOLS:
        sizes = (int(node.options[f"Filter{side}"]) for side in ("Height", "Width"))
        return windows(node, node.options_kind, *sizes)[0]
    return None


def _works_on_rows(node: Node) -> bool:
    """Whether rows of its output need a range of rows of its inputs, and nothing else."""
    sources, made = _activations(node), node.output
    images = all(len(one.shape) == 4 and one.shape[0] == 1 for one in (*sources, made))
    if not sources or not images or len(node.parts) > 1:
        return False
    if node.name == "PAD":
        return True
    if node.name in _ELEMENTS:
        constants = [one for one in node.inputs if one is not None and one.data is not None]
        flat = all(len(one.shape) < 3 or one.shape[-3] == 1 for one in constants)
        return flat and all(one.shape == made.shape for one in sources)
    return node.name in _FILTERS or node.name in _POOLS


def _padding(node: Node, made: Rows, read: Rows, index: int) -> Tensor:
    """What a PAD pads a band by: only above the first row, and below the last one."""
    tensor, values = node.inputs[1], _constant(node, 1).copy()
    assert tensor is not None
    above = int(values[1][0])
    values[1] = read.first - (made.first - above), (made.end - above) - read.end
    return replace(tensor, index=index, data=values)


def _pads(inputs: Sequence[Tensor | None]) -> bytes:
    """What tells paddings apart."""
    tables = [one.data for one in inputs if one is not None and one.dtype == "INT32"]
    return b"".join(data.tobytes() for data in tables if data is not None and data.size <= 8)


def _constant(node: Node, position: int) -> Any:
    tensor = node.inputs[position]
    assert tensor is not None
    return np.asarray(tensor.data)


def _row_bytes(tensor: Tensor) -> int:
    return tensor.size // tensor.shape[1]


def _activations(node: Node) -> list[Tensor]:
    return [one for one in node.inputs if one is not None and one.data is None]
