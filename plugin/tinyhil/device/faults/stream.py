"""One direction of a faulty link, without I/O: bytes in, damaged bytes and events out.

Every decision is drawn from the seed before the bytes that it concerns are seen, and applied by
their position, so that the same bytes meet the same faults however they arrive. NumPy has frozen
the numbers that ``RandomState`` draws (NEP 19): a seed means the same everywhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from numpy.random import RandomState

from tinyhil.device.fault_spec import Direction, Kind, Spec
from tinyhil.device.faults.flip import flipped
from tinyhil.ground.text import printable

_LONGEST_RUN_LOG2: Final = 6.0
"""Runs are below 64 bytes; half of them below 8."""
_LONGEST_LOSS_BYTES: Final = 1100
"""Of a truncation; longer than the longest frame to a device."""

_ENDS: Final = b"\n%\0"
"""Of a line, a command, a frame."""

_EVENTS: Final[Mapping[Kind, str]] = {
    "disconnect": "the port is gone",
    "reset": "the device is reset",
    "death": "the device is killed",
    "mute": "the device falls silent",
    "noise": "what comes is garbage from here on",
    "hang": "the core hangs",
    "corrupt": "the image is spoiled",
    "freeze": "the board stands still",
}
_SINGLE_FLIP: Final = 0.75
"""How often a flip changes only one byte."""


@dataclass(frozen=True)
class Fault:
    """A fault that has happened."""

    kind: Kind
    direction: Direction
    offset: int
    """Of the first byte that it met, counted in its direction from the first one that passed."""
    what: str

    def __str__(self) -> str:
        way = "to" if self.direction == "out" else "from"
        return f"{self.kind} at byte {self.offset} {way} the device: {self.what}"


@dataclass(frozen=True)
class Piece:
    """Bytes to pass on, not before `due` on the host's monotonic clock, in seconds."""

    data: bytes
    due: float
    alone: bool = False
    """Not to be joined with its neighbours."""


@dataclass(frozen=True)
class Event:
    """Something to do between two bytes, not before `due`: disconnect, reset and those behind."""

    fault: Fault
    due: float


@dataclass
class Running:
    """A fault from its first byte on; what it met is known when it has ended."""

    kind: Kind
    direction: Direction
    offset: int
    run: int
    """Bytes that it concerns, at most."""
    second: int
    """Bytes that overtake the run; reorder alone, else 0."""
    hold_s: float
    number: int
    """From 0 to 2**31 - 1; decides what a byte flips to."""
    met: bytearray = field(default_factory=bytearray)
    ended: bool = False
    kept_until: float | None = None
    """When the run is given up to be swapped; None while nothing is kept."""
    late: bool = False
    """The run came after its time, not after the bytes behind it."""

    @property
    def fault(self) -> Fault:
        """What has happened so far."""
        run, behind = bytes(self.met[: self.run]), bytes(self.met[self.run :])
        text = f"'{printable(run)}'"
        match self.kind:
            case "drop" | "truncate":
                text += f": {len(run)} bytes lost"
            case "flip":
                text += f" became '{printable(flipped(run, self.number))}'"
            case "duplicate":
                text += " twice" if self.ended else " to be doubled"
            case "reorder" if self.late:
                text += f" {self.hold_s:.3f} s late"
            case "reorder":
                text += f" after '{printable(behind)}'"
            case "delay":
                text = f"held for {self.hold_s:.3f} s"
            case "split":
                text += " byte by byte"
            case event:
                text = _EVENTS[event]
        return Fault(self.kind, self.direction, self.offset, text)


class Stream:
    """Breaks the bytes of one direction.

    Args:
        spec: what to inject.
        direction: of the bytes.
        notes: where each fault is added as it begins.
    """

    def __init__(self, spec: Spec, direction: Direction, notes: list[Running]) -> None:
        self._spec = spec
        self._direction: Direction = direction
        self._notes = notes
        self._random = RandomState([spec.seed, int(direction == "in")])
        self._position = 0
        # Faults that are still to come; below 0: without end.
        self._left = -1 if spec.limit is None else spec.limit
        if spec.direction not in ("both", direction):
            self._left = 0
        self._at = self._next_after(spec.first)
        self._running: Running | None = None
        self._queue: deque[Piece | Event] = deque()
        self._gate = 0.0

    def feed(self, data: bytes, now: float) -> None:
        """Take the next bytes of the direction, at the time `now` in seconds."""
        while data:
            if self._running is None and self._position == self._at:
                self._begin()
            if self._running:
                used = self._suffer(self._running, data, now)
            else:
                used = len(data) if self._at is None else min(len(data), self._at - self._position)
                self._pass_on(data[:used])
            self._position += used
            data = data[used:]

    def take(self, now: float) -> Piece | Event | None:
        """The next thing to pass on or to do; None if there is none, or not yet."""
        running = self._running
        if running and running.kept_until is not None and running.kept_until <= now:
            self._give_up_swapping(running)
        if self._queue and self._queue[0].due <= now:
            return self._queue.popleft()
        return None

    def take_event(self, now: float) -> Event | None:
        """As `take`, but only if it is an event."""
        entry = self._queue[0] if self._queue else None
        if isinstance(entry, Event) and entry.due <= now:
            self._queue.popleft()
            return entry
        return None

    @property
    def due(self) -> float | None:
        """When to call `take` although nothing more was fed; None: never."""
        times = [self._queue[0].due] if self._queue else []
        if self._running and self._running.kept_until is not None:
            times.append(self._running.kept_until)
        return min(times, default=None)

    def release(self) -> None:
        """Nothing is held back any longer."""
        if self._running and self._running.kept_until is not None:
            self._give_up_swapping(self._running)
        self._gate = 0.0
        self._queue = deque(replace(entry, due=0.0) for entry in self._queue)

    def forget(self) -> None:
        """Lose what is held back, as a port that is closed does."""
        if self._running and self._running.kept_until is not None:
            self._running.kept_until, self._running.late = None, True
        self._gate = 0.0
        self._queue.clear()

    def _next_after(self, position: int) -> int | None:
        if self._left == 0:
            return None
        return position + int(self._random.geometric(1 / self._spec.every)) - 1

    def _begin(self) -> None:
        """Draw the fault whose first byte comes next; always as many draws, in one order."""
        kind, size, second, hold, number = self._random.random_sample(5).tolist()
        kinds = self._spec.kinds
        chosen = kinds[int(kind * len(kinds))]
        run = 1
        if chosen in ("drop", "duplicate", "reorder", "split"):
            run = int(2 ** (size * _LONGEST_RUN_LOG2))
        elif chosen == "truncate":
            run = _LONGEST_LOSS_BYTES
        elif chosen == "flip" and size >= _SINGLE_FLIP:
            run = 2 + int((size - _SINGLE_FLIP) / (1 - _SINGLE_FLIP) * 7)
        self._running = Running(
            chosen,
            self._direction,
            self._position,
            run,
            second=int(2 ** (second * _LONGEST_RUN_LOG2)) if chosen == "reorder" else 0,
            hold_s=0.001 + hold * (self._spec.hold_ms - 1) / 1000,
            number=int(number * 2**31),
        )
        self._left -= 1
        self._notes.append(self._running)

    def _suffer(self, fault: Running, data: bytes, now: float) -> int:
        """Apply the running fault; returns how many bytes of `data` that has used."""
        room = fault.run + fault.second - len(fault.met)
        part = data[: min(room, _to_end(data))] if fault.kind == "truncate" else data[:room]
        met_before = len(fault.met)
        fault.met += part
        fault.ended = len(part) == room or (fault.kind == "truncate" and part[-1] in _ENDS)
        match fault.kind:
            case "drop" | "truncate":
                pass
            case "flip":
                self._pass_on(flipped(bytes(fault.met), fault.number)[met_before:])
            case "duplicate":
                self._pass_on(part + (bytes(fault.met) if fault.ended else b""))
            case "reorder":
                self._swap(fault, met_before, now)
            case "split":
                self._queue += [Piece(bytes([byte]), self._gate, alone=True) for byte in part]
            case "delay":
                self._gate = max(self._gate, now + fault.hold_s)
                self._pass_on(part)
            case _:
                self._queue.append(Event(fault.fault, self._gate))
                self._pass_on(part)
        if fault.ended:
            self._running = None
            self._at = self._next_after(self._position + len(part))
        return len(part)

    def _swap(self, fault: Running, met_before: int, now: float) -> None:
        """Keep the run, pass on what is behind it, then the run."""
        if fault.late:
            self._pass_on(bytes(fault.met[met_before:]))
            return
        if fault.kept_until is None:
            fault.kept_until = now + fault.hold_s
        self._pass_on(bytes(fault.met[max(met_before, fault.run) :]))
        if fault.ended:
            fault.kept_until = None
            self._pass_on(bytes(fault.met[: fault.run]))

    def _give_up_swapping(self, fault: Running) -> None:
        fault.kept_until, fault.late = None, True
        self._pass_on(bytes(fault.met[: fault.run]))

    def _pass_on(self, data: bytes) -> None:
        if not data:
            return
        last = self._queue[-1] if self._queue else None
        if isinstance(last, Piece) and not last.alone and last.due == self._gate:
            self._queue[-1] = Piece(last.data + data, last.due)
        else:
            self._queue.append(Piece(data, self._gate))


def _to_end(data: bytes) -> int:
    """Bytes up to the first end of a line, command or frame, it included."""
    ends = [place + 1 for place in (data.find(end) for end in _ENDS) if place >= 0]
    return min(ends, default=len(data))
