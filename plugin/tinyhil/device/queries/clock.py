"""The device's clock: whether the two stamps of an answer tell all of the time between them."""

from __future__ import annotations

from dataclasses import replace

from tinyhil.device.inference import Inference, Wrapped
from tinyhil.device.protocol import LapUs
from tinyhil.device.session import Session
from tinyhil.device.wraps import Bounds, Stamp, between
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import DeviceError

_SHORT = 1 / 4
"""Of the period: what takes less is asked again, for it will hardly wrap a second time."""
_WIDE = (
    "let the firmware print its time stamps from a counter of 64 bits, or one that counts "
    "microseconds"
)


class ClockError(DeviceError):
    """The device's clock ran backwards between two time stamps.

    A clock that wraps does so once in a while, and the inference is asked again. One that does so
    again and again can't time anything: print time stamps of a counter that is wide enough.
    """


class WrapError(DeviceError):
    """The device's clock begins anew while it times, and how often can't be told.

    Its counter is too narrow for what it has to time: print time stamps of one that is wider.
    """


class DeviceClock:
    """What is known of a device's clock; see `wraps`.

    Args:
        session: whose device is asked for its time.
        answer_s: how long it may take to tell, in seconds.
        virtual: whether it counts instructions, so that the host's clock says nothing of it.
    """

    def __init__(self, session: Session, answer_s: float, *, virtual: bool = False) -> None:
        self._session = session
        self._answer_s = answer_s
        self._virtual = virtual
        self._backwards = False  # Whether the answer before this one was refused for that.

    def settled(self, answer: Inference, warm_up: int) -> Inference:
        """The answer, of which the second stamp is as much later as it should be.

        Args:
            answer: with two stamps, as the device printed them.
            warm_up: inferences before the first one.

        Raises:
            ClockError: its stamps run backwards; to be asked again.
            WrapError: the clock begins anew there, and how often can't be told.
        """
        again, self._backwards = self._backwards, False
        span_us = answer.end_us - answer.start_us
        self._session.period = self._session.period.above(answer.start_us + 1, answer.end_us + 1)
        took = between(*answer.told_s, count=answer.count, warm_up=warm_up)
        if self._virtual or not self._session.period.leaves_room(span_us, took):
            return self._forwards(answer)
        if span_us < 0 and not again and not self._is_long(took):
            return self._forwards(answer)
        runs = self._session.period.known or self._watch(took[1] - span_us * 1e-6)
        if self._session.period.known:
            return self._across(answer, took)
        if runs or span_us * 1e-6 >= took[0]:
            return self._forwards(answer)  # It has no period that is short enough.
        least_s, most_s = self._session.period.least_us * 1e-6, took[1] - span_us * 1e-6
        raise WrapError(
            f"{_took(answer, took)}: its counter is full after {least_s:.1f} to {most_s:.1f} s, it "
            "seems, and begins again at 0 in between; after how long can't be seen, as 'timestamp' "
            "tells no time, or that of a clock that stands still between inferences",
            hint=_WIDE,
        )

    def _forwards(self, answer: Inference) -> Inference:
        if answer.end_us >= answer.start_us:
            return answer
        self._backwards = True
        raise ClockError(
            f"time stamps run backwards: {answer.start_us} us, then {answer.end_us} us",
            hint="the device's timer wraps or is misread; check the firmware's port",
        )

    def _is_long(self, took: Bounds) -> bool:
        return self._session.period.known and took[1] > _SHORT * self._session.period.us * 1e-6

    def _across(self, answer: Inference, took: Bounds) -> Inference:
        """Of a clock whose period is known."""
        period = self._session.period
        fitting = period.fitting(answer.end_us - answer.start_us, took)
        if len(fitting) != 1:
            raise WrapError(
                f"{_took(answer, took)}: its counter is full after {period.us * 1e-6:.3f} s and "
                "begins again at 0, and "
                + ("more than one number" if fitting else "no number")
                + " of times agrees with that",
                hint=_WIDE,
            )
        (times,) = fitting
        if not times:
            return answer
        wrapped = Wrapped(times, period.us, period.error_us)
        return replace(answer, end_us=answer.end_us + times * period.us, wrapped=wrapped)

    def _watch(self, seconds: float) -> bool:
        """Ask the device for its time until it begins anew, for so long at most.

        Returns:
            Whether the clock runs: then it has no period that is shorter.
        """
        first = before = self._ask()
        while before and first:
            after = self._ask()
            if after is None:
                return False
            self._session.period = self._session.period.seen(before, after)
            if self._session.period.known:
                return True
            before = after
            if after.came_s - first.asked_s > seconds:
                ran_us = after.us - first.us
                return 2 * ran_us * 1e-6 > seconds
        return False

    def _ask(self) -> Stamp | None:
        """What the clock says now; None where the device does not tell."""
        try:
            reply = self._session.ask("timestamp%", Deadline.after(self._answer_s))
        except DeviceError:
            return None
        lap = reply.take_if(LapUs)
        return Stamp(lap.microseconds, reply.asked_s, reply.came_s) if lap else None


def _took(answer: Inference, took: Bounds) -> str:
    """A time by both clocks."""
    return (
        f"'infer {answer.count}' took {max(0.0, took[0]):.1f} to {took[1]:.1f} s by the host's "
        f"clock, and the device's went from {answer.start_us * 1e-6:.3f} s to "
        f"{answer.end_us * 1e-6:.3f} s"
    )
