"""The device under test: a station that is ready, with its probe and its serial port."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tinyhil.catalog.bench import Station
from tinyhil.catalog.board import NO_FLASH, Board
from tinyhil.catalog.identity import has_fixed_rate
from tinyhil.catalog.places import wanted
from tinyhil.device.far import labgrid
from tinyhil.device.far.tunnel import reached
from tinyhil.device.lock import Hold, held
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import LinkError, TakenError, TinyhilError
from tinyhil.ground.hosts import require_linux

if TYPE_CHECKING:
    from tinyhil.emulator import qemu

_START_S = 20.0


@dataclass(frozen=True)
class Dut:
    """A board that can be flashed and talked to."""

    station: str
    board: Board
    probe_uid: str
    """Empty where there is no probe."""
    serial_url: str
    baud: int
    """Rate at which the board boots."""
    baud_max: int
    """Highest rate to try."""
    power_off: Callable[[], None] | None = None
    """Ends it for good; None where that is not possible."""
    claim: Callable[[str], None] | None = None
    """Is told which device the port is, each time before it is opened; see `lock.Hold.claim`."""
    pin: Path | None = None
    """What an emulated board tells in energy mode, see `qemu.EmulatedBoard`."""
    emulator: Path | None = None
    """The QEMU that plays it."""
    interface_board: bool = False
    """Whether the official interface board is between port and device."""
    host: str = ""
    """Where ssh leads to the host that it is plugged into, if that is another one."""
    place: str = ""
    """labgrid's name of it, and `place_host` the host that its exporter names."""
    place_host: str = ""
    port_returns: bool = False
    """Whether a port that goes away may come back: one that is plugged in, not an emulated one."""

    @property
    def flashed(self) -> bool:
        """Whether images are put onto it; else it is measured as it is."""
        return self.board.flash.method != NO_FLASH

    @property
    def proven(self) -> bool:
        """Whether its probe can show what the board holds."""
        return bool(self.probe_uid) and self.board.flash.method == "pyocd"

    def locate(self, error: TinyhilError, stage: str) -> None:
        """Name the station and the stage in an error, and its host where the link may be cut."""
        error.locate(self.station, stage)
        if self.host and isinstance(error, LinkError) and self.host not in str(error):
            error.hint += f"; the board is on host {self.host}: see that `ssh {self.host}` works"


@contextmanager
def attached(
    station: Station,
    *,
    wait_s: float = 0.0,
    tell: Callable[[str], None] = lambda _: None,
    plugins: Sequence[str] = (),
) -> Iterator[Dut]:
    """The station's board, powered, and only ours until the block ends.

    An emulated one is started, and ended on every way out.

    Args:
        station: which.
        wait_s: how long to wait while somebody else uses it.
        tell: is told who we wait for.
        plugins: of QEMU, which an emulated board is started with.

    Raises:
        TakenError: somebody else uses it.
        BenchError: the emulator does not start, nothing can be locked, or the board's host can't be
            reached.
    """
    board = station.board
    if station.wiring and station.wiring.labgrid:
        choice = wanted(station.wiring.labgrid, f"station '{station.name}'")
        with labgrid.acquired(choice, wait_s=wait_s, tell=tell) as place:
            tell(f"{station.name}: {place.name} of labgrid")
            host = str((place.board or {}).get("host", ""))
            with attached(labgrid.at_place(station, place), wait_s=wait_s, tell=tell) as dut:
                yield replace(dut, place=place.name, place_host=host)
        return
    if station.wiring:
        wiring = station.wiring
        baud = wiring.baud or board.baud
        if wiring.host:
            with reached(station, baud, wait_s=wait_s, tell=tell) as far:
                yield Dut(
                    station.name, board, far.probe_uid, far.serial_url, baud, wiring.baud_max,
                    interface_board=wiring.interface_board, host=wiring.host, port_returns=True,
                )  # fmt: skip
            return
        baud_max = baud if has_fixed_rate(wiring.port) else wiring.baud_max
        with held(
            station.name, wiring.probe or None, wiring.port, wait_s=wait_s, tell=tell
        ) as hold:
            yield Dut(
                station.name, board, wiring.probe, wiring.port, baud, baud_max,
                claim=hold.claim, interface_board=wiring.interface_board, port_returns=True,
            )  # fmt: skip
        return
    with ExitStack() as stack:
        emulated, hold = _started(station, stack, plugins)
        # A pty has no rate: there is nothing to gain.
        uid, port, baud = emulated.probe_uid, emulated.serial_url, board.baud
        off = emulated.process.stop
        yield Dut(
            station.name, board, uid, port, baud, baud, off, claim=hold.claim, pin=emulated.pin,
            emulator=emulated.program,
        )  # fmt: skip


def _started(
    station: Station, stack: ExitStack, plugins: Sequence[str]
) -> tuple[qemu.EmulatedBoard, Hold]:
    """An emulated board that is only ours; `stack` ends it.

    Somebody may still hold a port of this name whose own board has just died: then that name is
    kept out of use, and another board takes the next one.
    """
    require_linux(f"the emulated board '{station.board.name}'")
    from tinyhil.emulator import qemu  # noqa: PLC0415 - only Linux can import it

    for last in (False, False, True):
        emulated = stack.enter_context(
            qemu.start(station.board, deadline=Deadline.after(_START_S), plugins=plugins)
        )
        try:
            hold = held(station.name, emulated.probe_uid, emulated.serial_url)
            return emulated, stack.enter_context(hold)
        except TakenError:
            if last:
                raise
    raise AssertionError("the last try returns or raises")
