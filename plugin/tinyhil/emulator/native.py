"""A replayed device: the firmware's own core as a process of this machine, behind a pty.

It speaks the protocol byte for byte, as it is the same C. It is not a board: it has no core to
count the instructions of, and no compiled model. An inference takes a time that is given, and its
output is a sum of its input, see `replayed_output`. The wire and the USB adapter are played to the
microsecond, so that what a host does with them can be measured, see ``firmware/ports/host``.
"""

from __future__ import annotations

import hashlib
import os
import signal
import weakref
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import serial
from numpy.typing import NDArray

from tinyhil.catalog.task import Task
from tinyhil.emulator.native_build import build
from tinyhil.emulator.process import TiedProcess, read_memory
from tinyhil.ground.errors import BenchError

_INPUT_SCALE, _INPUT_ZERO_POINT = np.float32(0.5), 64
"""As in ``firmware/ports/host/model_config.h``."""


@dataclass(frozen=True)
class NativeFacts:
    """What the device is, and how fast."""

    task: Task
    baud: int = 115200
    """At boot, 8N1. A host at another rate reads and sends garbled bytes."""
    latency_ms: int = 1
    """How long the USB adapter holds a byte while its packet of 62 is not full."""
    infer_us: int = 50_000
    """How long an inference takes, exactly, on the device's clock."""
    paced: bool = True
    """Bytes take their time on the wire and in the adapter; else none."""
    wait: bool = True
    """An inference takes its time on this machine's clock too; else the device's clock jumps."""
    build_id: str | None = None
    """40 hex digits; None for the sum of what was built, as a linker makes it."""
    variant: int = 0
    """Of the replayed model, below 2^31: another one has other outputs."""
    sanitize: bool = False
    """With the address and undefined-behaviour sanitizers; what they find ends the process."""


class NativeDevice:
    """One device, powered when it is made; a context manager that leaves nothing behind.

    Args:
        facts: of the device.
        folder: keeps the built programs, see `native_build.build`.

    Raises:
        BenchError: there is no C compiler, or the process can't be started.
        FirmwareError: the build fails.
    """

    def __init__(self, facts: NativeFacts, folder: Path) -> None:
        self.facts = facts
        program = build(facts.task, folder, sanitize=facts.sanitize)
        try:
            with ExitStack() as cleanup:
                self.port, self._process = _start(facts, program, cleanup)
                self._finalizer = weakref.finalize(self, cleanup.pop_all().close)
        except OSError as error:
            raise BenchError(
                f"the replayed device of '{facts.task.name}' can't be started: {error}",
                hint="the machine has run out of processes, ptys or memory",
            ) from error

    port: str
    """Path of its serial port; may be opened and closed at will."""

    def reset(self) -> None:
        """Pull its reset: it boots again and prints its banner; all state is lost."""
        if self.alive():
            os.kill(self._process.pid, signal.SIGUSR1)

    def kill(self) -> None:
        """End it at once, as when its power fails and the port goes away; returns when it has."""
        if self.alive():
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.exited.wait()

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.alive

    def memory(self, symbol: str, count: int) -> bytes:
        """Bytes of its memory at a symbol of the program, as a debug probe sees a board's.

        Raises:
            BenchError: it has ended, or there is no such symbol.
        """
        try:
            return read_memory(self._process.pid, symbol, count)
        except (OSError, LookupError) as error:
            raise BenchError(
                f"the memory of the replayed device can't be read: {error}",
                hint="check that its process runs, and that you may read its memory",
            ) from error

    @property
    def last_words(self) -> str:
        """What it said on stderr, such as a sanitizer's report; complete once it has ended."""
        return self._process.last_words

    def stop(self) -> None:
        """End it and remove all traces; harmless when done already."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def replayed_output(task: Task, sample: bytes, variant: int = 0) -> NDArray[np.int8]:
    """The raw output that a replayed device has for a sample, one element an output.

    It is made of the CRC-32 of the model's input; see ``firmware/ports/host/replay.c``.
    """
    data = _model_input(task, sample)
    state = (zlib.crc32(data) << 1 | 1) ^ variant << 33
    outputs = []
    for _ in range(task.results if task.result == "scores" else len(data)):
        state ^= state << 13 & (1 << 64) - 1
        state ^= state >> 7
        state ^= state << 17 & (1 << 64) - 1
        outputs.append(state >> 32 & 0xFF)
    return np.array(outputs, np.uint8).view(np.int8)


def _model_input(task: Task, sample: bytes) -> bytes:
    """What the firmware's adapters make of a sample."""
    match task.input.encoding:
        case "int8" | "int16":
            return sample
        case "uint8":
            return bytes(byte ^ 0x80 for byte in sample)
        case "float32":
            values: NDArray[np.float32] = np.frombuffer(sample, "<f4")
            steps = np.rint(values / _INPUT_SCALE) + np.float32(_INPUT_ZERO_POINT)
            return bytes(np.clip(steps, -128, 127).astype(np.int8))


def _start(facts: NativeFacts, program: Path, cleanup: ExitStack) -> tuple[str, TiedProcess]:
    """Open the pty and run the program on it; `cleanup` undoes it all.

    We keep one descriptor of the clients' end open: then it does not matter when, or how often, a
    client opens and closes it.
    """
    line, far_end = os.openpty()
    cleanup.callback(os.close, far_end)
    port = os.ttyname(far_end)
    try:
        # At the device's rate from the start, so that the banner waits for its reader undamaged.
        serial.Serial(port, facts.baud or 115200).close()
        arguments = {
            "pty": line,
            "baud": facts.baud,
            "latency-us": facts.latency_ms * 1000,
            "infer-us": facts.infer_us,
            "variant": facts.variant,
            "build-id": facts.build_id or hashlib.sha256(program.read_bytes()).hexdigest()[:40],
        }
        command = [
            str(program),
            *(f"--{name}={value}" for name, value in arguments.items()),
            *(() if facts.paced else ("--unpaced",)),
            *(() if facts.wait else ("--no-wait",)),
        ]
        # A signal that comes before the program has its handler waits for it: threads and
        # children inherit the mask.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        try:
            process = TiedProcess(command, program.parent, (line,))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
    finally:
        os.close(line)
    cleanup.callback(process.stop)
    return port, process
