"""Qoitech Otii Arc and Ace, through the Otii program and Qoitech's client package.

The program records, and is asked again and again for what it has: currents in a row, and each
change of an input with its time. Energy is the current by the voltage that was set.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np
from pydantic import Field

from tinyhil.catalog.monitor import MonitorFacts
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import MonitorError
from tinyhil.ground.extras import part_of
from tinyhil.ground.text import printable
from tinyhil.measure.monitors import EMPTY, Piece

Answer = TypeVar("Answer")

_ARC_HZ = 4000
_CURRENT = "mc"
_MOST_ASKED = 40_000
_MOST_LOST = 1 << 26
"""Samples in one gap: more is another clock."""
_OPEN_S, _ANSWER_S, _LOOK_S = 5, 10.0, 0.02


class Options(MonitorFacts):
    """Keys of its table."""

    volts: float = Field(ge=0.5, le=25.0)
    """Supply of the device."""
    host: str = "127.0.0.1"
    """Where the Otii program runs, with its TCP server switched on."""
    tcp_port: int = Field(default=1905, ge=1, le=65_535)
    """Of that server."""
    device: str = ""
    """Its name in the program, as ``Arc`` or ``Ace``; empty: there is one alone."""
    pin: int = Field(default=1, ge=1, le=2)
    """Of its inputs GPI1 and GPI2, the one that the device's time stamp pin leads to."""
    rate_hz: int = Field(default=_ARC_HZ, ge=1000, le=50_000)
    """Samples a second: 4000 of an Arc, up to 50,000 of an Ace."""


def open_monitor(options: Options, deadline: Deadline) -> Otii:
    """See `monitors.Kind`."""
    with part_of("energy", "an Otii"):
        from otii_tcp_client.otii_client import OtiiClient  # noqa: PLC0415 - of an extra
    wait_s = min(_OPEN_S, int(deadline.remaining()))
    client = OtiiClient()
    try:
        _told(
            f"no Otii program can be used at {options.host}:{options.tcp_port}",
            lambda: client.connect(
                host=options.host, port=options.tcp_port, try_for_seconds=wait_s
            ),
            "start the Otii program or otii_server, switch its TCP server on, and log in to an "
            "account with the Automation Toolbox",
        )
        return Otii(client, options)
    except BaseException:
        _leave(client)
        raise


class Otii:
    """See `monitors.Monitor`.

    Args:
        client: connected.
        options: of the bench file.
    """

    modelled = False

    def __init__(self, client: Any, options: Options) -> None:
        self.rate_hz = float(options.rate_hz)
        self._client, self._options = client, options
        self._program = client.otii
        self._device = self._ask(lambda: _chosen(self._program.get_devices(), options.device))
        self.name = f"Otii {printable(self._device.name)}"
        if self._device.type == "Arc" and options.rate_hz != _ARC_HZ:
            raise MonitorError(
                f"{self.name} has no rate of {options.rate_hz} Hz",
                hint=f"an Otii Arc takes {_ARC_HZ} samples a second",
            )
        self._input = f"i{options.pin}"
        self._recording: Any = None
        self._project = self._ask(
            lambda: self._program.get_active_project() or self._program.create_project()
        )
        self._ask(self._set_up)
        self._restart(low=False)

    def supply(self, on: bool, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""
        del deadline
        self._ask(lambda: self._device.set_main(on))

    def start(self, deadline: Deadline) -> None:
        """See `monitors.Monitor`."""
        del deadline
        self._restart(low=not self._ask(lambda: self._device.get_gpi(self._options.pin)))
        self._ask(self._project.start_recording)
        self._recording = self._ask(self._project.get_last_recording)
        if self._recording is None:
            raise MonitorError(f"{self.name} records nothing", hint="see the Otii program")

    def read(self, deadline: Deadline) -> Piece:
        """See `monitors.Monitor`."""
        while not deadline.expired:
            self._take_changes()
            piece = self._take_currents()
            if len(piece.power_w):
                return piece
            if not self._ask(self._device.get_main):
                raise MonitorError(
                    f"{self.name} has cut the supply: overcurrent",
                    hint="look for a short circuit, or raise its highest current in the program",
                )
            deadline.pause(_LOOK_S)
        return EMPTY

    def stop(self, deadline: Deadline) -> None:
        """See `monitors.Monitor`; what the program holds of it is on our disk, and is dropped."""
        del deadline
        self._ask(self._project.stop_recording)
        self._ask(self._recording.delete)

    def close(self) -> None:
        """See `monitors.Monitor`."""
        _leave(self._client)

    def _set_up(self) -> None:
        device, options = self._device, self._options
        device.add_to_project()
        device.set_main_voltage(options.volts)
        device.set_exp_voltage(min(5.0, max(1.2, options.volts)))
        device.enable_exp_port(True)
        for channel in (_CURRENT, self._input):
            device.enable_channel(channel, True)
        if device.type != "Arc":
            device.set_channel_samplerate(_CURRENT, options.rate_hz)

    def _restart(self, *, low: bool) -> None:
        self._taken = self._changes = 0
        """Asked for and got: samples, and changes of the pin."""
        self._places = 0
        """Samples, with the lost ones."""
        self._first_s: float | None = None
        self._low = low
        self._falls: list[float] = []

    def _take_changes(self) -> None:
        """Changes of the pin; those behind the last sample wait for it."""
        for one in self._new(self._input, self._changes)["values"]:
            self._changes += 1
            low = not one["value"]
            if low and not self._low:
                self._falls.append(float(one["timestamp"]))
            self._low = low

    def _take_currents(self) -> Piece:
        told = self._new(_CURRENT, self._taken)
        amperes = np.asarray(told["values"], np.float64)
        if not len(amperes):
            return EMPTY
        if abs(float(told["interval"]) * self.rate_hz - 1) > 1e-6:
            raise MonitorError(
                f"{self.name} samples each {told['interval']:g} s, not at {self.rate_hz:g} Hz",
                hint="choose a rate_hz that it has",
            )
        begin_s = float(told["timestamp"])
        self._first_s = begin_s if self._first_s is None else self._first_s
        lost = round((begin_s - self._first_s) * self.rate_hz) - self._places
        if not 0 <= lost <= _MOST_LOST:
            raise MonitorError(f"{self.name}'s samples run backwards", hint="plug it in again")
        start = self._places
        self._taken += len(amperes)
        self._places += lost + len(amperes)
        places = [int((at_s - self._first_s) * self.rate_hz + 1e-6) for at_s in self._falls]
        come = sum(place < self._places for place in places)
        self._falls = self._falls[come:]
        # One that was before all samples nobody knows.
        edges = tuple(place - start for place in places[:come] if place >= 0)
        power_w = (amperes * self._options.volts).astype(np.float32)
        return Piece(np.concatenate((np.full(lost, np.nan, np.float32), power_w)), edges)

    def _new(self, channel: str, have: int) -> dict[str, Any]:
        """What has been recorded beyond what we have; of the package's own call the time to wait
        has no end."""
        there = self._ask(lambda: self._recording.get_channel_data_count(self._device.id, channel))
        if there <= have:
            return {"values": []}
        asked = {"device_id": self._device.id, "recording_id": self._recording.id}
        asked |= {"channel": channel, "index": have, "count": min(there - have, _MOST_ASKED)}
        request = {"type": "request", "cmd": "recording_get_channel_data", "data": asked}
        answer = self._ask(
            lambda: self._program.connection.send_and_receive(request, timeout=_ANSWER_S)
        )
        if answer["type"] == "error":
            raise self._refused(str(answer.get("errorcode")))
        return dict(answer["data"])

    def _ask(self, what: Callable[[], Answer]) -> Answer:
        return _told(f"{getattr(self, 'name', 'the Otii')} refuses", what)

    def _refused(self, why: str) -> MonitorError:
        return MonitorError(f"{self.name} refuses: {printable(why[:200])}", hint=_SEE)


_SEE = "see the Otii program, and that the instrument is plugged in"


def _told(what: str, ask: Callable[[], Answer], hint: str = _SEE) -> Answer:
    """What the package answers; what it raises is told."""
    try:
        return ask()
    except MonitorError:
        raise
    except Exception as error:  # The package raises its own, those of a socket, and KeyError.
        why = str(getattr(error, "message", "") or error) or type(error).__name__
        raise MonitorError(f"{what}: {printable(why[:200])}", hint=hint) from error


def _leave(client: Any) -> None:
    """A program that is gone can't be left, and need not be."""
    with suppress(Exception):
        client.disconnect()


def _chosen(devices: list[Any], name: str) -> Any:
    """The instrument that the bench file means.

    Raises:
        MonitorError: it is missing, or there are several.
    """
    known = [one for one in devices if one.type in {"Arc", "Ace"}]
    found = [one for one in known if not name or one.name == name]
    if len(found) == 1:
        return found[0]
    there = ", ".join(printable(one.name) for one in known) or "none"
    named = f"with the name '{printable(name)}' " if name else ""
    raise MonitorError(
        f"{len(found)} Otii instruments {named}are there: {there}",
        hint="plug it in, or choose one by the key 'device'",
    )
