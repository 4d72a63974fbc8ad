"""A link that adds faults to the bytes that pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from tinyhil.device.fault_spec import Kind, Spec
from tinyhil.device.faults.stream import Event, Fault, Running, Stream
from tinyhil.device.links import Link
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import ConfigError, LinkError, LinkTimeoutError

_ON_PURPOSE = "the fault was injected on purpose (--hil-faults); leave it out for a real run"
_TO_THE_DEVICE: tuple[Kind, ...] = ("reset", "death", "hang", "corrupt", "freeze")
_GARBAGE = bytes(byte ^ 0xA5 for byte in range(256))
"""Of each byte: no letter, digit or line end of a device's comes through."""
_POLL_WRITE_S = 1.0
"""How long the sending of held bytes may take in a call without its own deadline."""


class Injector:
    """Faults by a seed. It outlives a link: one opened again continues where the last ended.

    Args:
        spec: what to inject.
        actions: does to the device what a kind says; None, or no entry: that can't be done.

    Raises:
        ConfigError: a kind is asked for, but its function is missing.
    """

    def __init__(
        self, spec: Spec, actions: Mapping[Kind, Callable[[], None] | None] | None = None
    ) -> None:
        actions = actions or {}
        for kind in _TO_THE_DEVICE:
            if kind in spec.kinds and not actions.get(kind):
                raise ConfigError(
                    f"faults: '{kind}' can't be done to this device here",
                    hint=f"leave '{kind}' out of 'kinds'",
                )
        self.spec = spec
        self._notes: list[Running] = []
        self._actions = actions
        self._mute_until = 0.0
        self.out = Stream(spec, "out", self._notes)
        """To the device."""
        self.back = Stream(spec, "in", self._notes)
        """From the device."""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Every fault until now, in the order in which they began; the last of each direction may
        still be running."""
        return tuple(running.fault for running in self._notes)

    def through(self, link: Link) -> FaultyLink:
        """`link` with faults; what an older one still held back is lost."""
        self.out.forget()
        self.back.forget()
        return FaultyLink(link, self)

    @property
    def mute(self) -> bool:
        """Whether nothing comes from the device now, however it is asked."""
        return time.monotonic() < self._mute_until

    def act(self, fault: Fault) -> None:
        """Do to the device what the fault says."""
        if fault.kind == "mute":
            self._mute_until = time.monotonic() + self.spec.hold_ms / 1000
        elif action := self._actions.get(fault.kind):
            action()


class FaultyLink:
    """A `Link` through which an `Injector` breaks what passes; see `Injector.through`.

    There is no thread behind it: bytes that are held back on their way out leave in the first call
    of any kind that comes, or still waits, when their time is over.
    """

    def __init__(self, link: Link, injector: Injector) -> None:
        self._link = link
        self._injector = injector
        self._gone: Fault | None = None
        self._noisy = False

    def write(self, data: bytes, deadline: Deadline) -> None:
        """See `Link.write`; bytes that are held back count as sent."""
        self._check()
        self._injector.out.feed(data, time.monotonic())
        self._send(deadline)
        self._check()

    def read(self, deadline: Deadline) -> bytes:
        """See `Link.read`."""
        arrived = b""
        while True:
            self._check()
            self._send(deadline)
            data = self._deliver()
            if data:
                return data
            self._check()
            # A device that always sends, but whose bytes are all lost, must not keep us.
            if arrived and deadline.expired:
                raise LinkTimeoutError(
                    f"the faults let nothing through in {deadline.seconds:g} s", hint=_ON_PURPOSE
                )
            patience = self._patience(deadline)
            try:
                arrived = self._link.read(patience)
            except LinkTimeoutError:
                if patience is deadline:
                    raise
                continue
            self._injector.back.feed(arrived, time.monotonic())

    def poll(self) -> bytes:
        """See `Link.poll`."""
        self._check()
        self._send(Deadline.after(_POLL_WRITE_S))
        self._injector.back.feed(self._link.poll(), time.monotonic())
        data = self._deliver()
        if not data:
            self._check()
        return data

    def set_baud(self, baud: int) -> None:
        """See `Link.set_baud`; what was held back goes out before."""
        self._check()
        self._injector.out.release()
        self._send(Deadline.after(_POLL_WRITE_S))
        self._check()
        self._link.set_baud(baud)

    def close(self) -> None:
        """See `Link.close`."""
        self._link.close()

    def _check(self) -> None:
        if self._gone:
            raise LinkError(f"the port is gone: {self._gone}", hint=_ON_PURPOSE)

    def _send(self, deadline: Deadline) -> None:
        """Pass on to the device what may go."""
        while not self._gone and (entry := self._injector.out.take(time.monotonic())):
            if isinstance(entry, Event):
                self._happen(entry)
            else:
                self._link.write(entry.data, deadline)

    def _deliver(self) -> bytes:
        """The next bytes from the device that may come; what is to happen around them does."""
        stream = self._injector.back
        while not self._gone:
            entry = stream.take(time.monotonic())
            if isinstance(entry, Event):
                self._happen(entry)
                continue
            while not self._gone and (event := stream.take_event(time.monotonic())):
                self._happen(event)
            return self._heard(entry.data) if entry else b""
        return b""

    def _heard(self, data: bytes) -> bytes:
        """What the host gets of bytes that have come."""
        if self._injector.mute:
            return b""
        return data.translate(_GARBAGE) if self._noisy else data

    def _happen(self, event: Event) -> None:
        if event.fault.kind == "disconnect":
            self._gone = event.fault
            self._injector.out.forget()
            self._injector.back.forget()
        elif event.fault.kind == "noise":
            self._noisy = True
        else:
            self._injector.act(event.fault)

    def _patience(self, deadline: Deadline) -> Deadline:
        """`deadline`, or until something that is held back is due."""
        both = (self._injector.out.due, self._injector.back.due)
        times = [due for due in both if due is not None]
        return deadline.within(min(times) - time.monotonic()) if times else deadline
