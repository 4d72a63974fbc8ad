"""Power monitors: instruments that measure the supply of a DUT. One module here is one kind.

There is no monitor here yet: energy needs a physical board.
"""

from __future__ import annotations

from typing import Protocol

from tinyhil.ground.deadline import Deadline


class PowerMonitor(Protocol):
    """An instrument in the supply of a board that also sees the board's time stamp pin."""

    def start(self, volts: float, deadline: Deadline) -> None:
        """Supply the board with `volts` and begin to measure.

        Raises:
            BenchError: the instrument is missing, taken, or refuses.
        """
        ...

    def stop(self, deadline: Deadline) -> tuple[tuple[float, float], ...]:
        """Stop measuring; the board stays supplied.

        Returns:
            For each two falling edges of the time stamp pin that follow each other, the seconds
            between them by the instrument's clock, and the energy in joules.

        Raises:
            BenchError: samples were lost, or the instrument is gone.
        """
        ...

    def close(self) -> None:
        """Switch the supply off and release the instrument; never fails."""
        ...
