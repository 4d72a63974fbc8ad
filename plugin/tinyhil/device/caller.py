"""Gets in step with a device that may be busy, printing, booting, or in the middle of a command."""

from __future__ import annotations

import itertools
import secrets
from collections import deque
from collections.abc import Callable

from tinyhil.device import misread, protocol
from tinyhil.device.incoming import Incoming
from tinyhil.device.protocol import Damaged, frames
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import LinkTimeoutError

_NONSENSE = b"U" * 5000
"""More than what brings a device back to its first rate, in text and in frames."""

_SHOWN_LINES = 4
"""Of a device that can't be understood."""

_TRY_S = 0.5
"""How long one attempt waits for a device that may still be booting."""

# Foreign firmware sees words that it does not know, and never an empty command: the official one
# would take the null pointer for its name.
_CALL_BACK = b"leave" + frames.leave() + b"%"
_CALLS = (b"", _CALL_BACK, _NONSENSE[:1024] + _CALL_BACK, _NONSENSE[:4096] + _CALL_BACK)
"""What goes before the question, in one attempt after the other. The last ones are long enough to
bring a device that was left in frames at another rate back to its first one."""


class Caller:
    """Calls a device until it answers just this call, and learns on the way how to.

    A command that no firmware knows comes back in its error line. It is a new one each time,
    so once it is seen, no answer to anything older can follow. It is repeated, as a device
    may still be booting, or may take the first one for the end of a command cut short; and
    with it, some firmware does not name what it does not know, a number that is named by any.
    A device of ours may have been left in frames, at another rate even, by a host that was
    killed: it is called back, unless it has been identified as not ours.

    Args:
        incoming: the lines that it prints.
        saw_boot: called when it has printed what it prints when it starts.
    """

    def __init__(self, incoming: Incoming, saw_boot: Callable[[], None]) -> None:
        self._incoming = incoming
        self._saw_boot = saw_boot
        self._calls: tuple[bytes, ...] = _CALLS
        self._needs_number = False

    def identified(self, *, ours: bool) -> None:
        """Whether the device is known to be one of ours."""
        self._calls = _CALLS if ours else _CALLS[:1]

    def call(self, deadline: Deadline) -> None:
        """Get in step with the device.

        Raises:
            LinkTimeoutError: it has not answered; tells what it has printed last.
            LinkError: the port is gone.
        """
        heard: deque[str | bytes] = deque(maxlen=_SHOWN_LINES)
        for attempts in itertools.count(2 if self._needs_number else 0):
            attempt = deadline.within(_TRY_S)
            nonce, number = f"sync-{secrets.token_hex(4)}", None
            question = f"{nonce}%"
            # Not each time: a device that polls its receiver does not hear the second command.
            if attempts % 3 == 2:
                number = 100 + secrets.randbelow(300)
                question += protocol.db_load(number)
            call = self._calls[attempts % len(self._calls)]
            try:
                self._incoming.link.write(call + question.encode("ascii"), attempt)
                self._skip_past(nonce, number, attempt, heard)
            except LinkTimeoutError as error:
                if deadline.expired:
                    raise misread.no_answer(nonce, self._incoming.held, deadline, heard) from error
            else:
                self._needs_number = number is not None
                return

    def to_first_rate(self, deadline: Deadline) -> None:
        """Send what lets a device that hears us at another rate return to its first one: some
        bytes that make no sense.

        Raises:
            LinkError: the port is gone, or does not take them in time.
        """
        self._incoming.link.write(_NONSENSE + _CALL_BACK, deadline)

    def _skip_past(
        self, nonce: str, number: int | None, deadline: Deadline, heard: deque[str | bytes]
    ) -> None:
        """Drop lines, damaged ones too, up to the `m-ready` after the answer that names the
        unknown word, or, if it is given, the number."""
        found = False
        while True:
            line = self._incoming.next(nonce, deadline)
            message = None if isinstance(line, Damaged) else protocol.parse(line.text)
            heard.append(line.shown)
            if found and isinstance(message, protocol.Ready):
                return
            if isinstance(message, protocol.InitDone):
                self._saw_boot()
            if number is not None:
                found = found or message == protocol.Expecting(number)
            elif isinstance(message, protocol.DeviceComplaint):
                found = found or nonce in message.text
