"""The device itself: a pty, a thread, and the commands of the official text protocol."""

from __future__ import annotations

import os
import select
import threading
import tty
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Self

import serial

from tinyhil.emulator.foreign.manner import OFFICIAL, Manner

_INPUT_BYTES = 27648
_COMMAND_SIZE = 80
_COMMAND_US = 137
"""How long a command takes, on the device's clock."""
_POLL_S = 0.05
_SELDOM = 50
"""Lines from one that is printed seldom to the next."""

Kind = Literal[
    "error",  # answers the command with an error line
    "noise",  # a byte in the answer that is not ASCII
    "endless-line",  # a line that never ends
    "endless-lines",  # lines without end
    "silence",  # says nothing from here on
    "unplugged",  # the port goes away
    "lost-digits",  # drops two digits of the command, as a full receive buffer does
    "changed-digit",  # reads the last digit of the command as another one
    "changed-score",  # reads all correctly, but a digit of the answer changes on the way
    "restart",  # restarts: forgets all, prints its boot lines
    "backwards",  # its clock jumps back during the command
]


@dataclass(frozen=True)
class Fault:
    """What goes wrong, at the `nth` command (1 is the first) that begins with `command`."""

    kind: Kind
    command: str
    nth: int = 1
    lasting: bool = False
    """Whether it goes wrong at all later ones too."""


@dataclass
class ForeignDevice:
    """One device; a context manager that serves `port` from its own thread."""

    task: str
    """What ``profile`` answers."""
    infer: Callable[[bytes], Sequence[float]]
    """Scores of an input buffer."""
    infer_us: int = 50_000
    """How long an inference takes, on the device's clock."""
    faults: Sequence[Fault] = ()
    core: str | None = None
    """Serial port of an emulated board with our firmware, on whose core this one runs: it answers
    only while that board does, so that the board's debug probe halts and resets both."""
    manner: Manner = OFFICIAL
    """How it writes."""
    port: str = field(init=False, default="")
    """Path of the serial port."""
    commands: list[str] = field(init=False, default_factory=list)
    """Everything that was asked of it."""
    _clock_us: int = field(init=False, default=1_000_000)
    _buffer: bytearray = field(init=False, default_factory=bytearray)
    _expected: int = field(init=False, default=0)
    _scores: Sequence[float] = field(init=False, default=())
    _lines: int = field(init=False, default=0)
    _plugged: bool = field(init=False, default=True)
    _stop: threading.Event = field(init=False, default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        self._unplug()
        os.close(self._slave)

    # What another kind of device may do differently

    def hear(self, command: str) -> None:
        """A command has come whole: its way over the wire may be played here."""
        del command
        if self.core is not None:
            self._await_core(self.core)

    def clock_us(self) -> int:
        """Microseconds since boot."""
        return self._clock_us

    def stamp_us(self, clock_us: int) -> int:
        """A time stamp, as its clock has it."""
        return self.manner.stamp_us(clock_us)

    def run(self, data: bytes, count: int, warm_up: int) -> tuple[Sequence[float], int, int]:
        """Infer `warm_up` and `count` times.

        Returns:
            The scores, and the clock before and after the counted inferences.
        """
        start = self._clock_us + warm_up * abs(self.infer_us)
        self._clock_us = start + count * self.infer_us
        return self.infer(data), start, self._clock_us

    # What every device does

    def _serve(self) -> None:
        pending = b""
        while self._plugged and not self._stop.is_set():
            if not select.select([self._master], [], [], _POLL_S)[0]:
                continue
            *commands, pending = (pending + os.read(self._master, 4096)).split(b"%")
            for raw in commands:
                command = raw.decode("latin-1")[: _COMMAND_SIZE - 1]
                self._write(self.manner.echo.format(command).encode("latin-1"))
                self._take(command)

    def _take(self, command: str) -> None:
        self.commands.append(command)
        self._clock_us += _COMMAND_US
        self.hear(command)
        for fault in self.faults:
            count = sum(asked.startswith(fault.command) for asked in self.commands)
            hit = count >= fault.nth if fault.lasting else count == fault.nth
            if command.startswith(fault.command) and hit:
                self._fail(fault.kind, command)
                return
        self._send(*self._answer_any(command))

    def _answer_any(self, command: str) -> list[str]:
        """Also to a command that came damaged."""
        try:
            return self._answer(command)
        except (ValueError, IndexError):
            return [f"e-[Invalid arguments: {command}]"]

    def _await_core(self, core: str) -> None:
        """Wait until the board has answered, or has booted."""
        with serial.Serial(core, timeout=_POLL_S, exclusive=True) as port:
            port.reset_input_buffer()
            port.write(b"name%")
            came = b""
            while b"m-ready\r\n" not in came and not self._stop.is_set():
                came += port.read(max(1, port.in_waiting))

    def _fail(self, kind: Kind, command: str) -> None:
        match kind:
            case "error":
                self._send("e-[Out of order <b>today</b>]")
            case "noise":
                self._write(b"m-lap-us-1\xff23\r\nm-ready\r\n")
            case "endless-line":
                self._flood(b"x" * 1024)
            case "endless-lines":
                self._flood(b"m-lap-us-1\r\n" * 80)
            case "silence":
                self._stop.wait()
            case "unplugged":
                self._unplug()
            case "lost-digits":
                self._send(*self._answer(command[:-2]))
            case "changed-digit":
                self._send(*self._answer(command[:-1] + f"{int(command[-1], 16) ^ 1:x}"))
            case "changed-score":
                lines = self._answer(command)
                self._send(*(line.replace(".9", ".8") for line in lines))
            case "restart":
                self._buffer.clear()
                self._expected, self._scores = 0, ()
                self._send("m-timestamp-mode-performance", "m-lap-us-12", "m-init-done")
            case "backwards":
                self.infer_us = -self.infer_us
                self._send(*self._answer(command))

    def _answer(self, command: str) -> list[str]:
        """Lines before ``m-ready``."""
        name, *words = command.split() or [""]
        if name == "db":
            return self._db(words)
        if name == "infer":
            return self._infer(words)
        known = {
            "name": ["m-name-dut-[elsewhere]"],
            "profile": [
                "m-profile-[ULPMark for tinyML Firmware V0.0.1]",
                f"m-model-[{self.task}]",
            ],
            "timestamp": [f"m-lap-us-{self.stamp_us(self.clock_us())}"],
        }
        if self.manner.repeats_scores:
            known["results"] = [f"m-results-[{self.manner.scores(self._scores)}]"]
        unknown = self.manner.unknown
        return known.get(name, [unknown.format(name)] if unknown else [])

    def _db(self, words: list[str]) -> list[str]:
        match words:
            case []:
                return ["e-[Command 'db' requires a subcommand]"]
            case ["load", count]:
                if not 0 < int(count) <= _INPUT_BYTES:
                    return ["e-[Command 'db load' must be >0 bytes]"]
                self._expected = int(count)
                self._buffer.clear()
                return [f"m-[Expecting {self._expected} bytes]"]
            case ["print", *_]:
                return self._rows(bytes(self._buffer))
        if len(words[0]) % 2:
            return ["e-[Insufficent number of hex digits]"]
        missing = self._expected - len(self._buffer)
        self._buffer += bytes.fromhex(words[0])[:missing]
        return ["m-load-done"] if 0 < missing <= len(words[0]) // 2 else []

    def _rows(self, data: bytes) -> list[str]:
        size, row = self.manner.row_bytes, self.manner.row
        parts = [data[at : at + size] for at in range(0, len(data), size)]
        rows = ["m-buffer-" + "-".join(map(row.format, part)) for part in parts]
        return [*rows, ""] if self.manner.blank_after_rows and len(data) % size else rows

    def _infer(self, words: list[str]) -> list[str]:
        manner = self.manner
        count, warm_up = int(words[0]), int(words[1]) if len(words) > 1 else 10
        if not (0 < count < 1_000_000 and 0 <= warm_up < 1_000_000):
            return ["e-[Inference iterations must be >0]"]
        data = bytes(self._buffer)
        if manner.overwrites_input:
            self._buffer[:] = bytes(byte ^ 0x55 for byte in data)
            data = data if count + warm_up == 1 else bytes(self._buffer)
        self._scores, start, end = self.run(data, count, warm_up)
        warming = [f"m-warmup-start-{warm_up}", "m-warmup-done"] if manner.warms_up_aloud else []
        form = manner.scores_of_many if count > 1 else OFFICIAL.scores_of_many
        return [
            *warming,
            f"m-infer-start-{count}",
            f"m-lap-us-{self.stamp_us(start)}",
            f"m-lap-us-{self.stamp_us(end)}",
            "m-infer-done",
            *([form.format(manner.scores(self._scores))] if form else []),
        ]

    def _send(self, *lines: str) -> None:
        self._write("".join(map(self._written, (*lines, "m-ready"))).encode("latin-1"))

    def _written(self, line: str) -> str:
        """A line with all that this firmware writes around it."""
        manner = self.manner
        if manner.left_out and line.startswith(manner.left_out):
            return ""
        self._lines += 1
        start = manner.start.format(clock=self.clock_us() * 1e-6)
        word = ("yes", "no", "up", "down")[sum(self._buffer) % 4]
        facts = {"count": len(self.commands), "word": word, "dots": "." * (self._lines % 7 + 1)}

        def texts(by_begin: Mapping[str, str]) -> Iterator[str]:
            return (text for begin, text in by_begin.items() if line.startswith(begin))

        said = [text.format(**facts) for text in texts(manner.said)]
        said += [manner.seldom] if manner.seldom and self._lines % _SELDOM == 0 else []
        stuck, added = (
            "".join(text.format(**facts) for text in texts(by_begin))
            for by_begin in (manner.stuck, manner.added)
        )
        own = "".join(start + text + manner.end for text in said)
        behind = added + manner.behind if line else ""
        return f"{own}{start}{stuck}{line}{behind}{manner.end}"

    def _flood(self, data: bytes) -> None:
        while not self._stop.is_set():
            self._write(data)

    def _write(self, data: bytes) -> None:
        """Write all, unless nobody reads and we are to stop, or an earlier command unplugged us."""
        while data and self._plugged and not self._stop.is_set():
            if select.select([], [self._master], [], _POLL_S)[1]:
                data = data[os.write(self._master, data) :]

    def _unplug(self) -> None:
        """The port goes away; while we hold the other end, no other device gets its name."""
        if self._plugged:
            self._plugged = False
            os.close(self._master)
