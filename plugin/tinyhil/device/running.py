"""What `hil info` tells by named lines, and how the board runs, which is the last part of it."""

from __future__ import annotations

import re

from tinyhil.device import protocol
from tinyhil.device.info import Running
from tinyhil.device.protocol import Reply
from tinyhil.ground.errors import LinkError
from tinyhil.ground.text import printable

_TEXT = re.compile(r"[ -Z^-~]{0,48}")
"""Printable ASCII without brackets; ``PORT_TEXT_MAX`` of ``tinyhil.h``."""


def value_of(reply: Reply, name: str) -> int:
    """The number of the next line, which must have this name.

    Raises:
        LinkError: it is another line.
    """
    message = reply.take(protocol.HilValue)
    if message.name != name:
        raise _misplaced(message.name, name)
    return message.value


def text_of(reply: Reply, name: str) -> str:
    """The text of the next line, which must have this name.

    Raises:
        LinkError: it is another line.
    """
    message = reply.take(protocol.HilText)
    if message.name != name:
        raise _misplaced(message.name, name)
    return message.text


def running_of(reply: Reply) -> Running | None:
    """How the board runs: the rest of the answer; None where there is none.

    Raises:
        LinkError: these are other lines, or a text is too long or not printable.
    """
    first = reply.take_if(protocol.HilValue)
    if first is None:
        return None
    if first.name != "core-hz":
        raise _misplaced(first.name, "core-hz")
    core_clock, lap_clock = _fact(reply, "core-clock"), _fact(reply, "lap-clock")
    wait_states = reply.take_if(protocol.HilValue)
    if wait_states and wait_states.name != "wait-states":
        raise _misplaced(wait_states.name, "wait-states")
    return Running(
        core_hz=first.value,
        core_clock=core_clock,
        lap_clock=lap_clock,
        wait_states=wait_states.value if wait_states else None,
        speedups=tuple(_fact(reply, "speedups").split()),
    )


def _fact(reply: Reply, name: str) -> str:
    text = text_of(reply, name)
    if not _TEXT.fullmatch(text):
        raise LinkError(
            f"the device says of its {name}: '{printable(text)}'",
            hint="a byte was damaged, or the port's port_facts tells more than 48 characters, or "
            "such as are no printable ASCII",
        )
    return text


def _misplaced(told: str, wanted: str) -> LinkError:
    return LinkError(
        f"the device says '{printable(told)}' where '{wanted}' is expected",
        hint="a line was lost or repeated on the way; check the cable",
    )
