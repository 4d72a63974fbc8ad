"""The answer to one command, taken apart in the order that the protocol prescribes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

from tinyhil.device.protocol.messages import FORMS, HilText, HilValue, LapUs, Message
from tinyhil.device.protocol.mistakes import misspelt
from tinyhil.ground.errors import LinkError
from tinyhil.ground.text import printable

Kind = TypeVar("Kind", bound=Message)

_SHOWN_LINES = 8

_WORD_OF_READY = re.compile(r"[A-Za-z]{2,}m-ready")
"""As ``system-ready``; a single letter ends a terminal's colour."""

_DAMAGED = (
    "if it comes otherwise the next time, bytes were lost on the way: check the cable, or lower "
    "the baud rate; the raw log has every byte"
)


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
        printed: Sequence[str | bytes] = (),
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
        self._kinds = [type(message) for message in messages]
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
        message = self._messages.pop() if self._messages else None
        if self._times_s:
            self.came_s = self._times_s.pop()
        if not isinstance(message, kind):
            raise self._refused_without(kind, message)
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
            raise self._refused_too_many(self._messages[-1])

    def _refused_without(self, kind: type, there: Message | None) -> LinkError:
        """What should come is not there; `there` is another line."""
        form = _form(kind)
        if spelt := misspelt(self._printed):
            wrong = f"it prints '{printable(spelt[0])}': the protocol has '{spelt[1]}'"
            return self._refused(f"without a line as '{form}'", wrong)
        ready = str(self._printed[-1]) if self._printed else ""
        if there is None and _WORD_OF_READY.search(ready):
            return self._refused(
                f"without a line as '{form}'",
                f"the line '{printable(ready)}' was taken for 'm-ready', which ends an answer: "
                "let no word that is for people end so",
            )
        if there is None and not self._kinds and (not ready or ready.endswith("m-ready")):
            return self._refused(
                f"by 'm-ready' alone, without a line as '{form}'",
                "the firmware prints 'm-ready' twice behind an answer, or before it, or does not "
                "print that line, or does not know this command: let each answer end in one "
                "'m-ready', its last line",
            )
        ours = isinstance(there, HilValue | HilText)
        if there and not ours and self._kinds.count(type(there)) > 1 + isinstance(there, LapUs):
            return self._refused_too_many(there)
        if there and not ours and kind in self._kinds:
            return self._refused(
                f"by a line as '{_form(there)}' before one as '{form}'",
                "the lines come in another order than the protocol has",
            )
        other = f", and with one as '{_form(there)}' there" if there else ""
        return self._refused(
            f"without a line as '{form}'{other}",
            "that is all of its answer, and the firmware does not speak the protocol there: let it "
            "print that line before 'm-ready'",
        )

    def _refused_too_many(self, message: Message) -> LinkError:
        form = _form(message)
        # Our own lines are told apart by their names.
        named = isinstance(message, HilValue | HilText)
        count = 1 if named else self._kinds.count(type(message))
        return self._refused(
            f"with {count} lines as '{form}'" if count > 1 else f"with a line as '{form}' too many",
            "the firmware prints more of such lines than the protocol has there: what is for "
            "people must not begin as a line of the protocol does",
        )

    def _refused(self, how: str, cause: str) -> LinkError:
        shown = ", ".join(f"'{printable(line)}'" for line in self._printed[:_SHOWN_LINES])
        left = len(self._printed) - _SHOWN_LINES
        more = f" and {left} more line{'s' * (left > 1)}" if left > 0 else ""
        return LinkError(
            f"'{printable(self._command)}' was answered {how}"
            + (f"; this firmware printed {shown}{more}" if shown else ""),
            hint=f"if it is so each time, {cause}; {_DAMAGED}",
        )


def _form(of: type | Message) -> str:
    """What a message looks like."""
    if isinstance(of, HilValue | HilText):
        return f"m-hil-{printable(of.name)}-" + ("[text]" if isinstance(of, HilText) else "1")
    kind = of if isinstance(of, type) else type(of)
    return {HilValue: "m-hil-name-1", HilText: "m-hil-name-[text]", **FORMS}.get(kind, "m-…")
