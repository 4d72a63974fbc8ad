"""A foreign device behind a wire and a USB adapter that take their time.

Bytes take theirs on the wire, both ways; the adapter holds what comes from the device until its
packet is full or its latency timer has passed. A device that polls its receiver hears nothing while
it writes: all but one of the bytes that come then are lost.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from tinyhil.emulator.foreign.device import ForeignDevice

_PACKET_BYTES = 62
_POLL_S = 0.05


@dataclass
class PacedDevice(ForeignDevice):
    """One device; time is this machine's."""

    baud: int = 115_200
    latency_ms: int = 16
    polled: bool = False
    """Whether it hears only while it does nothing else."""
    buffer_bytes: int = 256
    """Of the receive buffer that an interrupt fills else."""
    lost: int = field(init=False, default=0)
    """Bytes that it did not hear."""
    _heard_s: float = field(init=False, default=0.0)
    """When the last byte has come over the wire."""
    _free_s: float = field(init=False, default=0.0)
    """When it will have written its last byte."""
    _held: deque[float] = field(init=False, default_factory=deque)
    """When it will take each byte of its receive buffer."""
    _packets: deque[tuple[float, bytes]] = field(init=False, default_factory=deque)
    """What the adapter will hand on, and when."""
    _more: threading.Condition = field(init=False, default_factory=threading.Condition)

    def __enter__(self) -> Self:
        super().__enter__()
        self._adapter = threading.Thread(target=self._hand_on, daemon=True)
        self._adapter.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        with self._more:
            self._more.notify()
        self._adapter.join()
        super().__exit__(*error)

    def _serve(self) -> None:
        command = bytearray()
        while self._plugged and not self._stop.is_set():
            if not select.select([self._master], [], [], _POLL_S)[0]:
                continue
            kept = False
            for byte in os.read(self._master, 65536):
                self._heard_s = max(self._heard_s, time.monotonic()) + 10 / self.baud
                waits = self._free_s > self._heard_s
                while self._held and self._held[0] <= self._heard_s:
                    self._held.popleft()
                if waits and (kept if self.polled else len(self._held) >= self.buffer_bytes):
                    self.lost += 1
                    continue
                kept = waits
                self._held.append(max(self._heard_s, self._free_s))
                if byte != ord("%"):
                    command.append(byte)
                    continue
                self._free_s = max(self._free_s, self._heard_s)
                self._take(command.decode("latin-1"))
                command.clear()

    def run(self, data: bytes, count: int, warm_up: int) -> tuple[Sequence[float], int, int]:
        """Infer; the device does nothing else meanwhile."""
        self._free_s += (count + warm_up) * self.infer_us * 1e-6
        return super().run(data, count, warm_up)

    def _write(self, data: bytes) -> None:
        """The device writes, byte for byte, from when it is free."""
        with self._more:
            for byte in data:
                self._free_s += 10 / self.baud
                self._queue(bytes([byte]))
            self._more.notify()

    def _queue(self, byte: bytes) -> None:
        """A byte reaches the adapter; its packet goes off when it is full, or late."""
        if self._packets:
            due, held = self._packets[-1]
            if self._free_s <= due and len(held) < _PACKET_BYTES:
                full = len(held) + 1 == _PACKET_BYTES
                self._packets[-1] = (self._free_s if full else due, held + byte)
                return
        self._packets.append((self._free_s + self.latency_ms * 1e-3, byte))

    def _hand_on(self) -> None:
        while not self._stop.is_set():
            with self._more:
                if not self._packets:
                    self._more.wait()
                    continue
                left_s = self._packets[0][0] - time.monotonic()
                if left_s > 0:
                    self._more.wait(left_s)
                    continue
                packet = self._packets.popleft()[1]
            super()._write(packet)
