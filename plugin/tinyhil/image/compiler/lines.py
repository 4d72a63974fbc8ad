"""An image as lines of places, for kernels that take the longer axis for their inner loop."""

from __future__ import annotations

from collections.abc import Mapping


def line_fields(fields: Mapping[str, int], *, upright: bool) -> dict[str, int]:
    """Sizes, steps in bytes and padding: lines are rows, or columns if `upright`.

    Args:
        fields: the general kernel's; there are as many output channels as input channels.
        upright: whether lines are columns.
    """
    line, place = ("width", "height") if upright else ("height", "width")
    pads = {"height": fields["pad_top"], "width": fields["pad_left"]}
    channels = fields["input_channels"]
    steps = {
        f"{end}_{kind}_step": channels
        if (kind == "place") != upright
        else channels * fields[f"{end}_width"]
        for end in ("input", "output")
        for kind in ("line", "place")
    }
    return {
        "input_lines": fields[f"input_{line}"],
        "input_places": fields[f"input_{place}"],
        "output_lines": fields[f"output_{line}"],
        "output_places": fields[f"output_{place}"],
        **steps,
        "pad_lines": pads[line],
        "pad_places": pads[place],
    }
