"""Memory of an image, and of the stack as far as the firmware knows it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest

from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Limit
from tinyhil.catalog.task import Task
from tinyhil.data.material import Material
from tinyhil.device.info import DeviceInfo, Extension, StackUse
from tinyhil.device.session import Session
from tinyhil.emulator.foreign import ForeignDevice
from tinyhil.ground.deadline import Deadline
from tinyhil.image.build import Firmware
from tinyhil.image.elf import Image
from tinyhil.measure.job import Job
from tinyhil.measure.memory import largest, memory_use

from . import recorded

_IMAGE = Image(Path("x.elf"), "0" * 64, 0, (), {}, text_bytes=900, data_bytes=20, bss_bytes=5000)
_INFO = DeviceInfo("a", "b", "kws01", Extension(1, 1, 16, 0, "0" * 64, "0" * 40))


class Device:
    """A session with a firmware that reports its stack."""

    def __init__(self, used: int, reserved: int) -> None:
        self._use = StackUse(used, reserved)

    def stack(self, _: Deadline) -> StackUse:
        return self._use


@pytest.mark.parametrize(
    ("used", "reserved", "told", "ram"),
    [(500, 4096, (500, 4096), 20 + 5000 - 4096 + 500), (0, 0, (None, None), 20 + 5000)],
)
def test_a_stack_that_the_firmware_does_not_know_is_none(
    used: int, reserved: int, told: tuple[int | None, int | None], ram: int
) -> None:
    use = memory_use(cast(Session, Device(used, reserved)), _INFO, _IMAGE)
    assert (use.stack_used, use.stack_reserved) == told
    assert use.ram_bytes == ram


def test_a_missed_limit_of_memory_names_the_largest_symbols(
    mps2: Board, kws01: Task, stand_in: Material, stand_in_firmware: Firmware, tmp_path: Path
) -> None:
    limits = {"kws01": {"flash_bytes": Limit(max=1000, source="far too little")}}
    board, reporter = mps2.model_copy(update={"limits": limits}), recorded.Silent()
    image = stand_in_firmware.image
    with ForeignDevice("kws01", lambda _: [0.0] * 12) as device:
        job = Job(
            recorded.on_desk(board, device.port), kws01, stand_in, image, None, "serial",
            quick=False, all_windows=True, read_back=0.0, faults=None,
        )  # fmt: skip
        recorded.measure(tmp_path, job, ["flash_bytes"], reporter=reporter)
    (entry,) = reporter.entries
    (missed,) = (verdict for verdict in entry.verdicts if verdict.metric == "flash_bytes")
    assert missed.status == "fail"
    flash = next(memory for memory in mps2.memory if memory.kind == "flash")
    sizes = {name: symbol.size for name, symbol in image.symbols.items()
             if flash.start <= symbol.address < flash.end}  # fmt: skip
    first, second, *_ = sorted(sizes, key=lambda name: (-sizes[name], name))
    assert f"far too little; largest symbols: {first} " in missed.reason
    assert f" KiB, {second} " in missed.reason
    assert re.match(r"hil_input 27 KiB, hil_arena \d+", largest(image, board, "ram_bytes"))
