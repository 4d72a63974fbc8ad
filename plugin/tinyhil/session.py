"""A conversation with one DUT: commands out, checked answers in, one deadline passed down.

Whatever the device says is checked against what the protocol allows at that point; anything else
is an error here, never a figure.
"""

from __future__ import annotations

import secrets
import zlib
from dataclasses import dataclass
from typing import Protocol

from tinyhil import protocol
from tinyhil.deadline import Deadline
from tinyhil.errors import DeviceError, LinkError, LinkTimeoutError
from tinyhil.links import Link
from tinyhil.protocol import Damaged, Message, Reply, printable

_MAX_REPLY_LINES = 8192
"""Of one command; `db print` of the largest buffer takes 3456."""

_SYNC_TRY_S = 0.5
"""How long one attempt waits for a device that may still be booting."""


@dataclass(frozen=True)
class Extension:
    """What our own firmware tells beyond the official protocol."""

    tick_hz: int
    lap_capacity: int
    """Inferences of one `infer` whose times the device keeps."""
    arena_bytes: int
    received_lost: int
    """Bytes that the device's receive queue had to drop since boot."""
    model_sha256: str


@dataclass(frozen=True)
class DeviceInfo:
    """Who answers at the other end."""

    vendor: str
    profile: str
    task: str
    """Task that the firmware was built for."""
    extension: Extension | None
    """None for a firmware that speaks the official protocol alone."""


@dataclass(frozen=True)
class Inference:
    """One `infer` of N inferences: time stamps of the device's own clock, and its scores."""

    count: int
    start_us: int
    end_us: int
    scores: tuple[float, ...]


@dataclass(frozen=True)
class StackUse:
    """Stack of the DUT, in bytes: its high-water mark since boot, and what is reserved."""

    used_bytes: int
    reserved_bytes: int


class SampleChannel(Protocol):
    """A way for samples beside the link."""

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`.

        Raises:
            LinkTimeoutError: not all could be sent before the deadline.
        """
        ...


class Session:
    """A session over an opened link. Every method raises, besides what it names:

    Raises:
        LinkTimeoutError: no full answer before the deadline; the text says what came last.
        LinkError: the port is gone, or a line was damaged or has no place in the answer.
        DeviceError: the device answered with an error.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._reader = protocol.LineReader()
        self._lines: list[protocol.Line | Damaged] = []

    def synchronize(self, deadline: Deadline) -> None:
        """Find the device ready, whatever it was doing or printing before.

        A command that no firmware knows comes back in its error line. It is a new one each time,
        so once it is seen, no answer to anything older can follow. It is repeated, for a device
        may still be booting, or may take the first one for the end of a command cut short.
        """
        while True:
            attempt = deadline.within(_SYNC_TRY_S)
            nonce = f"sync-{secrets.token_hex(4)}"
            self._send(f"{nonce}%", attempt)
            try:
                self._skip_past(nonce, attempt)
                return
            except LinkTimeoutError:
                if deadline.expired:
                    raise

    def identify(self, deadline: Deadline) -> DeviceInfo:
        """Ask the device who it is; a firmware without our extension is found by its error."""
        reply = self._ask("name%", deadline)
        name = reply.take(protocol.Name)
        reply.end()
        reply = self._ask("profile%", deadline)
        profile = reply.take(protocol.Profile)
        model = reply.take(protocol.ModelName)
        reply.end()
        extension = self._extension(deadline)
        return DeviceInfo(name.vendor, profile.text, model.task, extension)

    def load(self, sample: bytes, deadline: Deadline) -> None:
        """Put a sample into the input buffer; a byte lost on the way is noticed by its count."""
        reply = self._ask(protocol.db_load(len(sample)), deadline)
        expecting = reply.take(protocol.Expecting)
        reply.end()
        if expecting.count != len(sample):
            raise LinkError(
                f"announced {len(sample)} bytes, the device expects {expecting.count}",
                hint="a byte of the command was damaged; check the cable, or lower the baud rate",
            )
        *first, last = protocol.db_pieces(sample)
        for command in first:
            self._ask(command, deadline).end()
        reply = self._ask(last, deadline)
        reply.take(protocol.LoadDone)
        reply.end()

    def load_through(
        self, channel: SampleChannel, sample: bytes, keep: int, deadline: Deadline
    ) -> None:
        """Put a sample into the input buffer through another channel; needs our own firmware.

        Args:
            channel: takes the bytes.
            sample: the whole sample.
            keep: how many of its first bytes are the last ones of the sample before, so that the
                device has them already: windows overlap.
            deadline: for all of it.

        Raises:
            LinkError: the device's checksum over its whole buffer is not the sample's.
        """
        self._send(protocol.load_through(len(sample), keep), deadline)
        channel.send(sample[keep:], deadline)
        reply = self._answer("hil load", deadline)
        found, wanted = _value(reply, "crc"), zlib.crc32(sample)
        reply.end()
        if found != wanted:
            raise LinkError(
                f"the device's input buffer has the CRC-32 {found:08x}, the sample {wanted:08x}",
                hint="the debug port lost or damaged bytes; lower 'flash.frequency_hz'",
            )

    def infer(self, count: int, warm_up: int, deadline: Deadline) -> Inference:
        """Run `warm_up` inferences, then `count` timed ones, on the loaded sample."""
        reply = self._ask(protocol.infer(count, warm_up), deadline)
        warmed_up = reply.take(protocol.WarmupStart)
        reply.take(protocol.WarmupDone)
        inferred = reply.take(protocol.InferStart)
        start = reply.take(protocol.LapUs)
        end = reply.take(protocol.LapUs)
        reply.take(protocol.InferDone)
        results = reply.take(protocol.Results)
        reply.end()
        if (warmed_up.count, inferred.count) != (warm_up, count):
            raise LinkError(
                f"asked for {count} inferences after {warm_up}, the device ran "
                f"{inferred.count} after {warmed_up.count}",
                hint="a byte of the command was damaged; check the cable, or lower the baud rate",
            )
        if end.microseconds < start.microseconds:
            raise DeviceError(
                f"time stamps run backwards: {start.microseconds} us, then {end.microseconds} us",
                hint="the device's timer wraps or is misread; check the firmware's port",
            )
        return Inference(count, start.microseconds, end.microseconds, results.scores)

    def laps(self, count: int, deadline: Deadline) -> tuple[int, ...]:
        """Ticks of each of the last `count` inferences; needs our own firmware."""
        ticks: list[int] = []
        for line in self._ask(protocol.laps(0, count), deadline).take_all(protocol.HilLaps):
            if line.first != len(ticks):
                break
            ticks.extend(line.ticks)
        if len(ticks) != count:
            raise LinkError(
                f"of the times of {count} inferences, those from {len(ticks)} on did not come",
                hint="a line was lost or doubled on the way; check the cable",
            )
        return tuple(ticks)

    def stack(self, deadline: Deadline) -> StackUse:
        """Use of the stack; needs our own firmware."""
        reply = self._ask("hil stack%", deadline)
        use = StackUse(_value(reply, "stack-used"), _value(reply, "stack-size"))
        reply.end()
        return use

    def output(self, deadline: Deadline) -> bytes:
        """The model's raw output of the last inference, int8; needs our own firmware."""
        data = bytearray()
        for line in self._ask("hil output%", deadline).take_all(protocol.HilOutput):
            if line.first != len(data):
                raise LinkError(
                    f"of the output, the bytes from {len(data)} on did not come",
                    hint="a line was lost or doubled on the way; check the cable",
                )
            data += line.data
        return bytes(data)

    def read_back(self, deadline: Deadline) -> bytes:
        """The input buffer as the device holds it."""
        reply = self._ask("db print%", deadline)
        return b"".join(line.data for line in reply.take_all(protocol.BufferBytes))

    def _extension(self, deadline: Deadline) -> Extension | None:
        try:
            reply = self._ask("hil info%", deadline)
        except DeviceError:
            return None
        version = _value(reply, "version")
        if version != 1:
            raise DeviceError(
                f"firmware has version {version} of the extension, this host knows 1",
                hint="build the firmware with this version of tinyhil",
            )
        extension = Extension(
            tick_hz=_value(reply, "tick-hz"),
            lap_capacity=_value(reply, "lap-capacity"),
            arena_bytes=_value(reply, "arena-bytes"),
            received_lost=_value(reply, "received-lost"),
            model_sha256=reply.take(protocol.HilText).text,
        )
        reply.end()
        if extension.tick_hz == 0 or extension.lap_capacity == 0:
            raise DeviceError(
                "the device says that its timer stands still or that it keeps no times",
                hint="check port_tick_hz in the firmware's port",
            )
        return extension

    def _ask(self, command: str, deadline: Deadline) -> Reply:
        """Send a command and gather its answer up to `m-ready`.

        Raises:
            DeviceError: one of the answer's lines is an error; it is raised after the `m-ready`,
                so that the session stays in step.
        """
        self._send(command, deadline)
        return self._answer(command, deadline)

    def _answer(self, command: str, deadline: Deadline) -> Reply:
        messages: list[Message] = []
        complaint: protocol.DeviceComplaint | None = None
        while len(messages) <= _MAX_REPLY_LINES:
            message = self._next_message(command, deadline)
            if isinstance(message, protocol.Ready):
                if complaint:
                    raise DeviceError(
                        f"'{printable(command)}' was answered with the error "
                        f"'{printable(complaint.text)}'",
                        hint="see the raw log; a damaged command is answered so, a wrong one too",
                    )
                return Reply(command, messages)
            if isinstance(message, protocol.DeviceComplaint):
                complaint = complaint or message
            messages.append(message)
        raise LinkError(
            f"'{printable(command)}' was answered with more than {_MAX_REPLY_LINES} lines",
            hint="the device floods the port; reset it, see the raw log",
        )

    def _send(self, command: str, deadline: Deadline) -> None:
        self._link.write(command.encode("ascii"), deadline)

    def _skip_past(self, nonce: str, deadline: Deadline) -> None:
        """Drop lines, damaged ones too, up to the `m-ready` behind the complaint about `nonce`."""
        found = False
        while True:
            line = self._next_line(nonce, deadline)
            message = None if isinstance(line, Damaged) else protocol.parse(line.text)
            if found and isinstance(message, protocol.Ready):
                return
            if isinstance(message, protocol.DeviceComplaint):
                found = found or message.text.endswith(nonce)

    def _next_message(self, command: str, deadline: Deadline) -> Message:
        line = self._next_line(command, deadline)
        if isinstance(line, Damaged):
            raise LinkError(
                f"'{printable(command)}' was answered with a damaged line "
                f"({line.reason}): '{printable(line.raw)}'",
                hint="check the cable, the ground and the baud rate; see the raw log",
            )
        return protocol.parse(line.text)

    def _next_line(self, command: str, deadline: Deadline) -> protocol.Line | Damaged:
        while not self._lines or deadline.expired:
            # Looked at before each read too: a device that trickles or floods never lets one fail.
            if deadline.expired:
                raise self._late(command, deadline)
            try:
                self._lines = list(reversed(self._reader.feed(self._link.read(deadline))))
            except LinkTimeoutError as error:
                raise self._late(command, deadline) from error
        return self._lines.pop()

    def _late(self, command: str, deadline: Deadline) -> LinkTimeoutError:
        held = self._reader.held
        return LinkTimeoutError(
            f"'{printable(command)}' was not answered to its end in {deadline.seconds:.3g} s"
            + (f"; the line at hand: '{printable(held)}'" if held else ""),
            hint="check the wiring, the baud rate and that the firmware runs; see the raw log",
        )


def _value(reply: Reply, name: str) -> int:
    """The number of the next line, which must have this name."""
    message = reply.take(protocol.HilValue)
    if message.name != name:
        raise LinkError(
            f"the device tells '{printable(message.name)}' where '{name}' belongs",
            hint="a line was lost or doubled on the way; check the cable",
        )
    return message.value
