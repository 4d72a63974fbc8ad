"""Queries by the official text protocol, which any firmware of the field speaks.

It has no checksum. How the firmware writes its lines is learnt first, see `learning`. Faults that
its answers show are noticed and asked again: a lost or repeated byte (a command's bytes and answers
are counted), an error line, a line that is out of place, or not as this firmware writes it, a
device that restarted. What they can't show are digits that were changed into other digits: in a
sample on its way to the device, in scores and in time stamps on their way back, and a lost pair of
digits that a repeated one makes up for. Reading back sees the samples and the scores: the device's
buffer is printed and compared, and the scores are asked for twice. Where a firmware writes scores
so that a lost digit would not show, they always are.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

from tinyhil.catalog.task import Window
from tinyhil.device import protocol
from tinyhil.device.inference import ATTEMPTS, Inference
from tinyhil.device.queries.ahead import Ahead
from tinyhil.device.queries.clock import DeviceClock, WrapError
from tinyhil.device.queries.learning import learn, prove_ahead
from tinyhil.device.session import Heard, Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import DeviceError, LinkError, LinkTimeoutError

_ANSWER_S = 10.0
"""How long an answer may take beyond what its bytes need."""

_SLOWEST_BAUD = 9600
"""Of those in use."""

_FIRST_S = 120.0
"""How long an inference of unknown length may take."""

_RECOVER_S = 5.0

_PROVEN_FROM = 2
"""Windows of a session that are asked for before it is worth a proof to be faster."""


class _UnseenFaultsError(LinkError):
    """A fault was seen, and others like it may not have been seen: it can't be healed."""


class TextQueries:
    """`Queries` over a synchronized session.

    Args:
        session: with any firmware.
        read_back: share of the samples, from 0 to 1, that are read back; the first one always is,
            unless it is 0. With a share of 1 a difference is healed as any other fault; with less
            it is an error, as the samples that were not read back can't be trusted then.
        baud: rate of the wire.
        answer_s: how long to wait beyond the time that an answer takes on the wire, in
            seconds.
        first_s: how long to wait for an inference of unknown length.
        virtual: whether the device's clock counts instructions, as that of an emulated board.
    """

    def __init__(
        self,
        session: Session,
        *,
        read_back: float = 0.0,
        baud: int = _SLOWEST_BAUD,
        answer_s: float = _ANSWER_S,
        first_s: float = _FIRST_S,
        virtual: bool = False,
    ) -> None:
        self._session = session
        # Twice what 24 bits a byte take, and a slow adapter's latency for each piece of 31 bytes.
        self._s_a_byte = 2 * (24 / baud + 0.02 / protocol.OFFICIAL_PIECE_BYTES)
        self._read_back = read_back
        self._answer_s = answer_s
        self._first_s = first_s
        self._expected_s: float | None = None  # of an inference of one window, at most
        self._least_s: float | None = None  # the same, at least
        self._healed: Counter[str] = Counter()
        self._checked = 0
        self._wide = False  # Whether scores have digits before the point that could be lost.
        self._choice = random.SystemRandom()  # which samples are read back must be unforeseeable
        self._piece_bytes = protocol.FULL_PIECE_BYTES
        self._data = b""
        self._loaded = False
        self._ahead = Ahead(session)
        self._clock = DeviceClock(session, answer_s, virtual=virtual)
        self._asked = 0  # windows
        self._before = b""
        self._window_s = 0.0  # of the last one that was asked for by itself
        self._alone = False  # Whether no command may be sent before the last one's answer.

    def watch(self, heard: Heard | None, now: Callable[[], float], *, alone: bool = False) -> None:
        """See `Queries.watch`."""
        self._session.watch(heard, now)
        self._alone = self._alone or alone
        self._wait_for_each()

    def _wait_for_each(self) -> None:
        if self._alone:
            self._session.ahead, self._session.behind = 1, 0

    @property
    def inference_s(self) -> float:
        """The least time that the inference of a window took, on the host's clock; 0 before."""
        return self._least_s or 0.0

    @property
    def healed(self) -> Mapping[str, int]:
        """See `Queries.healed`."""
        return dict(self._healed)

    def each(self, windows: Iterable[Window], *, output: bool = False) -> Iterator[Inference]:
        """See `Queries.each`; this protocol does not report the raw output."""
        del output
        planned = ((window.data, self._is_checked()) for window in windows)
        following = next(planned, None)
        try:
            while following is not None:
                (data, check), following = following, next(planned, None)
                self._learn(data)
                next_data = following[0] if following and not following[1] else None
                yield self._heal(partial(self._once, data, check, next_data))
        finally:
            with suppress(LinkError):  # Whoever asks next finds out.
                self._settle()

    def _once(self, data: bytes, check: bool, following: bytes | None) -> Inference:
        """Load a window and infer; begin with the following one meanwhile if it is given."""
        before, self._before = self._before, data
        if self._asked >= _PROVEN_FROM and not self._alone and before != data:
            prove_ahead(self._session, data, before, self._piece_bytes, self._window_s)
        self._asked += 1
        started = time.monotonic()
        if self._session.behind and not (check or self._loose):
            deadline = self._deadline(self._s_a_byte * len(data) + self._budget_s(self._expected_s))
            inference = self._ahead.infer(data, following, self._piece_bytes, deadline)
        else:
            self._settle()
            self._load(data, check)
            inference = self._infer(1, 0, self._expected_s)
            self._window_s = time.monotonic() - started
        self._wide = self._wide or any(abs(score) >= 10 for score in inference.scores)
        if check or self._loose:
            self._settle()
            self._compare_scores(data, inference)
        return inference

    def _settle(self) -> None:
        """What was begun, and is not asked for next, is of no use."""
        if self._ahead.begun:
            self._ahead.forget()
            self._session.synchronize(Deadline.after(_RECOVER_S))

    def load(self, data: bytes) -> None:
        """See `Queries.load`."""
        self._data = data
        self._loaded = False

    def infer(self, count: int, warm_up: int, *, expected_s: float | None, laps: bool) -> Inference:
        """See `Queries.infer`; it does not report the times of single inferences."""
        del laps

        self._learn(self._data)

        def ask() -> Inference:
            if not self._loaded:
                self._load(self._data, check=self._read_back > 0)
                self._loaded = True
            inference = self._clock.settled(self._infer(count, warm_up, expected_s), warm_up)
            if inference.scores or not self._session.repeats_scores:
                return inference
            return replace(inference, scores=self._session.results(self._deadline(0.0)))

        return self._heal(ask)

    def _learn(self, data: bytes) -> None:
        """Get to know the firmware, at the start of a session."""
        if self._session.listener.dialect is None:
            learn(
                self._session,
                lambda deadline: self._load(data, check=False, deadline=deadline),
                lambda: self._deadline(self._first_s),
            )
            self._wait_for_each()

    @property
    def _loose(self) -> bool:
        dialect = self._session.listener.dialect
        return self._wide or (dialect is not None and dialect.loose)

    def _infer(self, count: int, warm_up: int, expected_s: float | None) -> Inference:
        started = time.monotonic()
        deadline = self._deadline(self._budget_s(expected_s))
        inference = self._session.infer(count, warm_up, deadline)
        if count == 1:
            took_s = time.monotonic() - started
            self._expected_s = max(self._expected_s or 0.0, took_s)
            self._least_s = min(self._least_s or took_s, took_s)
        return inference

    def _budget_s(self, expected_s: float | None) -> float:
        """How long inferences may take that should take so long."""
        return self._first_s if expected_s is None else 10 * expected_s

    def _heal(self, ask: Callable[[], Inference]) -> Inference:
        """Ask again after a fault, from the start."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return ask()
            except (_UnseenFaultsError, WrapError):
                raise
            except (LinkError, DeviceError) as error:
                self._ahead.forget()
                if attempt == ATTEMPTS:
                    raise
                try:
                    self._session.synchronize(Deadline.after(_RECOVER_S))
                except LinkTimeoutError:
                    raise error from None
                self._healed[type(error).__name__] += 1
                self._loaded = False
                if self._session.behind:
                    self._session.behind = 0  # Given up at the first loss.
        raise AssertionError("the loop returns or raises")

    def _is_checked(self) -> bool:
        first = self._checked == 0
        self._checked += 1
        return self._read_back > 0 and (first or self._choice.random() < self._read_back)

    def _load(self, data: bytes, check: bool, *, deadline: Deadline | None = None) -> None:
        deadline = deadline or self._deadline(self._s_a_byte * len(data))
        try:
            self._session.load(data, deadline, self._piece_bytes)
        except (LinkError, DeviceError):
            if self._session.ahead > 1:
                self._session.ahead = 1  # Perhaps it can't take commands while it answers.
            else:
                # Perhaps its buffer of commands is smaller than the reference's.
                self._piece_bytes = protocol.OFFICIAL_PIECE_BYTES
            raise
        if not check:
            return
        if self._session.read_back(self._deadline(2 * self._s_a_byte * len(data))) != data:
            raise self._differs("the bytes of the input buffer, read back,")

    def _compare_scores(self, data: bytes, inference: Inference) -> None:
        if self._session.repeats_scores:
            again = self._session.results(self._deadline(0.0))
        else:
            self._session.synchronize(Deadline.after(_RECOVER_S))
            self._load(data, check=False)
            again = self._infer(1, 0, self._expected_s).scores
        if again != inference.scores:
            raise self._differs("the scores, asked for twice,")

    def _differs(self, what: str) -> LinkError:
        """With samples that nobody read back, asking again would heal only what was seen."""
        if self._read_back >= 1 or self._loose:
            return LinkError(f"{what} have changed", hint="check the cable")
        return _UnseenFaultsError(
            f"{what} differ from what was sent: the wire changes bytes, and only a share of "
            f"{self._read_back:g} of the other samples was checked",
            hint="check the cable and the baud rate; --hil-read-back 1 checks every sample",
        )

    def _deadline(self, seconds: float) -> Deadline:
        return Deadline.after(self._answer_s + seconds)
