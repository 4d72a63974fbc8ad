"""A block of somebody else's code that ends in time, even where that code would loop for ever."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class OverdueError(BaseException):
    """A block was cut off. Not an `Exception`, so that no retry inside the block takes it for one
    of its own."""


@contextmanager
def cut_off(seconds: float) -> Iterator[None]:
    """Raise `OverdueError` in the block, wherever it is then, if it lasts longer.

    It comes at the next step of Python: a call into the operating system must have an end of its
    own, as those of USB have.

    Raises:
        OverdueError: the block lasted longer.
    """
    thread, lock, over = threading.get_ident(), threading.Lock(), False

    def cut() -> None:
        with lock:
            if not over:
                raising = ctypes.py_object(OverdueError)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raising)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        # What was raised before comes out at this call at the latest: never after the block.
        with lock:
            over = True
        timer.cancel()
