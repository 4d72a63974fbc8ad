"""One monotonic deadline, made once and passed down; nothing in tinyhil waits without one."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Deadline:
    """A point on the host's monotonic clock."""

    expires: float
    seconds: float
    """How long it was when it was made, in seconds; for messages."""

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """A deadline `seconds` from now."""
        return cls(time.monotonic() + seconds, seconds)

    def remaining(self) -> float:
        """Seconds left; 0.0 when it has passed."""
        return max(0.0, self.expires - time.monotonic())

    @property
    def expired(self) -> bool:
        """Whether it has passed."""
        return self.remaining() == 0.0

    def within(self, seconds: float) -> Deadline:
        """A deadline `seconds` from now, but never later than this one."""
        inner = Deadline.after(seconds)
        return inner if inner.expires < self.expires else self

    def pause(self, seconds: float) -> None:
        """Let `seconds` pass between two looks at something that sends no event; it ends with the
        deadline."""
        threading.Event().wait(min(seconds, self.remaining()))
