"""Client of QEMU's gdb stub: the remote serial protocol over a unix socket.

Connecting pauses the machine. Nothing but `interrupt` and `stopped` may be called while it runs.
Packets are gathered until an answer is needed, then sent at once: most of an access's time is that
of two processes waking each other up, so a pause, its accesses and their answers are one exchange.
No answer is acknowledged: QEMU takes the next packet for that, and while the machine runs it takes
any other byte for an interrupt.
https://sourceware.org/gdb/current/onlinedocs/gdb.html/Remote-Protocol.html
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from tinyhil.ground.deadline import Deadline

ANSWER_S = 5.0
"""How long QEMU may take to answer; it answers in well under a millisecond."""

_END = b"#00" * 3
"""Ends, in any state of QEMU's reader, the packet in whose middle the last client was lost: else it
would take our first one for the rest of that. Between packets it is passed over."""

_INTERRUPT = b"\x03"
_SIGINT = 2
_MEMORY_CHUNK = 1984
"""Bytes of one memory packet: QEMU's packets hold 4096 characters, two for each byte."""

_MOST_OUTGOING = 1 << 16
"""Bytes that are gathered, so that neither side's socket ever fills up."""

_STEP_S = 0.2
"""After which a step is taken to have found the core asleep."""


class StubFaultError(Exception):
    """The stub refused: there is no memory at that address."""


class StubLostError(Exception):
    """QEMU died or stopped answering."""


def connected(path: Path, seconds: float) -> socket.socket:
    """A connection to a socket of QEMU.

    Raises:
        StubLostError: QEMU is dead; or silent, and within `seconds` no place got free in the queue
            of those that it has not yet accepted.
    """
    client = socket.socket(socket.AF_UNIX)
    # Python's own timeout would refuse at once where the queue is full; the kernel's waits in it.
    limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    try:
        client.connect(str(path))
    except OSError as error:
        client.close()
        raise StubLostError(f"{path.name}: {error}") from error
    return client


class GdbClient:
    """One connection; QEMU serves one client at a time."""

    def __init__(self, path: Path) -> None:
        """Connect, which pauses the machine, and learn the core's registers.

        Raises:
            StubLostError: QEMU is dead or silent.
        """
        self._socket = connected(path, ANSWER_S)
        self._received = b""
        self._outgoing = bytearray()
        self._writes: list[int] = []
        """Where, for each answer that is still to come to a write."""
        self.running = False
        """Whether the machine runs, as far as is known: see `stopped`."""
        self._interrupting = False
        self._signal = _SIGINT
        """Of the last stop."""
        try:
            self._outgoing += _END
            self._post("?")  # also drops what a client that was killed left as breakpoints
            self._receive(Deadline.after(ANSWER_S))
            self._registers = self._read_registers()
        except StubLostError:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect; the machine stays as it is, halted or running."""
        self._socket.close()

    # Run control

    def resume(self) -> None:
        """Let the machine run, then `finish`."""
        self._post("c")
        self._flush()
        self.running = True
        self.finish()

    def step(self, *, interrupts: bool) -> None:
        """Execute one instruction, with or without taking interrupts.

        A core that sleeps executes none: it stays where it is.
        """
        # QEMU's mask: 1 single-step, 2 no interrupts, 4 the timers stand still.
        self._expect_ok(f"Qqemu.sstep={1 if interrupts else 7:x}")
        self._post("s")
        if self._await(Deadline.after(_STEP_S)) is None:
            self._outgoing += _INTERRUPT
            self._receive(Deadline.after(ANSWER_S))

    def interrupt(self) -> None:
        """Pause the running machine; accesses may follow at once, `settle` waits for it."""
        self._outgoing += _INTERRUPT
        self._interrupting = True
        self.running = False

    def settle(self) -> bool:
        """After `interrupt`: wait until the machine stands still.

        Returns:
            Whether it had stopped at a breakpoint in the same instant.
        """
        while self._interrupting:
            self._note_stop(self._receive(Deadline.after(ANSWER_S)))
        return self._signal != _SIGINT

    def stopped(self, patience_s: float = 0.0) -> bool:
        """Whether the running machine has stopped by itself, at a breakpoint, or does so within
        `patience_s`."""
        packet = self._await(Deadline.after(patience_s))
        if packet is not None:
            self._note_stop(packet)
            return True
        return False

    def breakpoint(self, address: int, *, insert: bool) -> None:
        """Insert or remove a breakpoint.

        Raises:
            StubFaultError: the stub refused.
        """
        self._expect_ok(f"{'Z' if insert else 'z'}0,{address:x},2")

    # Memory and registers

    def read(self, address: int, size: int) -> bytes:
        """Read `size` bytes.

        Raises:
            StubFaultError: there is no memory.
        """
        chunks = list(_chunks(address, size))
        answers = self._commands(f"m{start:x},{count:x}" for start, count in chunks)
        for (start, count), answer in zip(chunks, answers, strict=True):
            if len(answer) != 2 * count:
                raise StubFaultError(f"no memory at {start:#010x}")
        return bytes.fromhex(b"".join(answers).decode("ascii", "replace"))

    def write(self, address: int, data: bytes) -> None:
        """Write memory, also memory that is read-only to the core; never reaches a peripheral.

        It is sent with what follows; whether it has been done is known then, at last by `finish`.

        Raises:
            StubFaultError: there was no memory for a write before it.
        """
        # QEMU drops a write to nowhere without a message, but refuses to read there.
        for edge in (address, address + len(data) - 1):
            self._post(f"m{edge:x},1")
            self._writes.append(edge)
        for command in _write_commands(address, data):
            self._post(command)
            self._writes.append(address)
        if len(self._outgoing) > _MOST_OUTGOING:
            self.finish()

    def finish(self) -> None:
        """Wait until all writes have been done, as all that have an answer do.

        Raises:
            StubFaultError: there is no memory for one of them.
        """
        self._commands(())

    def write_physical(self, address: int, data: bytes) -> None:
        """Write as the bus does, which reaches the peripherals (not the core's own).

        Raises:
            StubFaultError: nothing there.
        """
        writes = _write_commands(address, data)
        mode = "Qqemu.PhyMemMode:"
        _require_ok(self._commands([f"{mode}1", *writes, f"{mode}0"]), address)

    def has_register(self, name: str) -> bool:
        """Whether this QEMU shows the register."""
        return name in self._registers

    def read_register(self, name: str) -> int:
        """Value of a register.

        Raises:
            StubFaultError: the stub refused.
        """
        number, size = self._registers[name]
        answer = self._command(f"p{number:x}")
        if len(answer) != 2 * size:
            raise StubFaultError(f"no register {name}")
        return int.from_bytes(bytes.fromhex(answer.decode("ascii", "replace")), "little")

    def write_register(self, name: str, value: int) -> None:
        """Set a register.

        Raises:
            StubFaultError: the stub refused.
        """
        number, size = self._registers[name]
        self._expect_ok(f"P{number:x}={value.to_bytes(size, 'little').hex()}")

    def _read_registers(self) -> dict[str, tuple[int, int]]:
        """Number and size in bytes of every register, by name.

        The stub answers register packets only after its description has been read.
        """
        registers = {}
        number = 0
        target = self._read_feature("target.xml")
        for annex in re.findall(r'href="([^"]+)"', target):
            for element in re.findall(r"<reg ([^>]*)>", self._read_feature(annex)):
                fields = dict(re.findall(r'(\w+)="([^"]*)"', element))
                number = int(fields.get("regnum", number))
                registers[fields["name"].lower()] = (number, int(fields["bitsize"]) // 8)
                number += 1
        return registers

    def _read_feature(self, annex: str) -> str:
        """One document of the target's description."""
        document = b""
        while True:
            part = self._command(f"qXfer:features:read:{annex}:{len(document):x},7f0")
            document += part[1:]
            if part[:1] != b"m":
                return document.decode(errors="replace")

    # Packets

    def _expect_ok(self, command: str) -> None:
        answer = self._command(command)
        if answer != b"OK":
            raise StubFaultError(f"{command[:24]}: {answer[:24]!r}")

    def _command(self, command: str) -> bytes:
        """Send a packet to the paused machine; returns the answer."""
        return self._commands([command])[0]

    def _commands(self, commands: Iterable[str]) -> list[bytes]:
        """Send packets to the paused machine; returns an answer to each."""
        count = 0
        for command in commands:
            self._post(command)
            count += 1
        deadline = Deadline.after(ANSWER_S)
        writes = [(address, self._answer(deadline)) for address in self._take_writes()]
        answers = [self._answer(deadline) for _ in range(count)]
        for address, answer in writes:
            if len(answer) != 2:  # of hexadecimal digits, or OK
                raise StubFaultError(f"no memory at {address:#010x}")
        return answers

    def _take_writes(self) -> list[int]:
        writes, self._writes = self._writes, []
        return writes

    def _answer(self, deadline: Deadline) -> bytes:
        while True:
            packet = self._receive(deadline)
            if not packet.startswith((b"T", b"S")):
                return packet
            # Else the machine has stopped because of `interrupt`, or because we connected.
            if self._interrupting:
                self._note_stop(packet)

    def _note_stop(self, packet: bytes) -> None:
        match = re.match(rb"[TS]([0-9a-f]{2})", packet)
        if not match:
            raise StubLostError(f"gdb stub: unexpected stop reply {packet[:24]!r}")
        self._signal = int(match[1], 16)
        self._interrupting = self.running = False

    def _post(self, command: str) -> None:
        body = command.encode()
        self._outgoing += b"$%s#%02x" % (body, sum(body) & 0xFF)

    def _flush(self) -> None:
        try:
            self._socket.settimeout(ANSWER_S)
            self._socket.sendall(self._outgoing)
        except OSError as error:
            raise StubLostError(f"gdb stub: {error}") from error
        self._outgoing.clear()

    def _receive(self, deadline: Deadline) -> bytes:
        """The next packet."""
        packet = self._await(deadline)
        if packet is None:
            raise StubLostError("gdb stub: QEMU does not answer")
        return packet

    def _await(self, deadline: Deadline) -> bytes | None:
        """The next packet, or None if none comes before `deadline`."""
        packet = self._take_packet()
        if packet is None and self._outgoing:
            self._flush()
        while packet is None and self._fill(deadline.remaining()):
            packet = self._take_packet()
        return packet

    def _take_packet(self) -> bytes | None:
        match = re.search(rb"\$([^#]*)#[0-9a-f]{2}", self._received)
        if not match:
            return None
        self._received = self._received[match.end() :]
        return re.sub(rb"}(.)", lambda m: bytes([m[1][0] ^ 0x20]), match[1], flags=re.DOTALL)

    def _fill(self, timeout_s: float) -> bool:
        """Wait for bytes; says whether some came."""
        try:
            self._socket.settimeout(timeout_s)
            chunk = self._socket.recv(65536)
        except (TimeoutError, BlockingIOError):
            return False
        except OSError as error:
            raise StubLostError(f"gdb stub: {error}") from error
        if not chunk:
            raise StubLostError("gdb stub: QEMU closed the connection")
        self._received += chunk
        return True


def _chunks(address: int, size: int) -> Iterator[tuple[int, int]]:
    """Address and size of each packet that it takes to move so many bytes."""
    for offset in range(0, size, _MEMORY_CHUNK):
        yield address + offset, min(size - offset, _MEMORY_CHUNK)


def _write_commands(address: int, data: bytes) -> Iterator[str]:
    for start, count in _chunks(address, len(data)):
        chunk = data[start - address :][:count]
        yield f"M{start:x},{count:x}:{chunk.hex()}"


def _require_ok(answers: Iterable[bytes], address: int) -> None:
    for answer in answers:
        if answer != b"OK":
            raise StubFaultError(f"no write to {address:#010x}: {answer[:24]!r}")
