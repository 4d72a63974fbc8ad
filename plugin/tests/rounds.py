"""Whole rounds of submissions, made up by a rule: only what the results table reads of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

TASKS = ("kws", "vww", "ic", "ad")
_COST = {"kws": 1.0, "vww": 3.1, "ic": 3.0, "ad": 0.1}
"""Of an inference, against that of keyword spotting."""
_QUALITY = {"kws": (90.4, 0.99), "vww": (85.3, 0.94), "ic": (85.6, 0.99), "ad": (None, 0.861)}
_CHIPS = (
    ("Cortex-M4", 96), ("Cortex-M7", 480), ("Cortex-M33", 160), ("Cortex-M55", 400),
    ("RV32IMC", 50),
)  # fmt: skip
_SOFTWARE = ("Engine A 2.1", "Engine B 7.3.0", "Compiler C 24.03", "TensorFlow Lite Micro")


@dataclass(frozen=True)
class Claimed:
    """What a system claims."""

    submitter: str
    system: str
    latency_s: float
    """Of an inference of keyword spotting; the other tasks follow."""
    energy_j: float | None = None
    description: Mapping[str, str] = field(default_factory=dict)
    division: str = "closed"
    top1: float | None = None
    """In percent, of keyword spotting, where it is not as the others'."""


def write_round(root: Path, systems: tuple[Claimed, ...]) -> Path:
    """Write the tree; returns `root`."""
    for one in systems:
        place = root / one.division / one.submitter
        described = place / "systems" / f"{one.system}.json"
        described.parent.mkdir(parents=True, exist_ok=True)
        described.write_text(json.dumps({"Submitter": one.submitter, **one.description}))
        for task in TASKS:
            folder = place / "results" / one.system / task
            for test, text in _summaries(one, task).items():
                (folder / test).mkdir(parents=True)
                (folder / test / "results.txt").write_text(text)
    return root


def made_up(count: int) -> tuple[Claimed, ...]:
    """Systems that differ in all that the explorer can narrow down by."""
    found = []
    for number in range(count):
        core, megahertz = _CHIPS[number % len(_CHIPS)]
        software = _SOFTWARE[number // 2 % len(_SOFTWARE)]
        spread = 0.6 + (number * 37 % 101) / 70
        latency = 0.004 * 480 / megahertz * spread
        found.append(
            Claimed(
                f"Vendor {'ABCDEFGHIJ'[number % 10]}",
                f"board-{number}",
                latency,
                2e-6 * megahertz * (0.4 + (number * 53 % 97) / 90),
                {
                    "Board Name": f"Board {number // len(_SOFTWARE) + 1}",
                    "Status": ("Available", "Preview", "RDI")[number % 7 % 3],
                    "Processor(s) Name": f"Arm {core}" if "Cortex" in core else core,
                    "Processor(s) Frequencies": f"{megahertz} MHz",
                    "Accelerator": "Some NPU" if core == "Cortex-M55" else "",
                    "Inference Framework": software,
                },
            )
        )
    return tuple(found)


def _summaries(one: Claimed, task: str) -> dict[str, str]:
    cost = _COST[task]
    top1, auc = _QUALITY[task]
    if task == "kws" and one.top1 is not None:
        top1 = one.top1
    said = f"0001.000 runner: AUC: {auc}\n"
    texts = {
        "accuracy": (f"0001.000 runner: Top-1: {top1}%\n" if top1 else "") + said,
        "performance": "0001.000 runner: Median throughput is "
        f"{1 / (one.latency_s * cost):10.3f} inf./sec.\n",
    }
    if one.energy_j is not None:
        uj = one.energy_j * cost * 1e6
        texts["energy"] = f"0001.000 runner: Median energy cost is {uj:.3f} uJ/inf.\n"
    return texts
