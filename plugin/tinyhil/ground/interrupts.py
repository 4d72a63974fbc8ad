"""Ctrl-C, SIGTERM, SIGHUP: the first one ends the work cleanly, more change nothing. Windows has
no SIGHUP, but Ctrl-Break.

The first one raises KeyboardInterrupt in the main thread, which unwinds what runs. Those that come
while the work is ending are ignored: they would break off a clean-up. If it has not ended after
`CLEAN_UP_S`, the process ends by force, and the kernel ends the emulators tied to it.
"""

from __future__ import annotations

import _thread
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
SIGNALS = tuple(signal.Signals[name] for name in _NAMES if hasattr(signal, name))
"""Those of them that this host has."""
CLEAN_UP_S = 60.0
_AGAIN_S = 5.0
"""A KeyboardInterrupt not seen by then was lost, as in a destructor: it is raised again."""

_Handler = Callable[[int, FrameType | None], object] | int | None


class Interrupts:
    """Takes the signals from `__enter__` to `__exit__`; one at a time, in the main thread."""

    def __init__(self) -> None:
        self.caught: signal.Signals | None = None
        """The first one that came."""
        self._before: dict[signal.Signals, _Handler] = {}
        self._seen = threading.Event()
        self._ended = threading.Event()
        self._to_raise = False

    def __enter__(self) -> Self:
        global _taking  # noqa: PLW0603 - signals are the process's, so who takes them is
        if threading.current_thread() is threading.main_thread() and _taking is None:
            _taking = self
            for number in SIGNALS:
                # Under nohup, a terminal that goes away is no reason to end.
                if number.name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN:
                    continue
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *error: object) -> None:
        global _taking  # noqa: PLW0603 - as above
        self._ended.set()
        if _taking is self:
            _taking = None
        for number, handler in self._before.items():
            # One more Ctrl-C then ends Python at once, instead of breaking off its shutdown.
            at_once = self.caught and handler is signal.default_int_handler
            signal.signal(number, signal.SIG_DFL if at_once else handler)

    def seen(self) -> None:
        """The KeyboardInterrupt has arrived where the work is ended."""
        self._seen.set()

    def raise_pending(self) -> None:
        """Raise KeyboardInterrupt for a signal that came while it could not be."""
        if self._to_raise and not _unbroken:
            self._to_raise = False
            raise KeyboardInterrupt(self._name)

    @property
    def _name(self) -> str:
        return self.caught.name if self.caught else ""

    def _take(self, number: int, _: FrameType | None) -> None:
        if self.caught is None:
            self.caught = signal.Signals(number)
            self._to_raise = True
            # Not `threading.Thread`: its start takes a lock that the main thread may hold here.
            _thread.start_new_thread(self._watch, ())
        self.raise_pending()

    def _watch(self) -> None:
        """Raise again what was lost, and end a clean-up that hangs."""
        for _ in range(int(CLEAN_UP_S / _AGAIN_S)):
            if self._ended.wait(_AGAIN_S):
                return
            if not self._seen.is_set():
                self._to_raise = True
                # To that thread, so that it stops waiting.
                if hasattr(signal, "pthread_kill"):
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                else:
                    _thread.interrupt_main()
        text = f"\ntinyhil: the clean-up after {self._name} took {CLEAN_UP_S:g} s: ended by force\n"
        os.write(2, text.encode())
        os._exit(128 + (self.caught or signal.SIGINT))


_taking: Interrupts | None = None
_unbroken = 0


def caught() -> signal.Signals | None:
    """The signal that has ended the work, if one has."""
    return _taking.caught if _taking else None


@contextmanager
def unbroken() -> Iterator[None]:
    """Keep KeyboardInterrupt out of the block, which must be short: it comes at the block's end.

    Nothing changes where no `Interrupts` takes the signals.
    """
    if threading.current_thread() is threading.main_thread():
        with _depth(_unbroken + 1):
            yield
    else:
        yield


@contextmanager
def breakable() -> Iterator[None]:
    """Let KeyboardInterrupt into the block, though it is inside of an `unbroken` one."""
    with _depth(0):
        yield


@contextmanager
def _depth(depth: int) -> Iterator[None]:
    global _unbroken  # noqa: PLW0603 - as `_taking`
    before, _unbroken = _unbroken, depth
    try:
        if _taking:
            _taking.raise_pending()
        yield
    finally:
        _unbroken = before
        if _taking:
            _taking.raise_pending()
