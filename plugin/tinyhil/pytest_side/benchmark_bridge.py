"""Device latencies in pytest-benchmark's table and storage, the supported way.

pytest-benchmark asks a timer before and after each round. Here the timer is a clock that
moves only by the device's own times, one per round: what was measured arrives unchanged. It has no
percentiles, so they go into ``extra_info``; what a run was made with goes into its JSON. The
record is still what counts: pytest-benchmark's storage is for users of its table and its
``compare``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import pytest

from tinyhil.pytest_side.items import plan_key

if TYPE_CHECKING:
    from tinyhil.measure.measures import SingleStream
    from tinyhil.measure.runner import Outcome

_STORAGE = "file://./.benchmarks"
"""pytest-benchmark's own default."""


class DeviceClock:
    """A timer that moves only by the times of the device, in seconds.

    It is set back before each round: a sum of all times would round the last bits of each away.
    """

    def __init__(self) -> None:
        self.__name__ = "device clock"  # as pytest-benchmark's files call it
        self._now_s = 0.0

    def __call__(self) -> float:
        return self._now_s

    def restart(self) -> None:
        """Go back to zero, as at the start of a round."""
        self._now_s = 0.0

    def advance(self, seconds: float) -> None:
        """Let the time of one inference pass."""
        self._now_s += seconds


@pytest.fixture
def device_clock(request: pytest.FixtureRequest) -> DeviceClock:
    """The clock that `benchmark` is built with, when it is asked for after this one."""
    clock = DeviceClock()
    request.node.add_marker(pytest.mark.benchmark(timer=clock))
    return clock


@pytest.fixture
def device_benchmark(
    device_clock: DeviceClock, benchmark: Any, request: pytest.FixtureRequest
) -> Callable[[Outcome], Sequence[float] | None]:
    """Hands the times of a single-stream measure to pytest-benchmark.

    Returns what it holds of them, in seconds in the order measured; None where it is switched off
    (``--benchmark-disable``), as it is under xdist.
    """

    def store(outcome: Outcome) -> Sequence[float] | None:
        from tinyhil.catalog.wording import in_short  # noqa: PLC0415 - heavy, as in the plugin
        from tinyhil.publish.report import allure  # noqa: PLC0415
        from tinyhil.pytest_side.report import REPORT  # noqa: PLC0415

        result, subject = cast("SingleStream", outcome.finding.result), outcome.entry.subject
        emulated = ", emulated: instruction counts, not times measured on silicon"
        job, p90 = outcome.job, in_short("latency_p90_s", outcome.entry.metrics["latency_p90_s"])
        title = f"p90 latency {p90} to pytest-benchmark{', emulated' * subject.emulated}"
        report = request.config.pluginmanager.getplugin(REPORT)
        if report:
            report.tests.name(title, "pass")
        allure.describe(
            job.dut.board,
            job.task,
            "latency, to pytest-benchmark",
            data_set=subject.data_set,
            station=job.dut.station,
            title=title,
        )
        benchmark.group = f"{subject.task}: single-stream latency{emulated * subject.emulated}"
        benchmark.extra_info.update(_extra_info(outcome))
        times = iter(result.times_s.tolist())

        def setup() -> tuple[tuple[float], dict[str, Any]]:
            device_clock.restart()
            return (next(times),), {}

        benchmark.pedantic(device_clock.advance, setup=setup, rounds=len(result.times_s))
        return None if benchmark.stats is None else list(benchmark.stats.stats.data)

    return store


def _extra_info(outcome: Outcome) -> dict[str, Any]:
    """Percentiles, and what the times are of; JSON values."""
    entry, result = outcome.entry, cast("SingleStream", outcome.finding.result)
    subject = entry.subject
    return {
        **{metric.removeprefix("latency_"): value for metric, value in entry.metrics.items()},
        "board": subject.board,
        "station": subject.station,
        "core": subject.core,
        "emulated": subject.emulated,
        "task": subject.task,
        "data_set": subject.data_set,
        "model_sha256": subject.model_sha256,
        "firmware_sha256": subject.firmware_sha256,
        "quick": outcome.job.quick,
        "clock": result.clock,
        "tick_hz": result.tick_hz,
    }


def pytest_configure(config: pytest.Config) -> None:
    """Keep stations apart: pytest-benchmark's storage is keyed by the host, which measures nothing.

    Runs before pytest-benchmark's own, which is a last one. A place that the user chose is kept.
    """
    plan = config.stash.get(plan_key, None)
    if plan and getattr(config.option, "benchmark_storage", None) == _STORAGE:
        stations = "+".join(sorted(station.name for station in plan.stations))
        config.option.benchmark_storage = f"{_STORAGE}/{stations}"


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(
    config: pytest.Config, machine_info: dict[str, Any]
) -> None:
    """Name the boards. Not their firmware: pytest-benchmark compares this before anything is
    measured, and warns of every difference."""
    plan = config.stash.get(plan_key, None)
    if plan:
        machine_info["boards"] = {
            station.name: {
                "board": station.board.name,
                "core": station.board.core,
                "emulated": station.board.emulated,
            }
            for station in plan.stations
        }


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(
    config: pytest.Config, benchmarks: Sequence[Any], output_json: dict[str, Any]
) -> None:
    """Say at the file's top what it was measured with."""
    if config.stash.get(plan_key, None) is None:
        return
    output_json["tinyhil"] = {
        "firmware": dict(_sums(output_json["benchmarks"], "firmware_sha256")),
        "data_sets": dict(_sums(output_json["benchmarks"], "data_set")),
        "emulated": any(one.extra_info.get("emulated") for one in benchmarks),
    }


def _sums(benchmarks: Sequence[Mapping[str, Any]], key: str) -> Iterator[tuple[str, str]]:
    for one in benchmarks:
        info = one["extra_info"]
        if key in info:
            yield f"{info['station']} {info['task']}", info[key]
