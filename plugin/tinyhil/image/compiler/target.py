"""For whom a model is compiled: what decides between kernels that compute the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from tinyhil.catalog.cycles import FlashWaits

Goal = Literal["speed", "size", "memory"]
"""What is to be little: time, constants in flash, or the arena."""


@dataclass(frozen=True)
class Target:
    """A core and the user's wishes; as it is, any core."""

    kernels: tuple[str, ...] = ()
    """Folders of ``firmware/kernels`` that are looked into before ``portable``, best first."""
    goal: Goal = "speed"
    """See `choice`."""
    keep_dead_channels: bool = False
    """Compute channels too that are proved constant or unread."""
    flash: FlashWaits | None = None
    """Where constants are, if reading them waits."""

    @property
    def dsp(self) -> bool:
        """Whether it multiplies two pairs of 16-bit numbers at once, and has no better way."""
        return self.kernels[:1] == ("armv7e-m",)

    @property
    def vectors(self) -> bool:
        """Whether it has Helium."""
        return self.kernels[:1] == ("mve",)


ANY_CORE: Final = Target()
