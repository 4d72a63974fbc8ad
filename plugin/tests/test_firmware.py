"""The reference firmware on the emulated board: the text protocol line by line, and its extension.

The expected lines are those of the public reference firmware, as real devices print them.
"""

from __future__ import annotations

import itertools
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from tinyhil.catalog.board import Board
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.data.material import Material
from tinyhil.device.dut import Dut
from tinyhil.device.session import Session
from tinyhil.flash import load_flasher, reset
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import FirmwareError, ModelError
from tinyhil.image import build as firmware
from tinyhil.image.build import Firmware

from .terminal import Terminal


@pytest.fixture
def terminal(live: Dut) -> Iterator[Terminal]:
    with serial.serial_for_url(live.serial_url, baudrate=115200, timeout=60) as port:
        made = Terminal(port)
        made.type("%")  # Whatever the boot has left in the port.
        yield made


def test_boot_prints_mode_time_and_done(live: Dut, mps2: Board) -> None:
    with serial.serial_for_url(live.serial_url, baudrate=115200, timeout=60) as port:
        terminal = Terminal(port)
        terminal.type("%")
        with load_flasher("pyocd")(mps2, live.probe_uid, Deadline.after(60)) as flasher:
            flasher.reset()
        mode, lap, done = terminal.read()
    assert mode == "m-timestamp-mode-performance"
    assert lap.removeprefix("m-lap-us-").isdigit()
    assert done == "m-init-done"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("name%", ["m-name-dut-[tinyhil]"]),
        ("profile%", ["m-profile-[ULPMark for tinyML Firmware V0.0.1]", "m-model-[kws01]"]),
        ("db load 490%", ["m-[Expecting 490 bytes]"]),
        ("nonsense%", ["e-[Unknown command: nonsense]"]),
        ("%", ["e-[Unknown command: ]"]),
        ("\x1b[2J%", ["e-[Unknown command: ?[2J]"]),
        ("db%", ["e-[Command 'db' requires a subcommand]"]),
        ("db load%", ["e-[Command 'db load' requires the # of bytes]"]),
        ("db load 0%", ["e-[Command 'db load' must be >0 bytes]"]),
        ("db load x%", ["e-[Command 'db load' must be >0 bytes]"]),
        ("db load -5%", ["e-[Command 'db load' must be >0 bytes]"]),
        ("db 123%", ["e-[Insufficent number of hex digits]"]),
        ("infer 0%", ["e-[Inference iterations must be >0]"]),
        ("infer -1%", ["e-[Inference iterations must be >0]"]),
        ("infer x%", ["e-[Inference iterations must be >0]"]),
        ("infer 1 -1%", ["e-[Inference warmup must be >=0]"]),
        ("hil%", ["e-[Command 'hil' requires a subcommand]"]),
        ("hil nonsense%", ["e-[Unknown command: hil nonsense]"]),
        ("  name  %", ["m-name-dut-[tinyhil]"]),
        ("\r\nname\r\n%", ["m-name-dut-[tinyhil]"]),
        ("x" * 80 + "%", ["e-[Command too long]"]),
    ],
)
def test_a_command_is_answered_as_in_the_field(
    terminal: Terminal, command: str, answer: list[str]
) -> None:
    assert terminal.type(command) == answer
    assert terminal.type("name%") == ["m-name-dut-[tinyhil]"], "and the session goes on"


def test_a_sample_is_loaded_in_pieces_and_can_be_read_back(terminal: Terminal) -> None:
    assert terminal.type("db load 10%") == ["m-[Expecting 10 bytes]"]
    assert terminal.type("db 00010203%") == []
    assert terminal.type("db 0405060708%") == []
    assert terminal.type("db FfEeDd%") == ["m-load-done"], "digits past the tenth byte are ignored"
    assert terminal.type("db 99%") == [], "and so are those that come later"
    assert terminal.type("db print%") == ["m-buffer-00-01-02-03-04-05-06-07", "m-buffer-08-ff"]


def test_an_invalid_digit_is_named_and_keeps_what_came_before(terminal: Terminal) -> None:
    terminal.type("db load 4%")
    assert terminal.type("db 01zz%") == ["e-[Invalid hex digit 'zz']"]
    assert terminal.type("db 020304%") == ["m-load-done"]
    assert terminal.type("db print%") == ["m-buffer-01-02-03-04"]


def test_a_sample_too_large_is_refused_in_the_spelling_of_the_field(terminal: Terminal) -> None:
    """Without `e-`, and with LF alone, so that `m-ready` follows on a line of its own."""
    assert terminal.type("db load 27648%") == ["m-[Expecting 27648 bytes]"]
    answer = terminal.raw("db load 27649%")
    assert answer == b"Supplied buffer size 27649 exceeds maximum of 27648\nm-ready\r\n"


def test_infer_brackets_its_inferences_with_time_stamps(terminal: Terminal) -> None:
    lines = terminal.type("infer 3 2%")
    stamps = [int(line.removeprefix("m-lap-us-")) for line in lines[3:5]]
    assert lines[:3] == ["m-warmup-start-2", "m-warmup-done", "m-infer-start-3"]
    assert lines[5] == "m-infer-done"
    assert len(lines[6].removeprefix("m-results-[").removesuffix("]").split(",")) == 12
    assert 0 < stamps[0] < stamps[1]
    assert terminal.type("results%") == [lines[6]]


def test_warm_up_is_ten_inferences_unless_told_otherwise(terminal: Terminal) -> None:
    assert terminal.type("infer 1%")[0] == "m-warmup-start-10"


def test_time_since_boot_never_runs_backwards(terminal: Terminal) -> None:
    stamps = []
    for command in ("timestamp%", "infer 2 0%", "timestamp%", "infer 1 0%", "timestamp%"):
        lines = terminal.type(command)
        stamps += [int(line[9:]) for line in lines if line.startswith("m-lap-us-")]
    assert stamps == sorted(stamps)


def laps(terminal: Terminal) -> tuple[int, ...]:
    """Ticks of each inference of the last `infer`."""
    lines = [line.partition("-[") for line in terminal.type("hil laps%")]
    ticks = [tuple(map(int, ticks.removesuffix("]").split(","))) for _, _, ticks in lines]
    starts = itertools.accumulate(map(len, ticks[:-1]), initial=0)
    assert [name for name, _, _ in lines] == [f"m-hil-laps-{start}" for start in starts]
    return tuple(itertools.chain(*ticks))


def test_each_inference_has_its_own_time(terminal: Terminal, stand_in: Material) -> None:
    terminal.load(stand_in.data.samples[0].data)
    lines = terminal.type("infer 20 0%")
    start, end = (int(line.removeprefix("m-lap-us-")) for line in lines[3:5])
    ticks = laps(terminal)
    assert len(ticks) == 20
    assert abs(sum(ticks) / 25 - (end - start)) <= 2
    assert max(ticks) - min(ticks) <= 50, "equal work takes equal time, but for the loop's first"
    assert terminal.type("hil laps 0 21%") == ["e-[Laps kept: 20]"]


def test_the_same_inferences_take_the_same_ticks_again(
    terminal: Terminal, stand_in: Material
) -> None:
    terminal.load(stand_in.data.samples[3].data)
    runs = set()
    for _ in range(5):
        terminal.type("infer 4 0%")
        runs.add(laps(terminal))
    assert len(runs) == 1


def test_the_extension_tells_what_the_device_is(
    terminal: Terminal, stand_in_firmware: Firmware
) -> None:
    assert terminal.type("hil info%") == [
        "m-hil-version-4",
        "m-hil-frames-2",
        "m-hil-tick-hz-25000000",
        "m-hil-lap-capacity-1024",
        f"m-hil-arena-bytes-{stand_in_firmware.model.arena_bytes}",
        "m-hil-received-lost-0",
        f"m-hil-model-sha256-[{stand_in_firmware.model.sha256}]",
        f"m-hil-build-id-[{stand_in_firmware.image.build_id}]",
        "m-hil-core-hz-25000000",
        "m-hil-core-clock-[the FPGA image's]",
        "m-hil-lap-clock-[CMSDK timer 0, at the core's clock]",
        "m-hil-speedups-[]",
    ]


def test_a_token_is_kept_until_the_next_reset(
    terminal: Terminal, live: Dut, stand_in_firmware: Firmware
) -> None:
    build = f"m-hil-build-id-[{stand_in_firmware.image.build_id}]"
    for wrong in ("", " 12", " 0123456789abcdeg", " 0123456789abcdef0"):
        assert terminal.type(f"hil token{wrong}%") == [
            "e-[Command 'hil token' requires 16 hex digits]"
        ]
    assert terminal.type("hil token 0123456789abcdef%") == ["m-hil-token-[0123456789abcdef]"]
    assert terminal.type("hil id%") == [build, "m-hil-token-[0123456789abcdef]"]
    reset(live.board, live.probe_uid, Deadline.after(60))
    assert terminal.read()[-1] == "m-init-done"
    assert terminal.type("hil id%") == [build, "m-hil-token-[0000000000000000]"]


def test_the_sum_of_a_sample_that_came_as_text_is_told(terminal: Terminal) -> None:
    sample = bytes(range(100))
    terminal.load(sample)
    assert terminal.type("hil crc%") == [f"m-hil-crc-{zlib.crc32(sample)}"]


def test_the_input_stays_whole_through_inferences(
    live_session: Session, stand_in: Material
) -> None:
    deadline = Deadline.after(60)
    sample = stand_in.data.samples[5].data
    live_session.load(sample, deadline)
    live_session.infer(3, 1, deadline)
    assert live_session.read_back(deadline) == sample


def test_the_stack_is_painted_and_its_use_is_a_part_of_it(live_session: Session) -> None:
    use = live_session.stack(Deadline.after(60))
    assert 0 < use.used_bytes < use.reserved_bytes


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for builds of the default board that differ a little: the rest is not done anew."""
    return tmp_path_factory.mktemp("builds")


@pytest.mark.long
def test_a_second_build_does_nothing_and_a_moved_one_is_right(
    mps2: Board, kws01: Task, stand_in: Material, builds: Path
) -> None:
    first = firmware.build(mps2, kws01, stand_in.model, builds).image
    times = {path: path.stat().st_mtime_ns for path in (builds / "objects").rglob("*")}
    second = firmware.build(mps2, kws01, stand_in.model, builds).image
    assert second.sha256 == first.sha256
    done = {path for path, time in times.items() if path.stat().st_mtime_ns != time}
    assert {path.name for path in done} <= {"objects", ".ninja_log", ".ninja_deps"}
    moved = builds.rename(builds.with_name("moved"))
    assert firmware.build(mps2, kws01, stand_in.model, moved).image.sha256 == first.sha256
    moved.rename(builds)


def test_only_the_kernels_of_the_model_are_built(stand_in_firmware: Firmware) -> None:
    kernels = stand_in_firmware.image.path.parent / "kernels"
    built = {path.name.partition(".")[0] for path in kernels.rglob("*.obj")}
    wanted = set(stand_in_firmware.model.kernels)
    assert "avg_pool_s8" in wanted
    assert "mean_s8" not in wanted
    database = kernels.parent / "build.ninja"
    assert {name for name in wanted if f"/{name}.c.obj:" in database.read_text()} == wanted <= built
    assert "/mean_s8.c.obj:" not in database.read_text()


def test_a_model_of_another_task_is_refused_before_anything_is_built(
    mps2: Board, stand_in: Material, tmp_path: Path
) -> None:
    for name, wanted in (("ic01", "10 of 3072"), ("ad01", "640 of 640")):
        told = rf"makes 12 numbers of 490, the task {name} {wanted}; .* \(.*, CONV_2D 5, "
        with pytest.raises(ModelError, match=told):
            firmware.build(mps2, load_tasks()[name], stand_in.model, tmp_path / name)
        assert not (tmp_path / name).exists()


def test_an_image_too_large_for_the_board_is_refused_by_name(
    mps2: Board, kws01: Task, stand_in: Material, builds: Path
) -> None:
    # The weights fit into this flash, but not with the code: the linker tells it.
    small = tuple(
        memory.model_copy(update={"size": 0xC000}) if memory.kind == "flash" else memory
        for memory in mps2.memory
    )
    with pytest.raises(FirmwareError, match=r"ssram1 .* too small by [\d,]+ bytes"):
        firmware.build(mps2.model_copy(update={"memory": small}), kws01, stand_in.model, builds)


def test_energy_mode_announces_itself_at_boot(
    mps2: Board, kws01: Task, stand_in: Material, builds: Path
) -> None:
    built = firmware.build(mps2, kws01, stand_in.model, builds, energy=True)
    strings = subprocess.run(
        ["arm-none-eabi-strings", built.image.path], capture_output=True, text=True, check=True
    ).stdout
    assert "m-timestamp-mode-energy" in strings
    assert "m-timestamp-mode-performance" not in strings


def test_memory_figures_add_up(stand_in_firmware: Firmware) -> None:
    image = stand_in_firmware.image
    assert image.symbol("hil_arena").size == stand_in_firmware.model.arena_bytes
    assert image.bss_bytes > stand_in_firmware.model.arena_bytes + 27648
    assert image.text_bytes > stand_in_firmware.model.weights_bytes
