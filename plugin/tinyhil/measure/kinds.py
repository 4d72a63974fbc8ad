"""What each kind of measure asks, and what it finds: measurements turned into metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tinyhil.catalog import metrics
from tinyhil.catalog.facts import Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.verdict import Margin
from tinyhil.ground.errors import DataError, FirmwareError
from tinyhil.ground.progress import Progress
from tinyhil.measure import audit
from tinyhil.measure import measures as measure
from tinyhil.measure.audit import always
from tinyhil.measure.draws import seed_of
from tinyhil.measure.duration import Duration
from tinyhil.measure.energy import asking as energy
from tinyhil.measure.energy.result import Energy, energy_of
from tinyhil.measure.job import NO_IMAGE, NO_IMAGE_HINT, Conversation, Job
from tinyhil.measure.measures import Accuracy, SingleStream, Throughput
from tinyhil.measure.memory import MemoryUse, memory_use
from tinyhil.record.rows import Row, Rows, accuracy_of, plain, single_stream_of, throughput_of

INSTRUCTIONS_OF = "mean of all queries"
"""What ``instructions`` are of, in a run as in a gate; of the 90th percentile in older runs."""


Result = Accuracy | SingleStream | Throughput | MemoryUse | Energy | audit.Report

Told = Mapping[str, Any]
"""What a measure has to say in addition to its rows; it goes into the record's details."""


@dataclass(frozen=True)
class Finding:
    """What a measure found: the measurement itself, and the metrics made from it."""

    result: Result
    samples: int
    metrics: Mapping[Metric, float]
    details: Mapping[str, Any]
    """Figures other than the metrics; JSON values."""
    unjudged: str | None = None
    """Why the metrics may not be judged, or None."""
    errors: Mapping[Metric, Margin] = field(default_factory=dict)
    """See `verdict.judge`."""
    unknown: Mapping[Metric, str] = field(default_factory=dict)
    """See `verdict.judge`."""


@dataclass(frozen=True)
class Measure:
    """A kind of measure: first it asks for the rows that are missing, then it looks at all."""

    title: str
    ask: Callable[[Conversation, Rows, Progress], Told]
    find: Callable[[Conversation, Sequence[Row], Told], Finding]
    """Takes all rows, and what `ask` told, or what the record says that it did."""


def checked(talk: Conversation, rows: Sequence[Row]) -> dict[str, Any]:
    """What there is to say against a measure by its rows; for the record's details."""
    report = always.judge(rows, talk.known)
    talk.known.update(always.remember(rows))
    return {} if report is None else {"checks": report.as_json()}


def _ask_accuracy(talk: Conversation, rows: Rows, progress: Progress) -> Told:
    job, own = talk.job, plain(rows.done)
    done = len(own)
    _refuse_other_rows(job, own)
    missing = job.samples[done:]
    if not missing:
        return {"healed": {}}

    with talk.asking(job.link) as queries:
        duration = Duration(job, queries, len(missing), talk.notice)

        def advance(count: float, _: float) -> None:
            progress(done + count, len(job.samples))
            duration(count)

        proof = job.proof(MeasureName.ACCURACY, rows.done)
        measure.accuracy(
            queries,
            job.task,
            missing,
            rows,
            advance,
            all_windows=job.all_windows,
            proof=proof,
            done=rows.done,
        )
    return {"healed": queries.healed}


def _refuse_other_rows(job: Job, done: Sequence[Row]) -> None:
    """The rows of a resumed run must be those of the first samples."""
    if len(done) > len(job.samples):
        raise DataError(
            f"the run has {len(done)} rows of {len(job.samples)} samples",
            hint="its raw rows were altered; start a new run: without --hil-resume",
        )
    for sample, row in zip(job.samples, done, strict=False):
        windows = job.task.input.windows(sample.data, all_windows=job.all_windows)
        wanted = (sample.name, sample.label, [job.task.results] * len(windows))
        if (row["sample"], row["label"], [len(scores) for scores in row["scores"]]) != wanted:
            raise DataError(
                f"the run's row of {sample.name} is of another sample or task",
                hint="its raw rows were altered; start a new run: without --hil-resume",
            )


def _find_accuracy(talk: Conversation, rows: Sequence[Row], told: Told) -> Finding:
    samples, task, result = talk.job.samples, talk.job.task, accuracy_of(rows)
    found: dict[Metric, float] = {}
    known = talk.job.material.data.kind != "random"
    if known and task.result == "scores":
        found["top1"] = metrics.top1(result.labels, result.scores)
    area = metrics.auc(result.labels, result.scores) if known else None
    if area is not None:
        found["auc"] = area
    every = len(samples) * task.input.count()
    details = {
        "inferences": result.inferences,
        "inferences_of_the_full_set": every,
        "healed": told["healed"],
        **checked(talk, rows),
    }
    subset = f"{result.inferences} of {every} windows: a subset is never judged"
    return Finding(
        result, len(samples), found, details, None if result.inferences == every else subset
    )


def _ask_single_stream(talk: Conversation, rows: Rows, progress: Progress) -> Told:
    job = talk.job
    # Never through the probe, whose accesses could disturb what is timed.
    with talk.asking("serial") as queries:
        measure.single_stream(
            queries,
            talk.info,
            job.performance_inputs,
            job.rules,
            rows,
            progress,
            done=rows.done,
            proof=job.proof(MeasureName.SINGLE_STREAM, rows.done),
        )
    return {"healed": queries.healed}


def _find_single_stream(talk: Conversation, rows: Sequence[Row], told: Told) -> Finding:
    job, extension = talk.job, talk.info.extension
    result = single_stream_of(rows, extension.tick_hz if extension else None)
    p50, p90, p99 = (metrics.percentile(result.times_s, percent) for percent in (50, 90, 99))
    found: dict[Metric, float] = {"latency_p50_s": p50, "latency_p90_s": p90, "latency_p99_s": p99}
    emulator = job.dut.board.emulator
    if emulator:
        # A line that an earlier version has finished holds those of the 90th percentile.
        older = "clock" in told and "instructions_of" not in told
        of_s = p90 if older else float(result.times_s.mean())
        found["instructions"] = round(of_s / emulator.instruction_s)
    elif extension and extension.counts_cycles and result.clock == "timer":
        found["cycles"] = round(float(result.times_s.mean()) * result.tick_hz)
    details = {
        "clock": result.clock,
        "tick_hz": result.tick_hz,
        "resolution_s": result.resolution_s,
        "bracket_s": result.bracket_s,
        "device_s": round(float(result.times_s.sum()), 6),
        "inputs": len(job.performance_inputs),
        "healed": told["healed"],
        **({"instructions_of": INSTRUCTIONS_OF} if emulator else {}),
        **({"running": asdict(extension.running)} if extension and extension.running else {}),
        **checked(talk, rows),
    }
    errors = result.errors(emulator.instruction_s if emulator else None)
    return Finding(result, len(result.times_s), found, details, errors=errors)


def _ask_throughput(talk: Conversation, rows: Rows, progress: Progress) -> Told:
    job = talk.job
    with talk.asking("serial") as queries:
        measure.throughput(
            queries,
            job.performance_inputs,
            job.rules,
            rows,
            progress,
            done=rows.done,
            proof=job.proof(MeasureName.THROUGHPUT, rows.done),
            by_text=talk.info.extension is None,
        )
    return {"healed": queries.healed}


def _find_throughput(talk: Conversation, rows: Sequence[Row], told: Told) -> Finding:
    result = throughput_of(rows)
    found: dict[Metric, float] = {"throughput_ips": metrics.throughput(result.windows)}
    return Finding(
        result,
        sum(count for count, _ in result.windows),
        found,
        {
            "windows": [{"inferences": count, "device_s": s} for count, s in result.windows],
            "resolution_s": result.resolution_s,
            "bracket_s": result.bracket_s,
            "healed": told["healed"],
            **checked(talk, rows),
        },
        errors=result.errors(found["throughput_ips"]),
    )


def _ask_memory(talk: Conversation, rows: Rows, progress: Progress) -> Told:
    if rows.done:
        return {}
    if talk.job.image is None:
        raise FirmwareError(NO_IMAGE, hint=NO_IMAGE_HINT)
    _, data = talk.job.performance_inputs[0]
    if talk.info.extension:
        # So that the stack has been as deep as it gets.
        with talk.asking("serial") as queries:
            queries.load(data)
            queries.infer(1, 0, expected_s=None, laps=False)
    rows(memory_use(talk.session, talk.info, talk.job.image).as_json())
    progress(1, 1)
    return {}


def _find_memory(_: Conversation, rows: Sequence[Row], __: Told) -> Finding:
    use = MemoryUse(**rows[-1])
    found: dict[Metric, float] = {"flash_bytes": use.flash_bytes, "ram_bytes": use.ram_bytes}
    return Finding(use, 1, found, use.as_json(), unknown=use.unknown)


def _ask_energy(talk: Conversation, rows: Rows, progress: Progress) -> Told:
    energy.ask(talk, rows, progress)
    return {}


def _find_energy(talk: Conversation, rows: Sequence[Row], _: Told) -> Finding:
    assert talk.raw is not None, "a run has a raw folder"
    result = energy_of(rows, talk.raw)
    samples = sum(one.count for one in result.windows)
    return Finding(result, samples, result.metrics, result.details, errors=result.errors)


def _audit(name: str) -> Measure:
    chosen, (metric,) = audit.AUDITS[name], MeasureName.of_audit(name).metrics

    def ask(talk: Conversation, rows: Rows, progress: Progress) -> Told:
        job, extension = talk.job, talk.info.extension
        emulated = job.dut.board.emulated
        setting = audit.Setting(
            job.task,
            job.samples,
            all_windows=job.all_windows,
            virtual=emulated,
            seed=seed_of(job.seed, job.task.name, name, len(rows.all)),
            rules=audit.rules(emulated=emulated, quick=job.quick),
            progress=progress,
        )
        # An emulated core's instructions are counted the same while its memory is read.
        with talk.asking(job.link if emulated else "serial") as queries:
            tick_hz = extension.tick_hz if extension else None
            # What a run that died was about to ask may be known by now: it starts again.
            chosen.ask(audit.Asker(queries, tick_hz, rows), setting)
        return {"healed": queries.healed}

    def find(_: Conversation, rows: Sequence[Row], told: Told) -> Finding:
        report = chosen.report(rows)
        found: dict[Metric, float] = {metric: len(report.objections)}
        details = {**report.as_json(), "healed": told["healed"]}
        return Finding(report, report.answers, found, details)

    return Measure(chosen.title, ask, find)


MEASURES: Mapping[MeasureName, Measure] = {
    MeasureName.ACCURACY: Measure("accuracy", _ask_accuracy, _find_accuracy),
    MeasureName.SINGLE_STREAM: Measure(
        "single-stream latency", _ask_single_stream, _find_single_stream
    ),
    MeasureName.THROUGHPUT: Measure("throughput", _ask_throughput, _find_throughput),
    MeasureName.MEMORY: Measure("memory", _ask_memory, _find_memory),
    MeasureName.ENERGY: Measure("energy", _ask_energy, _find_energy),
    **{MeasureName.of_audit(name): _audit(name) for name in audit.AUDITS},
}
