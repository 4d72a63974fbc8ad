"""Client of QEMU's machine protocol (QMP): one JSON object a line, over a unix socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tinyhil.emulator.gdb import StubLostError, connected
from tinyhil.ground.deadline import Deadline


class QmpClient:
    """One connection; QEMU serves one client at a time."""

    def __init__(self, path: Path, deadline: Deadline) -> None:
        """Connect and negotiate.

        Raises:
            StubLostError: QEMU is dead, or does not answer before `deadline`.
        """
        self._socket = connected(path, max(deadline.remaining(), 1e-3))
        self._received = b""
        self._events: list[str] = []
        try:
            self._receive(deadline)
            self.execute("qmp_capabilities", deadline)
        except StubLostError:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect; the machine continues as it is."""
        self._socket.close()

    def execute(self, command: str, deadline: Deadline) -> Any:
        """Run one command without arguments; returns its result.

        Raises:
            StubLostError: QEMU died, refused the command, or is silent.
        """
        try:
            self._socket.settimeout(max(deadline.remaining(), 1e-3))
            self._socket.sendall(json.dumps({"execute": command}).encode() + b"\n")
        except OSError as error:
            raise StubLostError(f"QMP {command}: {error}") from error
        while True:
            answer = self._receive(deadline)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise StubLostError(f"QMP {command}: {answer['error']}")

    def reset(self, deadline: Deadline) -> None:
        """Reset the machine; returns when it has been, which is later than QEMU's answer.

        Raises:
            StubLostError: as `execute`.
        """
        self._events.clear()
        self.execute("system_reset", deadline)
        while "RESET" not in self._events:
            self._receive(deadline)

    def _receive(self, deadline: Deadline) -> dict[str, Any]:
        """The next object; events are noted down."""
        while b"\n" not in self._received:
            try:
                self._socket.settimeout(max(deadline.remaining(), 1e-3))
                chunk = self._socket.recv(65536)
            except OSError as error:
                raise StubLostError(f"QMP: {error}") from error
            if not chunk:
                raise StubLostError("QMP: QEMU closed the connection")
            self._received += chunk
        line, self._received = self._received.split(b"\n", 1)
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise StubLostError(f"QMP: not JSON: {line[:80]!r}") from error
        if not isinstance(answer, dict):
            raise StubLostError(f"QMP: not an object: {line[:80]!r}")
        if isinstance(answer.get("event"), str):
            self._events.append(answer["event"])
        return answer
