"""How long a set takes by the text protocol, and what its wire would allow; for a notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyhil.measure.job import Job

_LONG_S = 120.0
"""What takes no longer needs no notice."""


def how_long(job: Job, seconds: float) -> str | None:
    """The notice, or None for what is short or emulated.

    Args:
        job: whose samples are sent.
        seconds: that all of them will take by text, by the first one.
    """
    if seconds < _LONG_S or job.dut.board.emulated:
        return None
    windows = [
        window
        for sample in job.samples
        for window in job.task.input.windows(sample.data, all_windows=job.all_windows)
    ]
    wire_s = sum(len(window.data) - window.keep for window in windows) * 10 / job.dut.baud_max
    return (
        f"{job.dut.station}: {job.task.name}, {len(job.samples)} samples by the text protocol take "
        f"about {seconds / 60:.0f} min; a firmware with tinyhil's harness takes the same bytes at "
        f"{job.dut.baud_max} baud in {max(1.0, wire_s):.0f} s, and the inferences besides"
    )
