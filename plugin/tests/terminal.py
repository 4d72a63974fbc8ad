"""A terminal on a device's port: a command in, the lines of its answer out."""

from __future__ import annotations

import serial

from tinyhil.device.dut import Dut
from tinyhil.device.links.serial import open_link
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline


def await_boot(dut: Dut) -> None:
    """Return when the board has booted, its banner read: no test may take that for an answer."""
    link = open_link(dut)
    Session(link).synchronize(Deadline.after(60))
    link.close()


class Terminal:
    """A terminal on an opened port."""

    def __init__(self, port: serial.Serial) -> None:
        self.port = port

    def type(self, command: str) -> list[str]:
        """Lines of the answer before `m-ready`; a line end other than CR LF stays visible."""
        self.port.write(command.encode())
        return self.read()

    def read(self) -> list[str]:
        """Lines up to the next `m-ready`."""
        answer = self.port.read_until(b"m-ready\r\n").decode()
        assert answer.endswith("m-ready\r\n"), f"no m-ready: {answer!r}"
        return answer.split("\r\n")[:-2]

    def raw(self, command: str) -> bytes:
        """The answer's bytes, `m-ready` included."""
        self.port.write(command.encode())
        return bytes(self.port.read_until(b"m-ready\r\n"))

    def load(self, data: bytes) -> None:
        """Put a sample into the input buffer."""
        assert self.type(f"db load {len(data)}%") == [f"m-[Expecting {len(data)} bytes]"]
        for start in range(0, len(data), 36):
            self.type(f"db {data[start : start + 36].hex()}%")
