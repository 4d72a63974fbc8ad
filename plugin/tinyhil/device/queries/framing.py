"""How a device enters and leaves frames, in one numbered session after another, and what may go
wrong there."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress

from tinyhil.device.inference import ATTEMPTS
from tinyhil.device.info import Identity
from tinyhil.device.links import Link
from tinyhil.device.protocol import Damaged, frames
from tinyhil.device.protocol.frames import Frame, FrameReader, Status
from tinyhil.device.protocol.pipeline import LostAnswerError, Pipeline
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import DeviceError, LinkError, LinkTimeoutError

_START_S = 1.0
"""How long the answer to START may take, beyond an inference that is under way."""
_REBOOTED = b"m-init-done"
_BOOT_S = 1.0
"""How long a device may take to boot whose memory has just lost its channels."""
_TEXT_BYTES = 256


class RebootedError(Exception):
    """The device has restarted."""


class TooFastError(Exception):
    """The wire does not carry this rate."""


class Framing:
    """What carries frames at the moment.

    Args:
        session: speaks text while no frames are spoken.
        open_frames: opens the link that carries the frames; None for the session's own.
        patience_s: how long the way in, or out, may take.
    """

    def __init__(
        self, session: Session, open_frames: Callable[[], Link] | None, patience_s: float
    ) -> None:
        self.link = session.link
        self.pipeline = Pipeline(0, 0)
        """Of the session of frames."""
        self.inside = False
        """Whether frames are spoken, as far as we know."""
        self.damaged = 0
        """Frames that came damaged."""
        self._session = session
        self._open_frames = open_frames
        self._patience_s = patience_s
        self._queue_bytes = 0
        self._reader = FrameReader(0)
        self._text = b""

    @property
    def on_wire(self) -> bool:
        """Whether frames take the session's own link."""
        return self._open_frames is None

    @property
    def said(self) -> bytes:
        """What came last and was not a frame; for messages."""
        return self._reader.held[-_TEXT_BYTES:] or self._text

    def enter(self, busy_s: float) -> None:
        """From text to a fresh session of frames; see `start`."""
        way = "wire" if self.on_wire else "probe"
        self._queue_bytes = self._session.enter_frames(way, Deadline.after(self._patience_s))
        if self._open_frames:
            try:
                self.link = self._open_frames()
            except DeviceError:
                if self.has_rebooted():
                    raise RebootedError from None
                raise
        self.inside = True
        self.start(busy_s)

    def start(self, busy_s: float) -> None:
        """Start a session with a number that no frame on its way can have.

        Args:
            busy_s: how long the device may be busy with what it was asked before.

        Raises:
            LinkTimeoutError: the device does not start it.
            RebootedError: it no longer speaks frames, or is not the same as before.
        """
        deadline = Deadline.after(ATTEMPTS * _START_S + busy_s)
        while not deadline.expired:
            number = 1 + secrets.randbelow(2**32 - 1)
            self.pipeline = Pipeline(number, self._queue_bytes)
            self._reader = FrameReader(number)
            attempt = deadline.within(_START_S)
            self.link.write(frames.start(number), attempt)
            if self._is_started(attempt):
                return
        raise LinkTimeoutError(
            f"the device did not start a session of frames in {deadline.seconds:.3g} s, asked "
            f"every {_START_S:g} s",
            hint="check the cable and that the firmware runs; see the raw log",
        )

    def _is_started(self, deadline: Deadline) -> bool:
        while not deadline.expired:
            try:
                received = self.link.read(deadline)
            except LinkTimeoutError:
                return False
            for frame in self.take(received):
                if isinstance(frame, Status) and frame.identity is not None:
                    self._check(frame.identity)
                    return True
        return False

    def _check(self, identity: Identity) -> None:
        """A device that has restarted, or is another one, is asked by text who it is.

        Raises:
            RebootedError: it is not as it was identified.
        """
        guard = self._session.guard
        if guard is not None and guard.identity not in (None, identity):
            raise RebootedError

    def take(self, received: bytes) -> Iterator[Frame]:
        """The whole frames that bytes complete.

        Raises:
            RebootedError: the bytes come from a device that boots; the last frame has been given.
        """
        for frame in self._reader.feed(received):
            if isinstance(frame, Damaged):
                self.damaged += 1
                self.look_for_boot(frame.raw)
            else:
                yield frame
        if _REBOOTED in self._reader.held:
            raise RebootedError

    def look_at_uart(self) -> None:
        """Where frames go through the probe, a device that boots says so elsewhere.

        Raises:
            RebootedError: it does.
        """
        if not self.on_wire:
            self.look_for_boot(self._session.link.poll())

    def has_rebooted(self) -> bool:
        """Whether the reason that the probe finds no channels is that the device boots."""
        deadline = Deadline.after(_BOOT_S)
        try:
            while not self.on_wire:
                self.look_for_boot(self._session.link.read(deadline))
        except LinkError:
            return False
        except RebootedError:
            return True
        return False

    def look_for_boot(self, text: bytes) -> None:
        """Take text that was not one of our frames; see `look_at_uart`."""
        text = self._text + text
        self._text = text[-_TEXT_BYTES:]
        if _REBOOTED in text:
            self._text = b""
            raise RebootedError

    def leave(self) -> None:
        """Back to text, in any state of the device.

        Raises:
            LinkError, DeviceError: it does not answer.
        """
        self.inside = False
        deadline = Deadline.after(self._patience_s)
        with suppress(LinkError):
            self.link.write(frames.leave(), deadline)
        if self.link is not self._session.link:
            self.link.close()
            self.link = self._session.link
        self._session.synchronize(deadline)


def told(fault: Exception) -> tuple[str, str]:
    """A fault in words, and the next step."""
    match fault:
        case LostAnswerError():
            return "answers get lost", "check the cable"
        case RebootedError():
            return (
                "the device restarts in the middle of a run",
                "check its power supply, and the firmware for faults",
            )
        case LinkTimeoutError():
            return "the device stops answering", fault.hint
    return "the baud rate is too high", "lower 'baud_max' in the bench file"
