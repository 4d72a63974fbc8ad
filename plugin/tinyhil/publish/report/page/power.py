"""The picture of a power trace on the page: its windows, the idle floor, what each window gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinyhil.catalog.facts import Metric
from tinyhil.catalog.units import scaled
from tinyhil.catalog.wording import in_short
from tinyhil.ground.text import shown
from tinyhil.measure.energy.result import Energy
from tinyhil.publish.report.envelope import envelope
from tinyhil.publish.report.page.charts import SIDE

_ROOM = 0.94
"""Of the height, for the highest sample."""


@dataclass(frozen=True)
class Bar:
    """A window's energy of an inference, beside the others."""

    name: str
    x: float
    width: float
    height: float
    text: str
    median: bool
    """Whether it is the one that counts."""


@dataclass(frozen=True)
class PowerTrace:
    """Power over time, and the energy of each window."""

    outline: Sequence[tuple[float, float]]
    """Around all samples."""
    windows: Sequence[tuple[float, float]]
    """Left side and width of each stretch that is timed."""
    idle_y: float | None
    top: str
    """Power at the highest sample."""
    right: str
    """When it ends."""
    text: str
    spread: str
    """How far the windows are apart, and which one counts."""
    modelled: bool
    bars: Sequence[Bar]


def power_trace(energy: Energy) -> PowerTrace:
    """Of a measure of energy."""
    trace = energy.trace
    low, _, high = envelope(trace)
    top = float(high.max()) or 1.0
    step = SIDE / len(high)

    def y(power_w: float) -> float:
        return round(SIDE * (1 - _ROOM * power_w / top), 1)

    above = [(round((n + 0.5) * step, 1), y(float(power))) for n, power in enumerate(high)]
    below = [(round((n + 0.5) * step, 1), y(float(power))) for n, power in enumerate(low)]
    scale = SIDE / len(trace.power_w)
    windows = [
        (round(one.first * scale, 1), round((one.last - one.first) * scale, 1))
        for one in energy.windows
    ]
    idle = f"idle floor {scaled(energy.idle_w, 'W', 4)}" if energy.idle_w else "no idle floor seen"
    margin = energy.errors["energy_j"].above
    text = (
        f"{len(trace.power_w):,} samples at {trace.rate_hz:g} Hz by "
        f"{shown(energy.heading['monitor'])}, {energy.lost:,} lost; "
        f"edges from the {energy.heading['edges_from']}; {idle}; "
        f"{in_short('power_w', energy.power_w)} while inferring; "
        f"{in_short('energy_j', energy.energy_j)} ± {scaled(margin, 'J', 3)} an inference"
    )
    return PowerTrace(
        [*above, *reversed(below)],
        windows,
        y(energy.idle_w) if energy.idle_w else None,
        f"highest sample {scaled(top, 'W', 4)}",
        f"{trace.seconds:.1f} s",
        text,
        _spread(energy),
        bool(energy.heading["modelled"]),
        _bars(energy),
    )


def _spread(energy: Energy) -> str:
    costs = [one.energy_j for one in energy.windows]
    least, most = (in_short("energy_j", cost, 6) for cost in (min(costs), max(costs)))
    apart = 100 * (max(costs) / min(costs) - 1)
    return (
        f"From {least} to {most}, {apart:.2g} % apart; the median, "
        f"{in_short('energy_j', energy.energy_j, 6)}, counts"
    )


def _whole(metric: Metric, value: float, digits: int = 4) -> str:
    """A value that is not parted from its unit at the end of a line."""
    return in_short(metric, value, digits).replace(" ", "\u00a0")


def _bars(energy: Energy) -> list[Bar]:
    most = max(one.energy_j for one in energy.windows)
    width = SIDE / len(energy.windows)
    return [
        Bar(
            shown(one.sample),
            round((number + 0.1) * width, 1),
            round(0.8 * width, 1),
            round(_ROOM * SIDE * one.energy_j / most, 1),
            f"{_whole('energy_j', one.energy_j, 6)}, {one.count:,} inferences in "
            f"{one.window.seconds:.3f}\u00a0s, {_whole('power_w', one.window.power_w)}",
            one.energy_j == energy.energy_j,
        )
        for number, one in enumerate(energy.windows)
    ]
