"""What is in the files of a run, and since which schema: reports/RECORD.md says it in words.

The models are strict, as a run folder that is read again may come from anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)

from tinyhil.catalog.facts import Limit, Metric
from tinyhil.catalog.measure import MeasureName

SCHEMA = 4
"""2 has ``run.json`` and ``seal.json``, and time stamps in the rows of single stream; 3 has the
station in each line; 4 keeps what a run was measured with, has scores in all rows, and rows that
prove the others."""

RUN = "run.json"
LINES = "record.jsonl"
RAW = "raw"
TESTS = "tests.jsonl"
KEPT = "kept"
SEAL = "seal.json"
SIGNATURE = "seal.json.sig"
TRACE_SUFFIX = ".npy"
"""Of the files of a trace, see `traces`."""


def _time(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("must be text")
    return datetime.fromisoformat(value)


Name = Annotated[StrictStr, Field(min_length=1, max_length=255)]
Sum = Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[StrictInt, Field(ge=0, lt=1 << 53)]
AtLeastOne = Annotated[StrictInt, Field(ge=1, lt=1 << 53)]
Tick = Annotated[StrictInt, Field(ge=0, lt=1 << 64)]
Number = Annotated[StrictFloat, Field(allow_inf_nan=False)]
Positive = Annotated[StrictFloat, Field(gt=0, allow_inf_nan=False)]
Time = Annotated[AwareDatetime, BeforeValidator(_time)]

_MOST_QUERIES = 1 << 20
"""Of a batch; each of them gets a time of its own in memory."""


class _Object(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Details(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)


class AccuracyDetails(_Details):
    """How much of the data set was inferred."""

    inferences: Count
    inferences_of_the_full_set: Count


class SingleStreamDetails(_Details):
    """The clock, and the sum of all times."""

    clock: Name
    tick_hz: AtLeastOne
    device_s: Number


class Window(_Details):
    """Back-to-back inferences of one input."""

    inferences: AtLeastOne
    device_s: Positive


class ThroughputDetails(_Details):
    """Its windows."""

    windows: Annotated[tuple[Window, ...], Field(min_length=1)]


class EnergyWindow(Window):
    """Back-to-back inferences of one input, and their energy."""

    sample: Name
    energy_j: Positive


class EnergyDetails(_Details):
    """Its windows, and whose power it is."""

    modelled: StrictBool = False
    """Whether the monitor plays a model: such figures are never exported."""

    windows: Annotated[tuple[EnergyWindow, ...], Field(min_length=1)]


class MemoryRow(_Object):
    """Sizes in bytes; see `memory.MemoryUse`."""

    text: Count
    data: Count
    bss: Count
    arena: Count | None
    stack_used: Count | None
    stack_reserved: Count | None


class MemoryDetails(MemoryRow):
    """The same sizes, and more."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)


_Figures = tuple[type[BaseModel], tuple[Metric, ...]]
_FIGURES: Mapping[MeasureName, _Figures] = {
    MeasureName.ACCURACY: (AccuracyDetails, ()),
    MeasureName.SINGLE_STREAM: (
        SingleStreamDetails,
        ("latency_p50_s", "latency_p90_s", "latency_p99_s"),
    ),
    MeasureName.THROUGHPUT: (ThroughputDetails, ("throughput_ips",)),
    MeasureName.MEMORY: (MemoryDetails, ("flash_bytes", "ram_bytes")),
    MeasureName.ENERGY: (EnergyDetails, ("energy_j",)),
}
"""What the line of a finished measure holds at least: details, metrics."""


class Line(_Object):
    """A line of ``record.jsonl``; see `record.Entry`."""

    schema_version: StrictInt = Field(alias="schema")
    run: Name
    board: Name
    station: Name
    core: Name
    emulated: StrictBool
    task: Name
    link: Name
    division: Name
    data_set: Name
    data_sha256: Sum
    model_sha256: Sum | None
    firmware_sha256: Sum | None
    """None of a board that was measured as it was: nobody has seen its image."""
    measure: MeasureName
    scenario: Name | None
    samples: Count
    metrics: dict[Metric, Number]
    limits: dict[Metric, Limit]
    verdict: Literal["pass", "fail", "not judged", "error"]
    details: dict[str, Any]
    started: Time
    seconds: Annotated[StrictFloat, Field(ge=0, allow_inf_nan=False)]
    error: StrictStr | None = None

    @property
    def failed(self) -> bool:
        """Whether it ended with an error."""
        return self.error is not None

    @model_validator(mode="after")
    def _has_its_figures(self) -> Self:
        if self.failed or self.measure not in _FIGURES:
            return self
        details, metrics = _FIGURES[self.measure]
        for metric in metrics:
            if metric not in self.metrics:
                raise ValueError(f"key 'metrics.{metric}': Field required")
        try:
            details.model_validate(self.details)
        except ValidationError as error:
            raise ValueError(wrong_key(error, "details")) from error
        return self


class EndedTest(_Object):
    """A line of ``tests.jsonl``: a test that has ended; its last line counts."""

    test: Annotated[StrictStr, Field(min_length=1, max_length=4000)]
    """Its name, with ``*`` for the station."""
    how: Literal["passed", "failed", "skipped", "error"]
    """``error``: the board has failed, or nothing was measured for another reason."""
    attempts: AtLeastOne = 1
    """How often it was run until it ended so."""
    recovered: tuple[StrictStr, ...] = ()
    """What brought its board back, see `recovery.Rung`; empty: nothing had to."""


class AccuracyRow(_Object):
    """A sample: its true class, and scores and time stamps of each of its windows."""

    sample: Name
    label: Count
    scores: Annotated[
        tuple[Annotated[tuple[Number, ...], Field(min_length=1)], ...], Field(min_length=1)
    ]
    stamps_us: tuple[tuple[Tick, Tick], ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.scores) != len(self.stamps_us) or len(set(map(len, self.scores))) != 1:
            raise ValueError(
                "there must be as many scores as time stamps, all scores of one length"
            )
        return self


Wrapped = tuple[AtLeastOne, AtLeastOne, Count]
"""How often the device's clock began anew between two stamps, the time after which it does so, and
by how much that may be off, in microseconds; the second stamp goes on across it."""


class SingleStreamRow(_Object):
    """Some queries of one input, one after another."""

    sample: Name
    times: Annotated[tuple[Tick, ...], Field(min_length=1)]
    unit: StrictStr = Field(pattern=r"^(us|ticks of 1/[1-9][0-9]{0,11} s)$")
    start_us: Tick
    end_us: Tick
    count: Annotated[StrictInt, Field(ge=1, le=_MOST_QUERIES)] | None = None
    """Queries of a batch, whose time is the only one: the clock is too coarse for each of them."""
    scores: tuple[Number, ...] = ()
    host_s: tuple[Number, Number] | None = None
    """The host's clock before and after, since the measure began."""
    wrapped: Wrapped | None = None
    bracket: StrictBool = False
    """Whether the batch only shows what a single query takes longer; it is in no figure then."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.count is not None and (len(self.times) != 1 or self.unit != "us"):
            raise ValueError("a batch has one time, in us")
        if self.bracket and (self.count or 1) < 2:
            raise ValueError("a bracket is of two queries at least")
        return self

    @property
    def hertz(self) -> int:
        """Of the clock that `times` are counted on."""
        return 10**6 if self.unit == "us" else int(self.unit.split("/")[1].split()[0])

    @property
    def seconds(self) -> tuple[float, ...]:
        """The time of each query in seconds; of a batch, its share, of a bracket none."""
        count = 0 if self.bracket else self.count or 1
        return tuple(time / self.hertz / max(1, count) for time in self.times) * count


class ThroughputRow(_Object):
    """A window of back-to-back inferences."""

    sample: Name
    count: AtLeastOne
    start_us: Tick
    end_us: Tick
    warm_up: Count = 0
    scores: tuple[Number, ...] = ()
    host_s: tuple[Number, Number] | None = None
    wrapped: Wrapped | None = None

    @property
    def seconds(self) -> float:
        """Between the time stamps, on the device's clock."""
        return (self.end_us - self.start_us) * 1e-6


class EnergyHeading(_Object):
    """What a trace is of; see `energy.result`."""

    role: Literal["trace"]
    trace: Name
    monitor: StrictStr
    modelled: StrictBool
    """Whether the monitor plays a model."""
    rate_hz: Positive
    volts: Positive
    accuracy: Annotated[Number, Field(ge=0, lt=0.5)]
    edges_from: Literal["pin", "trace"]
    hookup: StrictStr = ""


class EnergyRow(_Object):
    """A window of back-to-back inferences between two edges of a trace."""

    sample: Name
    count: AtLeastOne
    warm_up: Count = 0
    edges: tuple[Count, Count] | None = None
    """Places in the trace; None where they are read off the power."""
    scores: tuple[Number, ...] = ()
    start_us: Tick | None = None
    """By the device's clock, where it says."""
    end_us: Tick | None = None
    host_s: tuple[Number, Number] | None = None


class AuditRow(_Object):
    """An answer to a question of an audit, or the heading of an attempt; see `audit.answers`."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    role: Name
    name: Name | None = None
    scores: Annotated[tuple[Number, ...], Field(min_length=1)] | None = None
    """None of the heading."""
    count: AtLeastOne = 1
    start_us: Tick | None = None
    """None where no times were asked for."""
    end_us: Tick | None = None
    laps: tuple[Tick, ...] = ()
    wrapped: Wrapped | None = None
    host_s: tuple[Number, Number] | None = None
    answers: Count = 0
    """Compared with the model's, in the row that says how many were."""


_ROWS: Mapping[str, type[BaseModel]] = {
    MeasureName.ACCURACY: AccuracyRow,
    MeasureName.SINGLE_STREAM: SingleStreamRow,
    MeasureName.THROUGHPUT: ThroughputRow,
    MeasureName.MEMORY: MemoryRow,
    MeasureName.ENERGY: EnergyRow,
    **{name: AuditRow for name in MeasureName if name.audit},
}


def row_model(measure: str, row: Mapping[str, Any]) -> type[BaseModel] | None:
    """Of a row of ``raw/<task>-<measure>.jsonl``; None for a measure that has no model.

    Rows with a role prove those of their measure; they are as those of audits.
    """
    return AuditRow if "role" in row and measure in _ROWS else _ROWS.get(measure)


def wrong_key(error: ValidationError, *above: str) -> str:
    """The first thing that a model found wrong: the key, and what is wrong with it.

    Args:
        error: of the model.
        above: keys that lead to what the model is of.
    """
    first = error.errors()[0]
    key = ".".join(str(part) for part in (*above, *first["loc"]) if part != "[key]")
    text = first["msg"].removeprefix("Value error, ")
    return f"key '{key}': {text}" if key else text
