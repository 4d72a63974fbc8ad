"""Joins device, monitor and run: what the measure `energy` asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tinyhil.catalog.measure import MeasureName
from tinyhil.device import protocol
from tinyhil.device.inference import Inference
from tinyhil.device.queries import Queries
from tinyhil.device.replies import inference_of
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import ConfigError, DeviceError
from tinyhil.ground.progress import Progress
from tinyhil.measure.energy.procedure import Device, Procedure
from tinyhil.measure.energy.recording import Recording
from tinyhil.measure.energy.result import TRACE, is_finished
from tinyhil.measure.job import Conversation
from tinyhil.record.rows import Rows

_ANSWER_S, _INFER_S = 10.0, 120.0
_S_A_BYTE = 2 * (24 / 9600 + 0.02 / protocol.OFFICIAL_PIECE_BYTES)
"""Of a sample on the slowest wire in use."""

_BUILD = "build it with `tinyhil build --energy`, or so that its `timestamp` makes an edge of a pin"


def ask(talk: Conversation, rows: Rows, progress: Progress) -> None:
    """Measure energy, unless a run that died had finished that.

    Raises:
        ConfigError: there is no monitor.
        MonitorError: see `Procedure`.
        DeviceError, LinkError: see `Queries`.
    """
    if is_finished(rows.done):
        return
    job, supply = talk.job, talk.job.supply
    if supply is None:
        raise ConfigError(
            "no power monitor measures this device",
            hint="give its station a table 'monitor' in the bench file, and choose the tests with "
            "-m energy",
        )
    if supply.options.edges == "trace" and talk.info.extension is None:
        raise ConfigError(
            'edges = "trace" needs a device that tells its own time, and this firmware marks it '
            "by a pin alone",
            hint="lead the pin to the monitor, or build the firmware with the harness",
        )
    assert talk.raw is not None, "a run has a raw folder"
    attempt = 1 + sum(row.get("role") == TRACE for row in rows.all)
    trace = f"{job.task.name}-{MeasureName.ENERGY}-{attempt}"
    inputs, virtual = job.performance_inputs, job.dut.board.emulated
    with Recording(supply.monitor, talk.raw, trace) as recording:
        made = Procedure(recording, supply, job.rules, rows, virtual=virtual)
        made.begin(trace, partial(stamp, talk.session))
        with _device(talk) as device:
            for number, (name, data) in enumerate(inputs):
                progress(number, len(inputs))
                made.window(device, name, data)
        made.end()
    made.close(recording.samples)
    progress(len(inputs), len(inputs))


def stamp(session: Session) -> None:
    """Have the device make its pin fall.

    Raises:
        DeviceError: it prints its time instead.
    """
    reply = session.ask("timestamp%", Deadline.after(_ANSWER_S))
    if reply.take_if(protocol.LapUs):
        raise DeviceError(
            "the firmware marks time by lines of text, not by a pin", hint=f"for energy, {_BUILD}"
        )
    reply.end()


@contextmanager
def _device(talk: Conversation) -> Iterator[Device]:
    if talk.info.extension is None:
        yield _ByText(talk.session)
        return
    # Never through the probe, whose accesses cost energy.
    with talk.asking("serial") as queries:
        yield _ByFrames(queries)


class _ByFrames:
    """Our own firmware, which tells its own time as well."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self.load = queries.load

    def infer(self, count: int, warm_up: int) -> Inference:
        """See `Device`."""
        return self._queries.infer(count, warm_up, expected_s=None, laps=False)


class _ByText:
    """Any firmware. Nothing is asked again: each try would make edges."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def load(self, data: bytes) -> None:
        """See `Device`."""
        deadline = Deadline.after(_ANSWER_S + _S_A_BYTE * len(data))
        self._session.load(data, deadline, protocol.OFFICIAL_PIECE_BYTES)

    def infer(self, count: int, warm_up: int) -> Inference:
        """See `Device`."""
        command = protocol.infer(count, warm_up)
        reply = self._session.ask(command, Deadline.after(_INFER_S * max(1, count / 100)))
        return inference_of(reply, count=count, warm_up=warm_up, stamped=False)
