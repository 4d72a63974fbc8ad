"""The baud rate that host and device agree on: as high as the wire carries, lower when it errs."""

from __future__ import annotations

from tinyhil.deadline import Deadline
from tinyhil.errors import DeviceError, LinkError
from tinyhil.session import Session

STEPS = (115_200, 230_400, 460_800, 921_600)
"""Rates in use in the field, in baud."""

_SAMPLE_FRAMES = 64
"""Frames after which a share of errors means something."""
_MOST_REPEATED = 0.25
"""Share of frames sent again above which a lower rate is the faster one."""
_CHANGE_S = 5.0


class Rate:
    """The rate of one session's link.

    Args:
        session: a synchronized session with our own firmware.
        boot: what the device starts with, and falls back to, in baud.
        top: the highest to try, in baud.
    """

    def __init__(self, session: Session, boot: int, top: int) -> None:
        self._session = session
        self._boot = boot
        self._steps = [boot, *(step for step in STEPS if boot < step <= top)]
        self._step = 0

    @property
    def baud(self) -> int:
        """The rate now."""
        return self._steps[self._step]

    @property
    def can_be_lowered(self) -> bool:
        """Whether there is a lower one."""
        return self._step > 0

    def raise_to_top(self) -> None:
        """Agree on the highest rate at which the device answers.

        Raises:
            LinkError, DeviceError: it does not even answer at the rate it booted with.
        """
        for step in range(len(self._steps) - 1, 0, -1):
            if self._change(step):
                return

    def lower(self) -> None:
        """Go one step down, for good. Called where the device may not understand a word."""
        step = self._step - 1
        del self._steps[step + 1 :]
        if step == 0 or not self._change(step):
            self.restore()

    def restore(self) -> None:
        """Go back to the rate of the boot."""
        if self._step and not self._change(0):
            self._session.fall_back(self._boot, Deadline.after(_CHANGE_S))
            self._step = 0

    def is_too_high(self, sent: int, repeated: int) -> bool:
        """Whether so many of the frames were sent again that a lower rate would be faster."""
        return self.can_be_lowered and sent >= _SAMPLE_FRAMES and repeated > _MOST_REPEATED * sent

    def _change(self, step: int) -> bool:
        """Agree on another rate; where that fails, the device is back at the rate of its boot."""
        try:
            self._session.change_baud(self._steps[step], Deadline.after(_CHANGE_S))
        except DeviceError:
            return False  # Refused: nothing has changed.
        except LinkError:
            self._session.fall_back(self._boot, Deadline.after(_CHANGE_S))
            self._step = 0
            return step == 0
        self._step = step
        return True
