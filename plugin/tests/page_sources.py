"""What a run has left, made up: boards that keep their limits, miss them, or fall silent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.facts import Limit, Metric
from tinyhil.catalog.verdict import judge
from tinyhil.judge.gate.compare import Comparison
from tinyhil.publish.report.page.content import Source
from tinyhil.publish.report.page.ran import Ran
from tinyhil.record import Entry
from tinyhil.record.recall import recalled
from tinyhil.record.store import read_run

from .gate_runs import EMULATED, SILICON, Content, answers, write

LIMITS: Mapping[Metric, Limit] = {
    "latency_p90_s": Limit(max=0.17, source="the fleet's limit"),
    "top1": Limit(min=0.9, source="the rules"),
    "flash_bytes": Limit(max=46_000, source="the bootloader's slot"),
}
HOSTILE = "</script><script>alert(1)</script><img src=http://pages.invalid/x>\x1b[31m\u202e"
SLOWER = {name: times + 250_000 for name, times in Content().ticks.items()}
"""Times of 176 ms."""


def runs(folder: Path, contents: Sequence[Content]) -> list[Path]:
    """Runs of one day after the other."""
    folders = []
    for day, content in enumerate(contents, start=1):
        made = write(folder / "made", content)
        kept = folder / f"202601{day:02}T000000Z_{content.subject.station}"
        made.rename(kept)
        path, started = kept / "record.jsonl", f"2026-01-{day:02}T00:00:00.000+00:00"
        lines = [json.loads(line) | {"started": started} for line in path.read_text().splitlines()]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        folders.append(kept)
    return folders


def judged(folder: Path) -> list[Entry]:
    """The entries of a run, by `LIMITS`."""
    return [
        replace(entry, verdicts=() if entry.error else judge(entry.metrics, LIMITS))
        for entry in recalled(read_run(folder))
    ]


def source(folder: Path) -> Source:
    """An emulated board that keeps its limits, one of silicon that has missed two for two runs and
    is worse than its baseline, and one whose device said something hostile."""
    energies = dict.fromkeys(Content().windows, 0.02)
    slow = Content(SILICON, ticks=SLOWER, text=46_360, energies=energies)
    said = Content(replace(EMULATED, station="unit2"), error=f"DeviceError: said {HOSTILE}")
    desk = runs(folder / "desk", [Content(SILICON, energies=energies), slow, slow])[-1]
    kept = runs(folder / "kept", [Content(), Content(answers=answers(wrong=5))])[-1]
    other = runs(folder / "other", [said])[-1]
    boards = load_boards()
    stations: dict[str, tuple[Board | None, Path]] = {
        "desk": (None, desk),
        "mps2-an386": (boards["mps2-an386"], kept),
        "unit2": (boards["mps2-an386"], other),
    }
    regression = Comparison(
        *("desk", "nucleo-l4r5zi", "kws01", False, "ram_bytes", 53_000.0, 53_448.0, "worse"),
        reason="448 bytes more, 256 are allowed",
        since="worse since Monday",
    )
    place = ("desk", "kws01")
    tests = [
        Ran("p90 latency 176.0 ms > 170.0 ms", place, "fail", 0.1, "missed", told=True),
        Ran("top-1 96.00 % ≥ 90.00 %", place, "pass", 12.0, "", name="test_mine[desk]"),
        Ran("flash", ("desk", "ic01"), "error", 0.1, f"BenchError: no probe {HOSTILE}"),
        Ran("RAM", ("desk", "ic01"), "error", 0.1, f"BenchError: no probe {HOSTILE}"),
        Ran("audit of the clock", place, "skipped", 0.0, "runs with -m audit"),
        Ran("audit of the order", place, "skipped", 0.0, "runs with -m audit"),
        Ran("tests/test_mine.py::test_x", None, "pass", 0.0, ""),
    ]
    entries = [entry for _, run in stations.values() for entry in judged(run)]
    return Source(entries, stations, [regression], tests, {"firmware": HOSTILE})
