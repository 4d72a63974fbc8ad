"""Learns how a firmware of the field writes its lines, before any of its answers counts."""

from __future__ import annotations

import time
from collections.abc import Callable

from tinyhil.device import protocol
from tinyhil.device.inference import ATTEMPTS
from tinyhil.device.queries.ahead import HELD_BYTES, prove
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import DeviceError, LinkError, LinkTimeoutError

_RECOVER_S = 5.0
_AHEAD = 8
"""Commands of an upload under way at once: more than an adapter's 16 ms of a fast wire."""
_SLACK_S = 1.0
"""For commands sent ahead, beyond the time that they take one by one."""
_SHORT_S = 10.0


def learn(
    session: Session,
    load: Callable[[Deadline | None], None],
    deadline: Callable[[], Deadline],
) -> None:
    """Listen to a first conversation, of which nothing is kept; see `protocol.dialect`.

    Args:
        session: synchronized; it is again when this returns.
        load: puts an input into the device, within a deadline of its own or this one.
        deadline: of one inference of unknown length.

    Raises:
        LinkError, DeviceError: the device does not answer as the protocol prescribes, several
            times.
    """
    listener = session.listener
    for attempt in range(1, ATTEMPTS + 1):
        listener.begin()
        try:
            load_s = _converse(session, load, deadline)
            if listener.unsure:
                load(None)  # Of an upload, what comes once may be written once in each.
        except (LinkError, DeviceError) as error:
            listener.give_up()
            if attempt == ATTEMPTS:
                raise
            try:
                session.synchronize(Deadline.after(_RECOVER_S))
            except LinkTimeoutError:
                raise error from None
        else:
            listener.end()
            break
    # A new start: what was asked up to here is of no figure.
    session.synchronize(Deadline.after(_RECOVER_S))
    _try_ahead(session, load, load_s)


def _try_ahead(session: Session, load: Callable[[Deadline | None], None], load_s: float) -> None:
    """Find out whether the device takes commands while it answers others.

    One with an interrupt-driven receive buffer does; one that polls loses bytes, which the count
    shows. The input is of no figure, so it costs no sample.
    """
    session.ahead = _AHEAD
    try:
        load(Deadline.after(load_s + _SLACK_S))
    except (LinkError, DeviceError):
        session.ahead = 1
    session.synchronize(Deadline.after(_RECOVER_S))


def prove_ahead(
    session: Session, data: bytes, other: bytes, piece_bytes: int, window_s: float
) -> None:
    """Find out how many bytes of the next window the device holds while it infers.

    Args:
        session: synchronized, with nothing under way; it is again when this returns.
        data: an input.
        other: one that was asked for before, which is different.
        piece_bytes: how much of it one command carries.
        window_s: how long an upload and an inference take one after the other.
    """
    if session.behind is not None:
        return
    for held in HELD_BYTES if session.ahead > 1 else ():
        session.behind = held
        try:
            _announce(session)
            proven = prove(
                session, data, other, piece_bytes, Deadline.after(5 * window_s + _SLACK_S)
            )
        except (LinkError, DeviceError):
            proven = False
        session.synchronize(Deadline.after(_RECOVER_S))
        if proven:
            return
    session.behind = 0


def _converse(
    session: Session,
    load: Callable[[Deadline | None], None],
    deadline: Callable[[], Deadline],
) -> float:
    """Everything that a measurement asks, twice: only what comes twice is the firmware's own.

    Returns:
        How long an upload took, in seconds.
    """
    _announce(session)
    started = time.monotonic()
    load(None)
    load_s = time.monotonic() - started
    for _ in range(2):
        scores = session.infer(1, 0, deadline()).scores
    session.repeats_scores = [_results(session) for _ in range(2)] == [scores] * 2
    return load_s


def _announce(session: Session) -> None:
    """In this order nothing else asks them: `verify` knows by it that what follows, up to the next
    new start, is of no figure."""
    for _ in range(2):
        session.ask("profile%", Deadline.after(_SHORT_S)).take(protocol.Profile)
        session.ask("name%", Deadline.after(_SHORT_S)).take(protocol.Name)


def _results(session: Session) -> tuple[float, ...] | None:
    """The last scores again; None where the firmware has no such command."""
    try:
        return session.results(Deadline.after(_SHORT_S))
    except LinkTimeoutError:
        raise
    except (LinkError, DeviceError):
        return None
