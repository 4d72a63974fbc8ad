"""``Energy-Hookup.pdf``: how energy was measured, drawn and told, so that others can repeat it."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from tinyhil.catalog.rules import PERFORMANCE_INPUTS, Rules
from tinyhil.ground.extras import part_of
from tinyhil.ground.text import shown
from tinyhil.publish.submission.names import HOOKUP_MISSING
from tinyhil.publish.submission.selection import Chosen

_PAGE_INCHES = (8.27, 11.69)
_STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "text.parse_math": False,
    "pdf.fonttype": 42,
}
_LEFT, _WIDTH, _MOST_LINES = 0.08, 88, 60
_BOXES = {"host": 0.17, "power monitor": 0.50, "device": 0.83}
_BOX_TOP, _TEXT_TOP, _LINE = 0.82, 0.66, 0.0105
_MOST = 2000
"""Characters of the author's words."""


def hookup(used: Sequence[Chosen], rehearsal: str) -> Iterator[bytes]:
    """The file; its subject is `HOOKUP_MISSING` where no run has its author's words.

    Args:
        used: the tasks whose energy was measured.
        rehearsal: see `writing.mark`.

    Raises:
        BenchError: the package that draws is not installed.
    """
    with part_of("report", "to draw how energy was measured"):
        import matplotlib as mpl  # noqa: PLC0415 - of an extra
        from matplotlib.figure import Figure  # noqa: PLC0415
    said = _said(used)
    made = io.BytesIO()
    with mpl.rc_context(_STYLE):
        page = Figure(figsize=_PAGE_INCHES)
        axes = page.add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(0, 1))
        axes.set_axis_off()
        axes.text(_LEFT, 0.94, "How energy was measured", fontsize=16, weight="bold")
        axes.text(_LEFT, 0.92, rehearsal, fontsize=9, color="#b2182b", weight="bold")
        _draw(axes, used)
        lines = [*_facts(used), "", *_wrapped(said or f"Still to be told: {HOOKUP_MISSING[10:]}.")]
        for row, line in enumerate(lines[:_MOST_LINES]):
            axes.text(_LEFT, _TEXT_TOP - _LINE * row * 1.4, line, fontsize=9)
        facts = {"Title": "How energy was measured", "CreationDate": None}
        subject = {} if said else {"Subject": HOOKUP_MISSING}
        page.savefig(made, format="pdf", metadata=facts | subject)
    yield made.getvalue()


def _said(used: Sequence[Chosen]) -> str:
    """The author's words, of the bench file; each once."""
    texts = (str(one.used.heading.get("hookup", "")) for one in used if one.used)
    return "\n".join(dict.fromkeys(shown(text, _MOST, keep="\n") for text in texts if text))


def _draw(axes: Any, used: Sequence[Chosen]) -> None:
    pin = any(one.used and one.used.heading["edges_from"] == "pin" for one in used)
    for name, x in _BOXES.items():
        box = {"boxstyle": "square,pad=1.1", "facecolor": "#d1e5f0", "edgecolor": "#053061"}
        axes.text(x, _BOX_TOP, name, ha="center", va="center", fontsize=11, bbox=box)
    host, monitor, device = _BOXES.values()
    wires = [
        (host + 0.06, monitor - 0.11, _BOX_TOP, "control, samples"),
        (monitor + 0.11, device - 0.07, _BOX_TOP + 0.012, "supply"),
    ]
    if pin:
        wires.append((device - 0.07, monitor + 0.11, _BOX_TOP - 0.012, "time stamp pin"))
    for start, end, y, told in wires:
        axes.annotate("", (end, y), (start, y), arrowprops={"arrowstyle": "->", "lw": 1.4})
        above = y >= _BOX_TOP
        at = y + 0.005 if above else y - 0.012
        axes.text((start + end) / 2, at, told, ha="center", fontsize=8)
    low = _BOX_TOP - 0.07
    axes.plot([host, host, device], [_BOX_TOP - 0.026, low, low], color="black", lw=1.4)
    axes.annotate("", (device, _BOX_TOP - 0.026), (device, low), arrowprops={"arrowstyle": "->"})
    axes.text(0.5, low + 0.005, "serial port: commands, inputs, answers", ha="center", fontsize=8)


def _facts(used: Sequence[Chosen]) -> Iterator[str]:
    rules = Rules()
    for one in used:
        assert one.used
        heading = one.used.heading
        edges = (
            "by the falling edges of the device's time stamp pin"
            if heading["edges_from"] == "pin"
            else "by the steps in the power: no pin leads to the monitor"
        )
        yield from _wrapped(
            f"{one.task.name}: {shown(str(heading['monitor']))}, supply {heading['volts']:g} V, "
            f"{heading['rate_hz']:g} samples a second; windows {edges}."
        )
    yield ""
    yield from _wrapped(
        f"{PERFORMANCE_INPUTS} inputs, each inferred for at least {rules.window_s:g} s and "
        f"{rules.window_inferences} times, warmed up {rules.warm_up} times before. The energy of a "
        "window is the sum of its samples; divided by its inferences, the median counts. "
        "Recorded by tinyhil; the samples of each task are "
        "trace1-energy.bin, the edges trace1-timestamps.json."
    )


def _wrapped(text: str) -> list[str]:
    return [line for part in text.split("\n") for line in textwrap.wrap(part, _WIDTH) or [""]]
