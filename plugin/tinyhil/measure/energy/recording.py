"""Takes a monitor's samples to disk as they come, while the device is talked to."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import MonitorError, TinyhilError
from tinyhil.ground.text import printable
from tinyhil.measure.monitors import Monitor
from tinyhil.record.traces import TraceWriter

_LOOK_S = 0.25
_STALL_S = 5.0
"""Without a sample: no monitor waits so long."""
_START_S, _STOP_S, _GONE_S = 10.0, 20.0, 3.0


class Recording:
    """A measurement that runs; a context manager, in which a thread reads the monitor.

    The supply is switched on before, and stays so. What comes is written at once: memory is flat.

    Args:
        monitor: opened.
        folder: the raw folder of a run.
        name: of the trace.

    Raises:
        MonitorError, WriteError: of every method: what went wrong while the thread read or wrote.
    """

    def __init__(self, monitor: Monitor, folder: Path, name: str) -> None:
        self._monitor = monitor
        self._writer = TraceWriter(folder, name)
        self._changed = threading.Condition()
        self._edges: list[int] = []
        self._ending = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._read, name="power samples", daemon=True)
        self.cpu_s = 0.0
        """Processor time of the thread."""
        self.lost = 0
        """Samples so far that never came."""

    @property
    def samples(self) -> int:
        """So far, with the lost ones."""
        return self._writer.samples

    def edges_from(self, number: int) -> tuple[int, ...]:
        """Places of the edges from one on, as far as they have come."""
        with self._changed:
            self._check()
            return tuple(self._edges[number:])

    def await_edges(self, number: int, deadline: Deadline) -> tuple[int, ...]:
        """Wait until there are so many edges in all, at most until the deadline, or until no more
        samples come.

        Returns:
            Places of all.
        """
        with self._changed:
            samples, flows = self.samples, Deadline.after(_STALL_S)
            while len(self._edges) < number and not (deadline.expired or flows.expired):
                self._check()
                self._changed.wait(min(_LOOK_S, deadline.remaining()))
                if self.samples != samples:
                    samples, flows = self.samples, Deadline.after(_STALL_S)
            self._check()
            return tuple(self._edges)

    def await_samples(self, wanted: int, deadline: Deadline) -> None:
        """Wait until there are so many samples in all."""
        with self._changed:
            while self.samples < wanted:
                self._check()
                if deadline.expired:
                    raise MonitorError(
                        f"no samples come from {self._monitor.name}",
                        hint="plug the monitor in again",
                    )
                self._changed.wait(min(_LOOK_S, deadline.remaining()))

    def __enter__(self) -> Self:
        try:
            self._monitor.start(Deadline.after(_START_S))
        except BaseException as error:
            self._writer.__exit__(type(error), error, None)
            raise
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._thread.join()
        failed = kind or (self._error and type(self._error))
        self._writer.__exit__(failed, error, trace)
        if not failed:
            self._monitor.stop(Deadline.after(_STOP_S))
            return
        with suppress(TinyhilError):  # It may be gone; if not, the next measure starts it again.
            self._monitor.stop(Deadline.after(_GONE_S))
        if kind is None:
            self._check()

    def _read(self) -> None:
        try:
            while not self._ending.is_set():
                piece = self._monitor.read(Deadline.after(_LOOK_S))
                if not len(piece.power_w) and not piece.edges:
                    continue
                with self._changed:
                    first = self._writer.samples
                    self.lost += int(np.isnan(piece.power_w).sum())
                    self._writer.add(piece.power_w, piece.edges)
                    self._edges += [first + int(place) for place in piece.edges]
                    self._changed.notify_all()
                self.cpu_s = time.thread_time()
        except BaseException as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _check(self) -> None:
        if isinstance(self._error, TinyhilError):
            raise self._error
        if self._error is not None:
            told = printable(f"{type(self._error).__name__}: {self._error}")
            raise MonitorError(
                f"the power monitor can't be read: {told}", hint="plug it in again"
            ) from self._error
