"""Energy between time stamps, from the traces that the runners keep of a power monitor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tinyhil.ground.tree import MIB, Unreadable
from tinyhil.measure.energy.edges import is_near
from tinyhil.measure.energy.windows import Window
from tinyhil.publish.submission.runner_json import Power
from tinyhil.record.recordings import read_energies, read_stamps

MAX_BYTES = 16 * 1024 * MIB
"""An hour at 1 MHz. It is read piece by piece, and takes no memory."""


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
    strange: str = ""
    """Which stamps, as many as belong, are not those of an inference; empty where all are."""
    gaps: tuple[Window, ...] = ()
    """Where a stamp is missing: what lies between the inferences, which a runner takes for them."""


@dataclass(frozen=True)
class Trace:
    """A recording of EEMBC's runner."""

    rate_hz: float
    pieces: Iterator[NDArray[np.float32]]
    """Microjoules used in each period of ``1 / rate_hz``; to be taken once."""
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
        gaps = _pairs(self.stamps_s[1:-1]) if there < belong else []
        if there == belong:
            strange = _strange(pairs, inferences)
            return Windows(self._each(pairs), file, stamps, strange=strange)
        remark = f"{there} time stamps where {belong} belong ({len(inferences)} inferences)"
        if len(pairs) < len(inferences) or not _fit(pairs, inferences):
            raise Unreadable(f"{stamps.name}: {remark}: no pairs of them fit the log's times")
        every = self._each([*pairs, *gaps])
        return Windows(every[: len(pairs)], file, stamps, remark, gaps=every[len(pairs) :])

    def _each(self, pairs: Sequence[tuple[float, float]]) -> tuple[Window, ...]:
        """The windows between two stamps each, in one pass over the samples."""
        starts, ends = np.array(pairs, np.float64).reshape(-1, 2).T
        energies_j, counts = np.zeros(len(starts)), np.zeros(len(starts), np.int64)
        now_s = 0.0
        for piece in self.pieces:
            steps = np.full(len(piece) + 1, 1.0 / self.rate_hz)
            steps[0] = now_s
            times = np.cumsum(steps)
            now_s = float(times[-1])
            for one in np.flatnonzero((starts <= times[-2]) & (ends > times[0])):
                first, last = np.searchsorted(times[:-1], (starts[one], ends[one]))
                energies_j[one] += (piece[first:last].astype(np.float64) * 1e-6).sum()
                counts[one] += last - first
        for start, end in pairs:
            if not 0.0 <= start < end <= now_s:
                raise Unreadable(f"stamps {start} s and {end} s are not a window of the recording")
        # As the runner has it: the mean of the samples, not the energy by the time between stamps.
        powers_w = energies_j / np.maximum(counts, 1) * self.rate_hz
        return tuple(
            Window(float(energy_j), end - start, float(power_w))
            for energy_j, power_w, (start, end) in zip(energies_j, powers_w, pairs, strict=True)
        )


def _pairs(stamps: Sequence[float]) -> list[tuple[float, float]]:
    return list(zip(stamps[::2], stamps[1::2], strict=False))


def _fit(pairs: Sequence[tuple[float, float]], inferences: Sequence[Stamped]) -> bool:
    """Whether each pair is as far apart as its inference took; false where a log tells no time."""
    return all(
        is_near(end - start, each.seconds)
        for (start, end), each in zip(pairs, inferences, strict=True)
    )


def _strange(pairs: Sequence[tuple[float, float]], inferences: Sequence[Stamped]) -> str:
    """See `Windows`: where one is missing and another comes twice, their number is right."""
    for number, ((start, end), each) in enumerate(zip(pairs, inferences, strict=True), start=1):
        if each.seconds and not is_near(end - start, each.seconds):
            return (
                f"the stamps of inference {number} are {end - start:.3f} s apart, by the log it "
                f"took {each.seconds:.3f} s: what lies between them may be another thing"
            )
    return ""


def read_trace(recording: BinaryIO, stamps: bytes) -> Trace:
    """A recording and its stamps, see `recordings`; it must stay open for its windows.

    Raises:
        Unreadable: one of the two has another form.
    """
    rate_hz, pieces = read_energies(recording)
    return Trace(rate_hz, pieces, read_stamps(stamps))


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
