"""Reads session logs: ``log.txt`` of EEMBC's runner, and the ones that tinyhil writes.

A line is ``<seconds> <source>: <text>``. What the device said comes from the source ``dut``, or
from ``io`` (the interface board) behind ``[dut]: ``. Which sample it was about, the host says:
``Command "bload dut "<path>" <offset> <bytes>"`` (EEMBC; ``bloadp`` through the interface board)
or ``Loading file <name> at byte <offset> of class <class>`` (ours). Ours also names the task as
``m-task-[kws01]``, and holds the times of single queries as ``m-latency-unit-[<unit>]`` and then
``m-latency-[<time>,…]``, each from the source ``tinyhil``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tinyhil.device import protocol
from tinyhil.ground.text import printable

MAX_INFERENCES = 500_000
MAX_PROBLEMS = 20

_LINE = re.compile(r"[0-9.]{1,16} ([a-z]{1,16}): (.*)")
_LOADS = (
    re.compile(r'Command "bloadp? (?:dut )?"([^"]{1,400})"(?: [0-9]{1,9}){0,2}"()'),
    re.compile(r"Loading file ([^ ]{1,255}) at byte [0-9]{1,9} of class ([0-9]{1,3})"),
)
_TASK = re.compile(r"m-task-\[([a-z0-9]{1,32})\]")
_TRACE = re.compile(r"m-regfile-fn\[([A-Za-z0-9_.-]{1,100})\]-type\[([a-z]{1,16})\]")
_LATENCY_UNIT = re.compile(r"m-latency-unit-\[(us|ticks of 1/([0-9]{1,12}) s)\]")
_LATENCY = re.compile(r"m-latency-\[([0-9]{1,12}(?:,[0-9]{1,12})*)\]")
_REHEARSAL = re.compile(r"m-rehearsal-\[(.{1,200})\]")
_DEVICE = ("m-infer-", "m-lap-us-", "m-results-", "m-model-", "e-[")


@dataclass(frozen=True)
class Inference:
    """One ``infer`` of the device, or what came of it."""

    file: str
    """Name of the sample; empty where nothing says it."""
    line: int
    count: int
    """Inferences in a row."""
    seconds: float | None = None
    """Between its two time stamps, on the device's clock."""
    scores: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Query:
    """A timed single query."""

    file: str
    seconds: float


@dataclass(frozen=True)
class SessionLog:
    """What a session was about and what the device answered."""

    inferences: tuple[Inference, ...]
    queries: tuple[Query, ...]
    model: str | None
    """The task that the device or the host named."""
    labels: Mapping[str, int]
    """Classes of samples, where the host tells them."""
    traces: Mapping[str, str]
    """Names of the power monitor's files, by their type: ``emon`` energy, ``etime`` stamps."""
    rehearsal: str | None
    """The mark of a rehearsal."""
    problems: tuple[tuple[int, str], ...]
    """Line and text of what is out of order, such as an inference without an end."""


@dataclass
class _Reader:
    """The state between lines."""

    file: str = ""
    inferences: list[Inference] = field(default_factory=list)
    queries: list[Query] = field(default_factory=list)
    model: str | None = None
    labels: dict[str, int] = field(default_factory=dict)
    traces: dict[str, str] = field(default_factory=dict)
    rehearsal: str | None = None
    problems: list[tuple[int, str]] = field(default_factory=list)
    tick_s: float = 1e-6
    line: int = 0
    start: tuple[int, int] | None = None
    """Line and count of the ``infer`` that has started."""
    laps: list[int] = field(default_factory=list)
    awaiting_scores: bool = False

    def take(self, number: int, source: str, text: str) -> None:
        """Take one line."""
        self.line = number
        if source == "dut":
            self._device(text)
        elif source == "io" and text.startswith("[dut]: "):
            self._device(text.removeprefix("[dut]: "))
        elif source == "emon":
            match = _TRACE.match(text)
            if match and len(self.traces) < 16:
                self.traces[match[2]] = match[1]
        elif source in ("parser", "tinyhil"):
            self._host(text)

    def _host(self, text: str) -> None:
        for form in _LOADS:
            match = form.fullmatch(text)
            if match:
                self.end("the next sample was loaded before it ended")
                self.file = re.split(r"[/\\]", match[1])[-1]
                self.awaiting_scores = False
                if match[2] and len(self.labels) < MAX_INFERENCES:
                    self.labels[self.file] = int(match[2])
                return
        if match := _LATENCY.fullmatch(text):
            times = [int(time) * self.tick_s for time in match[1].split(",")]
            if len(self.queries) + len(times) <= MAX_INFERENCES:
                self.queries.extend(Query(self.file, seconds) for seconds in times)
        elif match := _LATENCY_UNIT.fullmatch(text):
            self.tick_s = 1.0 / max(1, int(match[2])) if match[2] else 1e-6
        elif match := _REHEARSAL.fullmatch(text):
            self.rehearsal = match[1]
        elif match := _TASK.fullmatch(text):
            self.model = self.model or match[1]

    def _device(self, text: str) -> None:
        if not text.startswith(_DEVICE):
            return
        match protocol.parse(text):
            case protocol.ModelName(task):
                self.model = self.model or task
            case protocol.InferStart(count):
                self.end("the next one started before it ended")
                self.start, self.laps = (self.line, count), []
            case protocol.LapUs(microseconds) if self.start:
                self.laps.append(microseconds)
            case protocol.InferDone():
                self._done()
            case protocol.Results(scores):
                self._scored(scores)
            case protocol.DeviceComplaint(complaint):
                self._problem(f"the device answers with the error '{printable(complaint)}'")
            case protocol.Other(other):
                self._problem(f"a line of the device is damaged: '{printable(other)}'")

    def _done(self) -> None:
        if self.start is None:
            self._problem("an inference ends that did not start")
            return
        (line, count), laps = self.start, self.laps
        self.start, self.awaiting_scores = None, True
        if len(self.inferences) >= MAX_INFERENCES:
            self._problem(f"more than {MAX_INFERENCES} inferences")
            return
        if len(laps) not in (0, 2):
            self._problem(f"{len(laps)} time stamps around an inference")
        seconds = (laps[1] - laps[0]) * 1e-6 if len(laps) == 2 else None
        self.inferences.append(Inference(self.file, line, count, seconds))

    def _scored(self, scores: tuple[float, ...]) -> None:
        if not (self.awaiting_scores and self.inferences):
            self._problem("results come without an inference")
            return
        self.awaiting_scores = False
        last = self.inferences.pop()
        self.inferences.append(Inference(last.file, last.line, last.count, last.seconds, scores))

    def end(self, how: str) -> None:
        if self.start is not None:
            self._problem(f"an inference started in line {self.start[0]}; {how}")
        self.start = None

    def _problem(self, text: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append((self.line, text))


def read_log(lines: Iterable[tuple[int, str]]) -> SessionLog:
    """Read a log's numbered lines; lines of other forms are passed over."""
    reader = _Reader()
    for number, line in lines:
        match = _LINE.fullmatch(line)
        if match:
            reader.take(number, match[1], match[2])
    reader.end("the log ends there")
    return SessionLog(
        tuple(reader.inferences),
        tuple(reader.queries),
        reader.model,
        reader.labels,
        reader.traces,
        reader.rehearsal,
        tuple(reader.problems),
    )
