"""Errors about what a device printed, or did not print: they name it, and the next step."""

from __future__ import annotations

import re
from collections.abc import Collection

from tinyhil.device import protocol
from tinyhil.device.protocol import Damaged, Line
from tinyhil.device.protocol.lines import NOT_TEXT
from tinyhil.device.protocol.mistakes import misspelt, mistake
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import LinkError, LinkTimeoutError
from tinyhil.ground.text import printable

_JOINED = re.compile(r"[em]-.*m-ready|m-ready[em]-")
"""The end of an answer, on the line of another message."""


def unknown_line(line: Line | Damaged, command: str, *, learnt: bool, cause: str = "") -> LinkError:
    """A line of an answer is damaged, or not written as this firmware writes.

    Args:
        line: the line.
        command: that it came in answer to.
        learnt: whether it is known how the firmware writes such lines.
        cause: of the damage, where it is known.
    """
    asked = printable(command)
    if isinstance(line, Damaged):
        return LinkError(
            f"'{asked}' was answered with a damaged line ({line.reason}): '{printable(line.raw)}'",
            hint=f"if it comes so each time, {_wanted_of(line)}; if not, it was damaged: check the "
            "cable, the ground and the baud rate; see the raw log",
        )
    printed, form = printable(line.text), protocol.like(line.text)
    said = mistake(line.text)
    wanted = f"let it print a line as '{form}'" if form else "correct it"
    if cause:
        wanted = cause
    elif said:
        wanted = f"{said}; {wanted}"
    else:
        wanted = f"{wanted}, on a line of its own"
    if not learnt:
        return LinkError(
            f"this firmware prints '{printed}' in answer to '{asked}', which can't be read as a "
            "line of the protocol",
            hint=f"{wanted}; if it comes otherwise the next time, it was damaged: check the cable",
        )
    return LinkError(
        f"'{asked}' was answered with '{printed}', and this firmware does not write such a line",
        hint="if it came damaged, check the cable, or lower the baud rate; if the firmware does "
        f"write so: {wanted}; see the raw log",
    )


def _wanted_of(line: Damaged) -> str:
    """What a firmware that writes so each time has to change."""
    if line.reason == NOT_TEXT:
        return "let the firmware print ASCII characters alone, also in names"
    return "let the firmware end each line with a line end"


def late(command: str, held: bytes, deadline: Deadline) -> LinkTimeoutError:
    """There is no full answer.

    Args:
        command: that was asked.
        held: the line that has not ended.
        deadline: that has passed.
    """
    return LinkTimeoutError(
        f"'{printable(command)}' was not fully answered in {deadline.seconds:.3g} s"
        + (f"; the unfinished line: '{printable(held)}'" if held else ""),
        hint="check the wiring, the baud rate and that the firmware runs; see the raw log",
    )


def restarted(command: str) -> LinkError:
    """The device booted in the middle of an answer."""
    return LinkError(
        f"the device restarted while '{printable(command)}' was asked",
        hint="check its power supply, and the firmware for faults",
    )


def no_answer(
    command: str, held: bytes, deadline: Deadline, heard: Collection[str | bytes]
) -> LinkTimeoutError:
    """No attempt to get in step came to an end, though the device may have printed something.

    Args:
        command: see `late`; and what is held, and the deadline.
        heard: the last lines.
    """
    silent = late(command, held, deadline)
    if spelt := misspelt(heard):
        return LinkTimeoutError(
            f"{silent.message}; this firmware printed '{printable(spelt[0])}'",
            hint=f"let it print '{spelt[1]}': small letters, dashes, and no blanks",
        )
    printed = ", ".join(f"'{printable(line)}'" for line in heard)
    texts = [line.decode("latin-1") if isinstance(line, bytes) else line for line in heard]
    if held.endswith(b"m-ready") or any(_JOINED.search(text) for text in texts):
        return LinkTimeoutError(
            f"{silent.message}; this firmware printed last: {printed}",
            hint="let it print 'm-ready' on a line of its own, which a line end ends",
        )
    if not printed:
        return silent
    return LinkTimeoutError(
        f"{silent.message}; this firmware printed last: {printed}",
        hint="if that is its answer, it does not speak the protocol: let it answer a word that it "
        "does not know with 'e-[…]', and end each answer with 'm-ready'; if not, check the wiring "
        "and the baud rate; see the raw log",
    )
