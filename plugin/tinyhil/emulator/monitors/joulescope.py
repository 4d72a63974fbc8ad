"""A stand-in of Jetperch's driver with one JS220: what it hands to who subscribes.

Power and the inputs come as streams of their own, each piece with the number of its first sample by
the clock of 1 MHz. Lost samples are a gap between the numbers of two pieces.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from tinyhil.emulator.monitors.instrument import NO_FAULTS, Faults, Samples
from tinyhil.emulator.monitors.timeline import Timeline

FULL_HZ = 1_000_000
_PATH = "u/js220/000123"
_PIECE_S, _LOOK_S = 0.02, 0.002
_LOW = 4
"""Samples for which the pin stays low."""

Heard = Callable[[str, Any], None]


class Driver:
    """See `Instrument` for what it is given.

    Args:
        timeline: of the device.
        faults: of the instrument.
        may_send: whether there is room for more than so many samples; else it waits.
    """

    def __init__(
        self,
        timeline: Timeline,
        faults: Faults = NO_FAULTS,
        may_send: Callable[[int], bool] = lambda _: True,
    ) -> None:
        self._timeline, self._faults, self._may_send = timeline, faults, may_send
        self._heard: dict[str, Heard] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="Joulescope", daemon=True)

    def device_paths(self) -> list[str]:
        """The one instrument."""
        return [_PATH]

    def open(self, path: str, mode: str, timeout: float) -> None:
        """Nothing is in the way."""

    def publish(self, topic: str, value: object) -> None:
        """Of what is set, only the begin of the stream of power counts."""
        if topic.endswith("/s/p/ctrl") and value and not self._thread.is_alive():
            self._thread.start()

    def subscribe(self, topic: str, flags: str, heard: Heard) -> None:
        """`heard` gets all data of a stream, in our thread."""
        del flags
        self._heard[topic.removeprefix(f"{_PATH}/").removesuffix("/!data")] = heard

    def unsubscribe(self, topic: str, heard: Heard) -> None:
        """No more of it."""
        del heard
        self._heard.pop(topic.removeprefix(f"{_PATH}/").removesuffix("/!data"), None)

    def finalize(self) -> None:
        """End it."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        samples, sent = Samples(self._timeline, FULL_HZ, self._faults), 0
        low = 0
        while not self._ended.is_set():
            piece = samples.next(int(_PIECE_S * FULL_HZ)) if self._may_send(sent) else None
            if piece is None:
                self._ended.wait(_LOOK_S)
                continue
            count = len(piece.power_w)
            sent += count
            bits = np.ones(-(-count // 8) * 8, np.uint8)  # Whole bytes.
            bits[:low] = 0
            for place in piece.edges:
                bits[place : place + _LOW] = 0
            low = max([0, *(place + _LOW - count for place in piece.edges)])
            if np.all(piece.there):
                self._send("s/p", piece.first, piece.power_w.astype(np.float32))
            self._send("s/gpi/0", piece.first, np.packbits(bits, bitorder="little"))

    def _send(self, stream: str, first: int, data: np.ndarray) -> None:
        heard = self._heard.get(stream)
        if heard:
            value = {"sample_id": first, "data": data, "decimate_factor": 1}
            heard(f"{_PATH}/{stream}/!data", value)
