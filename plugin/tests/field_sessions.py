"""Miniature submission trees in the forms of the public rounds; what is in them is made up."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

Scores = Mapping[str, Sequence[float]]
HIT = 0.9
"""The score of the class that a made-up device decides for."""


def described(lab: Path, name: str = "board", place: str = "") -> None:
    """A system's JSON and some code."""
    path = lab / "systems" / (place or f"{name}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {
        "Submitter": lab.name,
        "Division": lab.parent.name,
        "Status": "Available",
        "Board Name": name,
        "Processor(s) Name": "a core",
    }
    path.write_text(json.dumps(values))
    (lab / "code" / name).mkdir(parents=True, exist_ok=True)
    (lab / "code" / name / "main.c").write_text("int main(void) { return 0; }\n")


def labelled(data: Path, names: Sequence[str], task: str = "kws01", classes: int = 12) -> Scores:
    """A label file, and answers that are right but for every tenth."""
    folder = data / "datasets" / task
    folder.mkdir(parents=True)
    rows = [f"{name},{classes},{number % classes}" for number, name in enumerate(names)]
    (folder / "y_labels.csv").write_text("\n".join(rows))
    return answers({name: number % classes for number, name in enumerate(names)}, classes)


def answers(labels: Mapping[str, int], classes: int, wrong_every: int = 10) -> Scores:
    """One score of `HIT`, the rest of the sum 1 spread over the others."""
    found = {}
    for number, (name, label) in enumerate(labels.items()):
        best = (label + (number % wrong_every == 0)) % classes
        rest = (1 - HIT) / (classes - 1)
        found[name] = [HIT if one == best else rest for one in range(classes)]
    return found


def three_decimals(scores: Sequence[float]) -> str:
    return ",".join(f"{score:.3f}" for score in scores)


@dataclass
class Eembc:
    """A log of EEMBC's runner."""

    say: Callable[[str], str] = lambda text: f"dut: {text}"
    """How the runner wrote down a line of the device."""
    write: Callable[[Sequence[float]], str] = three_decimals
    """How the device writes scores."""
    lines: list[str] = field(default_factory=list)
    clock_us: int = 1_000_000

    def host(self, text: str) -> None:
        self.lines.append(f"{self.clock_us / 1e6:09.3f} {text}")

    def infer(
        self, sample: str, scores: Sequence[float], count: int = 1, each_us: int = 50_000
    ) -> None:
        self.host(f'parser: Command "bload dut "C:\\data\\{sample}" 0 490"')
        start = self.clock_us
        self.host(self.say(f"m-infer-start-{count}"))
        self.host(self.say(f"m-lap-us-{start}"))
        self.clock_us += count * each_us
        for text in (f"m-lap-us-{self.clock_us}", "m-infer-done"):
            self.host(self.say(text))
        self.host(self.say(f"m-results-[{self.write(scores)}]"))
        self.clock_us += 10_000


def top1(scores: Scores, labels: Mapping[str, int]) -> float:
    right = sum(max(range(len(row)), key=row.__getitem__) == labels[n] for n, row in scores.items())
    return 100 * right / len(scores)


def eembc_tree(
    task: Path,
    scores: Scores,
    *,
    log: Callable[[], Eembc] = Eembc,
    claimed: str,
    timed: Scores | None = None,
) -> None:
    """Accuracy and performance of one task, by EEMBC's runner; `timed` answers when timed."""
    accuracy, performance = log(), log()
    for name, row in scores.items():
        accuracy.infer(name, row)
    for number, (name, row) in enumerate(list((timed or scores).items())[:5]):
        performance.infer(name, row, 250, 50_000 + number)
    summary = f"00099.000 ulp-mlperf: Median throughput is {1e6 / 50_002:10.3f} inf./sec."
    for test, lines, text in (
        ("accuracy", accuracy.lines, claimed),
        ("performance", performance.lines, summary),
    ):
        (task / test).mkdir(parents=True)
        (task / test / "log.txt").write_text("\n".join(lines) + "\n", newline="")
        (task / test / "results.txt").write_text(text + "\n")


def energy_session(folder: Path, samples: Sequence[str], lost: Sequence[int] = ()) -> list[float]:
    """Five inferences of 10.5 s at 50 µJ a millisecond, and 35 between; returns all stamps.

    Args:
        folder: of the test; its ``results.txt`` claims nothing.
        samples: names of what is inferred.
        lost: which of the eleven stamps the trace lacks.
    """
    folder.mkdir(parents=True)
    log, stamps = Eembc(), [0.5]
    used = np.full(115_000, 35.0, dtype="<f4")
    for number, name in enumerate(samples[:5]):
        log.infer(name, [0.5, 0.5], 50, 210_000)
        begin = 10_000 + 20_000 * number
        used[begin : begin + 10_500] = 50.0
        stamps += [begin / 1000 - 0.0005, (begin + 10_500) / 1000 - 0.0005]
    for name, kind in (("t-energy.bin", "emon"), ("t-timestamps.json", "etime")):
        log.host(f"emon: m-regfile-fn[{name}]-type[{kind}]-name[lpm01a]")
    (folder / "log.txt").write_text("\n".join(log.lines))
    (folder / "t-energy.bin").write_bytes(struct.pack("<Bf", 0xF1, 1000.0) + used.tobytes())
    kept = [stamp for number, stamp in enumerate(stamps) if number not in lost]
    (folder / "t-timestamps.json").write_text(json.dumps(kept))
    return stamps
