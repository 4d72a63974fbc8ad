"""Rows of every kind that the explorer tells apart, made up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tinyhil.publish.results.rows import Figures, Row

HOSTILE = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 1'>&amp;\u202e"
LONG = "Long" * 200


def _physical(name: str, latency_s: float, energy_j: float, ram: int, **more: Any) -> Row:
    figures = Figures(
        latency_p90_s=latency_s,
        throughput_ips=1 / latency_s,
        energy_j=energy_j,
        top1=0.91,
        auc=0.99,
        flash_bytes=4.0 * ram,
        ram_bytes=float(ram),
        scope="1000 samples",
        evidence=(f"runs/20260102_{name}",),
    )
    return Row(
        source="runs", division="closed", device=f"Board {name}",
        processor="Arm Cortex-M4F @ 120 MHz", processor_count="1", data_set="official",
        software="tinyhil's firmware", record="verified",
        tasks={"kws01": replace(figures, **more), "ic01": replace(figures, energy_j=None)},
    )  # fmt: skip


def every_kind() -> tuple[Row, ...]:
    """Physical rows, of which `a`, `b` and `c` are on fronts, and what must stay off them."""
    first, second, third = (
        _physical("a", 0.010, 900e-6, 64 * 1024),
        _physical("b", 0.040, 300e-6, 96 * 1024),
        _physical("c", 0.060, 700e-6, 24 * 1024),
    )
    tempting = (0.001, 1e-6, 1024)
    simulated = _physical("mps2", *tempting, instructions=16_650_000.0)
    return (
        first,
        replace(second, station="desk-b", software="Engine B 7.3.0", submitter="An Org"),
        third,
        _physical("beaten", 0.061, 950e-6, 128 * 1024),
        replace(simulated, emulated=True, instruction_s=1e-8, mark="emulated: times are counts"),
        replace(_physical("forged", *tempting), record="changed"),
        _physical("hurried", *tempting, short=True),
        _physical("wrong", *tempting, top1=0.80),
        replace(_physical("demo", 0.020, 500e-6, 48 * 1024), data_set="stand-in"),
        replace(third, division="open", device="Board pruned"),
        replace(
            _physical("evil", 0.070, 2e-3, 300 * 1024, scope=HOSTILE),
            device=HOSTILE, submitter=LONG, code=HOSTILE, software=LONG, record="as claimed",
        ),
        Row(device="Nothing measured", tasks={"kws01": Figures(top1=float("nan"))}),
    )  # fmt: skip
