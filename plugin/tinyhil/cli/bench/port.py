"""The steps over the serial port: it is there, the board boots, and speaks the protocol."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path

from tinyhil.catalog.identity import is_path
from tinyhil.cli.bench.probe import INSTALL_RULES, ProbeSteps
from tinyhil.cli.bench.steps import LeftOutError, Trial
from tinyhil.device import adapter, ports
from tinyhil.device.identity import Guard
from tinyhil.device.links import Link
from tinyhil.device.links.serial import open_link
from tinyhil.device.proof import ProbeProof
from tinyhil.device.protocol import LapUs
from tinyhil.device.session import Session
from tinyhil.flash import reset
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import (
    BenchError,
    DeviceError,
    IdentityError,
    LinkError,
    LinkTimeoutError,
)
from tinyhil.ground.text import printable

_CHANGES = re.compile(r"/dev/tty(ACM|USB)\d+|COM\d+", re.IGNORECASE)
"""Names that the system gives anew each time."""
_BOOT_S = 5.0
_QUIET_S = 0.5
_SYNCHRONIZE_S = 10.0
_BOOT_BYTES = 4096
_CLOCK_S = 2.0
_TOLERANCE = 0.01
_ANSWER_S = 5.0
_SILENT = (
    "check, in this order: is it the port of this board (`tinyhil doctor --write` lists all), are "
    "TX and RX crossed, is 'baud' the firmware's, does the firmware run"
)


class PortSteps:
    """What one board's port is tried for.

    Args:
        probe: the steps before, by which the board is reset.
    """

    def __init__(self, probe: ProbeSteps) -> None:
        self._probe = probe
        self._dut = probe.dut
        self._link: Link | None = None
        self._session: Session | None = None

    def first(self) -> list[Trial]:
        """The steps to an open port; before the board is reset, so that its first line is seen."""
        return [Trial("port", 25.0, self._open), Trial("latency timer", 5.0, self._timer)]

    def last(self) -> list[Trial]:
        """The steps over the open port."""
        return [
            Trial("boot line", 30.0, self._boot),
            Trial("protocol", 15.0, self._synchronize),
            Trial("identity", 30.0, self._identify),
            Trial("clock", 20.0, self._clock),
        ]

    def close(self) -> None:
        """Let go of the port."""
        if self._link:
            self._link.close()

    def _open(self, deadline: Deadline) -> str:
        name = self._dut.serial_url
        device = ports.find(name)
        if is_path(device) and os.path.exists(device):  # noqa: PTH110 - text, as a bench file's
            _check_access(device)
        self._link = open_link(self._dut, deadline)
        if _CHANGES.fullmatch(name):
            stable = ports.stable_name(device)
            better = f"; 'port = \"{stable}\"' finds it under any number" if stable else ""
            return f"{name}, a name that changes when boards are plugged in{better}"
        return f"{name} is {device}" if device != name else name

    def _timer(self, _: Deadline) -> str:
        device = ports.find(self._dut.serial_url)
        timer = adapter.timer_of(device) if is_path(device) else None
        if timer is None:
            raise LeftOutError("this port has none")
        advice = adapter.advice(device)
        if advice:
            raise BenchError(advice, hint=f"install the udev rules: {INSTALL_RULES}")
        return f"{adapter.read_ms(timer)} ms"

    @property
    def _open_link(self) -> Link:
        assert self._link is not None, "the step before has opened it"
        return self._link

    def _boot(self, deadline: Deadline) -> str:
        """Reset the board, and see what it prints."""
        probe, link = self._probe, self._open_link
        if not self._dut.flashed:
            raise LeftOutError("nothing resets this station; press its reset if it does not answer")
        if self._dut.proven:
            with suppress(LinkError):
                link.poll()  # What was printed before is not of this boot.
            reset(self._dut.board, self._dut.probe_uid, deadline)
        elif probe.flasher and (probe.flashed or self._dut.board.flash.reset):
            probe.flasher.reset()
        else:
            raise LeftOutError("the way that this station is flashed has no 'reset'")
        said = _heard(link, deadline.within(_BOOT_S))
        if not said:
            raise LeftOutError("it prints nothing when it starts, or its port is another one")
        line = max(re.split(rb"[\r\n]+", said), key=len)
        if sum(byte > 0x7E or byte < 0x09 for byte in said) * 4 > len(said):
            raise LinkError(
                f"what came at {self._dut.baud} baud is no text: '{printable(line)}'",
                hint="correct 'baud' of the station, or of the board's file, to the firmware's",
            )
        return f"'{printable(line)}'"

    def _synchronize(self, deadline: Deadline) -> str:
        self._session = session = Session(self._open_link)
        try:
            session.synchronize(deadline.within(_SYNCHRONIZE_S))
        except LinkTimeoutError as error:
            silent = "printed last" not in error.message
            hint = _SILENT if silent else error.hint
            raise LinkTimeoutError(error.message, hint=hint) from error
        return "it answers, and in step"

    @property
    def _open_session(self) -> Session:
        assert self._session is not None, "the step before has made it"
        return self._session

    def _identify(self, deadline: Deadline) -> str:
        session, image = self._open_session, self._probe.image
        info = session.identify(deadline)
        who = f"{printable(info.vendor)}, firmware for {printable(info.task)}"
        if info.extension is None:
            return f"{who}, which speaks the official protocol"
        build = info.extension.build_id
        if image and image.build_id and build != image.build_id:
            raise IdentityError(
                f"another firmware answers: build {build[:12]}, the image is {image.build_id[:12]}",
                hint="give --flash to put the image onto the board; if that was done, port and "
                "probe lead to two boards",
            )
        proof = ProbeProof(self._dut, image) if image and self._dut.proven else None
        if proof and proof.knows_token:
            self._guard.prove_by(proof)
            return f"{who}, build {build[:12]}, at the port and at the probe"
        return f"{who}, build {build[:12]}"

    @property
    def _guard(self) -> Guard:
        guard = self._open_session.guard
        assert guard is not None, "the device has been identified"
        return guard

    def _clock(self, deadline: Deadline) -> str:
        stamps = [self._stamp(deadline) for _ in range(2)]
        if self._dut.board.emulated:
            _check_forward(stamps[0][1], stamps[1][1])
            return "goes forward; it counts instructions, and is not compared"
        while stamps[-1][0] - stamps[0][2] < _CLOCK_S and not deadline.expired:
            stamps.append(self._stamp(deadline))
        # The quickest answers of the first and of the last part are known best.
        part = max(1, len(stamps) // 4)
        first, last = (min(some, key=_took) for some in (stamps[:part], stamps[-part:]))
        _check_forward(first[1], last[1])
        device_s = (last[1] - first[1]) * 1e-6
        least, most = last[0] - first[2], last[2] - first[0]
        middle = (least + most) / 2
        share, unsure = device_s / middle - 1, (most - middle) / middle
        if not least * (1 - _TOLERANCE) <= device_s <= most * (1 + _TOLERANCE):
            raise DeviceError(
                f"the device's clock counted {device_s:.3f} s, the host's {least:.3f} to "
                f"{most:.3f} s",
                hint="check the frequency that the firmware counts its ticks by, and 'clock_hz' "
                "in the board's file; its timer must run on while the core sleeps",
            )
        return f"{share:+.2%} against the host's, known to {unsure:.2%}"

    def _stamp(self, deadline: Deadline) -> tuple[float, int, float]:
        """When it was asked for, the device's microseconds, and when they came."""
        asked = time.monotonic()
        reply = self._open_session.ask("timestamp%", deadline.within(_ANSWER_S))
        stamp = reply.take_if(LapUs)
        if stamp is None:
            raise LeftOutError("this firmware prints no time stamps, as for energy")
        return asked, stamp.microseconds, time.monotonic()


def _took(stamp: tuple[float, int, float]) -> float:
    return stamp[2] - stamp[0]


def _check_forward(first_us: int, last_us: int) -> None:
    if last_us <= first_us:
        raise DeviceError(
            f"the device's clock stands, or goes back: {first_us} us, then {last_us} us",
            hint="check that the firmware's timer has been started",
        )


def _heard(link: Link, deadline: Deadline) -> bytes:
    """What comes until it is quiet again."""
    said = b""
    try:
        while len(said) < _BOOT_BYTES:
            said += link.read(deadline.within(_QUIET_S) if said else deadline)
    except LinkTimeoutError:
        pass
    return said


def _check_access(device: str) -> None:
    """Refuse a port that this user may not open."""
    if os.access(device, os.R_OK | os.W_OK):
        return
    group = "dialout"
    with suppress(KeyError, OSError, NotImplementedError):
        group = Path(device).group()
    raise BenchError(
        f"you may not open {device}, which belongs to the group {group}",
        hint=f"sudo usermod -aG {group} $USER, then log in again; or install the udev rules: "
        f"{INSTALL_RULES}",
    )
