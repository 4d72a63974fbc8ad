"""A debug probe for stock pyOCD whose wire ends at an emulated board.

pyOCD finds it as a plugin (entry point ``pyocd.probe``), so that ``pyocd list``, ``flash``,
``reset``, ``commander`` and ``gdbserver`` work with every board that runs, even if another process
started it. pyOCD's own code does the debug sequences, down to the register accesses on the wire.
What else a physical probe has is not tested: USB, the drivers for CMSIS-DAP, ST-LINK and
J-Link, errors on the wire, flash algorithms and their timing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

from pyocd.board.board import Board
from pyocd.board.board_ids import BoardInfo
from pyocd.core import exceptions
from pyocd.core.plugin import Plugin
from pyocd.probe.debug_probe import DebugProbe

from tinyhil.emulator.cores import core_facts
from tinyhil.emulator.cortex_m import CoreDebug
from tinyhil.emulator.dap import DebugAccessPort
from tinyhil.emulator.gdb import StubFaultError, StubLostError
from tinyhil.emulator.machine import Machine
from tinyhil.emulator.memory import SystemBus
from tinyhil.emulator.runtime import BOARD_FILE, live_folders

if TYPE_CHECKING:
    from tinyhil.emulator.registry import RunningBoard

Result = TypeVar("Result")
_WORD = 0xFFFFFFFF


class VirtualProbe(DebugProbe):  # type: ignore[misc]  # pyOCD has no type hints
    """The probe of one emulated board."""

    @classmethod
    def get_all_connected_probes(
        cls, unique_id: str | None = None, is_explicit: bool = False
    ) -> list[VirtualProbe]:
        """Probes of all emulated boards of this user that run; never raises."""
        del unique_id, is_explicit  # pyOCD filters
        if not live_folders():
            return []
        # Imported only now: pydantic would slow down every `pyocd` command by a third.
        from tinyhil.catalog.targets import register_target  # noqa: PLC0415
        from tinyhil.emulator.registry import running_boards  # noqa: PLC0415

        boards = [board for board in running_boards() if board.probe == "virtual"]
        for board in boards:
            if not board.flash_controller:
                register_target(board.target, board.memory)
        return [cls(board) for board in boards]

    @classmethod
    def get_probe_with_id(cls, unique_id: str, is_explicit: bool = False) -> VirtualProbe | None:
        """The probe with exactly this uid."""
        probes = cls.get_all_connected_probes(unique_id, is_explicit)
        return next((probe for probe in probes if probe.unique_id == unique_id), None)

    def __init__(self, board: RunningBoard) -> None:
        super().__init__()
        self._board = board
        self._open = ExitStack()
        self._machine: Machine | None = None
        self._core: CoreDebug | None = None
        self._port: DebugAccessPort | None = None
        self._protocol: DebugProbe.Protocol | None = None
        self._reset_asserted = False
        self._locks = 0

    # Facts

    @property
    def vendor_name(self) -> str:
        return "tinyhil"

    @property
    def product_name(self) -> str:
        return "virtual debug probe"

    @property
    def unique_id(self) -> str:
        return self._board.probe_uid

    @property
    def supported_wire_protocols(self) -> list[DebugProbe.Protocol]:
        return [self.Protocol.DEFAULT, self.Protocol.SWD]

    @property
    def wire_protocol(self) -> DebugProbe.Protocol | None:
        return self._protocol

    @property
    def is_open(self) -> bool:
        return self._port is not None

    @property
    def capabilities(self) -> set[DebugProbe.Capability]:
        # As little as possible: the more of the debug sequences pyOCD does itself.
        return {self.Capability.SWJ_SEQUENCE}

    @property
    def associated_board_info(self) -> BoardInfo:
        return BoardInfo(name=self._board.title, target=self._board.target)

    def create_associated_board(self) -> Board:
        return Board(self.session, board_info=self.associated_board_info)

    # Connection

    def open(self) -> None:
        import fcntl  # noqa: PLC0415 - as `should_load`

        with ExitStack() as undo:
            try:
                lock = os.open(self._board.folder / BOARD_FILE, os.O_RDONLY)
                undo.callback(os.close, lock)
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                machine = Machine(self._board.folder, can_wake=bool(self._board.devices))
            except BlockingIOError as error:
                raise exceptions.ProbeError(
                    f"probe {self.unique_id} is in use by another debugger"
                ) from error
            except (OSError, StubLostError) as error:
                raise exceptions.ProbeError(
                    f"emulated board {self.unique_id} can't be reached: {error}"
                ) from error
            undo.callback(machine.close)
            self._machine = machine
            if self._locks:
                machine.hold()
            facts = core_facts(self._board.core)
            self._core = CoreDebug(machine, facts)
            bus = SystemBus(
                machine, self._core, facts, flash_controller=self._board.flash_controller
            )
            self._port = DebugAccessPort(facts, bus)
            self._open = undo.pop_all()

    def close(self) -> None:
        self._machine = self._core = self._port = None
        self._open.close()

    def connect(self, protocol: DebugProbe.Protocol | None = None) -> None:
        del protocol  # SWD is all there is
        self._protocol = self.Protocol.SWD

    def disconnect(self) -> None:
        self._protocol = None

    def swj_sequence(self, length: int, bits: int) -> None:
        """Nothing: the wire speaks SWD from the start."""

    def set_clock(self, frequency: float) -> None:
        """Nothing: there is no clock on this wire."""

    # Bursts

    def lock(self) -> None:
        """Begin accesses that belong together: pyOCD locks the probe around each transfer.

        A running machine stays paused from the first one to `unlock`.
        """
        super().lock()
        self._locks += 1
        if self._machine and self._locks == 1:
            self._machine.hold()

    def unlock(self) -> None:
        try:
            if self._machine and self._locks == 1:
                self._guard(self._machine.release)
        except exceptions.TransferFaultError:
            self._dap.note_fault()
            raise
        finally:
            self._locks -= 1
            super().unlock()

    # The reset line

    def reset(self) -> None:
        self.assert_reset(True)
        self.assert_reset(False)

    def assert_reset(self, asserted: bool) -> None:
        assert self._core is not None
        if asserted and not self._reset_asserted:
            self._guard(self._core.assert_reset)
        elif self._reset_asserted and not asserted:
            self._guard(self._core.release_reset)
        self._reset_asserted = asserted

    def is_reset_asserted(self) -> bool:
        return self._reset_asserted

    # Register accesses

    def read_dp(self, addr: int, now: bool = True) -> int | Callable[[], int]:
        return self._deliver(self._guard(self._dap.read_dp, addr & 0xC), now)

    def write_dp(self, addr: int, data: int) -> None:
        self._guard(self._dap.write_dp, addr & 0xC, data)

    def read_ap(self, addr: int, now: bool = True) -> int | Callable[[], int]:
        return self._deliver(self._guard(self._dap.read_ap, addr)[0], now)

    def write_ap(self, addr: int, data: int) -> None:
        self.write_ap_multiple(addr, [data])

    def read_ap_multiple(
        self, addr: int, count: int = 1, now: bool = True
    ) -> list[int] | Callable[[], list[int]]:
        return self._deliver(self._guard(self._dap.read_ap, addr, count), now)

    def write_ap_multiple(self, addr: int, values: Sequence[int]) -> None:
        # pyOCD's step of checksums (smart_flash) sends more than 32 bits; a wire carries 32.
        self._guard(self._dap.write_ap, addr, [value & _WORD for value in values])

    @property
    def _dap(self) -> DebugAccessPort:
        if self._port is None:
            raise exceptions.ProbeError(f"probe {self.unique_id} is not open")
        return self._port

    @staticmethod
    def _deliver(value: Result, now: bool) -> Result | Callable[[], Result]:
        """pyOCD asks for a value, or for a function that gets it later."""
        return value if now else lambda: value

    def _guard(self, access: Callable[..., Result], *arguments: object) -> Result:
        """Do an access; failures become pyOCD's."""
        try:
            return access(*arguments)
        except StubFaultError as error:
            raise exceptions.TransferFaultError(str(error)) from error
        except StubLostError as error:
            raise exceptions.ProbeDisconnected(
                f"emulated board {self.unique_id} is gone: {error}"
            ) from error


class TinyhilProbePlugin(Plugin):  # type: ignore[misc]  # pyOCD has no type hints
    """What pyOCD loads."""

    def should_load(self) -> bool:
        """Windows lacks the locks that emulated boards live by; pyOCD must go on there."""
        try:
            import fcntl  # noqa: F401, PLC0415
        except ImportError:
            return False
        return True

    def load(self) -> type[VirtualProbe]:
        # A host without POSIX locks imports this module too, and never comes here.
        from tinyhil.emulator.usb.backend import plug_in  # noqa: PLC0415

        plug_in()
        return VirtualProbe

    @property
    def name(self) -> str:
        return "tinyhil"

    @property
    def description(self) -> str:
        return "virtual debug probes of emulated boards"
