"""Energy between time stamps, from the traces that the runners keep of a power monitor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from tinyhil.ground.tree import MIB, Unreadable
from tinyhil.measure.energy.edges import is_near
from tinyhil.measure.energy.windows import Window
from tinyhil.publish.submission.runner_json import Power
from tinyhil.record.recordings import read_energies, read_stamps

MAX_BYTES = 64 * MIB
"""4.6 hours at 1 kHz."""


@dataclass(frozen=True)
class Stamped:
    """An inference that should lie between two stamps."""

    count: int
    seconds: float | None
    """How long it took by the device's clock or, where that does not tell, the host's."""


@dataclass(frozen=True)
class Windows:
    """What was used by each inference of a session."""

    windows: tuple[Window, ...]
    file: PurePosixPath
    """That holds the recording."""
    stamps: PurePosixPath | None = None
    remark: str = ""
    """What is not in order with the stamps; empty where all is."""
    gaps: tuple[Window, ...] = ()
    """Where a stamp is missing: what lies between the inferences, which a runner takes for them."""


@dataclass(frozen=True)
class Trace:
    """A recording of EEMBC's runner."""

    rate_hz: float
    energies_j: NDArray[np.float64]
    """``(samples,)``, used in each period of ``1 / rate_hz``."""
    stamps_s: tuple[float, ...]

    def windows(
        self, inferences: Sequence[Stamped], file: PurePosixPath, stamps: PurePosixPath
    ) -> Windows:
        """Energy of each inference: of the pairs of stamps after the one of the set-up.

        A sample's time is the sum of the periods before it, added up one by one in double
        precision, as the runner did: one that falls between the stamps of a window counts.

        Args:
            inferences: of the session, in order.
            file: of the recording, for the answer.
            stamps: the file with the stamps, for the answer.

        Raises:
            Unreadable: there are fewer stamps or more, and the last pairs do not fit the times of
                the log; or one lies outside the recording.
        """
        belong, there = 2 * len(inferences) + 1, len(self.stamps_s)
        if not inferences:
            raise Unreadable("the session has no inference")
        pairs = _pairs(self.stamps_s[-2 * len(inferences) :])
        if there == belong:
            return Windows(self._each(pairs), file, stamps)
        remark = f"{there} time stamps where {belong} belong ({len(inferences)} inferences)"
        if len(pairs) < len(inferences) or not _fit(pairs, inferences):
            raise Unreadable(f"{stamps.name}: {remark}: no pairs of them fit the log's times")
        if there > belong:
            return Windows(self._each(pairs), file, stamps, remark)
        gaps = self._each(_pairs(self.stamps_s[1:-1]))
        return Windows(self._each(pairs), file, stamps, remark, gaps)

    def _each(self, pairs: Sequence[tuple[float, float]]) -> tuple[Window, ...]:
        periods = np.full(len(self.energies_j), 1.0 / self.rate_hz)
        times = np.concatenate(([0.0], np.cumsum(periods)))
        for start, end in pairs:
            if not 0.0 <= start < end <= times[-1]:
                raise Unreadable(f"stamps {start} s and {end} s are not a window of the recording")
        return tuple(self._between(times, start, end) for start, end in pairs)

    def _between(self, times: NDArray[np.float64], start: float, end: float) -> Window:
        first, last = np.searchsorted(times[:-1], (start, end))
        energies_j = self.energies_j[first:last]
        # As the runner has it: the mean of the samples, not the energy by the time between stamps.
        power_w = float(energies_j.mean()) * self.rate_hz if len(energies_j) else 0.0
        return Window(float(energies_j.sum()), end - start, power_w)


def _pairs(stamps: Sequence[float]) -> list[tuple[float, float]]:
    return list(zip(stamps[::2], stamps[1::2], strict=False))


def _fit(pairs: Sequence[tuple[float, float]], inferences: Sequence[Stamped]) -> bool:
    """Whether each pair is as far apart as its inference took; false where a log tells no time."""
    return all(
        is_near(end - start, each.seconds)
        for (start, end), each in zip(pairs, inferences, strict=True)
    )


def read_trace(recording: bytes, stamps: bytes) -> Trace:
    """A recording and its stamps, see `recordings`.

    Raises:
        Unreadable: one of the two has another form.
    """
    rate_hz, energies_uj = read_energies(recording)
    return Trace(rate_hz, energies_uj.astype(np.float64) * 1e-6, read_stamps(stamps))


def window_of(power: Power) -> Window:
    """Energy between the last two stamps of a recording in ``results.json``.

    Raises:
        Unreadable: there are not two, one between them was lost, or they lie outside it.
    """
    if len(power.timestamps) < 2:
        raise Unreadable("an inference has fewer than two time stamps")
    (first, start), (second, end) = power.timestamps[-2:]
    if second != first + 1:
        raise Unreadable(f"time stamps {first} and {second} do not follow each other: one was lost")
    if not 0 <= start < end <= len(power.samples):
        raise Unreadable(
            f"stamps {start} and {end} are not a window of {len(power.samples)} samples"
        )
    energy_j, seconds = float(np.sum(power.samples[start:end])), (end - start) / 1000
    return Window(energy_j, seconds, energy_j / seconds)
