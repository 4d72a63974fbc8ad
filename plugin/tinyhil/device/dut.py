"""The device under test: a station that is ready, with its probe and its serial port."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tinyhil.catalog.bench import Station
from tinyhil.catalog.board import NO_FLASH, Board
from tinyhil.catalog.identity import has_fixed_rate
from tinyhil.catalog.places import wanted
from tinyhil.device import quarantine
from tinyhil.device.far import coordinator, labgrid
from tinyhil.device.far.tunnel import Far
from tinyhil.device.lock import held
from tinyhil.device.played import Played
from tinyhil.device.power import Cycle, cycle_of
from tinyhil.ground.errors import LinkError, QuarantinedError, TinyhilError


@dataclass(eq=False)
class Dut:
    """A board that can be flashed and talked to.

    What is known of it is as it was when it was attached, but for two things: an emulated board has
    another probe and another port after it was without power, as one of another host has after its
    link was cut; and any board may go out of use.
    """

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
    freeze: Callable[[], None] | None = None
    """Lets it stand still with its probe, as only power ends it; likewise."""
    power: Cycle | None = None
    """Its power switch; likewise."""
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
    keep_out: Callable[[str], None] | None = None
    """Puts it into quarantine for everybody, with this reason; an emulated one is nobody else's."""
    within_reach: Callable[[], bool] = lambda: True
    """Whether what leads to it from here still does: what fails then is the board's own fault."""
    reconnect: Callable[[], None] | None = None
    """Leads to it anew, where it is another host's; raises BenchError."""
    out_of_use: str = ""
    """Why nothing is tried on it any more; empty: it is in use."""

    @property
    def flashed(self) -> bool:
        """Whether images are put onto it; else it is measured as it is."""
        return self.board.flash.method != NO_FLASH

    @property
    def proven(self) -> bool:
        """Whether its probe can show what the board holds."""
        return bool(self.probe_uid) and self.board.flash.method == "pyocd"

    @property
    def way_back(self) -> str:
        """What to do about a quarantine that has begun in this run."""
        rerun = "--hil-rerun-failed runs the tests that did not end"
        if self.keep_out is None:
            return f"the next run starts the board anew; {rerun}"
        where = f" on host {self.host}" if self.host and not self.place else ""
        command = f"`tinyhil farm return {self.place or self.station}`"
        return f"repair the board, then {command}{where}; {rerun}"

    def refuse_if_out_of_use(self) -> None:
        """Try nothing on a board that has gone into quarantine in this run.

        Raises:
            QuarantinedError: it has; says why.
        """
        if self.out_of_use:
            raise QuarantinedError(
                f"the board is in quarantine: {self.out_of_use}",
                hint=self.way_back,
                board=self.station,
            )

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
    quarantined: bool = False,
) -> Iterator[Dut]:
    """The station's board, powered, and only ours until the block ends.

    An emulated one is started, and ended on every way out.

    Args:
        station: which.
        wait_s: how long to wait while somebody else uses it.
        tell: is told who we wait for.
        plugins: of QEMU, which an emulated board is started with.
        quarantined: whether to take one although it is in quarantine, to look at it.

    Raises:
        TakenError: somebody else uses it.
        QuarantinedError: nobody may use it.
        BenchError: the emulator does not start, nothing can be locked, or the board's host can't be
            reached.
    """
    wiring = station.wiring
    if wiring is None:
        yield from _played(station, plugins)
        return
    if wiring.labgrid:
        choice = wanted(wiring.labgrid, f"station '{station.name}'")
        with labgrid.acquired(choice, wait_s=wait_s, tell=tell) as place:
            tell(f"{station.name}: {place.name} of labgrid")
            host = str((place.board or {}).get("host", ""))
            there = labgrid.at_place(station, place)
            keep_out = partial(coordinator.quarantine, place.name)
            with attached(there, wait_s=wait_s, tell=tell, quarantined=quarantined) as dut:
                dut.place, dut.place_host, dut.keep_out = place.name, host, keep_out
                if there.wiring and there.wiring.power and there.wiring.power.method == "labgrid":
                    dut.power = cycle_of(there.wiring.power, place.name)
                yield dut
        return
    board, baud = station.board, wiring.baud or station.board.baud
    if wiring.host:
        yield from _far(Far(station, baud, tell, quarantined=quarantined), station, baud, wait_s)
        return
    baud_max = baud if has_fixed_rate(wiring.port) else wiring.baud_max
    with held(station.name, wiring.probe or None, wiring.port, wait_s=wait_s, tell=tell) as hold:
        place_of = station.name, wiring.probe, wiring.port
        if not quarantined:
            quarantine.check(*place_of)
        yield Dut(
            station.name, board, wiring.probe, wiring.port, baud, baud_max,
            claim=hold.claim, interface_board=wiring.interface_board, port_returns=True,
            power=cycle_of(wiring.power) if wiring.power else None,
            keep_out=partial(quarantine.keep_out, *place_of),
        )  # fmt: skip


def _far(far: Far, station: Station, baud: int, wait_s: float) -> Iterator[Dut]:
    """A board of another host."""
    wiring = station.wiring
    assert wiring is not None
    far.connect(wait_s)
    try:
        dut = Dut(
            station.name, station.board, far.probe_uid, far.serial_url, baud, wiring.baud_max,
            interface_board=wiring.interface_board, host=wiring.host, port_returns=True,
            power=far.power if far.has_power else None, keep_out=far.keep_out,
            within_reach=far.within_reach,
        )  # fmt: skip

        def reconnect() -> None:
            far.reconnect()
            dut.probe_uid, dut.serial_url = far.probe_uid, far.serial_url

        dut.reconnect = reconnect
        yield dut
    finally:
        far.close()


def _played(station: Station, plugins: Sequence[str]) -> Iterator[Dut]:
    """An emulated board."""
    played, board = Played(station, plugins), station.board
    try:
        played.start()
        # A pty has no rate: there is nothing to gain.
        dut = Dut(station.name, board, "", "", board.baud, board.baud, played.kill, played.freeze)

        def moved(played: Played) -> None:
            now = played.board
            dut.probe_uid, dut.serial_url, dut.claim = now.probe_uid, now.serial_url, played.claim
            dut.pin, dut.emulator = now.pin, now.program

        dut.power = played.cycle(moved)
        moved(played)
        yield dut
    finally:
        played.close()
