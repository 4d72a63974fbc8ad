"""Queries by frames, which our own firmware speaks: pipelined, checked, and healed by repeating.

The next samples travel while the device infers; each answer carries the CRC of the input buffer
that it was made from. The protocol's text: firmware/FRAMES.md.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Self

from tinyhil.catalog.task import Window
from tinyhil.device.inference import ATTEMPTS, Inference
from tinyhil.device.info import DeviceInfo
from tinyhil.device.links import Link
from tinyhil.device.protocol.frames import Result
from tinyhil.device.protocol.pipeline import BrokenAnswerError, LostAnswerError, Pipeline, Query
from tinyhil.device.queries.framing import Framing, RebootedError, TooFastError, told
from tinyhil.device.queries.rate import STEPS, Rate
from tinyhil.device.session import Heard, Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import DeviceError, LinkError, LinkTimeoutError
from tinyhil.ground.text import printable

_MOST_FAULTS = ATTEMPTS + len(STEPS)
"""Between two answers: enough to heal a fault at each of the rates."""

_BURST_BYTES = 2048
"""Sent over a wire between two looks at what has come."""

_LEAST_QUIET_S, _MOST_QUIET_S = 0.3, 4.0
"""How long nothing comes before the device is asked how far it is."""

_FIRST_S = 120.0
"""How long to wait for a device whose pace is not known yet."""

_PATIENCE_S = 10.0
"""How long to wait beyond ten times what is expected."""


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
        self._tick_hz = info.extension.tick_hz
        self._framing = Framing(session, open_frames, patience_s)
        self._rate = rate
        self._patience_s = patience_s
        self._first_s = first_s
        self._results: deque[tuple[Query, Result]] = deque()
        self._healed: Counter[str] = Counter()
        self._silence: LinkTimeoutError | None = None  # the first one since the last answer
        self._data = b""
        self._inferred = b""  # what the device holds of it
        self._expected_s: float | None = None  # between two steps of progress, on the host's clock
        self._longest_s = 0.0  # the same, before the first answer tells what it means
        self._exhausted = False

    def __enter__(self) -> Self:
        try:
            if self._rate:
                self._rate.raise_to_top()
            for _ in self._run(iter(())):
                pass
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the device in text; if it does not answer, the next caller finds out."""
        with suppress(LinkError, DeviceError):
            self._framing.leave()
        with suppress(LinkError, DeviceError):
            if self._rate:
                self._rate.restore()

    def watch(self, heard: Heard | None, now: Callable[[], float], *, alone: bool = False) -> None:
        """See `Queries.watch`: frames are pipelined."""

    @property
    def healed(self) -> Mapping[str, int]:
        """See `Queries.healed`."""
        now = Counter(
            {
                "frames sent again": self._pipeline.repeated,
                "damaged frames": self._framing.damaged,
            }
        )
        return dict(+(self._healed + now))

    def each(self, windows: Iterable[Window], *, output: bool = False) -> Iterator[Inference]:
        """See `Queries.each`."""
        self._inferred = b""
        # The first one may come from the middle of a file, of which the device holds nothing.
        queries = (
            Query(window.data, window.keep if number else 0, output=output)
            for number, window in enumerate(windows)
        )
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
        self._inferred = b""
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

    @property
    def _pipeline(self) -> Pipeline:
        return self._framing.pipeline

    # One session of frames after another, until every query is answered

    def _run(self, queries: Iterator[Query]) -> Iterator[tuple[Query, Result]]:
        cure = self._opening()
        unanswered: tuple[Query, ...] = ()
        faults = 0  # since the last answer
        while True:
            fault: Exception
            try:
                if cure:
                    cure()
                    for query in unanswered:
                        self._pipeline.push(query)
                    cure = None
                for answer in self._answers(queries):
                    faults, self._silence = 0, None
                    yield answer
                return
            except (
                LostAnswerError,
                BrokenAnswerError,
                RebootedError,
                TooFastError,
                LinkError,
            ) as error:
                fault = error
            while self._results:  # What came before the fault.
                faults, self._silence = 0, None
                yield self._results.popleft()
            faults += 1
            if not cure:
                unanswered = self._pipeline.unanswered
            cure = self._cure(fault, faults, failed=cure)

    def _opening(self) -> Callable[[], None] | None:
        """What is to be done before the first query can be sent."""
        self._silence = None
        self._results.clear()
        if not self._framing.inside:
            return self._enter
        # Someone may have stopped listening before the last answer.
        return None if self._pipeline.idle else self._start

    def _cure(
        self, fault: Exception, faults: int, failed: Callable[[], None] | None
    ) -> Callable[[], None]:
        """What is to be done about a fault before the queries without an answer are sent again.

        Args:
            fault: that was seen.
            faults: how many there were since the last answer, this one included.
            failed: the step that was to heal the one before, if that step failed now.

        Raises:
            LinkError, DeviceError: nothing.
        """
        slower = self._slow_down if self._rate and self._rate.can_be_lowered else None
        if isinstance(fault, LinkError) and self._framing.has_rebooted():
            fault = RebootedError()
        if isinstance(fault, BrokenAnswerError):
            raise DeviceError(str(fault), hint="see the raw log; check the firmware") from fault
        if isinstance(fault, LinkError) and faults > _MOST_FAULTS:
            raise fault  # At any rate: with a port that is gone nothing can heal it.
        if isinstance(fault, LinkTimeoutError):
            if self._silence and not slower:
                raise self._silence from fault
            self._silence = self._silence or fault
        elif isinstance(fault, LinkError) and not (failed and slower):
            raise fault
        what, hint = told(fault)
        if faults > (_MOST_FAULTS if slower else ATTEMPTS):
            raise LinkError(f"{what}: {faults} times without an answer in between", hint=hint)
        if not isinstance(fault, RebootedError):  # Counted where it is noticed, see `Guard`.
            self._healed[what] += 1
        if isinstance(fault, LostAnswerError) and faults <= ATTEMPTS:
            if self._rate:
                self._rate.note(self._pipeline)
            return self._start
        if isinstance(fault, RebootedError) and faults <= ATTEMPTS:
            return self._reenter
        return slower or self._reenter

    def _answers(self, queries: Iterator[Query]) -> Iterator[tuple[Query, Result]]:
        """Feed the pipeline and hand on what comes out, until all is answered."""
        pipeline, progress, last = self._pipeline, self._pipeline.progress, time.monotonic()
        asked, repeated, lost, self._exhausted = 0, pipeline.repeated, False, False
        while True:
            self._send(queries)
            timed, done = pipeline.timed, self._exhausted and pipeline.idle
            if not (self._results or done or self._receive(self._quiet_s(asked))):
                self._ask()
                asked += 1
            if pipeline.repeated != repeated:  # The device has nothing to do but to wait for it.
                repeated, lost, asked = pipeline.repeated, True, 0
            if pipeline.progress != progress:
                if not (timed or lost):
                    self._learn(time.monotonic() - last)
                progress, last, asked, lost = pipeline.progress, time.monotonic(), 0, False
            elif not (self._results or done) and time.monotonic() - last > self._late_s:
                raise self._late()
            if self._results:
                yield self._results.popleft()
                last = time.monotonic()  # The caller who takes the answers may take long.
            elif done:
                return

    def _learn(self, waited_s: float) -> None:
        """Progress has taken so long; before the first answer, that may have been only the wire."""
        self._longest_s = max(self._longest_s, waited_s)
        if self._expected_s is not None or self._pipeline.answered:
            self._expected_s = max(self._expected_s or 0.0, self._longest_s)

    def _quiet_s(self, asked: int) -> float:
        """How long to wait before asking the device, having asked so often."""
        if self._pipeline.timed:  # It must not be disturbed.
            return self._first_s / 4 if self._expected_s is None else 2 * self._expected_s + 0.5
        least = max(_LEAST_QUIET_S, 4 * (self._expected_s or 0.0))
        return float(min(least * 2**asked, _MOST_QUIET_S))

    @property
    def _late_s(self) -> float:
        """Without progress for so long, the device is given up."""
        if self._expected_s is None:
            return self._first_s
        return self._patience_s + 10 * self._expected_s

    def _late(self) -> LinkTimeoutError:
        said = self._framing.said
        return LinkTimeoutError(
            f"no answer and no acknowledgement in {self._late_s:.3g} s"
            + (f"; what the device wrote last: '{printable(said)}'" if said else ""),
            hint="check the cable and that the firmware runs; see the raw log",
        )

    def _fill(self, queries: Iterator[Query]) -> None:
        """Push queries until the next frame is full."""
        while not self._exhausted and self._pipeline.wants_more:
            query = next(queries, None)
            self._exhausted = query is None
            if query is not None:
                self._pipeline.push(query)

    def _send(self, queries: Iterator[Query]) -> None:
        """Send what the device can hold; look at what comes in between."""
        link, burst = self._framing.link, bytearray()
        while True:
            self._fill(queries)
            frame = self._pipeline.next_frame()
            if frame is not None:
                burst += frame
            if burst and (frame is None or (self._framing.on_wire and len(burst) >= _BURST_BYTES)):
                link.write(bytes(burst), Deadline.after(self._late_s))
                burst.clear()
                self._take(link.poll())
            if frame is None:
                return

    def _receive(self, seconds: float) -> bool:
        """Wait for bytes; says whether some came."""
        try:
            received = self._framing.link.read(Deadline.after(seconds))
        except LinkTimeoutError:
            return False
        self._take(received)
        return True

    def _take(self, received: bytes) -> None:
        for frame in self._framing.take(received):
            answer = self._pipeline.receive(frame)
            if answer is not None:
                self._results.append(answer)
        if self._rate and self._rate.is_too_high(self._pipeline):
            raise TooFastError

    def _ask(self) -> None:
        """Nothing has come for a while: look whether the device speaks text, else ask it."""
        self._framing.look_at_uart()
        self._healed["questions after silence"] += 1
        self._framing.link.write(self._pipeline.ping(), Deadline.after(self._late_s))

    # Healing

    def _start(self) -> None:
        self._healed["frames sent again"] += self._pipeline.repeated
        self._framing.start(10 * (self._expected_s or 0.0))

    def _enter(self) -> None:
        self._healed["frames sent again"] += self._pipeline.repeated
        self._framing.enter(10 * (self._expected_s or 0.0))

    def _reenter(self) -> None:
        self._framing.leave()
        self._enter()

    def _slow_down(self) -> None:
        assert self._rate is not None
        try:
            self._framing.leave()
        except LinkError as error:
            # Perhaps the device has restarted, at the rate that it boots with.
            try:
                self._rate.fall_back()
            except LinkError:
                raise error from None  # It tells more.
        self._rate.lower()
        self._enter()
