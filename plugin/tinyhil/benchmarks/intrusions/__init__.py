"""A board that does not stay the one that was flashed: what happens to the figures then.

At a random moment of a run the device is reset, reflashed with another task's image or with another
build of the same task, swapped for another board of the same type, or claimed by a second session.
Every figure that is kept must be the first board's and its firmware's; everything else must end in
an error that names what happened. A restart of the same firmware may be healed, and is counted
then.

`replayed` does it to replayed devices, whose memory is looked at as a debug probe does; `emulated`
to whole measurements on emulated boards, flashed and looked at through their probes by pyOCD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, get_args

from tinyhil.device.links import Link
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import IdentityError

Event = Literal["reset", "other task", "other build", "other board", "second session"]
EVENTS: tuple[Event, ...] = get_args(Event)

Verdict = Literal["equal", "named", "error", "wrong", "unseen"]
"""``named``: an `IdentityError`, or who came was turned away; ``error``: another error of ours, and
all that was kept is right; ``unseen``: another board or firmware, and no error."""
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Outcome:
    """How one run ended."""

    event: Event
    happened: bool
    """Whether the run was still there when the event was due."""
    verdict: Verdict
    text: str
    restarts: int = 0


def verdict_of(event: Event, link: IntrudedLink, right: bool, error: Exception | None) -> Verdict:
    """What a run's end means.

    Args:
        event: that was due.
        link: on which it was to happen.
        right: whether all that was kept is as in a run without it.
        error: how the run ended, if not well.
    """
    if not right:
        return "wrong"
    if error is not None:
        return "named" if isinstance(error, IdentityError) else "error"
    if link.refused:
        return "named"
    return "unseen" if link.happened and event != "reset" else "equal"


class IntrudedLink:
    """A `Link` on which something happens once, when so many bytes have passed.

    Args:
        link: to the device.
        act: what happens, in the thread that talks; may put another link in this one's place.
    """

    def __init__(self, link: Link, act: Callable[[IntrudedLink], None]) -> None:
        self.link = link
        self.passed = 0
        """Bytes, both ways."""
        self.due: int | None = None
        """When it is to happen; None: never."""
        self._passed_then: int | None = None
        self._asking = True
        self._in_a_figure = False
        self.refused = False
        """Whether whoever came was turned away by name."""
        self._act = act

    @property
    def happened(self) -> bool:
        """Whether it has, before all that a figure is made of was asked."""
        then = self._passed_then
        return then is not None and self.passed > then and self._in_a_figure

    @contextmanager
    def figure(self) -> Iterator[None]:
        """While it is open, a figure is asked; what follows proves who it was that answered."""
        self._asking, self._in_a_figure = True, self._passed_then is not None
        yield
        self._asking = False

    def write(self, data: bytes, deadline: Deadline) -> None:
        """See `Link.write`."""
        self._pass(len(data))
        self.link.write(data, deadline)

    def read(self, deadline: Deadline) -> bytes:
        """See `Link.read`."""
        data = self.link.read(deadline)
        self._pass(len(data))
        return data

    def poll(self) -> bytes:
        """See `Link.poll`."""
        data = self.link.poll()
        self._pass(len(data))
        return data

    def set_baud(self, baud: int) -> None:
        """See `Link.set_baud`."""
        self.link.set_baud(baud)

    def close(self) -> None:
        """See `Link.close`."""
        self.link.close()

    def _pass(self, count: int) -> None:
        self.passed += count
        if self.due is not None and self.passed >= self.due:
            self.due, self._passed_then = None, self.passed
            self._in_a_figure = self._asking
            self._act(self)
