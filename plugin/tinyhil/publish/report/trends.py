"""Pictures of figures over the last runs of a station and a task, by Matplotlib, for Allure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tinyhil.catalog.facts import Metric
from tinyhil.catalog.units import format_metric
from tinyhil.publish.report.figures import STYLE, as_svg
from tinyhil.publish.report.history import Point, run_of, series
from tinyhil.publish.report.title import Title, task_place, title_of

Panel = Literal["latency", "size", "quality", "energy"]

_PANELS: Mapping[Panel, tuple[Metric, ...]] = {
    "latency": ("latency_p50_s", "latency_p90_s", "latency_p99_s"),
    "size": ("flash_bytes", "ram_bytes"),
    "quality": ("top1", "auc"),
    "energy": ("energy_j",),
}
_LOOKS: Mapping[Metric, tuple[str, str, str]] = {
    "latency_p50_s": ("p50", "#1b7837", "o"),
    "latency_p90_s": ("p90", "#b35806", "s"),
    "latency_p99_s": ("p99", "#b2182b", "^"),
    "flash_bytes": ("flash", "#2166ac", "o"),
    "ram_bytes": ("RAM", "#762a83", "s"),
    "top1": ("top-1", "#1b7837", "o"),
    "auc": ("AUC", "#2166ac", "s"),
    "energy_j": ("energy", "#b35806", "o"),
}
"""Name, colour and mark: they differ even at the same place, and without colour."""

_SCALES: Mapping[Panel, tuple[float, str]] = {
    "latency": (1e3, "latency (ms)"),
    "size": (1 / 1024, "size (KiB)"),
    "quality": (1.0, "quality (share)"),
    "energy": (1e6, "energy (µJ)"),
}

_LABELS = 8


def pictures(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and SVG of the whole history of each task that the run in `folder` measured."""
    run = run_of(folder)
    for task in dict.fromkeys(line.task for line in run.lines) if run else ():
        yield from _drawn(folder, task, tuple(_PANELS))


def pictures_of(folder: Path, task: str, metric: Metric) -> Iterator[tuple[str, bytes]]:
    """The same of one task, of the panel that a metric is in; nothing for others."""
    for panel, metrics in _PANELS.items():
        if metric in metrics:
            yield from _drawn(folder, task, (panel,))


def _drawn(folder: Path, task: str, panels: tuple[Panel, ...]) -> Sequence[tuple[str, bytes]]:
    run = run_of(folder)
    return _drawn_at(folder, task, panels, len(run.lines) if run else 0)


@lru_cache(maxsize=8)
def _drawn_at(
    folder: Path, task: str, panels: tuple[Panel, ...], _lines: int
) -> Sequence[tuple[str, bytes]]:
    """Several tests ask for the same picture while the record has so many lines."""
    found = series(folder, task)
    if found is None:
        return ()
    subject, points = found
    held = tuple(
        panel
        for panel in panels
        if sum(any(metric in point.metrics for metric in _PANELS[panel]) for point in points) > 1
    )
    if not held:
        return ()
    title = title_of(subject, f"last {len(points)} runs")
    svg = draw(points, held, title=title, emulated=subject.emulated)
    return ((f"history: {task_place(subject)}", svg),)


def draw(
    points: Sequence[Point], panels: Sequence[Panel], *, title: Title, emulated: bool
) -> bytes:
    """Figures over runs, one panel above the other.

    Args:
        points: at least one, the oldest first.
        panels: what to draw; at least one.
        title: see `title_of`.
        emulated: whether the times are instruction counts, which the picture then says.

    Returns:
        An SVG document.
    """
    assert set(panels) <= set(get_args(Panel))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 0.9 + 2.0 * len(panels)), layout="constrained")
        column = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axes, panel in zip(column, panels, strict=True):
            _draw_panel(axes, panel, points)
        step = -(-len(points) // _LABELS)
        shown = range(len(points) - 1, -1, -step)
        column[-1].set_xticks(
            list(shown), [f"{points[place].started:%m-%d\n%H:%M}" for place in shown]
        )
        column[-1].set_xlim(-0.5, len(points) - 0.5)
        column[-1].set_xlabel("run (UTC)")
        figure.suptitle(f"{title}\n{_sub_title(emulated)}", fontsize=10.0)
        return as_svg(figure)


def _draw_panel(axes: Axes, panel: Panel, points: Sequence[Point]) -> None:
    scale, label = _SCALES[panel]
    names = []
    for metric in _PANELS[panel]:
        places = [place for place, point in enumerate(points) if metric in point.metrics]
        if not places:
            continue
        name, colour, mark = _LOOKS[metric]
        values = [points[place].metrics[metric] for place in places]
        fills = [colour if _changed(points, place) else "white" for place in places]
        heights = [scale * value for value in values]
        axes.plot(places, heights, color=colour, lw=1.2, zorder=1)
        axes.scatter(places, heights, s=22, c=fills, edgecolors=colour, marker=mark, zorder=2)
        names.append((f"{name} {format_metric(metric, values[-1])}{_since(values)}", colour))
    for row, (text, colour) in enumerate(names):
        top = (1.0, 1.0 - 0.13 * row)
        axes.annotate(text, top, xycoords="axes fraction", color=colour, ha="right", va="bottom")
    for place in range(1, len(points)):
        if points[place].model_sha256 != points[place - 1].model_sha256:
            axes.axvline(place - 0.5, color="#777777", lw=0.8, ls=(0, (4, 3)))
    low, high = axes.get_ylim()
    room = max(high - low, 1e-3 * abs(high)) * (0.15 + 0.25 * len(names))
    axes.set_ylim(low - 0.2 * room, high + room)
    if panel == "quality":
        axes.set_yticks([tick for tick in axes.get_yticks() if low - 0.2 * room <= tick <= 1.0])
    axes.set_ylabel(label)
    axes.ticklabel_format(axis="y", useOffset=False)


def _changed(points: Sequence[Point], place: int) -> bool:
    """Whether a run's firmware is another one than that of the run before."""
    before = points[place - 1].firmware_sha256 if place else None
    return points[place].firmware_sha256 != before


def _since(values: Sequence[float]) -> str:
    """How the last figure differs from the one before."""
    if len(values) < 2 or not values[-2]:
        return ""
    change = values[-1] / values[-2] - 1
    return f" ({100 * change:+.3g} %)" if change else " (unchanged)"


def _sub_title(emulated: bool) -> str:
    text = "filled: another firmware than the run before; dashed: another model"
    if not emulated:
        return text
    return f"emulated: times are instruction counts, not times measured on silicon\n{text}"
