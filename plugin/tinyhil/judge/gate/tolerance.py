"""How much worse a figure may get before the gate fails it: defaults, and the user's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from tinyhil.catalog.facts import Metric
from tinyhil.ground.errors import ConfigError

Gated = Metric | Literal["outputs"]
"""What a gate compares: metrics, and the answers themselves, of which none may change."""

_LATENCY: tuple[Gated, ...] = ("latency_p50_s", "latency_p90_s", "latency_p99_s", "instructions")

GATED: tuple[Gated, ...] = (
    *_LATENCY, "throughput_ips", "flash_bytes", "ram_bytes", "outputs", "top1", "auc", "energy_j",
)  # fmt: skip
"""In the order in which they are shown. Power is not one of them: it is not a goal by itself."""

GROUPS: Mapping[str, tuple[Gated, ...]] = {
    "speed": (*_LATENCY, "throughput_ips"),
    "latency": _LATENCY,
    "throughput": ("throughput_ips",),
    "memory": ("flash_bytes", "ram_bytes"),
    "flash": ("flash_bytes",),
    "ram": ("ram_bytes",),
    "quality": ("top1", "auc"),
    "energy": ("energy_j",),
}
"""Names that stand for several metrics."""

HIGHER_IS_BETTER = frozenset[Gated]({"throughput_ips", "top1", "auc"})
_POINTS = frozenset[Gated]({"top1", "auc", "outputs"})
"""Shares between 0 and 1: a per cent of them is a point, as people say it."""

DRIFT = 0.005
"""Of times on silicon, between two sessions of one firmware. Mostly a core and the timer that times
it share an oscillator, whose drift cancels then; where they don't, it counts: that of an
STM32L4R5, trimmed by its crystal, is good to 0.25 % (DS12023). Within a session, the windows of a
real NUCLEO-L4R5ZI differ by at most 0.0012 % (see `tests/test_gate_noise.py`)."""

ENERGY_DRIFT = 0.01
"""Of energy on silicon: leakage follows the room's temperature, and a shunt its own."""

INTERRUPT_BYTES = 256
"""Of the stack's high-water mark, anywhere: an interrupt may come at its deepest point. The frame
alone is 104 bytes with floating-point state (Armv7-M Architecture Reference Manual, B1.5.6)."""

AUC_OF_ANOTHER_MODEL = 0.01


@dataclass(frozen=True)
class Tolerance:
    """What is allowed: the larger of a share of the old value and an amount in its unit."""

    share: float = 0.0
    amount: float = 0.0

    def allowed(self, old: float) -> float:
        """In the metric's unit."""
        return max(self.amount, self.share * abs(old))

    def __str__(self) -> str:
        parts = [f"{100 * self.share:g} %"] if self.share else []
        parts += [f"{self.amount:g}"] if self.amount else []
        return "tolerance " + (" or ".join(parts) or "0")


Tolerances = Mapping[Gated, Tolerance]
"""The user's own; a metric that is not among them has its default."""


def default(metric: Gated, *, emulated: bool) -> Tolerance:
    """Of a metric: nothing where figures come out the same each time, else what sessions drift.

    For the stack see `INTERRUPT_BYTES`.
    """
    if emulated:
        return Tolerance()
    if metric in GROUPS["speed"]:
        return Tolerance(share=DRIFT)
    return Tolerance(share=ENERGY_DRIFT) if metric == "energy_j" else Tolerance()


def parse(options: Iterable[str]) -> Tolerances:
    """Read ``NAME=VALUE``: the name of a metric or of a group, and ``0.5%`` or an amount.

    Raises:
        ConfigError: a name is unknown or a value is not a number.
    """
    known: dict[str, tuple[Gated, ...]] = {**GROUPS, **{metric: (metric,) for metric in GATED}}
    found: dict[Gated, Tolerance] = {}
    for option in options:
        name, _, text = option.partition("=")
        value = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(%?)\s*", text)
        if name not in known:
            raise ConfigError(
                f"tolerance '{option}': no metric '{name}'; known: {', '.join(known)}",
                hint="write it as in latency=0.5% or flash=1024",
            )
        if value is None:
            raise ConfigError(
                f"tolerance '{option}': '{text}' is neither a number nor a number with %",
                hint="write it as in latency=0.5% or flash=1024",
            )
        number = float(value[1])
        for metric in known[name]:
            found[metric] = _tolerance(metric, number, per_cent=value[2] == "%")
    return found


def _tolerance(metric: Gated, number: float, *, per_cent: bool) -> Tolerance:
    if not per_cent:
        return Tolerance(amount=number)
    if metric in _POINTS:
        return Tolerance(amount=number / 100)
    return Tolerance(share=number / 100)
