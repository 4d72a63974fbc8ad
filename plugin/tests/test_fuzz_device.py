"""A short run of the device's fuzzer; ``make fuzz`` makes a long one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tinyhil.catalog.task import Task
from tinyhil.emulator import native_build
from tinyhil.emulator.native_build import build_fuzzer
from tinyhil.ground.paths import FIRMWARE

from .fuzz_device import Batch, Tally, fuzz

INPUTS = 10_000


def tried(task: Task, folder: Path) -> Tally:
    program = build_fuzzer(task, folder)
    return fuzz([Batch(task.name, program, 0, INPUTS)], lambda _: None)


def test_no_input_breaks_the_core(kws01: Task, tmp_path: Path) -> None:
    tally = tried(kws01, tmp_path)
    assert tally.failure is None
    assert sum(tally.done.values()) == INPUTS


@pytest.mark.long
@pytest.mark.parametrize(
    ("file", "sound", "broken", "said"),
    [
        ("query.c", " || keep > hil->input_size", "", "global-buffer-overflow"),
        ("transport_wire.c", "hil->text_queue, sizeof", "hil->input, sizeof", "left its memory"),
    ],
)
def test_a_core_that_lacks_a_check_is_found_out(
    file: str,
    sound: str,
    broken: str,
    said: str,
    kws01: Task,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    firmware = tmp_path / "firmware"
    shutil.copytree(FIRMWARE, firmware)
    damaged = firmware / "core" / file
    text = damaged.read_text(encoding="utf-8")
    assert sound in text
    damaged.write_text(text.replace(sound, broken), encoding="utf-8")
    core = firmware / "core"
    includes = (core if path == FIRMWARE / "core" else path for path in native_build._INCLUDES)
    monkeypatch.setattr(native_build, "_CORE", core)
    monkeypatch.setattr(native_build, "_INCLUDES", tuple(includes))
    failure = tried(kws01, tmp_path / "built").failure
    assert failure is not None
    assert said in failure
    assert "--task kws01 --first N" in failure
