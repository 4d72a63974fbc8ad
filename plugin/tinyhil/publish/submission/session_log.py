"""Reads session logs: ``log.txt`` of both official runners, and the ones that tinyhil writes.

A line is ``<seconds> <source>: <text>``; one without that beginning goes on with what the source
before it said, as a device's text may hold line ends. What the device said comes from the source
``dut``, or from ``io`` (the interface board) behind ``[dut]: ``. Which sample it was about, the
host says: ``Command "bload dut "<path>" <offset> <bytes>"`` (EEMBC; ``bloadp`` through the
interface board) or ``Loading file <name> at byte <offset> of class <class>`` (ours; without
``of class`` where the run does not know it). Ours also
names the task as ``m-task-[kws01]``, and holds the times of single queries as
``m-latency-unit-[<unit>]`` and then ``m-latency-[<time>,…]``, each from the source ``tinyhil``.

MLCommons' runner logs no answers but what it read in them; `runner_log` reads that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tinyhil.device import protocol
from tinyhil.ground.text import printable

MAX_INFERENCES = 500_000

_LINE = re.compile(r"([0-9.]{1,16}) ([a-z][a-z-]{0,15}): (.*)")
_LOADS = (
    re.compile(r'Command "bloadp? (?:dut )?"([^"]{1,400})"(?: [0-9]{1,9}){0,2}"()'),
    re.compile(r"Loading file (.{1,255}) at byte [0-9]{1,9}(?: of class ([0-9]{1,3}))?"),
)
_TASK = re.compile(r"m-task-\[([a-z0-9]{1,32})\]")
_TRACE = re.compile(r"m-regfile-fn\[([A-Za-z0-9_.-]{1,100})\]-type\[([a-z]{1,16})\]")
_LATENCY_UNIT = re.compile(r"m-latency-unit-\[(us|ticks of 1/([0-9]{1,12}) s)\]")
_LATENCY = re.compile(r"m-latency-\[([0-9]{1,12}(?:,[0-9]{1,12})*)\]")
_REHEARSAL = re.compile(r"m-rehearsal-\[(.{1,200})\]")
_HOST = ("Command ", "Loading ", "m-")
_COUNTING = re.compile(r"m-(?:infer|lap-us|results)-")
"""A line of the device with one of these that can't be read is damaged; any other is its own."""


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
    ended: bool = True
    """Whether the log holds its end."""
    host_s: float | None = None
    """Between the lines of its start and its end, on the host's clock."""
    stamps_us: tuple[int, int] | None = None
    """The two time stamps, as the device printed them."""


@dataclass(frozen=True)
class Query:
    """A timed single query."""

    file: str
    seconds: float


@dataclass(frozen=True)
class Problem:
    """What is out of order in a log: one kind of thing, however often it is there."""

    kind: str
    line: int
    """Of the first one."""
    text: str
    """Of the first one."""
    count: int = 1

    def __str__(self) -> str:
        return self.text if self.count == 1 else f"{self.count} times, here first: {self.text}"


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
    problems: tuple[Problem, ...]
    """Such as an inference without an end."""
    sessions: int
    """How many the log holds; the inferences are of one."""
    sources: frozenset[str]
    """Who speaks in it; tells the runners apart."""


@dataclass
class _Reader:
    """The state between lines."""

    file: str = ""
    inferences: list[Inference] = field(default_factory=list)
    earlier: list[list[Inference]] = field(default_factory=list)
    """Of the sessions before this one."""
    queries: list[Query] = field(default_factory=list)
    model: str | None = None
    labels: dict[str, int] = field(default_factory=dict)
    traces: dict[str, str] = field(default_factory=dict)
    rehearsal: str | None = None
    problems: dict[str, Problem] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)
    source: str = ""
    tick_s: float = 1e-6
    line: int = 0
    now_s: float = 0.0
    start: tuple[int, int, float] | None = None
    """Line, count and host's time of the ``infer`` that has started."""
    laps: list[int] = field(default_factory=list)
    awaiting_scores: bool = False
    tells_ends: bool = False
    """Whether this firmware says where an inference ends."""

    def take(self, number: int, line: str) -> None:
        """Take one line of the log."""
        self.line = number
        match = _LINE.fullmatch(line)
        if match:
            self.source = match[2]
            if len(self.sources) < 64:
                self.sources.add(match[2])
            self.now_s = _seconds(match[1])
        text = (match[3] if match else line).strip("\r \t")
        if self.source == "dut":
            self._device(text)
        elif self.source == "io":
            before, found, after = text.partition("[dut]: ")
            if found and not before.strip("\r "):
                self._device(after.strip("\r "))
        elif match and self.source == "emon":
            trace = _TRACE.match(text)
            if trace and len(self.traces) < 16:
                self.traces[trace[2]] = trace[1]
        elif match and self.source in ("parser", "tinyhil"):
            self._host(text)
        elif match and self.source == "session" and text.startswith("m-session-start"):
            self._new_session()

    def _new_session(self) -> None:
        self.end("another session starts")
        if self.inferences:
            self.earlier.append(self.inferences)
            self.inferences, self.file = [], ""

    def _host(self, text: str) -> None:
        if not text.startswith(_HOST):
            return
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
        match protocol.parse(text):
            case protocol.ModelName(task):
                self.model = self.model or task
            case protocol.InferStart(count):
                self.end("the next one started before it ended")
                self.start, self.laps = (self.line, count, self.now_s), []
            case protocol.LapUs(microseconds) if self.start:
                self.laps.append(microseconds)
            case protocol.InferDone():
                self._done()
            case protocol.Results(scores):
                self._scored(scores)
            case protocol.DeviceComplaint(complaint):
                text = f"the device answers with the error '{printable(complaint)}'"
                self._problem("error" if self.start else "complaint", text)
            case protocol.Other(other) if _COUNTING.search(other):
                text = f"a line of the device is damaged: '{printable(other)}'"
                self._problem("damaged", text)

    def _done(self) -> None:
        self.tells_ends = True
        if self.start is None:
            self._problem("no start", "an inference ends that did not start")
            return
        if len(self.laps) not in (0, 2):
            self._problem("stamps", f"{len(self.laps)} time stamps around an inference")
        self._keep(ended=True)
        self.awaiting_scores = True

    def _keep(self, *, ended: bool) -> None:
        assert self.start
        (line, count, started_s), laps = self.start, self.laps
        self.start = None
        if len(self.inferences) >= MAX_INFERENCES:
            self._problem("many", f"more than {MAX_INFERENCES} inferences")
            return
        seconds = (laps[1] - laps[0]) * 1e-6 if len(laps) == 2 else None
        host_s = self.now_s - started_s if ended else None
        pair = (laps[0], laps[1]) if len(laps) == 2 else None
        kept = Inference(self.file, line, count, seconds, None, ended, host_s, pair)
        self.inferences.append(kept)

    def _scored(self, scores: tuple[float, ...]) -> None:
        if self.start is not None:
            # It ended before its scores; the line that says so is damaged or was never printed.
            if self.tells_ends or len(self.laps) != 2:
                line = self.start[0]
                self._problem("no end", f"an inference that started in line {line} has no end")
            self._keep(ended=True)
        elif not self.awaiting_scores:
            again = bool(self.inferences) and self.inferences[-1].scores == scores
            if not again:  # A host may ask for the same ones again.
                self._problem("results", "results come without an inference")
            return
        self.awaiting_scores = False
        if self.inferences and scores:
            self.inferences.append(replace(self.inferences.pop(), scores=scores))

    def end(self, how: str) -> None:
        if self.start is not None:
            self._problem("no end", f"an inference started in line {self.start[0]}; {how}")
            # With both stamps it did end, and only the line that says so is missing.
            self._keep(ended=len(self.laps) == 2)

    def _problem(self, kind: str, text: str) -> None:
        first = self.problems.get(kind)
        if first is None:
            self.problems[kind] = Problem(kind, self.line, text)
        else:
            self.problems[kind] = replace(first, count=first.count + 1)


def read_log(lines: Iterable[tuple[int, str]]) -> SessionLog:
    """Read a log's numbered lines; lines of other forms are passed over.

    Of several sessions in one log, the one with the most inferences counts (of equal ones the
    last), with those of others that are of other samples: a long session may be in parts.
    """
    reader = _Reader()
    for number, line in lines:
        reader.take(number, line)
    reader.end("the log ends there")
    sessions = [*reader.earlier, reader.inferences] if reader.inferences else reader.earlier
    return SessionLog(
        _joined(sessions),
        tuple(reader.queries),
        reader.model,
        reader.labels,
        reader.traces,
        reader.rehearsal,
        tuple(reader.problems.values()),
        max(1, len(sessions)),
        frozenset(reader.sources),
    )


def _joined(sessions: list[list[Inference]]) -> tuple[Inference, ...]:
    longest = max(reversed(sessions), key=len, default=[])
    used = {inference.file for inference in longest}
    kept = []
    for session in sessions:
        files = {inference.file for inference in session}
        if session is longest or not files & used:
            kept += session
            used |= files
    return tuple(kept)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
