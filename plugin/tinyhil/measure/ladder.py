"""Brings a board back that has failed: what costs least first, each thing bounded and told.

A fault of the link or of the board is what it climbs for, never a figure. What was measured before
stays or goes by the rules of a resumed run, and whoever answers then must be who was measured.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tinyhil.device.dut import Dut
from tinyhil.device.links import Link
from tinyhil.device.session import Session
from tinyhil.flash import (
    FlashResult,
    Progress,
    await_there,
    flash,
    has_reset_pin,
    pull_reset_pin,
    reset,
)
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import (
    BenchError,
    ConfigError,
    DeviceError,
    IdentityError,
    LinkError,
    MonitorError,
    QuarantinedError,
    TakenError,
    TinyhilError,
    WriteError,
)
from tinyhil.image.elf import Image
from tinyhil.record.recovery import Rung, Step

_OPEN_S = 20.0
"""How long a port may take to come back after a reset."""
_SOON_S, _SYNCHRONIZE_S = 5.0, 20.0
"""How long a device may take to get in step: one that has only lost its port, and any other."""
_RESET_S = 15.0
_FLASH_S = 120.0
_POWER_S = 120.0
_MOST_CLIMBS = 8
"""In one measure: a board that fails more often does not work."""

_REFUSED = (errno.EACCES, errno.EPERM, errno.EBUSY, errno.EAGAIN)
_NOT_THE_BOARDS = (TakenError, WriteError, MonitorError, QuarantinedError)
"""Faults of something else."""
_NO_HELP = (LinkError, BenchError, DeviceError, IdentityError, ConfigError)
"""What a board may still do wrong after a rung."""


class Line:
    """A board's port with the session over it, which may be opened again.

    Args:
        open_port: opens the port, wrapped as the run wants it; raises BenchError.
    """

    def __init__(self, open_port: Callable[[Deadline], Link]) -> None:
        self._open_port = open_port
        self._session: Session | None = None
        self.is_open = False

    @property
    def session(self) -> Session:
        """The same one for as long as the line is in use."""
        assert self._session is not None, "the port has been opened"
        return self._session

    def open(self) -> None:
        """Open the port, anew if it was open."""
        self.close()
        link = self._open_port(Deadline.after(_OPEN_S))
        if self._session is None:
            self._session = Session(link)
        else:
            self._session.reopen(link)
        self.is_open = True

    def close(self) -> None:
        """Let go of the port; harmless when it is not open."""
        if self.is_open:
            self.is_open = False
            self.session.link.close()


@dataclass(frozen=True)
class _Rung:
    name: Rung
    do: Callable[[], None]
    reopens: bool = True
    """Whether the port is opened anew after it."""


def flash_deadline(dut: Dut) -> Deadline:
    """Of flashing; a command or a drive has the time that its own key gives."""
    facts = dut.board.flash
    return Deadline.after(_FLASH_S if facts.method == "pyocd" else max(_FLASH_S, facts.timeout_s))


def is_fault(error: TinyhilError) -> bool:
    """Whether the link or the board has failed, and not what it runs, what it is asked for, or
    something else."""
    kinds = (LinkError, IdentityError, BenchError)
    return isinstance(error, kinds) and not isinstance(error, _NOT_THE_BOARDS)


def _refuses(error: TinyhilError) -> bool:
    """Whether a port or a probe is there, but can't be had."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in _REFUSED


class Ladder:
    """The rungs of one board that holds one image.

    Args:
        dut: the board.
        image: that it is to hold; None: it is measured as it is.
        tell: says at once what is tried.
        on: whether anything is; if not, every fault stays the error that it is.
        power: whether its power may be cycled.
    """

    def __init__(
        self,
        dut: Dut,
        image: Image | None,
        tell: Callable[[str], None],
        *,
        on: bool,
        power: bool = True,
    ) -> None:
        self._dut = dut
        self._image = image
        self._tell = tell
        self._line: Line | None = None
        self._rungs = self._of(dut, image, power=power) if on else ()
        self._first = _Rung("reconnect to the host", self._reconnect)
        self._next = self._climbs = 0
        self._steps: list[Step] = []
        self._has_answered = self._is_refused = False
        self._programs = True
        """Whether the board took its image the last time that it was to."""
        self.flashed: FlashResult | None = None
        """What flashing did at last."""
        self.doubtful = False
        """Whether it is not known who answered since the last proof: a fault was that somebody
        else does, or the board did not hold its image, or may not have held it. Whoever has
        dropped those answers says that it is known again."""

    def flash(self, progress: Progress) -> FlashResult:
        """Let the board hold its image.

        Raises:
            TinyhilError: see `flash.flash`; nothing has helped.
        """
        assert self._image is not None
        while self.flashed is None:
            try:
                self.flashed = self._flash(progress)
            except TinyhilError as fault:
                if not self.recover(fault, first="reflash"):
                    raise
        self.doubtful = False  # It begins to hold this image: nothing was asked of it yet.
        return self.flashed

    def open(self, line: Line) -> None:
        """Open the port, and get in step.

        Raises:
            TinyhilError: nothing has helped.
        """
        self._line = line
        self.begin()
        try:
            line.open()
            line.session.synchronize(Deadline.after(_SYNCHRONIZE_S))
            self._has_answered = True
        except TinyhilError as fault:
            if not self.recover(fault):
                raise

    def begin(self) -> None:
        """A measure begins: all rungs may be tried."""
        self._next = self._climbs = 0

    def take(self) -> tuple[Step, ...]:
        """What was tried since this was asked last."""
        taken = tuple(self._steps)
        self._steps.clear()
        return taken

    def recover(
        self, fault: TinyhilError, *, got_further: bool = False, first: Rung | None = None
    ) -> bool:
        """Bring the board back; says whether it is.

        What did not last is not tried again, unless more was measured since. A board that does not
        come back at all goes into quarantine; one that comes back each time, and fails each time at
        the same place, does not, nor does one that has never answered, but takes its image.

        Args:
            fault: that has happened; where nothing helps, its text tells what was tried.
            got_further: whether more was measured since the last one.
            first: the rung to begin with.

        Raises:
            WriteError, TakenError: the run can't go on for another reason.
        """
        self.doubtful = self.doubtful or isinstance(fault, IdentityError)
        if not (self._rungs and is_fault(fault)):
            return False
        self._next = 0 if got_further else self._next
        self._climbs += 1
        names = [rung.name for rung in self._rungs]
        if isinstance(fault, IdentityError):
            first = "reflash"  # It is in step, and holds something else.
        if first is not None:
            place = names.index(first) if first in names else len(names)
            self._next = max(self._next, place)
        left = self._rungs[self._next :]
        if not left or self._climbs > _MOST_CLIMBS:
            return False
        began, self._is_refused = len(self._steps), _refuses(fault)
        for rung in left:
            if not self._dut.within_reach():  # Nothing that is done here gets to the board.
                if self._helps(self._first, fault):
                    return True
                if not self._dut.within_reach():
                    return False
            self._next += 1
            if self._helps(rung, fault):
                return True
        if len(left) == len(self._rungs) or not self._answers(fault):
            self._give_up(fault, self._steps[began:])
        return False

    def _helps(self, rung: _Rung, fault: TinyhilError) -> bool:
        station, started, said = self._dut.station, time.monotonic(), ""
        why = fault.message
        self._tell(f"{station}: {Step.of(rung.name, why, 0.0).why}; recovery: {rung.name}")
        try:
            if rung.reopens and self._line:
                self._line.close()
            rung.do()
            self._check(rung, fault)
        except TinyhilError as error:
            if isinstance(error, _NOT_THE_BOARDS) or not isinstance(error, _NO_HELP):
                raise
            said = error.message
            self._is_refused = self._is_refused or _refuses(error)
        step = Step.of(rung.name, why, time.monotonic() - started, said)
        self._steps.append(step)
        end = "has helped" if step.helped else f"has not helped: {step.said}"
        self._tell(f"{station}: {rung.name} {end} ({step.seconds:.1f} s)")
        return step.helped

    def _check(self, rung: _Rung, fault: TinyhilError) -> None:
        """See that the board is in step, and the one under measurement.

        Raises:
            TinyhilError: it is not.
        """
        if self._line is None:  # The port comes later.
            return
        if rung.reopens or not self._line.is_open:
            self._line.open()
        session = self._line.session
        soon = rung.name == "reopen the port"
        session.synchronize(Deadline.after(_SOON_S if soon else _SYNCHRONIZE_S))
        self._has_answered = True
        if session.guard and isinstance(fault, BenchError):
            session.guard.prove()  # It was the probe that failed.

    def _answers(self, fault: TinyhilError) -> bool:
        """Whether the board is in step all the same: perhaps it is its power switch that fails."""
        try:
            self._check(self._rungs[0], fault)
        except _NO_HELP:
            return False
        return self._line is not None

    def _excuse(self, fault: TinyhilError) -> str:
        """What else than the board may be to blame, as a next step; empty: nothing."""
        if self._is_refused:
            return "its port or its probe is open in another program, or you may not open it"
        # A bad firmware must not put away a whole farm.
        if isinstance(fault, LinkError) and self._programs and not self._has_answered:
            return (
                "with what it runs now, this board has not answered once: see whether another "
                "board of its type does, and that the port is the board's"
            )
        return ""

    def _give_up(self, fault: TinyhilError, steps: Sequence[Step]) -> None:
        dut, tried = self._dut, ", ".join(step.rung for step in steps)
        if not dut.within_reach():
            return
        excuse = self._excuse(fault)
        if excuse:
            fault.message += f"; nothing has helped ({tried})"
            fault.hint += f"; {excuse}"
            return
        reason = f"{Step.of('quarantine', fault.message, 0.0).why}; without help: {tried}"
        dut.out_of_use = reason
        fault.message += f"; nothing has helped ({tried}): the board is in quarantine"
        fault.hint += f"; {dut.way_back}"
        started, said = time.monotonic(), "until it is returned" if dut.keep_out else "in this run"
        try:
            if dut.keep_out:
                dut.keep_out(reason)
        except TinyhilError as error:
            said = f"in this run alone, for it can't be noted: {error.message}"
        self._steps.append(Step.of("quarantine", fault.message, time.monotonic() - started, said))
        self._tell(f"{dut.station}: is in quarantine, {said}: {reason}")

    def _of(self, dut: Dut, image: Image | None, *, power: bool) -> tuple[_Rung, ...]:
        rungs = [
            _Rung("reopen the port", lambda: None),
            _Rung("resynchronize", lambda: None, reopens=False),
        ]
        if has_reset_pin(dut.board, dut.probe_uid):
            rungs.append(_Rung("reset by pin", self._pull_pin))
        if dut.flashed:
            rungs.append(_Rung("reset by probe", self._reset))
        if image is not None:
            rungs.append(_Rung("reflash", self._reflash))
        if power and dut.power:
            rungs.append(_Rung("power cycle", self._cycle))
        return tuple(rungs)

    def _reconnect(self) -> None:
        if self._dut.reconnect is None:
            raise BenchError("nothing leads there any more", hint="see the link to its host")
        self._dut.reconnect()

    def _pull_pin(self) -> None:
        pull_reset_pin(self._dut.board, self._dut.probe_uid, Deadline.after(_RESET_S))

    def _reset(self) -> None:
        reset(self._dut.board, self._dut.probe_uid, Deadline.after(_RESET_S))

    def _reflash(self) -> None:
        before, self.doubtful = self.doubtful, True  # Until it is compared: Ctrl-C may come.
        self.flashed = self._flash()
        self.doubtful = before or not self.flashed.skipped

    def _cycle(self) -> None:
        assert self._dut.power is not None
        self._dut.power(Deadline.after(_POWER_S))
        await_there(self._dut.board, self._dut.probe_uid, Deadline.after(_OPEN_S))
        if self._image is not None:
            self._reflash()

    def _flash(self, progress: Progress | None = None) -> FlashResult:
        assert self._image is not None
        dut, self._programs = self._dut, False
        result = flash(self._image, dut.board, dut.probe_uid, flash_deadline(dut), progress)
        self._programs = True
        return result
