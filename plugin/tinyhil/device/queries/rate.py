"""The baud rate that host and device agree on: as high as the wire carries, lower after errors."""

from __future__ import annotations

import secrets

from tinyhil.device.protocol.pipeline import Pipeline
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import DeviceError, LinkError

STEPS = (115_200, 230_400, 460_800, 921_600)
"""Rates in use in the field, in baud."""

_SAMPLE_FRAMES = 64
"""Frames after which a share of errors means something."""
_MOST_REPEATED = 0.25
"""Share of frames sent again above which a lower rate is the faster one."""
_CHANGE_S = 5.0
_TRIAL_BYTES = 256
"""There and back again at a new rate; as text they are some 1700."""


class Rate:
    """The rate of one session's link.

    Args:
        session: a synchronized session with our own firmware.
        boot: what the device starts with, and falls back to, in baud.
        top: the highest to try, in baud.
        change_s: how long the device may take to answer at another rate.
    """

    def __init__(
        self, session: Session, boot: int, top: int, *, change_s: float = _CHANGE_S
    ) -> None:
        self._session = session
        self._boot = boot
        self._change_s = change_s
        self._steps = [boot, *(step for step in STEPS if boot < step <= top)]
        self._step = 0  # The rate now.
        self._top = 0  # The highest that the wire carries, as far as we know.
        self._sent = self._repeated = 0  # frames of earlier sessions at this rate

    @property
    def baud(self) -> int:
        """The rate now."""
        return self._steps[self._step]

    @property
    def can_be_lowered(self) -> bool:
        """Whether there is a lower one than the one agreed on."""
        return self._top > 0

    def raise_to_top(self) -> None:
        """Agree on the highest rate at which the device answers.

        Raises:
            LinkError, DeviceError: it does not even answer at the rate it booted with.
        """
        for step in range(len(self._steps) - 1, 0, -1):
            if self._change(step):
                break
        self._top = self._step

    def lower(self) -> None:
        """Go one step down, for good; the device speaks text, at the rate agreed on or at that of
        its boot.

        Raises:
            LinkError, DeviceError: it does not even answer at the rate it booted with.
        """
        self._sent = self._repeated = 0
        lower = max(0, self._top - 1)
        if self._step != lower and not self._change(lower):
            self.restore()
        self._top = self._step

    def restore(self) -> None:
        """Go back to the rate of the boot."""
        if self._step and not self._change(0):
            self.fall_back()

    def fall_back(self) -> None:
        """Find a device that does not answer at the rate of its boot.

        Raises:
            LinkError, DeviceError: it is not there either.
        """
        try:
            self._session.fall_back(self._boot, Deadline.after(self._change_s))
        except LinkError:
            self._top = 0
            raise
        self._step = 0

    def note(self, ended: Pipeline) -> None:
        """Count what a session has cost that ended because an answer was lost."""
        self._sent += ended.sent
        self._repeated += ended.repeated + ended.unanswered_frames

    def is_too_high(self, pipeline: Pipeline) -> bool:
        """Whether so many of the frames were sent again that a lower rate would be faster."""
        sent, repeated = self._sent + pipeline.sent, self._repeated + pipeline.repeated
        return self.can_be_lowered and sent >= _SAMPLE_FRAMES and repeated > _MOST_REPEATED * sent

    def _change(self, step: int) -> bool:
        """Agree on another rate; where that fails, the device is back at the rate of its boot."""
        before = self._step
        self._step = step  # Also while it is not sure: there may be something to restore.
        try:
            self._session.change_baud(self._steps[step], Deadline.after(self._change_s))
            if step == 0 or self._carries():
                return True
        except DeviceError:
            self._step = before  # Refused: nothing has changed.
            return False
        except LinkError:
            pass
        self.fall_back()
        return step == 0

    def _carries(self) -> bool:
        """Whether the wire carries what is sent now, and back again."""
        data, deadline = secrets.token_bytes(_TRIAL_BYTES), Deadline.after(self._change_s)
        try:
            self._session.load(data, deadline)
            return self._session.read_back(deadline) == data
        except (LinkError, DeviceError):
            return False
