"""A stand-in of the Otii program with an Otii Ace: JSON over TCP, a line a message.

Source: Qoitech's client package, whose requests these are. It does not tell how a lost sample
shows: here an answer ends before it, and the time stamp of the next one tells the gap.
"""

from __future__ import annotations

import json
import select
import socket
import threading
from contextlib import suppress
from typing import Any, Self

import numpy as np

from tinyhil.emulator.monitors.instrument import NO_FAULTS, Faults, Samples
from tinyhil.emulator.monitors.timeline import Timeline

_RATES = (1000, 4000, 5000, 10_000, 20_000, 50_000)
_CHUNK_S, _LOOK_S = 0.25, 0.05
_FALL_S = 5e-6
"""How long the pin stays low."""
_DEVICE = {"device_id": "Ace0123456789ABCDEF", "name": "Ace", "type": "Ace"}
_SETTINGS = {
    "arc_add_to_project", "arc_set_exp_voltage", "arc_enable_exp_port", "arc_enable_channel",
    "otii_logout", "otii_return_license", "recording_delete",
}  # fmt: skip


class Refused(Exception):  # noqa: N818 - an answer
    """An error of the protocol; the text is its code."""


class Otii:
    """A server on this host; a context manager. See `Instrument` for what it is given.

    Args:
        timeline: of the device.
        faults: of the instrument.
    """

    def __init__(self, timeline: Timeline, faults: Faults = NO_FAULTS) -> None:
        self.timeline, self._faults = timeline, faults
        self._server = socket.create_server(("127.0.0.1", 0))
        self.place = {"tcp_port": int(self._server.getsockname()[1])}
        """Keys of a bench file's table that lead here."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="Otii", daemon=True)
        self.powered = False
        self._volts, self._rate_hz, self._reserved = 3.3, 4000.0, False
        self._samples: Samples | None = None
        self._currents: list[tuple[int, np.ndarray]] = []
        """Runs of samples with no gap, each with the number of its first one."""
        self._changes: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()
        self._server.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            if select.select([self._server], [], [], _LOOK_S)[0]:
                host, _ = self._server.accept()
                with host, suppress(ConnectionError):
                    self._talk(host)

    def _talk(self, host: socket.socket) -> None:
        hello = {"otii_version": "3.5.5", "protocol_version": "0.1", "server": "otii-server"}
        self._send(host, {"type": "information", "info": "connected", "data": hello})
        held = b""
        while not self._ended.is_set():
            if not select.select([host], [], [], _LOOK_S)[0]:
                continue
            data = host.recv(1 << 16)
            if not data:
                return
            *lines, held = (held + data).split(b"\r\n")
            for line in lines:
                self._send(host, self._answer(json.loads(line)))

    @staticmethod
    def _send(host: socket.socket, message: dict[str, Any]) -> None:
        host.sendall(json.dumps(message).encode() + b"\r\n")

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        same = {"cmd": request["cmd"], "trans_id": request["trans_id"]}
        try:
            data = self._obey(request["cmd"], request.get("data", {}))
        except Refused as refused:
            told = {"message": str(refused)}
            return {**same, "type": "error", "errorcode": "Command failure", "data": told}
        return {**same, "type": "response", "data": data}

    def _obey(self, command: str, data: dict[str, Any]) -> dict[str, Any]:  # noqa: PLR0911 - a table
        match command:
            case "otii_get_devices":
                return {"devices": [_DEVICE]}
            case "otii_is_logged_in":
                return {"logged_in": True}
            case "otii_get_licenses":
                mine = {"id": 7, "type": "Automation", "available": True, "hostname": ""}
                return {"licenses": [{**mine, "reserved_to": "me" if self._reserved else ""}]}
            case "otii_get_active_project" | "otii_create_project":
                return {"project_id": 1}
            case "arc_get_gpi":
                return {"value": True}
            case "arc_get_main":
                return {"value": self.powered}
            case "project_get_last_recording":
                return {"recording_id": 3, "name": "Recording 1"}
            case "recording_get_channel_data_count":
                self._measure()
                return {"count": self._count(data["channel"])}
            case "recording_get_channel_data":
                return self._data(data["channel"], data["index"], data["count"])
        self._set(command, data)
        return {}

    def _set(self, command: str, data: dict[str, Any]) -> None:
        match command:
            case "arc_set_main":
                self.powered = data["enable"]
            case "arc_set_main_voltage":
                self._volts = data["value"]
            case "arc_set_channel_samplerate":
                if data["value"] not in _RATES:
                    raise Refused(f"no rate of {data['value']}")
                self._rate_hz = float(data["value"])
            case "otii_reserve_license":
                self._reserved = True
            case "project_start_recording":
                self._samples = Samples(self.timeline, self._rate_hz, self._faults)
                self._currents, self._changes = [], []
            case "project_stop_recording":
                self._samples = None
            case _ if command not in _SETTINGS:
                raise Refused(f"Invalid command {command}")

    def _measure(self) -> None:
        """Take what the device has done by now, at most a piece of it."""
        most = int(_CHUNK_S * self._rate_hz)
        measured = self._samples.next(most) if self._samples and self.powered else None
        if measured is None:
            return
        amperes = measured.power_w / self._volts
        there = np.flatnonzero(measured.there)
        for run in np.split(there, 1 + np.flatnonzero(np.diff(there) != 1)):
            if len(run):
                self._currents.append((measured.first + int(run[0]), amperes[run]))
        for place in measured.edges:
            fell_s = (measured.first + place + 0.5) / self._rate_hz
            self._changes.append({"timestamp": fell_s, "value": False})
            self._changes.append({"timestamp": fell_s + _FALL_S, "value": True})
        # More than it is set to: it cuts the supply, and says no more.
        self.powered = not measured.overrange

    def _count(self, channel: str) -> int:
        if channel != "mc":
            return len(self._changes)
        return sum(len(run) for _, run in self._currents)

    def _data(self, channel: str, index: int, count: int) -> dict[str, Any]:
        if channel != "mc":
            return {"data_type": "digital", "values": self._changes[index : index + count]}
        for first, run in self._currents:
            if index < len(run):
                values = run[index : index + count].tolist()
                at_s = (first + index) / self._rate_hz
                row = {"data_type": "analog", "timestamp": at_s, "interval": 1 / self._rate_hz}
                return {**row, "values": values}
            index -= len(run)
        raise Refused("Invalid index")
