"""The farm of namespaces: what its judges see, and a small farm for real."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tinyhil.benchmarks.farm import tools
from tinyhil.benchmarks.farm.contention import Held, twice
from tinyhil.benchmarks.farm.faults import KINDS_OF_FAULT, Fault, void
from tinyhil.benchmarks.farm.jobs import Ended
from tinyhil.benchmarks.farm.soak import plans, surprises
from tinyhil.ground.paths import ROOT


class At(Ended):
    """A run at a place, from one second to another."""

    def __init__(self, name: str, place: str, first: float, last: float) -> None:
        super().__init__(Path(name), 0, 0.0, 0.0, "")
        self.__dict__["at"] = (place, (first, last))

    @property
    def place(self) -> str:
        return str(self.__dict__["at"][0])

    @property
    def times(self) -> tuple[float, float]:
        first, last = self.__dict__["at"][1]
        return first, last


def test_a_board_with_two_runs_at_a_time_is_seen_by_records_and_by_locks() -> None:
    one, two, other = At("one", "b1", 10, 20), At("two", "b1", 20, 30), At("other", "b2", 5, 40)
    locks = [Held("b1", "1", 9, 20), Held("b1", "2", 20.5, 31), Held("b2", "3", 4, 41)]
    assert list(twice([one, two, other], [locks[0], Held("b1", "2", 20, 31), locks[2]])) == []
    late = At("late", "b1", 19, 25)
    (records, _, lock) = twice([one, late], locks)
    assert records == "b1: one and late at the same time, by their records"
    assert lock == "b1: 2 runs with one lock"
    assert list(twice([two], locks[2:])) == ["b1: 0 holders of its lock in the time of two"]


def test_a_seed_makes_the_same_faults_and_each_kind_as_often() -> None:
    count = 3 * len(KINDS_OF_FAULT)
    drawn = list(plans(count, 7))
    assert drawn == list(plans(count, 7)) != list(plans(count, 8))
    names = [plan.fault.name for plan in drawn]
    assert {names.count(fault.name) for fault in KINDS_OF_FAULT} == {3}


@pytest.mark.parametrize(
    ("status", "said", "wanted"),
    [
        (0, "", []),
        (1, "BenchError: host bench1 is gone\n", []),
        (1, "E   LinkTimeoutError: no answer\n", []),
        (1, "QuarantinedError: nothing has helped\n", []),
        (None, "", ["it did not end"]),
        (2, "BenchError: it is gone\n", ["status 2"]),
        (1, "ConfigError: key\n", ["errors of the class configerror"]),
        (4, "ERROR: it is gone\n  more: https://here/errors/#bencherror\n", []),
        (1, "1 failed\n", ["without an error's class"]),
        (1, "Traceback (most recent call last):\nOSError: 5\n", ["Traceback", "class oserror"]),
    ],
)
def test_only_the_right_ends_of_a_run_are_no_surprise(
    status: int | None, said: str, wanted: list[str]
) -> None:
    found = list(surprises(Fault("any", void), Ended(Path("run"), status, 0.0, 1.0, said)))
    assert len(found) == len(wanted)
    assert all(word in text for word, text in zip(wanted, found, strict=True))


def test_a_run_that_two_faults_have_struck_may_end_by_either() -> None:
    fault = Fault("any", void, statuses=frozenset({2}))
    ended = Ended(Path("run"), 1, 0.0, 1.0, "BenchError: it is gone\n")
    assert list(surprises(fault, ended))
    assert list(surprises(fault, ended, twice=True)) == []


def campaign(module: str, *options: str) -> str:
    """What a benchmark of a small farm prints; skips where there is no farm."""
    if tools.program("sshd") is None or not (tools.LABGRID / "labgrid-coordinator").is_file():
        pytest.skip("needs sshd and labgrid: run `make farm`")
    command = [sys.executable, "-m", f"tinyhil.benchmarks.farm.{module}", *options]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False
    )
    if "namespaces, which can't be made here" in done.stderr:
        pytest.skip("needs root")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_a_small_farm_serves_each_job_alone() -> None:
    output = campaign("contention", "--runs", "4", "--jobs", "3", "--hosts", "1")
    assert "4 runs in " in output
    assert ", 0 faults" in output


@pytest.mark.long
def test_a_struck_farm_gives_no_wrong_figure_and_comes_back() -> None:
    output = campaign("soak", "--faults", str(len(KINDS_OF_FAULT)))
    assert ", 0 surprises" in output
