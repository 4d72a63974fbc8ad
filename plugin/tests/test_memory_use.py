"""Memory of an image, and of the stack as far as the firmware knows it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from tinyhil.device.info import DeviceInfo, Extension, StackUse
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.image.elf import Image
from tinyhil.measure.memory import memory_use

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
