"""What an operator becomes: a kernel's constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler.graph import Tensor
from tinyhil.image.compiler.plan import Overlap
from tinyhil.image.compiler.quantize import Channel

_CHANNEL_BYTES: Final = 12


@dataclass(frozen=True)
class ConstantArray:
    """A constant array in flash; `field` is its pointer's name in the kernel's struct."""

    field: str
    ctype: str
    values: Sequence[object]
    size: int
    """In bytes."""
    alignment: int = 4
    """In bytes: kernels with vector instructions load bytes a word at a time."""


@dataclass(frozen=True)
class Lowered:
    """One operator, ready to be written.

    The kernel's header, its function and its struct all have the name `kernel`. The output of an
    operator without a kernel is its input, or a part of it: they share memory.
    """

    kernel: str | None
    offset: int = 0
    """Without a kernel: how many bytes behind the input's beginning the output begins."""
    fields: Mapping[str, int] = field(default_factory=dict)
    """Scalar members of the struct."""
    arrays: tuple[ConstantArray, ...] = ()
    macs: int = 0
    scratch_bytes: int | None = None
    """Memory that the kernel needs while it runs; None: it takes no pointer to any."""
    order: tuple[int, ...] = (0,)
    """Positions of the computed inputs among the node's inputs, as the kernel takes them."""
    gathered: bool = False
    """The kernel takes one array of pointers to all its inputs."""
    form: str = ""
    """What sets it apart from others of the same kernel, for people to read."""
    spare: bool = False
    """It takes much memory for little time: only for where the arena does not grow by it."""
    others: tuple[Lowered, ...] = ()
    """Other forms, which compute the same with other constants, memory or time; the fastest ones
    first where `cost` knows nothing of the kernel."""
    overlap: Overlap | None = None
    """How the output may share memory with an input that ends here; None: not at all."""

    @property
    def constant_bytes(self) -> int:
        """Of all arrays."""
        return sum(array.size for array in self.arrays)


def int8_array(name: str, values: NDArray[Any]) -> ConstantArray:
    """Weights, in the order of memory."""
    flat = values.astype(np.int8).ravel().tolist()
    return ConstantArray(name, "int8_t", flat, len(flat))


def stored_array(name: str, tensor: Tensor) -> ConstantArray:
    """A constant in the bytes that a kernel reads it by."""
    assert tensor.data is not None
    return int8_array(name, np.ascontiguousarray(tensor.data).view(np.int8))


def int16_array(name: str, values: Sequence[int], ctype: str = "int16_t") -> ConstantArray:
    """A table of numbers of 16 bits."""
    return ConstantArray(name, ctype, values, 2 * len(values))


def float_array(name: str, value: float) -> ConstantArray:
    """One float, exactly."""
    return ConstantArray(name, "float", [f"{value.hex()}f"], 4)


def interleave(weights: NDArray[Any], group: int) -> NDArray[Any]:
    """[channels, inputs] to [groups, inputs, group], with channels of zeros to fill the last."""
    padded = np.pad(weights, ((0, -weights.shape[0] % group), (0, 0)))
    return padded.reshape(-1, group, weights.shape[1]).transpose(0, 2, 1)


def int32_array(name: str, values: Sequence[int]) -> ConstantArray:
    """A table."""
    return ConstantArray(name, "int32_t", values, 4 * len(values))


def channel_array(channels: Sequence[Channel]) -> ConstantArray:
    """What every kernel with requantization calls ``channels``."""
    return ConstantArray("channels", "struct channel_s8", channels, _CHANNEL_BYTES * len(channels))
