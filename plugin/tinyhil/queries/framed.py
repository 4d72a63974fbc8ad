"""Queries by frames, which our own firmware speaks: pipelined, checked, and healed by repeating.

The next samples travel while the device infers; each answer carries the CRC of the input buffer
that it was made from. The protocol's text: firmware/FRAMES.md.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from tinyhil.deadline import Deadline
from tinyhil.errors import DeviceError, LinkError, LinkTimeoutError
from tinyhil.links import Link
from tinyhil.protocol import Damaged, frames, printable
from tinyhil.protocol.frames import FrameReader, Result, Status
from tinyhil.protocol.pipeline import BrokenAnswerError, LostAnswerError, Pipeline, Query
from tinyhil.queries import ATTEMPTS, Inference
from tinyhil.queries.rate import Rate
from tinyhil.session import DeviceInfo, Session
from tinyhil.task import Window

_BURST_BYTES = 2048
"""Sent over a wire between two looks at what has come."""

_LEAST_QUIET_S, _MOST_QUIET_S = 0.3, 4.0
"""How long nothing comes before the device is asked how far it is."""

_FIRST_S = 120.0
"""Patience with a device whose pace is not known yet."""

_PATIENCE_S = 10.0
"""Patience beyond ten times what is expected."""

_START_S = 1.0
_REBOOTED = b"m-init-done"
_REBOOTED_S = 1.0
"""How long a device may take to boot whose memory has just lost its channels."""
_REBOOTS = "the device starts anew in the middle of a run"
_CHECK_POWER = "check its power supply, and the firmware for faults"
_TEXT_BYTES = 256


class _RebootedError(Exception):
    """The device has started anew."""


class _TooFastError(Exception):
    """The wire does not carry this rate."""


class FramedQueries:
    """`Queries` over frames; a context manager, for whose time the session speaks no text.

    Args:
        session: a synchronized session with our own firmware.
        info: of that firmware.
        open_frames: opens the link that carries the frames; None for the session's own.
        rate: may raise the baud rate of the session's link, and lowers it when errors rise.
        patience_s: with a device that makes no progress, beyond what its pace explains.
        first_s: the same before its pace is known.
    """

    def __init__(
        self,
        session: Session,
        info: DeviceInfo,
        open_frames: Callable[[], Link] | None = None,
        *,
        rate: Rate | None = None,
        patience_s: float = _PATIENCE_S,
        first_s: float = _FIRST_S,
    ) -> None:
        assert info.extension is not None, "the device must speak frames"
        self._session = session
        self._tick_hz = info.extension.tick_hz
        self._open_frames = open_frames
        self._rate = rate
        self._patience_s = patience_s
        self._first_s = first_s
        self._link = session.link
        self._queue_bytes = 0
        self._reader = FrameReader(0)
        self._pipeline = Pipeline(0, 0)
        self._results: deque[tuple[Query, Result]] = deque()
        self._healed: Counter[str] = Counter()
        self._data = b""
        self._inferred = b""  # what the device holds of it
        self._expected_s: float | None = None  # between two steps forward, on the host's clock
        self._text = b""
        self._exhausted = False

    def __enter__(self) -> Self:
        try:
            if self._rate:
                self._rate.raise_to_top()
            self._enter()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the device in text; if it does not answer, whoever goes on with it finds out."""
        with suppress(LinkError, DeviceError):
            self._leave()
            if self._rate:
                self._rate.restore()

    @property
    def healed(self) -> Mapping[str, int]:
        """See `Queries.healed`."""
        again = self._healed["frames sent again"] + self._pipeline.repeated
        return {what: count for what, count in self._healed.items() if count} | (
            {"frames sent again": again} if again else {}
        )

    def each(self, windows: Iterable[Window], *, output: bool = False) -> Iterator[Inference]:
        """See `Queries.each`."""
        self._inferred = b""
        queries = (Query(window.data, window.keep, output=output) for window in windows)
        for query, result in self._run(queries):
            yield self._inference(query, result)

    def load(self, data: bytes) -> None:
        """See `Queries.load`; it travels with the next `infer`."""
        self._data = data

    def infer(self, count: int, warm_up: int, *, expected_s: float | None, laps: bool) -> Inference:
        """See `Queries.infer`."""
        self._expected_s = expected_s
        keep = len(self._data) if self._data == self._inferred else 0
        query = Query(self._data, keep, count, warm_up, timed=True, laps=laps)
        ((asked, result),) = self._run(iter([query]))
        self._inferred = self._data
        return self._inference(asked, result)

    def _inference(self, query: Query, result: Result) -> Inference:
        if result.end < result.start:
            raise DeviceError(
                f"time stamps run backwards: {result.start} ticks, then {result.end}",
                hint="the device's timer wraps or is misread; check the firmware's port",
            )
        start_us, end_us = (
            ticks * 1_000_000 // self._tick_hz for ticks in (result.start, result.end)
        )
        scores = tuple(number / 1000 for number in result.thousandths)
        return Inference(query.count, start_us, end_us, scores, result.laps, result.output)

    # One session of frames after another, until every query is answered

    def _run(self, queries: Iterator[Query]) -> Iterator[tuple[Query, Result]]:
        fruitless = 0
        while True:
            try:
                for answer in self._answers(queries):
                    yield answer
                    fruitless = 0
                return
            except LostAnswerError:
                again, what, hint = self._start, "answers get lost", "check the cable"
            except _RebootedError:
                again, what, hint = self._reenter, _REBOOTS, _CHECK_POWER
            except _TooFastError:
                again, what, hint = self._slow_down, "the wire's rate is too high", "lower it"
            except LinkError:
                if self._on_wire or not self._has_rebooted():
                    raise
                again, what, hint = self._reenter, _REBOOTS, _CHECK_POWER
            except BrokenAnswerError as error:
                raise DeviceError(str(error), hint="see the raw log; check the firmware") from error
            self._healed[what] += 1
            fruitless += 1
            if fruitless > ATTEMPTS:
                raise LinkError(f"{what}: {fruitless} times without an answer between", hint=hint)
            while self._results:  # What came before the fault.
                yield self._results.popleft()
            unanswered = self._pipeline.unanswered
            again()
            for query in unanswered:
                self._pipeline.push(query)

    def _answers(self, queries: Iterator[Query]) -> Iterator[tuple[Query, Result]]:
        """Feed the pipeline and hand on what comes out, until all is answered."""
        pipeline, progress, last = self._pipeline, self._pipeline.progress, time.monotonic()
        asked, self._exhausted = 0, False
        while True:
            if self._results:
                yield self._results.popleft()
                continue
            self._send(queries)
            if self._results:
                continue
            if pipeline.idle and self._exhausted:
                return
            if not self._receive(self._quiet_s(asked)):
                self._ask()
                asked += 1
            if pipeline.progress != progress:
                waited_s = time.monotonic() - last
                if not pipeline.timed:
                    self._expected_s = max(self._expected_s or 0.0, waited_s)
                progress, last, asked = pipeline.progress, time.monotonic(), 0
            elif time.monotonic() - last > self._late_s:
                raise self._late()

    def _quiet_s(self, asked: int) -> float:
        """How long to wait before asking the device, having asked so often."""
        if self._pipeline.timed:  # It must not be disturbed.
            return self._first_s / 4 if self._expected_s is None else 2 * self._expected_s + 0.5
        least = max(_LEAST_QUIET_S, 4 * (self._expected_s or 0.0))
        return float(min(least * 2**asked, _MOST_QUIET_S))

    @property
    def _late_s(self) -> float:
        """Without a step forward for so long, the device is given up."""
        if self._expected_s is None:
            return self._first_s
        return self._patience_s + 10 * self._expected_s

    def _fill(self, queries: Iterator[Query]) -> None:
        """Push queries until the next frame is full."""
        while not self._exhausted and self._pipeline.wants_more:
            query = next(queries, None)
            self._exhausted = query is None
            if query is not None:
                self._pipeline.push(query)

    def _send(self, queries: Iterator[Query]) -> None:
        """Send what the device can hold; look at what comes in between."""
        burst = bytearray()
        while True:
            self._fill(queries)
            frame = self._pipeline.next_frame()
            if frame is not None:
                burst += frame
            if burst and (frame is None or (self._on_wire and len(burst) >= _BURST_BYTES)):
                self._link.write(bytes(burst), Deadline.after(self._late_s))
                burst.clear()
                self._take(self._link.poll())
            if frame is None:
                return

    def _receive(self, seconds: float) -> bool:
        """Wait for bytes; says whether some came."""
        try:
            received = self._link.read(Deadline.after(seconds))
        except LinkTimeoutError:
            return False
        self._take(received)
        return True

    def _take(self, received: bytes) -> None:
        for frame in self._reader.feed(received):
            if isinstance(frame, Damaged):
                self._healed["damaged frames"] += 1
                self._look_for_text(frame.raw)
                continue
            answer = self._pipeline.receive(frame)
            if answer is not None:
                self._results.append(answer)
        if self._rate and self._rate.is_too_high(self._pipeline.sent, self._pipeline.repeated):
            raise _TooFastError

    def _ask(self) -> None:
        """Nothing has come for a while: look whether the device speaks text, else ask it."""
        self._look_for_text(self._reader.held)
        if not self._on_wire:
            self._look_for_text(self._session.link.poll())
        self._healed["questions after silence"] += 1
        self._link.write(self._pipeline.ping(), Deadline.after(self._late_s))

    def _look_for_text(self, received: bytes) -> None:
        self._text = (self._text + received)[-_TEXT_BYTES:]
        if _REBOOTED in self._text:
            self._text = b""
            raise _RebootedError

    def _has_rebooted(self) -> bool:
        """Whether the reason that the probe finds no channels is that the device boots."""
        deadline = Deadline.after(_REBOOTED_S)
        try:
            while True:
                self._look_for_text(self._session.link.read(deadline))
        except LinkError:
            return False
        except _RebootedError:
            return True

    def _late(self) -> LinkTimeoutError | _TooFastError:
        if self._rate and self._rate.can_be_lowered:
            return _TooFastError()
        said = self._reader.held or self._text
        return LinkTimeoutError(
            f"no answer and no acknowledgement in {self._late_s:.3g} s"
            + (f"; what the device wrote last: '{printable(said)}'" if said else ""),
            hint="check the cable and that the firmware runs; see the raw log",
        )

    # In and out of frames

    @property
    def _on_wire(self) -> bool:
        return self._open_frames is None

    def _enter(self) -> None:
        deadline = Deadline.after(self._patience_s)
        self._queue_bytes = self._session.enter_frames(
            "wire" if self._on_wire else "probe", deadline
        )
        if self._open_frames:
            self._link = self._open_frames()
        self._start()

    def _start(self) -> None:
        """Start a session with a number that no frame on its way can have."""
        self._healed["frames sent again"] += self._pipeline.repeated
        for _ in range(ATTEMPTS):
            number = 1 + secrets.randbelow(2**32 - 1)
            self._pipeline = Pipeline(number, self._queue_bytes)
            self._reader = FrameReader(number)
            # The device may be in the middle of an inference.
            deadline = Deadline.after(_START_S + 10 * (self._expected_s or 0.0))
            self._link.write(frames.start(number), deadline)
            if self._is_started(deadline):
                return
        raise LinkTimeoutError(
            f"the device did not start a session of frames, asked {ATTEMPTS} times",
            hint="check the cable and that the firmware runs; see the raw log",
        )

    def _is_started(self, deadline: Deadline) -> bool:
        while not deadline.expired:
            try:
                received = self._reader.feed(self._link.read(deadline))
            except LinkTimeoutError:
                return False
            for frame in received:
                if isinstance(frame, Status) and frame.why == frames.ANSWERS_START:
                    return True
        return False

    def _leave(self) -> None:
        deadline = Deadline.after(self._patience_s)
        with suppress(LinkError):
            self._link.write(frames.leave(), deadline)
        if self._link is not self._session.link:
            self._link.close()
            self._link = self._session.link
        self._session.synchronize(deadline)

    def _reenter(self) -> None:
        self._leave()
        self._enter()

    def _slow_down(self) -> None:
        assert self._rate is not None
        self._leave()
        self._rate.lower()
        self._enter()
