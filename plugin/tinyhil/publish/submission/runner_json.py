"""Reads ``results.json``: what today's official runner keeps of a session; tinyhil writes it too.

A list with an entry an ``infer``: ``file``, ``class``, ``infer`` (``start_time`` and ``end_time``
in microseconds, ``results``, ``iterations``), and in an energy session ``power`` (``samples`` in
joules at 1 kHz, ``timestamps`` as pairs of a counter and a number of samples). An entry of the
streaming task has no ``file``: its ``infer`` holds the times of the detections in milliseconds, the
first of which marks the start, and the windows in seconds in which the wake word is spoken;
``dutycycle`` holds when the device began and ended its work on some of the pieces.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tinyhil.ground.tree import MIB, Unreadable

MAX_BYTES = 32 * MIB
"""Read whole, and several times as long in memory; a real one has 14 MiB at most."""


Time = Annotated[int, Field(ge=0, lt=1 << 63)]
"""Microseconds on the device's clock."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Infer(_Part):
    """What the device answered."""

    start_time: Time | None = None
    end_time: Time | None = None
    results: tuple[float, ...] | None = Field(default=None, max_length=1000)
    iterations: int = Field(default=1, ge=1, le=10**9)

    @property
    def seconds(self) -> float | None:
        """Between its two time stamps, on the device's clock."""
        if self.start_time is None or self.end_time is None:
            return None
        return (self.end_time - self.start_time) * 1e-6


class Power(_Part):
    """What the power monitor reported of one ``infer``."""

    samples: tuple[float, ...]
    timestamps: tuple[tuple[int, int], ...] = Field(max_length=1000)


class Answer(_Part):
    """One entry."""

    file: str = Field(max_length=255)
    label: int | None = Field(default=None, alias="class", ge=0, lt=1000)
    infer: Infer
    power: Power | None = None


class Heard(_Part):
    """What the device detected of the wake word."""

    detections: tuple[Time, ...] = Field(max_length=100_000)
    detection_windows: tuple[tuple[float, float], ...] = Field(max_length=10_000)


class Truth(_Part):
    """One recording of the streaming task's data set."""

    detection_windows: tuple[tuple[float, float], ...] = Field(max_length=10_000)

    def heard(self, detections: tuple[int, ...]) -> Heard:
        """With what a device detected in it."""
        return Heard(detections=detections, detection_windows=self.detection_windows)


class DutyCycle(_Part):
    """When the device worked, in seconds."""

    start_times_s: tuple[float, ...] = Field(max_length=100_000)
    stop_times_s: tuple[float, ...] = Field(max_length=100_000)


class Streaming(_Part):
    """One entry of the streaming task."""

    infer: Heard
    dutycycle: DutyCycle | None = None
    power: Power | None = None


_ANSWERS = TypeAdapter(tuple[Answer, ...])
_STREAMING = TypeAdapter(tuple[Streaming, ...])


def read_answers(data: bytes) -> tuple[tuple[Answer, ...], tuple[Streaming, ...]]:
    """The entries of a ``results.json``: of a task with samples, or of the streaming one.

    An entry without an answer, which tells an error, is passed over, as the runner does.

    Raises:
        Unreadable: it is not JSON, or an entry has another form; the text names the first key.
    """
    values = loads(data)
    try:
        if _streams(values):
            return (), _STREAMING.validate_python(values)
        if isinstance(values, list):
            values = [value for value in values if not _tells_an_error(value)]
        return _ANSWERS.validate_python(values), ()
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise Unreadable(f"entry {where}: {problem['msg']}") from error


def _tells_an_error(value: object) -> bool:
    return isinstance(value, dict) and "error" in value and not {"file", "infer"} <= value.keys()


def _streams(values: object) -> bool:
    first = values[0] if isinstance(values, list) and values else None
    infer = first.get("infer") if isinstance(first, dict) else None
    return isinstance(infer, dict) and "detections" in infer


def loads(data: bytes, **more: Any) -> Any:
    """JSON from bytes of a stranger's.

    Raises:
        Unreadable: it is not JSON, or nests too deep.
    """
    try:
        return json.loads(data, **more)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"is not JSON: {str(error)[:200]}") from error
