"""A conversation with one DUT: commands out, checked answers in, one deadline passed down.

Everything the device says is checked against what the protocol allows at that point; anything
else is an error here, never a figure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from tinyhil.device import misread, protocol
from tinyhil.device.caller import Caller
from tinyhil.device.identity import Guard, read_info
from tinyhil.device.incoming import Incoming
from tinyhil.device.inference import ATTEMPTS, Inference
from tinyhil.device.info import DeviceInfo, StackUse
from tinyhil.device.links import Link
from tinyhil.device.protocol import Damaged, Dialect, Message, Reply, UnknownLineError
from tinyhil.device.replies import check_upload, inference_of, upload
from tinyhil.device.running import value_of
from tinyhil.device.wraps import Period
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import DeviceError, LinkError
from tinyhil.ground.text import printable

Answer = TypeVar("Answer")

Heard = Callable[[str, float], None]
"""Takes a command that was answered, and how long that took on the host's clock, in seconds; of
commands that were sent ahead, since the answer to the one before."""

_READ_BACK = "db print%"
_MAX_REPLY_LINES = 8192
"""Of one command, but for `db print`, of which most firmware makes a line of 8 bytes."""
_MAX_BUFFER_LINES = 1 << 17

_LEAST_QUEUE, _MOST_QUEUE = 1100, 1 << 20
"""Bytes of frames that a device may say it holds."""

_CONFIRM_S = 10.0
"""How long a device that is in step may take to say who it is."""


class Session:
    """A session over an opened link. Every method raises, besides what it names:

    Raises:
        LinkTimeoutError: no full answer before the deadline; the text says what came last.
        LinkError: the port is gone, or a line was damaged or does not belong in the answer.
        DeviceError: the device answered with an error.
    """

    def __init__(self, link: Link) -> None:
        self._incoming = Incoming(link)
        self._caller = Caller(self._incoming, self._saw_boot)
        self.listener = protocol.Listener()
        """Knows how the device writes its lines, once that has been learnt."""
        self.repeats_scores = True
        """Whether the device gives the scores of the last inference again."""
        self.ahead = 1
        """Commands of an upload that may be under way at once; 1: each waits for its answer."""
        self.period = Period()
        """After which the device's clock begins anew, as far as that is known."""
        self._heard: Heard | None = None
        self._sent_s: deque[float] = deque()
        self._answered_s = 0.0
        self.behind: int | None = None
        """Bytes that the device holds while it infers; None until that has been tried."""
        self.guard: Guard | None = None
        """Who answers; None until the device has been identified."""

    @property
    def link(self) -> Link:
        """For callers that speak something other than text over it for a while."""
        return self._incoming.link

    def watch(self, heard: Heard | None, now: Callable[[], float]) -> None:
        """Tell `heard` how long each command takes, by this clock of the host's."""
        self._heard, self._incoming.now = heard, now
        self._sent_s.clear()
        self._answered_s = 0.0

    def reopen(self, link: Link) -> None:
        """Go on over a link that was opened anew; what is known of the device stays."""
        self._incoming.reopen(link)
        self._sent_s.clear()

    def synchronize(self, deadline: Deadline) -> None:
        """Get the device ready, even if it was busy or printing, and see that it is the same one.

        Raises:
            IdentityError: it has been identified, and another one answers now.
        """
        self._find_ready(deadline)
        if self.guard:
            self.guard.confirm(Deadline.after(_CONFIRM_S))

    def _find_ready(self, deadline: Deadline) -> None:
        """Get in step with the device."""
        self._sent_s.clear()
        self._caller.call(deadline)

    def identify(self, deadline: Deadline) -> DeviceInfo:
        """Ask the device who it is; from here on nobody else may answer, see `identity`.

        Raises:
            IdentityError: somebody else does.
        """
        info = self.again(lambda left: read_info(self, left), deadline)
        self._caller.identified(ours=info.extension is not None)
        if info.extension:
            self.listener.dialect = Dialect()
        self.guard = Guard(self, info)
        self.guard.begin(deadline)
        return info

    def load(
        self, sample: bytes, deadline: Deadline, piece_bytes: int = protocol.FULL_PIECE_BYTES
    ) -> None:
        """Put a sample into the input buffer; the count shows a byte that is lost on the way.

        Args:
            sample: the whole of it.
            deadline: for all of it.
            piece_bytes: how much of it one command carries.
        """
        commands = upload(sample, piece_bytes)
        for number, reply in enumerate(self.stream(deque(commands), commands, deadline)):
            check_upload(reply, number, len(commands), len(sample))

    def infer(self, count: int, warm_up: int, deadline: Deadline) -> Inference:
        """Run `warm_up` inferences, then `count` timed ones, on the loaded sample."""
        return inference_of(
            self.ask(protocol.infer(count, warm_up), deadline), count=count, warm_up=warm_up
        )

    def results(self, deadline: Deadline) -> tuple[float, ...]:
        """Scores of the last inference, again."""
        reply = self.ask("results%", deadline)
        results = reply.take(protocol.Results)
        reply.end()
        return results.scores

    def stack(self, deadline: Deadline) -> StackUse:
        """Use of the stack, asked twice, as text has no checksum; needs our own firmware."""

        def ask(deadline: Deadline) -> StackUse:
            uses = {self._stack(deadline) for _ in range(2)}
            if len(uses) > 1:
                raise LinkError(
                    "the use of the stack was read twice and differs",
                    hint="the wire changes bytes; check the cable",
                )
            return uses.pop()

        return self.again(ask, deadline)

    def _stack(self, deadline: Deadline) -> StackUse:
        reply = self.ask("hil stack%", deadline)
        use = StackUse(value_of(reply, "stack-used"), value_of(reply, "stack-size"))
        reply.end()
        return use

    def read_back(self, deadline: Deadline) -> bytes:
        """The input buffer as the device holds it."""
        reply = self.ask(_READ_BACK, deadline)
        return b"".join(line.data for line in reply.take_all(protocol.BufferBytes))

    def enter_frames(self, way: str, deadline: Deadline) -> int:
        """Let our own firmware speak frames from now on, over the ``wire`` or the ``probe``.

        Returns:
            How many bytes of frames it holds while it is busy.
        """

        def ask(deadline: Deadline) -> int:
            reply = self.ask(f"hil frames {way}%", deadline)
            queue = value_of(reply, "queue")
            reply.end()
            self._incoming.end_line(deadline)
            return queue

        # A device that has changed over, and whose answer was lost, is called back before.
        queue = self.again(ask, deadline)
        if not _LEAST_QUEUE <= queue <= _MOST_QUEUE:
            raise DeviceError(
                f"the device says that it holds {queue} bytes of frames",
                hint="build the firmware with this version of tinyhil",
            )
        return queue

    def change_baud(self, baud: int, deadline: Deadline) -> None:
        """Agree with our own firmware on another rate, and see that it answers there.

        Raises:
            DeviceError: it refuses; nothing has changed.
        """
        reply = self.ask(f"hil baud {baud}%", deadline)
        agreed = value_of(reply, "baud")
        reply.end()
        self._incoming.end_line(deadline)
        self.link.set_baud(baud)
        if agreed != baud:
            raise LinkError(
                f"asked for {baud} baud, the device answered {agreed}", hint="check the cable"
            )
        self.synchronize(deadline)

    def fall_back(self, baud: int, deadline: Deadline) -> None:
        """Find a device that does not understand us at the rate that it booted with: it returns
        to that rate after some bytes that make no sense."""
        self.link.set_baud(baud)
        self._caller.to_first_rate(deadline)
        self.synchronize(deadline)

    def again(self, ask: Callable[[Deadline], Answer], deadline: Deadline) -> Answer:
        """Ask for something short, and once more where the wire got in the way."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return ask(deadline.within(deadline.seconds / ATTEMPTS))
            except (LinkError, DeviceError):
                if attempt == ATTEMPTS or deadline.expired:
                    raise
                self._find_ready(deadline)
        raise AssertionError("the loop returns or raises")

    def ask(self, command: str, deadline: Deadline) -> Reply:
        """Send a command and gather its answer up to `m-ready`.

        Raises:
            DeviceError: one of the answer's lines is an error; it is raised after the `m-ready`,
                so that the session stays in step.
        """
        return next(self.stream(deque([command]), [command], deadline))

    def stream(
        self, unsent: deque[str], awaited: Iterable[str], deadline: Deadline, under_way: int = 0
    ) -> Iterator[Reply]:
        """Send commands, of which `ahead` may be under way at once, and give answers.

        Args:
            unsent: what to send, in order; what has been sent is taken out.
            awaited: the commands whose answers are wanted, in the order that they are asked in.
            deadline: for all of them.
            under_way: how many of those were sent before.
        """
        for command in awaited:
            while unsent and under_way < self.ahead:
                self._send(unsent.popleft(), deadline)
                under_way += 1
            yield self._answer(command, deadline)
            under_way -= 1

    def _answer(self, command: str, deadline: Deadline) -> Reply:
        messages: list[Message] = []
        times_s, printed = list[float](), list[str | bytes]()
        complaint: protocol.DeviceComplaint | None = None
        most = _MAX_BUFFER_LINES if command == _READ_BACK else _MAX_REPLY_LINES
        while len(printed) <= most:
            line = self._incoming.next(command, deadline)
            message = self._understood(line, command)
            if isinstance(message, protocol.Ready):
                if line.shown != "m-ready":
                    printed.append(line.shown)  # A word of the firmware's own, perhaps.
                asked_s = self._ended(command)
                if complaint:
                    raise DeviceError(
                        f"'{printable(command)}' was answered with the error "
                        f"'{printable(complaint.text)}'",
                        hint="see the raw log; a damaged or wrong command is answered so",
                    )
                self.listener.ended(command)
                return Reply(command, messages, printed, asked_s=asked_s, times_s=times_s)
            if isinstance(message, protocol.InitDone):
                self._saw_boot()
                raise misread.restarted(command)
            if isinstance(message, protocol.DeviceComplaint):
                complaint = complaint or message
            printed.append(line.shown)
            if message is not None:
                messages.append(message)
                times_s.append(self._incoming.came_s)
        raise LinkError(
            f"'{printable(command)}' was answered with more than {most} lines",
            hint="the device writes without end; reset it, see the raw log",
        )

    def _saw_boot(self) -> None:
        if self.guard:
            self.guard.saw_boot()

    def _send(self, command: str, deadline: Deadline) -> None:
        self._sent_s.append(self._incoming.now())
        self.link.write(command.encode("ascii"), deadline)

    def _ended(self, command: str) -> float:
        """A command was answered; returns when the device could begin with it."""
        sent_s = self._sent_s.popleft() if self._sent_s else self._incoming.now()
        asked_s, self._answered_s = max(sent_s, self._answered_s), self._incoming.now()
        if self._heard:
            self._heard(command, self._answered_s - asked_s)
        return asked_s

    def _understood(self, line: protocol.Line | Damaged, command: str) -> Message | None:
        """The message of a line; None for one of the firmware's own."""
        try:
            return self.listener.take(line, command)
        except UnknownLineError as error:
            cause = str(error)
        # Nobody listens to `db print` before it is needed.
        learnt = self.listener.dialect is not None and command != _READ_BACK
        raise misread.unknown_line(line, command, learnt=learnt, cause=cause)
