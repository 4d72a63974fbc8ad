"""The official runner's interface board between host and device, as real session logs show it."""

from __future__ import annotations

from tinyhil.device.interface_board import ThroughInterface
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline


class Board:
    """A link to an interface board with a device behind it that knows four commands."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self._coming = b""

    def write(self, data: bytes, deadline: Deadline) -> None:
        del deadline
        self.sent.append(data)
        for command in data.split(b"%")[:-1]:
            assert command.startswith(b"dut ")
            text = command.removeprefix(b"dut ").decode()
            self._coming += f"m-dut-passthrough({text})\r\nm-ready\r\n".encode()
            for line in (*_answer(text), "m-ready"):
                self._coming += f"[dut]: {line}\r\n".encode()

    def read(self, deadline: Deadline) -> bytes:
        del deadline
        data, self._coming = self._coming[:7], self._coming[7:]
        return data

    def poll(self) -> bytes:
        return b""

    def set_baud(self, baud: int) -> None:
        raise AssertionError(baud)

    def close(self) -> None:
        pass


def _answer(command: str) -> list[str]:
    known = {
        "name": ["m-name-dut-[desk]"],
        "profile": ["m-profile-[V0.0.1]", "m-model-[kws01]"],
        "timestamp": [],
    }
    return known.get(command, [f"e-[Unknown command: {command}]"])


def test_commands_and_answers_pass_and_the_boards_own_lines_do_not() -> None:
    board = Board()
    session = Session(ThroughInterface(board))
    session.synchronize(Deadline.after(20))
    info = session.identify(Deadline.after(20))
    assert (info.vendor, info.task, info.extension) == ("desk", "kws01", None)
    assert session.ask("timestamp%", Deadline.after(20)).empty
    assert board.sent[-1] == b"dut timestamp%"
    assert all(len(command) < 80 for data in board.sent for command in data.split(b"%"))


def test_what_the_board_could_not_take_is_not_sent() -> None:
    board = Board()
    link = ThroughInterface(board)
    link.write(b"U" * 5000 + b"\x00leave%", Deadline.after(1))
    link.write(b"\x00\x01", Deadline.after(1))
    assert board.sent == [b"dut leave%"]
