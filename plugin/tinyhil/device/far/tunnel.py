"""Our part of a board on another host: ssh, which starts the agent there and carries its ports.

The user's own ssh does it, with the user's keys and configuration; it asks nothing. Another program
in its place, or options for it, are in the environment variable `TINYHIL_SSH`.
"""

from __future__ import annotations

import getpass
import itertools
import json
import os
import queue
import secrets
import shlex
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any

from tinyhil.catalog.bench import Station
from tinyhil.catalog.wiring import Wiring
from tinyhil.device.far import agent
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import (
    BenchError,
    ConfigError,
    QuarantinedError,
    TakenError,
    TinyhilError,
)
from tinyhil.ground.text import printable, shown

SSH_VARIABLE = "TINYHIL_SSH"
"""Environment variable with the program and its first arguments."""

_OPTIONS = (
    "BatchMode=yes",
    "ConnectTimeout=10",
    "ExitOnForwardFailure=yes",
    # A link that is cut ends ssh after 15 s.
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
)
_START_S = 60.0
"""Until the agent serves: connecting, then importing pyOCD there."""
_ORDER_S = 10.0
"""How long the agent may take to answer, beyond what an order takes."""
_END_S = 8.0
_TRIES = 3
_SHOWN = 400
"""Characters of what ssh printed last, in an error."""
_LINE_BYTES = 1 << 14
_NO_PROGRAM = 127
_NUMBERS = range(20_000, 32_000)
"""TCP ports of a host that Linux gives to nobody by itself."""


class Far:
    """A board of another host, with its probe and its port served here on loopback, from `connect`
    until `close`.

    Args:
        station: whose wiring names a host.
        baud: at which the port is opened.
        tell: is told who we wait for.
        quarantined: whether also a board in quarantine, to look at it.
    """

    def __init__(
        self,
        station: Station,
        baud: int,
        tell: Callable[[str], None],
        *,
        quarantined: bool = False,
    ) -> None:
        assert station.wiring is not None
        self._station, self._wiring, self._baud, self._tell = (
            station.name,
            station.wiring,
            baud,
            tell,
        )
        self._quarantined = quarantined
        self._connection: _Connection

    def connect(self, wait_s: float = 0.0) -> None:
        """Hold the board, waiting so long while somebody else does.

        Raises:
            TakenError: somebody else uses it.
            BenchError: the host can't be reached, has no tinyhil, or the board is not there.
        """
        for _ in range(_TRIES):
            connection = _Connection(
                *(self._station, self._wiring, self._baud, wait_s), quarantined=self._quarantined
            )
            try:
                if connection.is_served(Deadline.after(_START_S + wait_s), self._tell):
                    self._connection = connection
                    return
            except BaseException:
                connection.close()
                raise
            connection.close()
        raise BenchError(
            f"no free TCP port was found for '{self._station}' here and on {self._wiring.host}",
            hint="end what uses them on that host, then run it again",
            board=self._station,
        )

    def reconnect(self) -> None:
        """Hold the board again after the link to its host was cut; its ends are others then.

        What held it there for us ends by itself when it has heard nothing for a while.

        Raises:
            TakenError, BenchError: as `connect`.
        """
        self._connection.close()
        self.connect(agent.SILENCE_S + _END_S)

    @property
    def probe_uid(self) -> str:
        """Near end of the probe's tunnel, for pyOCD; empty where the board has no probe."""
        return self._connection.probe_uid

    @property
    def serial_url(self) -> str:
        """Near end of the port's, for pyserial."""
        return self._connection.serial_url

    @property
    def has_power(self) -> bool:
        """Whether its host can switch the board's power."""
        power = self._wiring.power
        return power is not None and power.method != "labgrid"

    def power(self, deadline: Deadline) -> None:
        """See `power.Cycle`."""
        assert self._wiring.power is not None
        facts = self._wiring.power.model_dump(mode="json", exclude_unset=True)
        within_s = deadline.remaining()
        order = {"power": facts, "within_s": within_s}
        self._connection.have(order, Deadline.after(within_s + _ORDER_S))

    def keep_out(self, reason: str) -> None:
        """Put the board into quarantine on its host.

        Raises:
            BenchError: it can't be noted there, or its host is out of reach.
        """
        self._connection.have({"quarantine": reason}, Deadline.after(_ORDER_S))

    def within_reach(self) -> bool:
        """Whether the tunnels stand, as far as ssh knows."""
        return self._connection.stands

    def close(self) -> None:
        """Let go of it."""
        self._connection.close()


class _Connection:
    """A running ssh with an agent at its end, until `close` ends both."""

    def __init__(
        self, station: str, wiring: Wiring, baud: int, wait_s: float, *, quarantined: bool
    ) -> None:
        self._station = station
        self._host = wiring.host
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._ended = threading.Event()
        far = {what: secrets.choice(_NUMBERS) for what in ("probe", "port")}
        near = _free_numbers()
        request = agent.Request(
            *(station, wiring.probe, wiring.port, baud, far["probe"], far["port"], wait_s),
            by=f"{getpass.getuser()}@{socket.gethostname()}",
            quarantined=quarantined,
        )
        command = _command(wiring, request, near)
        name = f"@{wiring.host}"
        self._sending = threading.Lock()
        self._numbers = itertools.count(1)
        self.probe_uid = f"remote:127.0.0.1:{near[0]}#{wiring.probe}{name}" if wiring.probe else ""
        self.serial_url = f"rfc2217://127.0.0.1:{near[1]}#{wiring.port}{name}"
        try:
            # Ctrl-C is ours: the board is parked over this link before it ends.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            self._errors.close()
            raise BenchError(
                f"'{printable(command[0])}' cannot be started: {error.strerror}",
                hint=f"install OpenSSH's client, or name another one in {SSH_VARIABLE}",
                board=station,
            ) from error
        for run in (self._listen, self._beat):
            threading.Thread(target=run, daemon=True).start()

    def is_served(self, deadline: Deadline, tell: Callable[[str], None]) -> bool:
        """Wait until the board is ours and served; False where other TCP ports must be tried."""
        while True:
            match self._said(deadline):
                case None:
                    return self._is_only_taken()
                case {"ready": agent.SPEAKS}:
                    return True
                case {"ready": _}:
                    raise self._failed("has a tinyhil of another version")
                case {"waiting": str(text)}:
                    tell(f"{self._host}: {shown(text, _SHOWN)}")
                case {"error": {"kind": kind, "message": message, "hint": hint}}:
                    raise self._error(str(kind), str(message), str(hint))
                case {"taken": _}:
                    return False
                case _:  # A greeting of its shell's.
                    continue

    @property
    def stands(self) -> bool:
        """Whether ssh still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End both; harmless when that was done."""
        self._ended.set()
        with suppress(OSError, ValueError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        for end in (None, signal.SIGTERM, signal.SIGKILL):
            if end:
                self._process.send_signal(end)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)
                break
        self._errors.close()

    def _listen(self) -> None:
        """Hand on the lines that come; an empty one is the end."""
        assert self._process.stdout is not None
        with self._process.stdout as output:
            while line := output.readline(_LINE_BYTES):
                self._lines.put(line)
        self._lines.put(b"")

    def _beat(self) -> None:
        """Tell the agent that we live."""
        with suppress(OSError, ValueError):
            while not self._ended.wait(agent.BEAT_S):
                self._send(b"\n")

    def _send(self, line: bytes) -> None:
        assert self._process.stdin is not None
        with self._sending:
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def have(self, order: Mapping[str, Any], deadline: Deadline) -> None:
        """Have the agent do something.

        Raises:
            BenchError: it could not, or the link to it is cut.
        """
        number = next(self._numbers)
        try:
            self._send(json.dumps({**order, "order": number}).encode() + b"\n")
        except (OSError, ValueError):
            raise self._failed("can't be reached any more") from None
        while True:
            match self._said(deadline):
                case {"order": told, "done": True} if told == number:
                    return
                case {"order": told, "error": {"kind": kind, "message": message, "hint": hint}} if (
                    told == number
                ):
                    raise self._error(str(kind), str(message), str(hint))
                case None:
                    raise self._failed("can't be reached any more")
                case _:  # The answer to an earlier order, which was not waited for.
                    continue

    def _said(self, deadline: Deadline) -> Mapping[str, Any] | None:
        """What the agent says next, {} for a line that is not its; None at its end.

        Raises:
            BenchError: it is silent.
        """
        try:
            line = self._lines.get(timeout=max(0.001, deadline.remaining()))
        except queue.Empty:
            raise self._failed(f"did not answer in {deadline.seconds:.0f} s") from None
        return _object(line) if line else None

    def _is_only_taken(self) -> bool:
        """False where ssh ended because a port of ours was taken.

        Raises:
            BenchError: it ended for another reason.
        """
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        if "already in use" in self._printed():
            return False
        if self._process.returncode == _NO_PROGRAM:
            raise self._failed(
                "has no tinyhil that ssh finds",
                f"install it there, and name its path in 'host_program' of '{self._station}'",
            )
        raise self._failed("could not be reached, or its tinyhil has ended")

    def _printed(self) -> str:
        if self._errors.closed:
            return ""
        self._errors.seek(0)
        return self._errors.read()[-_SHOWN:].decode("utf-8", "replace").strip()

    def _failed(self, why: str, hint: str = "") -> BenchError:
        said = shown(self._printed(), _SHOWN)
        return BenchError(
            f"host {self._host} {why}: {said or 'ssh said nothing'}",
            hint=hint or f"try `ssh {self._host} tinyhil doctor`, which must not ask for anything",
            board=self._station,
        )

    def _error(self, kind: str, message: str, hint: str) -> TinyhilError:
        """What the agent could not do, as the same kind of error."""
        kinds = (BenchError, ConfigError, TakenError, QuarantinedError)
        known = {each.__name__: each for each in kinds}
        message = f"host {self._host}: {shown(message, _SHOWN)}"
        return known.get(kind, BenchError)(message, hint=shown(hint, _SHOWN), board=self._station)


def _command(wiring: Wiring, request: agent.Request, near: tuple[int, int]) -> list[str]:
    ssh = shlex.split(os.environ.get(SSH_VARIABLE, "ssh"))
    options = [part for option in _OPTIONS for part in ("-o", option)]
    tunnels = [(near[1], request.port_number)]
    if request.probe:
        tunnels.append((near[0], request.probe_number))
    ways = [f"-L127.0.0.1:{here}:127.0.0.1:{there}" for here, there in tunnels]
    program = [
        *("farm", "serve", f"--station={request.station}"),
        *(f"--probe={request.probe}", f"--port={request.port}", f"--baud={request.baud}"),
        *(f"--probe-number={request.probe_number}", f"--port-number={request.port_number}"),
        *(f"--wait={request.wait_s:g}", f"--by={request.by}"),
        *(["--quarantined"] if request.quarantined else []),
    ]
    command = f"{wiring.host_program} {shlex.join(program)}"
    return [*ssh, "-T", *options, *ways, wiring.host, command]


def _free_numbers() -> tuple[int, int]:
    """Two TCP ports that are free now; ssh says so if they no longer are."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        return one.getsockname()[1], two.getsockname()[1]


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
