"""Asking a DUT to infer: by text, as any firmware understands it, or by frames, as ours does.

The callers do not know which. Either way an answer that is handed on belongs to its sample, and a
fault of the wire is healed by asking again, or ends in an error that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from tinyhil.catalog.task import Window
from tinyhil.device.inference import Inference
from tinyhil.device.session import Heard


class Queries(Protocol):
    """A way to ask. Every method raises, besides what it names:

    Raises:
        LinkTimeoutError: the device stopped answering, within the deadline or the way's own one.
        LinkError: the port is gone, or the wire's faults do not end.
        DeviceError: the device's answer is an error, false or nonsense.
    """

    def each(self, windows: Iterable[Window], *, output: bool = False) -> Iterator[Inference]:
        """Infer each window once, in their order; the time stamps are not a latency.

        Windows are taken ahead of the answers, as far as the device can hold them.
        """
        ...

    def load(self, data: bytes) -> None:
        """Choose the input for `infer`."""
        ...

    def infer(self, count: int, warm_up: int, *, expected_s: float | None, laps: bool) -> Inference:
        """Run `warm_up` inferences, then `count` timed ones, of the loaded input.

        Args:
            count: timed inferences.
            warm_up: untimed ones before.
            expected_s: how long all of them should take on the host's clock; None if that is not
                known. The device is given ten times as long.
            laps: whether the time of each inference is wanted.
        """
        ...

    def watch(self, heard: Heard | None, now: Callable[[], float], *, alone: bool = False) -> None:
        """Be told how long each command takes by a clock of the host's; None: no more.

        A way that has no commands of its own tells nothing.

        Args:
            heard: is told.
            now: the host's clock, in seconds.
            alone: no command is sent before the one before is answered, from here on.
        """
        ...

    @property
    def healed(self) -> Mapping[str, int]:
        """Faults of the wire that cost nothing but time, by what they took."""
        ...
