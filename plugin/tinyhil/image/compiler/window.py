"""Windows that slide over an image: what convolutions and pooling share."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tinyhil.image.compiler.graph import Node

_SAME, _VALID = range(2)  # Padding of the schema


@dataclass(frozen=True)
class Axis:
    """One direction of a window, in elements."""

    size: int
    """Of the window."""
    stride: int
    pad: int
    """Elements that it hangs over before the first one."""
    outputs: int
    dilation: int = 1
    """How far apart its elements are."""

    @property
    def reach(self) -> int:
        """Extent of all windows together."""
        return (self.outputs - 1) * self.stride + self.size


def windows(node: Node, kind: str, height: int, width: int) -> tuple[Axis, Axis]:
    """Both axes of a window of `height` times `width`; options are of the table `kind`.

    Raises:
        ModelError: no single NHWC image, a bad stride, padding or dilation, or an output of another
            size than the window gives.
    """
    image, result = node.activation().shape, node.output.shape
    node.check(len(image) == 4 and len(result) == 4, "is not on NHWC images")
    node.check(image[0] == 1 and result[0] == 1, "has a batch of more than one image")
    axes = []
    for size, direction, inputs, outputs, (before, after) in (
        (height, "H", image[1], result[1], node.around[:2]),
        (width, "W", image[2], result[2], node.around[2:]),
    ):
        stride = int(node.option(kind, f"Stride{direction}"))
        dilation = _dilation(node, direction, size)
        node.check(0 < dilation < 2**12, f"has dilation {dilation}")
        node.check(0 < stride < 2**16 and size > 0, f"has stride {stride} and window size {size}")
        extent = reach_of(node, direction, size)
        if node.band and direction == "H":
            axis = Axis(extent, stride, node.band.pad, outputs)
        else:
            padding = int(node.option(kind, "Padding"))
            axis = _axis(node, padding, extent, stride, before + inputs + after)
        axis = replace(axis, size=size, dilation=dilation, pad=axis.pad + before)
        node.check(
            axis.outputs == outputs, f"has {outputs} outputs where its windows give {axis.outputs}"
        )
        axes.append(axis)
    return axes[0], axes[1]


def is_valid(node: Node, kind: str) -> bool:
    """Whether its windows do not hang over the edge; options are of the table `kind`."""
    return int(node.option(kind, "Padding")) == _VALID


def reach_of(node: Node, direction: str, size: int) -> int:
    """From the first to behind the last of `size` elements of a window, along ``H`` or ``W``."""
    return (size - 1) * _dilation(node, direction, size) + 1


def _dilation(node: Node, direction: str, size: int) -> int:
    return int(node.options.get(f"Dilation{direction}Factor", 1)) if size > 1 else 1


def window_fields(node: Node, vertical: Axis, horizontal: Axis) -> dict[str, int]:
    """What the structs of all kernels with windows have in common."""
    image = node.activation().shape
    return {
        "input_height": image[1],
        "input_width": image[2],
        "output_height": vertical.outputs,
        "output_width": horizontal.outputs,
        "kernel_height": vertical.size,
        "kernel_width": horizontal.size,
        "stride_height": vertical.stride,
        "stride_width": horizontal.stride,
        "pad_top": vertical.pad,
        "pad_left": horizontal.pad,
    }


def dilation_fields(vertical: Axis, horizontal: Axis) -> dict[str, int]:
    """And those of kernels whose windows' elements may be apart."""
    return {
        "dilation_height": vertical.dilation,
        "dilation_width": horizontal.dilation,
    }


def _axis(node: Node, padding: int, size: int, stride: int, inputs: int) -> Axis:
    if padding == _VALID:
        return Axis(size, stride, 0, max(0, (inputs - size) // stride + 1))
    node.check(padding == _SAME, f"has the padding {padding}, which is not known")
    outputs = -(-inputs // stride)
    overhang = max(0, (outputs - 1) * stride + size - inputs)
    return Axis(size, stride, overhang // 2, outputs)
