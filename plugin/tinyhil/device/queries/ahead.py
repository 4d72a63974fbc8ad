"""Windows asked for in one stream: the next one's first commands go out before the answer comes.

So the wire is busy while the device infers, and while its adapter holds the answer back. How many
bytes a device can hold meanwhile is found out by a proof that costs no sample.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from tinyhil.device import protocol
from tinyhil.device.inference import Inference
from tinyhil.device.replies import check_upload, inference_of, upload
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline

_INFER = protocol.infer(1, 0)

HELD_BYTES = (250, 120, 60)
"""Of receive buffers in use, of 256, 128 and 64 bytes, tried from the largest on."""


class Ahead:
    """One stream of windows.

    Args:
        session: whose device takes commands while it answers others.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._begun: list[str] = []
        self._data: bytes | None = None

    @property
    def begun(self) -> bool:
        """Whether commands of a window are under way that nobody has asked for yet."""
        return bool(self._begun)

    def forget(self) -> None:
        """The session has started anew: nothing is under way."""
        self._begun, self._data = [], None

    def infer(
        self, data: bytes, following: bytes | None, piece_bytes: int, deadline: Deadline
    ) -> Inference:
        """Load an input and infer once.

        Args:
            data: the input; where a window was begun, it must be that one.
            following: the input that will be asked for next, if that is known.
            piece_bytes: how much of an input one command carries.
            deadline: for all of it.

        Raises:
            LinkError, DeviceError: as `Session.load` and `Session.infer`.
        """
        assert self._data in (None, data), "the window that was begun is asked for"
        commands, begun = upload(data, piece_bytes), self._begun
        ahead = list(self._first(following, piece_bytes)) if following is not None else []
        unsent = deque([*commands[len(begun) :], _INFER, *ahead])
        replies = self._session.stream(unsent, [*commands, _INFER], deadline, len(begun))
        for number in range(len(commands)):
            check_upload(next(replies), number, len(commands), len(data))
        inference = inference_of(next(replies), count=1, warm_up=0)
        self._begun = ahead[: len(ahead) - len(unsent)]
        self._data = following if self._begun else None
        return inference

    def _first(self, data: bytes, piece_bytes: int) -> Iterator[str]:
        """As many commands of an upload as the device can hold."""
        room = self._session.behind or 0
        for command in upload(data, piece_bytes):
            room -= len(command)
            if room < 0:
                return
            yield command


def prove(
    session: Session, data: bytes, other: bytes, piece_bytes: int, deadline: Deadline
) -> bool:
    """See that a device, while it infers, holds as much as the session says, and answers the same.

    Args:
        session: synchronized, of which `behind` is set to what is tried.
        data: an input that is asked for anyway: one that is in no data set would warn a device
            that behaves better from then on.
        other: another such input.
        piece_bytes: see `Ahead.infer`.
        deadline: for two uploads and inferences.

    Raises:
        LinkError, DeviceError: bytes got lost; the session must be synchronized.
    """
    stream = Ahead(session)
    first = stream.infer(data, other, piece_bytes, deadline)
    second = stream.infer(other, None, piece_bytes, deadline)
    answers = []
    for one in (data, other):
        session.load(one, deadline, piece_bytes)
        answers.append(session.infer(1, 0, deadline).scores)
    return answers == [first.scores, second.scores]
