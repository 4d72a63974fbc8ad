"""Under pytest-xdist: a station is one worker's, and the controller shows what all measured."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from tests import runs
from tinyhil.catalog.bench import stations
from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Limit
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.verdict import Verdict
from tinyhil.ground.errors import ConfigError
from tinyhil.judge.gate.compare import Comparison
from tinyhil.pytest_side import xdist
from tinyhil.pytest_side.items import plan_key
from tinyhil.pytest_side.report import HilReport
from tinyhil.pytest_side.scheduling import StationScheduling
from tinyhil.record import Entry
from tinyhil.record.entry import Subject

pytest_plugins = ["pytester"]

NOW = datetime(2026, 11, 28, tzinfo=UTC)
STATIONS = {f"t.py::x[{name}-{n}]": name for name in ("a", "b", "a-1") for n in range(4)}


class Node:
    """A worker as the scheduler sees it."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.sent: list[int] = []
        self.shutting_down = False

    def send_runtest_some(self, indices: list[int]) -> None:
        assert indices, "a unit without tests leaves a worker waiting"
        self.sent += indices

    def shutdown(self) -> None:
        self.shutting_down = True


def scheduled(
    tests: list[str], known: dict[str, str] | None, *, nodes: int = 2, dist: str = "load"
) -> tuple[StationScheduling, list[Node]]:
    """A scheduler that has handed out its first units."""
    config: Any = SimpleNamespace(
        getvalue=lambda _: [f"{nodes}*popen"],
        getoption=lambda _: dist,
        option=SimpleNamespace(loadscopereorder=False),
    )
    sched = StationScheduling(config, None, lambda: known)
    sched.log = lambda *_: None
    made = [Node(f"gw{number}") for number in range(nodes)]
    for node in made:
        sched.add_node(node)
        sched.add_node_collection(node, tests)
    sched.schedule()
    return sched, made


def run_all(sched: StationScheduling, nodes: list[Node], tests: list[str]) -> dict[str, list[str]]:
    """What each worker has run when all is done, in its order."""
    done: dict[str, list[str]] = {node.gateway.id: [] for node in nodes}
    while any(len(node.sent) > len(done[node.gateway.id]) for node in nodes):
        for node in nodes:
            ran = done[node.gateway.id]
            if len(node.sent) > len(ran):
                index = node.sent[len(ran)]
                ran.append(tests[index])
                sched.mark_test_complete(node, index)
    return done


def replacement(sched: StationScheduling, tests: list[str]) -> Node:
    """A worker that xdist starts for one that has ended."""
    node = Node("gw9")
    sched.add_node(node)
    sched.add_node_collection(node, tests)
    sched.schedule()
    return node


@pytest.mark.parametrize("dist", ["load", "loadscope", "loadfile", "loadgroup", "worksteal"])
@pytest.mark.parametrize("nodes", [1, 2, 3, 5])
def test_a_station_is_run_by_one_worker_in_order(dist: str, nodes: int) -> None:
    tests = [*STATIONS, "u.py::y", "u.py::z"]
    sched, made = scheduled(tests, STATIONS, nodes=nodes, dist=dist)
    done = run_all(sched, made, tests)
    assert sorted(chain(*done.values())) == sorted(tests)
    assert sched.tests_finished
    for station in ("a", "b", "a-1"):
        own = [nodeid for nodeid, name in STATIONS.items() if name == station]
        users = [ran for ran in done.values() if set(ran) & set(own)]
        assert len(users) == 1
        assert [nodeid for nodeid in users[0] if nodeid in own] == own


def test_where_stations_are_not_known_one_worker_runs_everything() -> None:
    tests = list(STATIONS)
    sched, made = scheduled(tests, None)
    assert sorted(map(len, run_all(sched, made, tests).values())) == [0, len(tests)]


def test_what_a_worker_ended_in_is_not_tried_again_nor_is_its_station() -> None:
    tests = [*STATIONS, "u.py::y"]
    sched, (one, two) = scheduled(tests, STATIONS)
    sched.mark_test_complete(one, 0)
    assert sched.remove_node(one) == "t.py::x[a-1]"
    assert sched.lost == {"t.py::x[a-1]": ["t.py::x[a-2]", "t.py::x[a-3]"]}
    done = run_all(sched, [two, replacement(sched, tests)], tests)
    assert sorted(chain(*done.values())) == sorted(tests[4:])
    assert sched.tests_finished


def test_without_stations_a_worker_that_ended_loses_one_test() -> None:
    tests = ["u.py::a", "u.py::b", "u.py::c", "u.py::d"]
    sched, (one, two) = scheduled(tests, {})
    assert sched.remove_node(one) == "u.py::a"
    assert sched.lost == {"u.py::a": []}
    done = run_all(sched, [two, replacement(sched, tests)], tests)
    assert sorted(chain(*done.values())) == tests[1:]


def test_a_worker_that_had_nothing_to_do_has_ended_in_no_test() -> None:
    sched, nodes = scheduled(list(STATIONS), STATIONS, nodes=5)
    idle = next(node for node in nodes if not node.sent)
    assert idle not in sched.nodes
    busy = next(node for node in nodes if node.sent)
    run_all(sched, [node for node in nodes if node.sent], list(STATIONS))
    assert sched.remove_node(busy) is None


def test_boards_of_which_the_controller_does_not_know_are_refused() -> None:
    with pytest.raises(ConfigError, match="choose the boards with --hil-board"):
        xdist.check_worker(SimpleNamespace(workerinput={}))  # type: ignore[arg-type]
    told = {"tinyhil": {"each": False}}
    xdist.check_worker(SimpleNamespace(workerinput=told))  # type: ignore[arg-type]
    xdist.check_worker(SimpleNamespace())  # type: ignore[arg-type]


def idle_ending() -> Any:
    return SimpleNamespace(began=lambda *_: None, failed={}, left=None, passed=lambda _: None)


def test_a_run_that_was_ended_under_a_worker_is_named_with_what_is_left(
    mps2: Board, tmp_path: Path
) -> None:
    """Though no test of it has a report, which would have brought the name of its folder."""
    found = {name: SimpleNamespace(name=name, board=mps2) for name in "ab"}
    plan = SimpleNamespace(stations=found.values(), station=found.get)
    options = {"dist": "load", "tinyhil-report": None}
    began: dict[str, Path] = {}
    ending = idle_ending()
    ending.began = began.__setitem__
    config: Any = SimpleNamespace(stash={plan_key: plan}, getoption=options.get, option=None)
    controller = xdist.Controller(config, HilReport(config, None), None, ending)
    node: Any = SimpleNamespace(workerinput={})
    controller.pytest_configure_node(node)
    worker = xdist.WorkerReport(
        SimpleNamespace(workerinput=node.workerinput, stash=config.stash, option=None)  # type: ignore[arg-type]
    )
    tests = [("t.py::x", "a"), ("t.py::y", "a"), ("t.py::z", "b"), ("u.py::w", None)]
    session: Any = SimpleNamespace(
        items=[
            SimpleNamespace(
                nodeid=nodeid, callspec=SimpleNamespace(params={"hil_board": name} if name else {})
            )
            for nodeid, name in tests
        ]
    )
    worker.pytest_collection_finish(session)
    ended: Any = SimpleNamespace(when="teardown", nodeid="t.py::x")
    controller.pytest_runtest_logreport(ended)
    worker.using("a", mps2, tmp_path / "run")
    controller.pytest_sessionfinish()
    controller.pytest_unconfigure()
    assert began == {"a": tmp_path / "run"}
    assert ending.left == {"a": 1, "b": 1}


def test_what_a_worker_was_told_arrives_in_the_order_of_the_boards(
    mps2: Board, tmp_path: Path
) -> None:
    """NaN included, which is no JSON, and what two workers send in turns."""
    found = stations({mps2.name: mps2}, None)
    plan = SimpleNamespace(stations=found.values(), station=found.get)
    options = {"dist": "load", "tinyhil-report": None}
    config: Any = SimpleNamespace(stash={plan_key: plan}, getoption=options.get)
    report = HilReport(config, None)
    controller = xdist.Controller(config, report, None, idle_ending())
    workers = {name: xdist.WorkerReport(config) for name in ("gw0", "gw1")}
    subject = Subject(
        mps2.name, mps2.name, "m4", True, "ad01", "rtt", "closed", "stand-in", "", None, ""
    )
    verdict = Verdict("auc", math.nan, Limit(min=0.85, source="x"), "not judged", "one class")
    entries = [
        Entry(subject, name, 3, {"auc": math.nan}, (verdict,), {"a": [1]}, NOW, 0.5, error)
        for name, error in ((MeasureName.ACCURACY, None), (MeasureName.SINGLE_STREAM, "gone"))
    ]
    compared = Comparison(
        mps2.name, mps2.name, "ad01", True, "auc", 0.9, None, "missing", "not measured"
    )

    def send(name: str) -> None:
        sent: Any = SimpleNamespace(
            when="call", node=name, tinyhil_events=json.dumps(workers[name]._events)
        )
        workers[name]._events.clear()
        controller.pytest_runtest_logreport(sent)

    for name, worker in workers.items():
        worker.using(mps2.name, mps2, tmp_path / name)
        send(name)
    for entry in entries:
        for name, worker in workers.items():
            worker.made(entry)
            send(name)
    workers["gw0"].compared(compared)
    send("gw0")
    controller.pytest_sessionfinish()
    assert report.runs == [tmp_path / "gw0", tmp_path / "gw1"]
    assert [entry.measure for entry in report.entries] == [
        MeasureName.ACCURACY,
        MeasureName.SINGLE_STREAM,
    ] * 2
    for sent, arrived in zip(entries, report.entries, strict=False):
        assert json.dumps(arrived.as_json("")) == json.dumps(sent.as_json(""))
        assert math.isnan(arrived.verdicts[0].value)
    assert report.comparisons == [compared]
    controller.pytest_unconfigure()


def test_every_test_in_every_worker_is_refused(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--hil-board", "all", "--dist", "each", "--tx", "popen")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--dist each: a board can't be tested by several workers*"])


def test_each_worker_may_run_each_test_of_a_project_with_boards_that_needs_none() -> None:
    options = {"dist": "each"}
    config: Any = SimpleNamespace(stash={plan_key: None}, getoption=options.get)
    report = HilReport(config, None)
    controller = xdist.Controller(config, report, None, idle_ending(), late=True)
    assert controller.pytest_xdist_make_scheduler(config, None) is None, "it is xdist's own"
    worker: Any = SimpleNamespace(workerinput={})
    controller.pytest_configure_node(worker)
    with pytest.raises(ConfigError, match="--dist each: a board can't be tested by several"):
        xdist.check_worker(worker)
    controller.pytest_unconfigure()


def test_the_plugin_does_not_import_xdist_unless_it_is_in_use() -> None:
    script = "import sys, tinyhil.pytest_side.plugin; sys.exit('xdist' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=False, timeout=120)
    assert done.returncode == 0


CRASH = """
import os, pytest

@pytest.mark.parametrize("number", range(4))
def test_it(number, hil_board):
    with open("log", "a") as log:
        log.write(f"{hil_board.station} {os.getpid()}\\n")
    if hil_board.station == "desk-1" and number == 1:
        os._exit(3)
"""


@pytest.mark.long
def test_a_worker_that_ends_takes_its_station_with_it_and_no_other_one(
    pytester: pytest.Pytester,
) -> None:
    """Stations are never touched here: their locks are all that a test of this kind needs."""
    pytester.makepyfile(CRASH)
    here = pytester.path
    (here / "bench.toml").write_text(
        "schema = 1\n"
        + "".join(
            f'[stations.desk-{n}]\nboard = "mps2-an386"\nprobe = "P{n}"\nport = "{here}/{n}"\n'
            for n in (1, 2)
        )
    )
    result = pytester.runpytest_subprocess(
        *("--hil-board", "desk-*", "-n", "2", "--junitxml", "junit.xml", "-p", "no:allure_pytest")
    )
    result.assert_outcomes(passed=5, failed=1, errors=2)
    result.stdout.fnmatch_lines(["*desk-1[]] worker 'gw?' crashed while running*", "*next step:*"])
    log = [line.split() for line in (here / "log").read_text().splitlines()]
    assert sorted(station for station, _ in log) == ["desk-1"] * 2 + ["desk-2"] * 4
    assert len({pid for station, pid in log if station == "desk-2"}) == 1
    suite = ElementTree.parse(here / "junit.xml").getroot()[0]  # noqa: S314 - our own
    assert sorted(case.get("name", "") for case in suite) == sorted(
        f"test_it[desk-{station}-{number}]" for station in (1, 2) for number in range(4)
    )


@pytest.mark.long
def test_one_table_one_report_and_every_run_once(tmp_path: Path) -> None:
    """Two stations, two workers: the same that a run without -n shows."""
    code, output = runs.run(
        *(tmp_path, "--hil-quick", "-m", "memory", "-n", "2"),
        *("--hil-board", "mps2-an386", "--hil-board", "mps2-an500"),
    )
    assert code == 0, output
    folders = sorted(tmp_path.glob("*/run.json"))
    assert [path.parent.name.split("_")[1] for path in folders] == ["mps2-an386", "mps2-an500"]
    assert sorted(line.split()[1] for line in output.splitlines() if line.startswith("run:")) == [
        str(path.parent) for path in folders
    ]
    for station in ("mps2-an386", "mps2-an500"):
        assert f"{station}: " in output  # that it was programmed
    assert output.count("verdict") == 1
    table = [line for line in output.splitlines() if "kws01" in line and "flash_bytes" in line]
    assert [line.split()[0] for line in table] == ["mps2-an386", "mps2-an500"]
    (page,) = tmp_path.glob("*_report/report.html")
    assert f"report: {page}" in output
    results = [json.loads(path.read_text()) for path in page.parent.glob("*/*-result.json")]
    assert len(results) == 4
    assert len({result["name"] for result in results}) == 4
