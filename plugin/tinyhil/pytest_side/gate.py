"""The gate as tests: each figure of the baseline, on each station and task of the run.

`suites/test_gate.py` is collected only with ``--hil-baseline``: a run without one has no tests
that say nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from tinyhil.catalog.measure import MeasureName
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.text import shown
from tinyhil.judge.gate.compare import Comparison, Gate
from tinyhil.judge.gate.figures import Line
from tinyhil.judge.gate.matching import labels, refuse_strangers, stations_of
from tinyhil.judge.gate.reading import Measured, load_all, read_measure
from tinyhil.judge.gate.table import show, told_not_measured
from tinyhil.judge.gate.tolerance import GATED, Gated, parse
from tinyhil.measure.runner import Measurement
from tinyhil.publish.report import allure
from tinyhil.publish.report.history import worse_since
from tinyhil.publish.report.title import gate_title
from tinyhil.pytest_side.again import note_recovered
from tinyhil.pytest_side.items import BOARD, TASK, plan_key
from tinyhil.pytest_side.plan import Plan
from tinyhil.pytest_side.report import report_of

_FIXTURE = "gated_metric"
_gate_key = pytest.StashKey[Gate]()
_pairs_key = pytest.StashKey[dict[str, str]]()
"""The baseline's station by the run's; see `Gate.pairs`."""

_Held = Callable[[Line, Measured | None, Gated, str], Comparison]
"""`Gate.compare_metric`, or `Gate.compare_with_type`."""

_MARKS: Mapping[Gated, str] = {
    "flash_bytes": "memory",
    "ram_bytes": "memory",
    "outputs": "accuracy",
    "top1": "accuracy",
    "auc": "accuracy",
    "energy_j": "energy",
}
"""Of tests by metric, so that -m chooses them too; all others are ``latency``."""


def pytest_configure(config: pytest.Config) -> None:
    """Check the baseline before anything is started."""
    paths, plan = config.getoption("--hil-baseline"), config.stash.get(plan_key, None)
    if not paths or plan is None:
        return
    try:
        tolerances = parse(config.getoption("--hil-tolerance"))
        gate = Gate(load_all(paths), tolerances, config.getoption("--hil-confidence"))
        pairs = pairs_of(gate, plan, chosen=bool(config.getoption("--hil-board")))
    except ConfigError as error:
        raise pytest.UsageError(error.told) from error
    config.stash[_gate_key], config.stash[_pairs_key] = gate, pairs
    report_of(config).notes.extend(_left_out(gate, plan, pairs))


def _left_out(gate: Gate, plan: Plan, pairs: Mapping[str, str]) -> Iterator[str]:
    """Which stations of the baseline, and of the run, are not compared."""
    stations = _types(plan)
    yield from told_not_measured(gate.not_measured(stations))
    unknown = {name: board for name, board in stations.items() if name not in pairs}
    if unknown:
        yield f"not compared, since the baseline has none such: {shown(labels(unknown))}"


def _types(plan: Plan) -> dict[str, str]:
    """Board type by station of a run."""
    return {station.name: station.board.name for station in plan.stations}


def pairs_of(gate: Gate, plan: Plan, *, chosen: bool) -> dict[str, str]:
    """The baseline's station by the run's; see `Gate.pairs`.

    A farm changes: one station that the baseline does not know must not end a night for all others.

    Raises:
        ConfigError: a figure of the baseline could not be measured again.
    """
    if plan.options.quick:
        raise ConfigError(
            "options --hil-baseline and --hil-quick: a quick run is never judged",
            hint="leave out one of them",
        )
    ours, theirs = _types(plan), stations_of(gate.lines)
    pairs = gate.pairs(ours)
    # Stations chosen by name may be fewer; a forgotten one must not pass.
    if not pairs or not (chosen or set(theirs) == set(pairs.values())):
        raise ConfigError(
            f"the baseline is of {labels(theirs)}, the run is of {labels(ours)}",
            hint="choose the same stations with --hil-board, or another baseline",
        )
    unknown = {line.task for line in gate.lines} - {task.name for task in plan.tasks}
    if unknown:
        raise ConfigError(
            f"the baseline holds unknown tasks: {', '.join(sorted(unknown))}",
            hint="save a new baseline",
        )
    return pairs


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    gate = metafunc.config.stash.get(_gate_key, None)
    if _FIXTURE not in metafunc.fixturenames or gate is None:
        return
    places = {(line.station, line.board, line.task) for line in gate.lines}
    held = {metric for place in places for metric in gate.metrics(*place)}
    metafunc.parametrize(
        _FIXTURE,
        [
            pytest.param(metric, marks=getattr(pytest.mark, _MARKS.get(metric, "latency")))
            for metric in GATED
            if metric in held
        ],
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the baseline does not hold of a station and a task."""
    gate, pairs = config.stash.get(_gate_key, None), config.stash.get(_pairs_key, {})
    if gate is None:
        return
    stations = _types(config.stash[plan_key])

    def is_held(item: pytest.Item) -> bool:
        spec = getattr(item, "callspec", None)
        if spec is None or not {_FIXTURE, BOARD, TASK} <= spec.params.keys():
            return True
        station, task = spec.params[BOARD], spec.params[TASK]
        if station not in pairs:
            return False
        held = gate.metrics(pairs[station], stations[station], task)
        return spec.params[_FIXTURE] in held

    left_out = [item for item in items if not is_held(item)]
    if left_out:
        items[:] = [item for item in items if is_held(item)]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture
def against_baseline(
    measurement: Measurement, request: pytest.FixtureRequest
) -> Callable[[Gated], Comparison]:
    """Measures what a metric needs, and compares it with the baseline's figure."""
    gate, job = request.config.stash[_gate_key], measurement.job
    station = request.config.stash[_pairs_key][job.dut.station]

    def compare(metric: Gated) -> Comparison:
        subject = job.subject
        line = gate.line_of(station, job.dut.board.name, subject.task, metric)
        held = gate.compare_metric if station else gate.compare_with_type
        describe = partial(
            allure.describe,
            job.dut.board,
            job.task,
            f"{metric} against the baseline",
            data_set=subject.data_set,
            station=job.dut.station,
        )
        describe()
        # Refused before it is measured in vain.
        known = {**asdict(subject), "run": measurement.record.run}
        refuse_strangers(line, line.model_copy(update=known))
        entry = measurement.outcome(next(iter(line.metrics))).entry
        note_recovered(request.node, entry.recovered)
        measured = _measured(measurement, line.measure)
        comparison = held(line, measured, metric, subject.station)
        earlier = partial(_compared, held, line, metric, subject.station)
        since = worse_since(measurement.record.folder, comparison, earlier)
        comparison = replace(comparison, since=since)
        describe(title=gate_title(comparison), said=str(comparison))
        allure.attach_text("against the baseline", str(comparison))
        if metric != "outputs" and allure.draws():
            from tinyhil.publish.report import trends  # noqa: PLC0415 - matplotlib takes a second

            folder = measurement.record.folder
            for name, svg in trends.pictures_of(folder, subject.task, metric):
                allure.attach_svg(name, svg)
        report_of(request.config).compared(comparison)
        return comparison

    return compare


def _compared(
    held: _Held, line: Line, metric: Gated, station: str, folder: Path
) -> Comparison | None:
    """The same figure of an earlier run; None where it can't be compared."""
    try:
        measured = read_measure(folder, line.task, line.measure)
        return held(line, measured, metric, station) if measured else None
    except ConfigError:
        return None


def _measured(measurement: Measurement, measure: MeasureName) -> Measured | None:
    """As it is in the record, with its raw answers: what a later `tinyhil gate` sees too."""
    return read_measure(measurement.record.folder, measurement.job.task.name, measure)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table, and how many figures were not compared."""
    gate, plan = config.stash.get(_gate_key, None), config.stash.get(plan_key, None)
    if gate is None or plan is None:
        return
    report, pairs, stations = report_of(config), config.stash[_pairs_key], _types(plan)
    terminalreporter.section("against the baseline")
    if report.comparisons:
        show(report.comparisons, Console(markup=False), {})
    for note in report.notes:
        terminalreporter.line(note)
    tasks = {line.task for line in gate.lines}
    left = sum(
        len(gate.metrics(other, stations[station], task))
        for station, other in pairs.items()
        for task in tasks
    ) - len(report.comparisons)
    if left > 0:
        terminalreporter.line(f"{left} figures of the baseline were not compared in this run")
