"""The answer to one command, taken apart in the order that the protocol prescribes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from tinyhil.device.protocol.messages import Message
from tinyhil.ground.errors import LinkError
from tinyhil.ground.text import printable

Kind = TypeVar("Kind", bound=Message)


class Reply:
    """Messages between a command and its ``m-ready``; errors name the command."""

    def __init__(self, command: str, messages: Sequence[Message]) -> None:
        self._command = command
        self._messages = list(reversed(messages))

    def take(self, kind: type[Kind]) -> Kind:
        """The next message, which must be of this kind.

        Raises:
            LinkError: it is missing, or there is another one in its place.
        """
        if not self._messages:
            raise LinkError(
                f"'{printable(self._command)}' was answered without {kind.__name__}",
                hint="bytes were lost on the way; check the cable, or lower the baud rate",
            )
        message = self._messages.pop()
        if not isinstance(message, kind):
            raise self._unexpected(message)
        return message

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
            raise self._unexpected(self._messages[-1])

    def _unexpected(self, message: Message) -> LinkError:
        return LinkError(
            f"'{printable(self._command)}' was answered with {printable(repr(message))} "
            "where the protocol does not allow it",
            hint="a line was lost, damaged or repeated; see the raw log, check the cable",
        )
