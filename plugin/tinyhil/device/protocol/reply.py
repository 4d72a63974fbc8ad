"""The answer to one command, taken apart in the order that the protocol prescribes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from tinyhil.device.protocol.messages import FORMS, Message
from tinyhil.ground.errors import LinkError
from tinyhil.ground.text import printable

Kind = TypeVar("Kind", bound=Message)

_SHOWN_LINES = 6


class Reply:
    """Messages between a command and its ``m-ready``; errors name the command.

    Args:
        command: that was sent.
        messages: in their order, without lines of the firmware's own.
        printed: all lines as they came; for errors.
        asked_s: on the host's clock, when the command was sent.
        times_s: and when each message had come.
    """

    def __init__(
        self,
        command: str,
        messages: Sequence[Message],
        printed: Sequence[str] = (),
        *,
        asked_s: float = 0.0,
        times_s: Sequence[float] = (),
    ) -> None:
        self.asked_s = asked_s
        self.came_s = asked_s
        """When the message that was taken last had come."""
        self._command = command
        self._messages = list(reversed(messages))
        self._times_s = list(reversed(times_s))
        self._printed = printed

    @property
    def empty(self) -> bool:
        """Whether nothing is left of it."""
        return not self._messages

    def take(self, kind: type[Kind]) -> Kind:
        """The next message, which must be of this kind.

        Raises:
            LinkError: it is missing, or there is another one in its place.
        """
        if not self._messages:
            raise self._refused(f"without {_form(kind)}")
        message = self._messages.pop()
        if self._times_s:
            self.came_s = self._times_s.pop()
        if not isinstance(message, kind):
            raise self._refused(f"without {_form(kind)}, and with {_form(type(message))} there")
        return message

    def take_if(self, kind: type[Kind]) -> Kind | None:
        """The next message if it is of this kind; some firmware leaves it out."""
        if not (self._messages and isinstance(self._messages[-1], kind)):
            return None
        return self.take(kind)

    def take_all(self, kind: type[Kind]) -> Iterator[Kind]:
        """All messages that are left, each of which must be of this kind.

        Raises:
            LinkError: one is not.
        """
        while self._messages:
            yield self.take(kind)

    def end(self) -> None:
        """Check that nothing is left.

        Raises:
            LinkError: something is.
        """
        if self._messages:
            message = printable(repr(self._messages[-1]))
            raise self._refused(f"with {message} where the protocol does not allow it")

    def _refused(self, how: str) -> LinkError:
        shown = ", ".join(f"'{printable(line)}'" for line in self._printed[:_SHOWN_LINES])
        more = f" and {len(self._printed) - _SHOWN_LINES} more lines" * (
            len(self._printed) > _SHOWN_LINES
        )
        return LinkError(
            f"'{printable(self._command)}' was answered {how}"
            + (f"; this firmware printed {shown}{more}" if shown else ""),
            hint="if that is all of its answer, the firmware does not speak the protocol there: "
            "correct it; if not, bytes were lost on the way: check the cable, or lower the baud "
            "rate; the raw log has every byte",
        )


def _form(kind: type) -> str:
    """What a message looks like."""
    return f"a line as '{FORMS[kind]}'" if kind in FORMS else kind.__name__
