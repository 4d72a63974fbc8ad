"""What stands in the files of a run, and since which schema: reports/RECORD.md says it in words.

The models are strict, for a run folder that is read again may come from anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from tinyhil.catalog.facts import Limit

SCHEMA = 2
"""2 has ``run.json`` and ``seal.json``, and time stamps in the rows of single stream."""

RUN = "run.json"
LINES = "record.jsonl"
RAW = "raw"
SEAL = "seal.json"

Name = Annotated[StrictStr, Field(min_length=1, max_length=255)]
Sum = Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[StrictInt, Field(ge=0, lt=1 << 53)]
Tick = Annotated[StrictInt, Field(ge=0, lt=1 << 64)]
Number = Annotated[StrictInt | StrictFloat, Field(allow_inf_nan=False)]


class _Object(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Line(_Object):
    """A line of ``record.jsonl``; see `record.Entry`."""

    schema_version: StrictInt = Field(alias="schema")
    run: Name
    board: Name
    core: Name
    emulated: StrictBool
    task: Name
    link: Name
    division: Name
    data_set: Name
    data_sha256: Sum
    model_sha256: Sum | None
    firmware_sha256: Sum
    measure: Name
    scenario: Name | None
    samples: Count
    metrics: dict[Name, Number]
    limits: dict[Name, Limit]
    verdict: Name
    details: dict[str, Any]
    started: StrictStr
    seconds: Number
    error: StrictStr | None = None


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
            raise ValueError("scores and time stamps must be as many, all scores of one length")
        return self


class SingleStreamRow(_Object):
    """Some queries of one input, one after another."""

    sample: Name
    times: Annotated[tuple[Tick, ...], Field(min_length=1)]
    unit: StrictStr = Field(pattern=r"^(us|ticks of 1/[1-9][0-9]{0,11} s)$")
    start_us: Tick
    end_us: Tick

    @property
    def hertz(self) -> int:
        """Of the clock that `times` are counted on."""
        return 10**6 if self.unit == "us" else int(self.unit.split("/")[1].split()[0])


class ThroughputRow(_Object):
    """A window of back-to-back inferences."""

    sample: Name
    count: Annotated[Count, Field(ge=1)]
    start_us: Tick
    end_us: Tick


class MemoryRow(_Object):
    """Sizes in bytes; see `memory.MemoryUse`."""

    text: Count
    data: Count
    bss: Count
    arena: Count | None
    stack_used: Count | None
    stack_reserved: Count | None


class AuditRow(_Object):
    """An answer to a question of an audit, or the heading of an attempt; see `audit.answers`."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    role: Name
    name: Name | None = None
    scores: Annotated[tuple[Number, ...], Field(min_length=1)] | None = None
    """None of the heading."""
    count: Annotated[Count, Field(ge=1)] = 1
    start_us: Tick | None = None
    """None where no times were asked for."""
    end_us: Tick | None = None
    laps: tuple[Tick, ...] = ()


_ROWS: Mapping[str, type[BaseModel]] = {
    "accuracy": AccuracyRow,
    "single_stream": SingleStreamRow,
    "throughput": ThroughputRow,
    "memory": MemoryRow,
}


def row_model(measure: str) -> type[BaseModel] | None:
    """Of ``raw/<task>-<measure>.jsonl``; None for a measure that this version does not know."""
    return AuditRow if measure.startswith("audit_") else _ROWS.get(measure)


def json_object(text: bytes) -> dict[str, Any]:
    """The JSON object that `text` is.

    Raises:
        ValueError: it is none, is nested too deep, has a key twice, or a number that is none.
    """
    try:
        values = json.loads(
            text.decode("utf-8"), object_pairs_hook=_without_doubles, parse_constant=_refuse
        )
    except RecursionError as error:
        raise ValueError("is nested too deep") from error
    if not isinstance(values, dict):
        raise ValueError("is no JSON object")
    return values


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("has a key twice")
    return values


def _refuse(constant: str) -> float:
    raise ValueError(f"has the number {constant}")
