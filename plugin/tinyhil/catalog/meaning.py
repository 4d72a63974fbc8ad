"""What each metric means, for people who read it for the first time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tinyhil.catalog.facts import Metric


@dataclass(frozen=True)
class Meaning:
    """Of one metric."""

    unit: str
    text: str


_SINGLE = "time of one inference that {} % of the queries kept, by the device's own clock"
_OBJECTIONS = "objections of an audit: {}"

MEANINGS: Mapping[Metric, Meaning] = {
    "latency_p50_s": Meaning("s", _SINGLE.format(50)),
    "latency_p90_s": Meaning("s", f"{_SINGLE.format(90)}; the benchmark's figure"),
    "latency_p99_s": Meaning("s", _SINGLE.format(99)),
    "throughput_ips": Meaning("1/s", "inferences a second, back to back; the median of 5 inputs"),
    "top1": Meaning("share", "samples whose highest score is that of the true class"),
    "auc": Meaning("share", "area under the ROC curve, each class against the rest"),
    "energy_j": Meaning("J", "energy of one inference, by a power monitor; the median of 5 inputs"),
    "power_w": Meaning("W", "mean power while inferring, by a power monitor"),
    "flash_bytes": Meaning("bytes", "code, constants and initial values in the ELF file"),
    "ram_bytes": Meaning("bytes", "variables, arena and the highest use of the stack"),
    "instructions": Meaning(
        "1", "instructions of an inference, the mean of all queries; emulated only"
    ),
    "cycles": Meaning(
        "1",
        "clocks of the core in an inference, the mean of all queries; where our firmware counts "
        "them, on silicon only",
    ),
    "audit_measures": Meaning(
        "1", _OBJECTIONS.format("are known samples or the measures' own queries any cheaper?")
    ),
    "audit_clock": Meaning("1", _OBJECTIONS.format("the device's clock against the host's")),
    "audit_caching": Meaning("1", _OBJECTIONS.format("is a repeated input any faster?")),
    "audit_performance": Meaning(
        "1", _OBJECTIONS.format("are timed answers those of the accuracy run?")
    ),
    "audit_order": Meaning("1", _OBJECTIONS.format("do answers depend on the order of samples?")),
    "audit_count": Meaning("1", _OBJECTIONS.format("does the time depend on how many are asked?")),
    "audit_dependence": Meaning(
        "1", _OBJECTIONS.format("does the answer depend on all the input?")
    ),
}
"""In the order in which they are explained."""
