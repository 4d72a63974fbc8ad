"""How a board runs: what `hil info` tells of it, and the metric that comes of it."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tinyhil.catalog.board import load_boards
from tinyhil.catalog.measure import MeasureName
from tinyhil.device.info import Extension, Running
from tinyhil.device.protocol import Reply, parse
from tinyhil.device.running import running_of
from tinyhil.ground.errors import LinkError
from tinyhil.judge.verify.figures import figures
from tinyhil.measure.job import Conversation
from tinyhil.measure.kinds import MEASURES
from tinyhil.record.description import JobFacts

LINES = (
    "m-hil-core-hz-80000000",
    "m-hil-core-clock-[PLL of MSI, kept right by LSE]",
    "m-hil-lap-clock-[DWT cycle counter]",
    "m-hil-wait-states-4",
    "m-hil-speedups-[prefetch icache dcache]",
)
RUNNING = Running(
    80_000_000,
    "PLL of MSI, kept right by LSE",
    "DWT cycle counter",
    4,
    ("prefetch", "icache", "dcache"),
)


def told(*lines: str) -> Running | None:
    reply = Reply("hil info%", [parse(line) for line in lines])
    running = running_of(reply)
    reply.end()
    return running


def test_a_port_tells_how_its_board_runs_or_does_not() -> None:
    assert told(*LINES) == RUNNING
    assert told() is None
    without = told(*LINES[:3], "m-hil-speedups-[]")
    assert without == replace(RUNNING, wait_states=None, speedups=())


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (LINES[1:], "core-clock"),
        (LINES[:1] + LINES[2:], "'lap-clock' where 'core-clock' is expected"),
        (("m-hil-wait-states-4",), "'wait-states' where 'core-hz' is expected"),
        ((*LINES[:3], "m-hil-core-hz-4", LINES[4]), "'core-hz' where 'wait-states' is expected"),
        (LINES[:4], "without"),
        ((*LINES, LINES[4]), "speedups"),
        ((*LINES[:2], f"m-hil-lap-clock-[{'x' * 49}]", *LINES[3:]), "says of its lap-clock: 'xxx"),
        ((*LINES[:2], "m-hil-lap-clock-[\x1b[2J]", *LINES[3:]), r"says of its lap-clock: '\\x1b"),
    ],
)
def test_what_is_none_of_its_lines_is_told(lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(LinkError, match=said.replace("[", r"\[")):
        told(*lines)


ROWS = [
    {"sample": name, "times": times, "unit": "ticks of 1/80000000 s",
     "start_us": 0, "end_us": 30_000, "scores": [1.0]}
    for name, times in (("a", [800_000, 800_010]), ("b", [800_005]))
]  # fmt: skip


@pytest.mark.parametrize(
    ("running", "emulated", "expected"),
    [
        (RUNNING, False, {"cycles": 800_005}),
        (replace(RUNNING, core_hz=160_000_000), False, {}),
        (None, False, {}),
        (RUNNING, True, {"instructions": 312_502}),
    ],
)
def test_ticks_of_the_cores_clock_are_cycles_on_silicon_alone(
    running: Running | None, *, emulated: bool, expected: dict[str, int]
) -> None:
    """As a run finds them, and as verification makes them again."""
    board = load_boards()["mps2-an386"]
    if not emulated:
        board = board.model_copy(update={"emulator": None})
    extension = Extension(80_000_000, 1024, 16, 0, "0" * 64, "0" * 40, running)
    talk: Any = SimpleNamespace(
        job=SimpleNamespace(dut=SimpleNamespace(board=board), performance_inputs=["a", "b"]),
        info=SimpleNamespace(extension=extension),
        known={},
    )
    measure = MEASURES[MeasureName.SINGLE_STREAM]
    found = measure.find(cast("Conversation", talk), ROWS, {"healed": {}})
    counted = {name: value for name, value in found.metrics.items() if "latency" not in name}
    assert counted == expected
    assert found.details.get("running") == (asdict(running) if running else None)
    instruction_s = board.emulator.instruction_s if board.emulator else None
    facts = cast("JobFacts", SimpleNamespace(instruction_s=instruction_s))
    again = figures(
        *(MeasureName.SINGLE_STREAM, ROWS, facts, found.details),
        quick=True, known={}, raw=Path(),
    )  # fmt: skip
    assert again
    assert again.metrics == found.metrics
