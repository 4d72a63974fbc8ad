"""How pyOCD is asked to connect where nobody sits: by one exact probe, and never destructively."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pyocd.core import exceptions
from pyocd.probe.aggregator import DebugProbeAggregator

from tinyhil.catalog.board import load_boards
from tinyhil.flash import open_flasher, pyocd
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError

BOARD = load_boards()["nucleo-l4r5zi"]
SAFE = {"auto_unlock": False, "no_config": True, "resume_on_disconnect": True,
        "hide_programming_progress": True, "target_override": "stm32l4r5zitx"}  # fmt: skip


class Unreachable:
    """In the place of pyOCD's session: notes its options, and reaches no core."""

    asked: list[Mapping[str, Any]]

    def __init__(self, probe: object, options: Mapping[str, Any]) -> None:
        assert probe == "the probe"
        self.asked.append(options)

    def open(self) -> None:
        raise exceptions.TransferError("no answer")

    def close(self) -> None:
        """Nothing is open."""


def test_a_board_that_does_not_answer_is_tried_under_reset_then_slower_and_never_unlocked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Unreachable.asked = []
    monkeypatch.setattr(pyocd, "Session", Unreachable)
    monkeypatch.setattr(pyocd, "find_probe", lambda uid, _: "the probe" if uid == "ST-1" else None)
    with pytest.raises(BenchError, match="probe ST-1 failed at connecting: no answer") as raised:
        open_flasher(BOARD, "ST-1", Deadline.after(60))
    assert "lower 'flash.frequency_hz'" in raised.value.hint
    tried = [(options["frequency"], options["connect_mode"]) for options in Unreachable.asked]
    assert tried == [
        (4_000_000, "under-reset"), (4_000_000, "pre-reset"),
        (1_000_000, "under-reset"), (1_000_000, "pre-reset"),
    ]  # fmt: skip
    for options in Unreachable.asked:
        assert SAFE.items() <= options.items()


class Probe:
    """One that is plugged in."""

    def __init__(self, uid: str) -> None:
        self.unique_id = uid
        self.description = f"probe {uid}"


@pytest.mark.parametrize("given", ["066", "066B", "66BFF", "066bff"])
def test_a_part_of_an_id_is_no_probe(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    there = [Probe("066BFF"), Probe("066C00")]
    aggregator = DebugProbeAggregator
    monkeypatch.setattr(aggregator, "get_all_connected_probes", lambda: there)
    monkeypatch.setattr(
        *(aggregator, "get_probe_with_id"),
        lambda uid: next((probe for probe in there if probe.unique_id == uid), None),
    )
    with pytest.raises(BenchError, match=f"no debug probe '{given}'; there: 066BFF, 066C00"):
        pyocd.find_probe(given)
