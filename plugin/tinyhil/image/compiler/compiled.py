"""The compiler's result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path


@dataclass(frozen=True)
class OperatorSummary:
    """One operator of the model."""

    index: int
    """In the order in which they run, from 0."""
    name: str
    """As in the TensorFlow Lite schema: ``CONV_2D``."""
    output_shape: tuple[int, ...]
    """Elements along each axis."""
    macs: int
    """Multiply-accumulates of one inference, without those that are left out."""
    instructions: int | None
    """Of one inference, as predicted by `cost`: on a Cortex-M55 where kernels for Helium are taken,
    else on a Cortex-M4; None where it knows no model."""
    cycles: int | None
    """The same in cycles; with waits for constants if the target's flash is known to wait."""
    disagrees: bool
    """Whether the form with the fewest instructions is not the one with the fewest cycles: in the
    target's flash, or else in that of NUCLEO-L4R5ZI."""
    kernel: str | None
    """Function that computes it, of ``firmware/kernels``; None where nothing is computed."""
    form: str
    """What was chosen of that kernel's forms; empty where there is but one."""
    scratch_bytes: int
    """Its working memory, in the arena."""
    constant_channels: int
    """Of its output, left out since they are proved to have one value whatever the input is."""
    unread_channels: int
    """Of its output, left out since nothing reads them."""
    macs_left_out: int
    """Multiply-accumulates that its own left out channels, and those of its input, would need."""
    bands: int
    """In how many bands of rows it is computed; 1: all at once."""
    macs_again: int
    """Multiply-accumulates of rows that are computed again, as several bands need them."""


@dataclass(frozen=True)
class ModelStep:
    """A step of an inference: an operator, or a band of one."""

    operator: int
    """Position of its operator in the list of operators."""
    kernel: str | None
    """None where nothing is computed."""
    band: int | None
    """Which of the operator's bands, from 1; None: the operator at once."""


@dataclass(frozen=True)
class InArena:
    """What is in the tensor arena for some steps."""

    kind: str
    """``tensor``, or ``scratch``: a kernel's working memory."""
    offset: int
    """In bytes."""
    size: int
    """In bytes."""
    first: int
    """Position of the step that writes it."""
    last: int
    """Position of the last step that needs it."""
    whole: int
    """Position of the step whose output it is: other ones may write parts of it before."""


@dataclass(frozen=True)
class TensorFacts:
    """An input or output of a model: real = scale * (stored - zero_point); floats are real."""

    shape: tuple[int, ...]
    size: int
    """In bytes."""
    scale: float
    zero_point: int
    dtype: str
    """``int8``, ``uint8``, ``int16`` or ``float32``."""

    @property
    def elements(self) -> int:
        """How many numbers it has."""
        return prod(self.shape)


def _joined(parts: Sequence[TensorFacts]) -> TensorFacts:
    """Several tensors in a row; scale and zero point are the first one's."""
    if len(parts) == 1:
        return parts[0]
    size, elements = sum(one.size for one in parts), sum(one.elements for one in parts)
    return replace(parts[0], shape=(elements,), size=size)


@dataclass(frozen=True)
class CompiledModel:
    """A model as C sources, and what is known of it."""

    sha256: str
    """Of the ``.tflite`` file, lower-case hex."""
    operators: tuple[OperatorSummary, ...]
    arena_bytes: int
    """Of the static tensor arena: activations and the kernels' working memory, without the model's
    input and output, whose memory is the caller's."""
    arena_least_bytes: int
    """What no arena can be smaller than: the most that is in use at once."""
    arena_at_once_bytes: int
    """Of the arena without bands; the same as `arena_bytes` where there are none."""
    arena: tuple[InArena, ...]
    """What is in it, in the order of time."""
    steps: tuple[ModelStep, ...]
    """What is computed, one after the other."""
    weights_bytes: int
    """Of all constants: weights, biases, multipliers, tables."""
    state_bytes: int
    """Of what is kept from one inference to the next, beside the arena."""
    inputs: tuple[TensorFacts, ...]
    """In memory and on the wire, they are one behind the other."""
    outputs: tuple[TensorFacts, ...]
    sources: Mapping[str, str]
    """``model.c`` and ``model_config.h``: file name to text."""

    @property
    def input(self) -> TensorFacts:
        """All inputs as one."""
        return _joined(self.inputs)

    @property
    def output(self) -> TensorFacts:
        """All outputs as one."""
        return _joined(self.outputs)

    @property
    def kernels(self) -> tuple[str, ...]:
        """Names of the kernels that it calls, sorted."""
        return tuple(sorted({one.kernel for one in self.steps if one.kernel}))

    @property
    def bands(self) -> int:
        """In how many bands its first operators are computed; 1: all at once."""
        return max((one.bands for one in self.operators), default=1)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(operator.macs for operator in self.operators)

    @property
    def whole_arena_bytes(self) -> int:
        """The arena with the model's input and output in it, as other frameworks count it."""
        return self.arena_bytes + self.input.size + self.output.size

    def write(self, folder: Path) -> None:
        """Write the sources, but leave files alone that are right already (no needless rebuild).

        Raises:
            OSError: the folder can't be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.sources.items():
            file = folder / name
            if not file.is_file() or file.read_bytes() != text.encode():
                file.write_text(text, encoding="utf-8", newline="\n")
