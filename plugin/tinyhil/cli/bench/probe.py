"""The steps through the debug probe: it is there, may be opened, and reaches the board's memory."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tinyhil.catalog.board import NO_FLASH, Board
from tinyhil.catalog.identity import OUR_TARGETS, is_remote
from tinyhil.cli.bench import usb
from tinyhil.cli.bench.steps import LeftOutError, Trial
from tinyhil.device.dut import Dut
from tinyhil.flash import (
    Flasher,
    FoundProbe,
    check_fit,
    check_method,
    observing,
    open_flasher,
    probes,
    where_target_is_from,
)
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, ConfigError, FirmwareError
from tinyhil.image.elf import Image

RULES = Path(__file__).with_name("60-tinyhil.rules")
INSTALL_RULES = (
    "tinyhil doctor --udev | sudo tee /etc/udev/rules.d/60-tinyhil.rules && "
    "sudo udevadm control --reload && sudo udevadm trigger"
)
_NOT_THERE = "plug it in, or correct its id in the bench file; `pyocd list` shows all"
_FLASH_S = 120.0


@dataclass
class ProbeSteps:
    """What one board's probe is tried for.

    Args:
        dut: the board, which is ours.
        image: what it is to hold; None: that is not known.
        program: whether the image may be put onto it.
    """

    dut: Dut
    image: Image | None
    program: bool
    flashed: bool = field(init=False, default=False)
    flasher: Flasher | None = field(init=False, default=None)

    def trials(self) -> list[Trial]:
        """The steps up to a board that holds what it is to hold."""
        flash_s = max(_FLASH_S, self.dut.board.flash.timeout_s)
        return [
            Trial("probe", 20.0, self._there),
            Trial("permission", 5.0, self._permitted),
            Trial("target", 20.0, self._target),
            Trial("connect", 30.0, self._connect),
            Trial("flash", flash_s, self._flash),
            Trial("read-back", _FLASH_S, self._read_back),
        ]

    def close(self) -> None:
        """Let go of the probe; the board runs on."""
        flasher, self.flasher = self.flasher, None
        if flasher:
            flasher.close()

    @property
    def _uid(self) -> str:
        if not self.dut.probe_uid:
            raise LeftOutError("this station has no probe")
        return self.dut.probe_uid

    def _listed(self) -> FoundProbe | None:
        found = [probe for probe in probes() if probe.uid == self._uid.split(":")[-1]]
        if len(found) > 1:
            raise BenchError(
                f"{len(found)} probes say that they are '{self._uid}'",
                hint="unplug all but one of them, or give each its own id with its maker's tool",
            )
        return found[0] if found else None

    def _there(self, _: Deadline) -> str:
        if is_remote(self._uid):
            raise LeftOutError("it is on another host")
        found, device = self._listed(), usb.find(self._uid)
        if found:
            return f"{found.uid}: {found.description}"
        if device:
            return f"{device.serial}: {device.name} (USB {device.vendor}:{device.product})"
        there = ", ".join(probe.uid for probe in probes()) or "none"
        raise BenchError(f"no debug probe '{self._uid}'; there: {there}", hint=_NOT_THERE)

    def _permitted(self, _: Deadline) -> str:
        if is_remote(self._uid):
            raise LeftOutError("it is on another host")
        device = usb.find(self._uid)
        if device and device.closed:
            nodes = ", ".join(map(str, device.closed))
            raise BenchError(
                f"the probe is plugged in, and you may not open {nodes}",
                hint=f"install the udev rules that come with tinyhil: {INSTALL_RULES}",
            )
        if not self._listed():
            raise BenchError(
                "the probe is plugged in, and pyOCD does not find it",
                hint="end other programs that use it; on Windows, install its maker's driver",
            )
        return f"{device.node} may be opened" if device else "none is needed"

    def _target(self, _: Deadline) -> str:
        facts = self.dut.board.flash
        if facts.method == NO_FLASH:
            raise LeftOutError("this station is measured as it is")
        check_method(facts.method)
        if facts.method in ("command", "openocd"):
            program = "openocd" if facts.method == "openocd" else next(iter(facts.command), "")
            found = shutil.which(program)
            if found is None:
                raise BenchError(
                    f"the flash method '{facts.method}' needs the program '{program}', which is "
                    "not installed",
                    hint="install it, or correct 'flash.command'",
                )
            return found
        if not facts.target and facts.method == "pyocd":
            raise ConfigError(
                f"board '{self.dut.board.name}' has no 'flash.target', which pyOCD needs",
                hint="write pyOCD's name of the chip into the board's file: `pyocd list --targets`",
            )
        if not facts.target:
            raise LeftOutError("pyOCD is not used, and nothing says what target it would be")
        if facts.target.startswith(OUR_TARGETS):  # That of an emulated board.
            return f"{facts.target}: made from the board's own facts"
        return f"{facts.target}: {where_target_is_from(self.dut.board)}"

    def _connect(self, deadline: Deadline) -> str:
        facts = self.dut.board.flash
        if facts.method == NO_FLASH:
            raise LeftOutError("this station is measured as it is")
        self.flasher = open_flasher(self.dut.board, self.dut.probe_uid, deadline)
        if facts.method != "pyocd":
            return f"the method '{facts.method}' connects when it flashes"
        return f"the core is halted, wire up to {facts.frequency_hz / 1e6:g} MHz"

    def _flash(self, deadline: Deadline) -> str:
        if self.flasher is None:
            raise LeftOutError("this station is not flashed")
        if not self.program or self.image is None:
            raise LeftOutError("what the board holds stays; --flash puts the image onto it")
        check_fit(self.image, self.dut.board)
        result = self.flasher.flash(self.image, deadline)
        self.flashed = True
        if result.skipped:
            return f"holds the image already, {result.image_bytes} bytes"
        return f"{result.programmed_bytes} bytes in {result.seconds:.1f} s"

    def _read_back(self, deadline: Deadline) -> str:
        if not self.dut.proven:
            raise LeftOutError("only pyOCD's probes can read what a board holds")
        # A session of its own: nothing that the one before has kept is taken for the board's.
        self.close()
        with observing(self.dut.board, self._uid) as board:
            if self.image is None:
                return _vectors(self.dut.board, board.read(_code(self.dut.board), 8))
            differs = board.first_difference(self.image, deadline)
        if differs is not None:
            raise FirmwareError(
                f"the board does not hold {self.image.path.name}: first difference at "
                f"{differs:#010x}",
                hint="give --flash to put it onto the board, or --firmware the image that is there",
            )
        return f"equal to {self.image.path.name}, byte by byte"


def _code(board: Board) -> int:
    return next(memory.start for memory in board.memory if memory.kind == "flash")


def _vectors(board: Board, head: bytes) -> str:
    """What the first two words of a board's flash say: every image of a Cortex-M begins so."""
    stack, start = (int.from_bytes(head[at : at + 4], sys.byteorder) for at in (0, 4))
    fits = [
        any(memory.kind == kind and memory.start <= word <= memory.end for memory in board.memory)
        for word, kind in ((stack, "ram"), (start, "flash"))
    ]
    if all(fits):
        return f"an image is there: stack from {stack:#010x}, start at {start:#010x}"
    empty = "is empty" if head in (b"\xff" * 8, b"\0" * 8) else "holds no image for this memory map"
    raise FirmwareError(
        f"the flash {empty}: it begins with {head.hex(' ')}",
        hint="give --flash with --firmware ELF to put an image onto the board",
    )
