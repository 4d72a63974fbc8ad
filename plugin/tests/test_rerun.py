"""``--hil-rerun-failed``: only what did not end is run, and both runs together are one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tinyhil.ground.errors import ConfigError
from tinyhil.judge.gate.matching import by_place
from tinyhil.judge.gate.reading import load_all
from tinyhil.judge.verify.run import verify
from tinyhil.pytest_side.items import BOARD
from tinyhil.pytest_side.rerun import (
    check_same,
    check_used,
    earlier_of,
    name_of,
    read_earlier,
)
from tinyhil.record import Configuration, Record
from tinyhil.record.description import read_description
from tinyhil.record.schema import TESTS, EndedTest

from .gate_runs import Content, write
from .runs import run


def made(runs: Path, station: str, rerun_of: Sequence[str] = (), **tests: str) -> Path:
    configuration = Configuration(station=station, board="mps2-an386")
    record = Record.start(runs, configuration, rerun_of=rerun_of)
    for test, how in tests.items():
        record.tested(EndedTest(test=test, how=how))
    record.close()
    return record.folder


def test_a_test_has_ended_unless_its_board_failed_at_last(tmp_path: Path) -> None:
    folder = made(tmp_path, "a", one="passed", two="error", three="failed", four="skipped")
    (earlier,) = read_earlier([folder])
    assert earlier.ended == {"one", "three", "four"}
    with (folder / TESTS).open("a") as file:
        file.write('{"test": "two", "how": "passed"}\n{"test": "thr')
    assert read_earlier([folder])[0].ended == {"one", "two", "three", "four"}
    (folder / TESTS).unlink()
    with pytest.raises(ConfigError, match="does not tell which of its tests"):
        read_earlier([folder])


def test_what_had_ended_before_a_run_went_on_is_not_run_a_third_time(tmp_path: Path) -> None:
    first = made(tmp_path, "a", one="passed", two="error", three="error")
    second = made(tmp_path, "b", [first.name], two="passed", three="error")
    third = made(tmp_path, "c", [second.name], three="error")
    for named in ([second], [first, second], [first, second, third], [third]):
        (earlier,) = read_earlier(named)
        assert earlier.ended == {"one", "two"}
        assert earlier.folder == named[-1]
    shutil.rmtree(first)
    with pytest.raises(ConfigError, match=f"goes on with {first.name}, which is not beside it"):
        read_earlier([third])


def test_a_test_has_one_name_on_all_boards_whatever_they_are_called() -> None:
    def named(station: str) -> str:
        spec = SimpleNamespace(params={BOARD: station})
        nodeid = f"suites/test_it.py::test_memory[{station}-kws01]"
        item = SimpleNamespace(nodeid=nodeid, path=Path("suites/test_it.py"), callspec=spec)
        return name_of(cast("pytest.Item", item))

    assert named("test") == named("l4-3") == "test_it.py::test_memory[*-kws01]"


def test_a_board_goes_on_with_its_own_run_else_with_one_of_its_type(tmp_path: Path) -> None:
    runs = read_earlier([made(tmp_path, name, one="passed") for name in ("a", "b")])

    def chosen(station: str, *, quick: bool = False) -> list[str]:
        asked = Configuration(station=station, board="mps2-an386", quick=quick)
        return [one.configuration.station for one in earlier_of(runs, asked, ["a", "c"])]

    assert chosen("a") == ["a"]
    assert chosen("c") == ["b"], "a is tested itself"
    with pytest.raises(ConfigError, match=r"quick is on, that of .* was off"):
        chosen("a", quick=True)


def test_a_run_is_gone_on_with_only_by_what_it_was_made_with(tmp_path: Path) -> None:
    """Runs that no board goes on with are refused: everything would be run again unasked."""
    runs = read_earlier([made(tmp_path, "a", one="passed")])
    check_used(runs, runs)
    check_used((), ())
    with pytest.raises(ConfigError, match=r"of the type of a run: .*_a is of a \(mps2-an386\)"):
        check_used(runs, ())
    done = Content()
    folder = write(tmp_path, done)
    record = folder / TESTS
    record.write_text('{"test": "one", "how": "error", "attempts": 1, "recovered": []}\n')
    earlier = read_earlier([folder])
    check_same(earlier, done.subject)
    check_same(earlier, replace(done.subject, task="ad01", firmware_sha256="0" * 64))
    with pytest.raises(ConfigError, match=r"firmware_sha256 of kws01 is 0000.* was f1f1") as caught:
        check_same(earlier, replace(done.subject, firmware_sha256="0" * 64))
    assert "run all tests again" in caught.value.hint


def test_a_gate_takes_the_run_that_failed_and_the_one_that_went_on(tmp_path: Path) -> None:
    failed = write(tmp_path, Content(error="the port is gone"))
    again = write(tmp_path, Content(leave_out=("accuracy", "throughput", "memory")))
    for order in ([failed, again], [again, failed]):
        found = by_place(load_all(order))
        assert not any(one.failed for one in found.values())
        assert {one.line.run for one in found.values()} == {failed.name, again.name}
    with pytest.raises(ConfigError, match="is in both"):
        by_place(load_all([again, again]))


def test_a_gate_takes_a_run_that_came_to_no_measure_with_the_one_that_went_on(
    tmp_path: Path,
) -> None:
    bare, again = made(tmp_path, "mps2-an386", one="error"), write(tmp_path, Content())
    with pytest.raises(ConfigError, match="came to no measure") as caught:
        load_all([bare, again])
    assert f"--hil-rerun-failed {bare}" in caught.value.hint
    description = json.loads((again / "run.json").read_text())
    (again / "run.json").write_text(json.dumps({**description, "rerun_of": [bare.name]}))
    assert {one.line.run for one in load_all([bare, again])} == {again.name}


@pytest.mark.long
def test_only_what_did_not_end_is_run_again(tmp_path: Path) -> None:
    options = ("--hil-quick", "-k", "kws01", "-m", "memory or latency", "--hil-board", "mps2-an386")
    code, output = run(tmp_path / "runs", *options)
    assert code == 0, output
    (first,) = (file.parent for file in (tmp_path / "runs").glob("*/run.json"))
    assert verify(first).findings == ()
    lines = [json.loads(line) for line in (first / TESTS).read_text().splitlines()]
    assert lines
    assert all(
        line["how"] in ("passed", "skipped") and "[*-kws01" in line["test"] for line in lines
    )
    again = ("--hil-rerun-failed", str(first))
    code, output = run(tmp_path / "runs", *options, *again)
    assert code == 0, output
    assert f"{len(lines)} tests had ended in {first.name}" in output

    next(line for line in lines if line["how"] == "passed")["how"] = "error"
    (first / TESTS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    (first / "seal.json").unlink()
    code, output = run(tmp_path / "runs", *options, *again)
    assert code == 0, output
    assert "1 passed" in output
    (other,) = (
        file.parent for file in (tmp_path / "runs").glob("*/run.json") if file.parent != first
    )
    assert read_description(other).rerun_of == (first.name,)
    assert verify(other).findings == ()
    shutil.rmtree(other)
