"""The official procedure: five inputs, each long enough, each between two edges of the pin."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, Protocol

from tinyhil.catalog.rules import Rules
from tinyhil.device.inference import Inference
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import MonitorError
from tinyhil.measure.energy.edges import bounce, check_number, check_pair
from tinyhil.measure.energy.recording import Recording
from tinyhil.measure.energy.result import END, PACE, STAMP, TRACE, WARM, timed_of
from tinyhil.measure.energy.samples import check_lost, check_rate
from tinyhil.measure.supply import Supply
from tinyhil.record.rows import Keep

_EDGES_S = 10.0
_IDLE_S, _TAIL_S = 1.0, 1.2
"""Of waiting before and after, as the official runner has it; an LPM01A tells once a second whether
samples were lost."""
_SAMPLES_S = 60.0
_ABOUT = 20
"""Samples by which a window's ends may be off before it is looked at closely."""
_MORE = 1.02
"""Inferences of a window beyond what it needs, so that it need not be repeated."""


class Device(Protocol):
    """Who is asked to infer."""

    def load(self, data: bytes) -> None:
        """Choose the input."""
        ...

    def infer(self, count: int, warm_up: int) -> Inference:
        """Infer: an edge is made before the first of `count`, and one behind the last."""
        ...


class Procedure:
    """One trace, and what is inferred in it; the rows that are kept give the figures, see `result`.

    Args:
        recording: that runs.
        supply: the monitor.
        rules: how long a window must be.
        keep: see `Keep`.
        virtual: whether the device's time is not the host's.
        edges_s: how long edges may take from the monitor to us, after the device has answered.
    """

    def __init__(
        self,
        recording: Recording,
        supply: Supply,
        rules: Rules,
        keep: Keep,
        *,
        virtual: bool,
        edges_s: float = _EDGES_S,
    ) -> None:
        self._recording, self._supply = recording, supply
        self._rules, self._keep, self._virtual = rules, keep, virtual
        self._edges_s = edges_s
        self._pin = supply.options.edges == "pin"
        self._edges = 0
        self._began_s = time.monotonic()
        self._flowing = 0, self._began_s
        """Samples at a time, once they come."""

    def begin(self, trace: str, stamp: Callable[[], None]) -> None:
        """Keep what the trace is of, and see that the wire of the pin leads to the monitor.

        Args:
            trace: its name.
            stamp: makes the device's pin fall once.
        """
        supply, monitor = self._supply, self._supply.monitor
        self._keep(
            {
                "role": TRACE,
                "trace": trace,
                "monitor": monitor.name,
                "modelled": supply.modelled,
                "rate_hz": float(monitor.rate_hz),
                "volts": supply.options.volts,
                "accuracy": supply.options.accuracy,
                "edges_from": supply.options.edges,
                "hookup": supply.options.hookup,
            }
        )
        # Not all monitors say when they have begun.
        self._recording.await_samples(1, Deadline.after(_SAMPLES_S))
        self._flowing = self._recording.samples, time.monotonic()
        stamp()
        self._keep({"role": STAMP, **self._seen(1, "'timestamp'")})
        self._wait(_IDLE_S)

    def window(self, device: Device, name: str, data: bytes) -> None:
        """Infer an input until that took long enough."""
        device.load(data)
        count, rules = 1, self._rules
        seconds = self._infer(device, name, 1, 0, {"role": PACE})
        while True:
            # Both edges of a fast inference may be in one sample.
            each_s = max(seconds, 1 / self._rate_hz) / count
            count = max(rules.window_inferences, math.ceil(_MORE * rules.window_s / each_s))
            warm_up = rules.warm_up
            if not self._pin:
                # Apart, and never as long as the window: the power must tell them from each other.
                self._infer(device, name, max(1, min(warm_up, count // 2)), 0, {"role": WARM})
                warm_up = 0
            seconds = self._infer(device, name, count, warm_up, {})
            if seconds >= rules.window_s:
                return

    def end(self) -> None:
        """Wait for the tail, and keep how long the trace is."""
        self._wait(_TAIL_S)
        if not (self._virtual or self._supply.modelled):  # Those have a time of their own.
            before, at_s = self._flowing
            seconds = time.monotonic() - at_s
            check_rate(self._recording.samples - before, self._rate_hz, seconds)
        if self._pin:
            new = self._recording.edges_from(self._edges)
            self._judged(lambda: check_number(new, self._rate_hz, 0, "waiting"))

    def close(self, samples: int) -> None:
        """The trace has ended."""
        self._keep({"role": END, "samples": samples})

    @property
    def _rate_hz(self) -> float:
        return self._supply.monitor.rate_hz

    def _infer(self, device: Device, name: str, count: int, warm_up: int, role: Any) -> float:
        """Infer, and keep the row; returns the seconds between the edges."""
        asked_s = time.monotonic()
        answer = device.infer(count, warm_up)
        answered_s = time.monotonic()
        row: dict[str, Any] = {**role, "sample": name, "count": count, "warm_up": warm_up}
        if answer.end_us:
            row |= {"start_us": answer.start_us, "end_us": answer.end_us}
        if not self._virtual:
            row["host_s"] = [round(at - self._began_s, 6) for at in (asked_s, answered_s)]
        row |= {"scores": answer.scores, **self._seen(2, f"'infer {count}'")}
        self._keep(row)
        if self._pin:
            first, last = row["edges"]
            seconds = float((last - first) / self._rate_hz)
            # A place may be off by what was lost just before: the result looks closer.
            self._judged(lambda: check_pair(timed_of(row, seconds, _ABOUT / self._rate_hz)))
            return seconds
        if answer.end_us:
            return (answer.end_us - answer.start_us) * 1e-6
        return answered_s - asked_s

    def _seen(self, wanted: int, what: str) -> dict[str, Any]:
        """The edges that the device has just made; nothing where they don't lead to the monitor."""
        if not self._pin:
            return {}
        deadline = Deadline.after(self._edges_s)
        every = self._recording.await_edges(self._edges + wanted, deadline)
        if len(every) > self._edges:  # One that is seen twice comes again at once.
            settled = every[-1] + 2 * bounce(self._rate_hz)
            self._recording.await_samples(settled, deadline)
            every = self._recording.edges_from(0)
        new = every[self._edges :]
        self._judged(lambda: check_number(new, self._rate_hz, wanted, what))
        self._edges = len(every)
        return {"edges": list(new)}

    def _judged(self, check: Callable[[], None]) -> None:
        """Check edges; what lost samples have done to them is not told as a fault of the pin."""
        try:
            check()
        except MonitorError:
            check_lost(self._recording.lost, self._recording.samples)
            raise

    def _wait(self, seconds: float) -> None:
        wanted = self._recording.samples + math.ceil(seconds * self._rate_hz)
        self._recording.await_samples(wanted, Deadline.after(_SAMPLES_S))
