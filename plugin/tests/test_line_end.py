"""The LF behind an answer's last CR is of the text, though it comes late."""

from __future__ import annotations

from collections import deque

import pytest

from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import LinkTimeoutError


class Pieces:
    """A link that gives what it is told to, one piece a read."""

    def __init__(self, *pieces: bytes) -> None:
        self.left, self.bauds = deque(pieces), list[tuple[int, int]]()

    def write(self, data: bytes, deadline: Deadline) -> None:
        del deadline
        if data.startswith(b"sync-"):
            nonce = data.removesuffix(b"%")
            self.left.append(b"e-[Unknown command: " + nonce + b"]\r\nm-ready\r\n")

    def read(self, deadline: Deadline) -> bytes:
        del deadline
        if not self.left:
            raise LinkTimeoutError("nothing came", hint="")
        return self.left.popleft()

    def poll(self) -> bytes:
        return b""

    def set_baud(self, baud: int) -> None:
        self.bauds.append((baud, len(self.left)))

    def close(self) -> None:
        pass


def test_frames_begin_behind_the_line() -> None:
    link = Pieces(b"m-hil-queue-2048\r\nm-ready\r", b"\n", b"\0frame")
    assert Session(link).enter_frames("wire", Deadline.after(60)) == 2048
    assert list(link.left) == [b"\0frame"]


def test_the_rate_changes_behind_the_line() -> None:
    link = Pieces(b"m-hil-baud-921600\r\nm-ready\r", b"\n")
    Session(link).change_baud(921_600, Deadline.after(60))
    assert link.bauds == [(921_600, 0)]


@pytest.mark.parametrize("rest", [(), (b"m-more",)])
def test_a_line_end_that_got_lost_is_not_waited_for_in_vain(rest: tuple[bytes, ...]) -> None:
    link = Pieces(b"m-hil-queue-2048\r\nm-ready\r", *rest)
    assert Session(link).enter_frames("wire", Deadline.after(60)) == 2048
