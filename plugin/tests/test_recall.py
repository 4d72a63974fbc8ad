"""A run that has ended, as entries again: the last line of each measure, judged as it was."""

from __future__ import annotations

import json
from pathlib import Path

from tinyhil.record.recall import recalled
from tinyhil.record.store import read_run

from .gate_runs import Content, write


def test_the_last_line_of_a_measure_counts_and_verdicts_are_those_of_the_record(
    tmp_path: Path,
) -> None:
    folder = write(tmp_path, Content(inferences=14))
    path = folder / "record.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    accuracy, memory = lines[0], lines[-1]
    accuracy["limits"] = {"top1": {"min": 0.9, "source": "the rules"}}
    failed = memory | {"verdict": "error", "error": "it broke", "metrics": {}}
    memory |= {"limits": {"flash_bytes": {"max": 1.0, "source": "x"}}, "verdict": "fail"}
    kept = [*lines[:-1], failed, memory]
    path.write_text("".join(json.dumps(line) + "\n" for line in kept))
    found = {entry.measure: entry for entry in recalled(read_run(folder))}
    top1 = found["accuracy"].verdicts[0]  # type: ignore[index]
    assert (top1.status, top1.reason) == (
        "not judged",
        "14 of 100 windows: a subset is never judged",
    )
    flash = found["memory"].verdicts[0]  # type: ignore[index]
    assert (flash.status, flash.value) == ("fail", 45_336)
    assert found["memory"].error is None  # type: ignore[index]
    path.write_text("".join(json.dumps(line) + "\n" for line in [*lines[:-1], memory, failed]))
    assert [e.error for e in recalled(read_run(folder)) if e.error] == ["it broke"]
