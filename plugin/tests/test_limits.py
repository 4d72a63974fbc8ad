"""Models larger than those of the benchmark: what board and wire hold, and what is refused."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tinyhil.benchmarks.peers import PeerFile
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.facts import Limit, Metric, load
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.cli.built import summary
from tinyhil.data.material import stand_in_model
from tinyhil.device.protocol.lines import MAX_LINE_BYTES
from tinyhil.device.session import Session
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import ConfigError, FirmwareError, ModelError
from tinyhil.ground.paths import FIRMWARE, SUITES
from tinyhil.image import build as firmware
from tinyhil.image import limits
from tinyhil.image.linker import linker_memory

from .compiler.models import Activation, Model, Operator

LARGE = (1, 22, 100, 30)
"""An input of 66,000 bytes: more than frames carry."""


def task_of(inputs: int, results: int) -> Task:
    kws01 = load_tasks()["kws01"]
    sample = kws01.input.model_copy(update={"bytes": inputs})
    return kws01.model_copy(update={"input": sample, "classes": tuple(map(str, range(results)))})


@pytest.fixture
def pooled(tmp_path: Path) -> Path:
    """A model that averages a large image."""
    values = {"Padding": 1, "StrideH": 1, "StrideW": 1, "FilterHeight": 22, "FilterWidth": 100}
    pool = Operator("AVERAGE_POOL_2D", (0,), 1, "Pool2DOptions", values)
    file = tmp_path / "pooled.tflite"
    file.write_bytes(Model([Activation(LARGE), Activation((1, 1, 1, 30))], [pool]).build())
    return file


def test_a_model_larger_than_frames_carry_is_built_for_text(
    mps2: Board, pooled: Path, tmp_path: Path
) -> None:
    task = task_of(66_000, 30)
    built = firmware.build(mps2, task, pooled, tmp_path / "built")
    frames = limits.frames_carry(task, built.model)
    told = summary(built, None, of_a_task=True, frames=frames)
    assert "66,000 bytes of input, 30 results: frames carry 65,535 and 255" in told
    assert built.image.bss_bytes > 66_000
    assert b"Supplied buffer size " in built.image.path.read_bytes()
    assert b"m-hil-frames" not in built.image.path.read_bytes()


def test_memory_that_is_missing_is_told_before_anything_is_built(
    mps2: Board, pooled: Path, tmp_path: Path
) -> None:
    small = tuple(memory.model_copy(update={"size": 60_000}) for memory in mps2.memory)
    needed = 66_016 + 16 + 30 + 4096  # buffer, arena, output, stack
    told = rf"\(60,000 bytes at .* too small by at least {needed - 60_000:,} bytes \(input buffer "
    board = mps2.model_copy(update={"memory": small})
    with pytest.raises(FirmwareError, match=told):
        firmware.build(board, task_of(66_000, 30), pooled, tmp_path / "built")
    assert not (tmp_path / "built").exists()


def test_a_second_ram_makes_room_for_the_largest_model() -> None:
    board, task = load_boards()["b-l475e-iot01a"], load_tasks()["vww01"]
    compiled = firmware.compile_for(task, stand_in_model(task), board)
    limits.check_memory(board, task, compiled)
    needed = 2 * 27_648 + 2048 + compiled.arena_bytes + compiled.output.size + 4096
    alone = tuple(memory.model_copy(update={"variables": False}) for memory in board.memory)
    told = (
        rf"sram1 .* too small by at least {needed - 98_304:,} bytes \(input buffer 57,344, arena "
    )
    with pytest.raises(FirmwareError, match=told):
        limits.check_memory(board.model_copy(update={"memory": alone}), task, compiled)
    small = tuple(
        memory.model_copy(update={"size": 4000 if memory.variables else memory.size})
        for memory in board.memory
    )
    with pytest.raises(FirmwareError, match=r"sram2 .* at least 98 bytes \(output 2, stack 4,096"):
        limits.check_memory(board.model_copy(update={"memory": small}), task, compiled)


def test_a_second_flash_takes_weights_that_are_too_large_for_the_first(kws01: Task) -> None:
    board = load_boards()["mps3-an547"]
    compiled = firmware.compile_for(kws01, stand_in_model(kws01), board)
    large = replace(compiled, weights_bytes=524_704)
    assert "CONSTANTS" not in linker_memory(board, compiled)
    assert "CONSTANTS (rx) : ORIGIN = 0x1000000," in linker_memory(board, large)
    limits.check_memory(board, kws01, large)
    larger = replace(compiled, weights_bytes=3_000_000)
    told = r"^.*: sram \(2,097,152 bytes at 0x01000000\) .* at least 902,848 bytes \(weights 3,0"
    with pytest.raises(FirmwareError, match=told):
        limits.check_memory(board, kws01, larger)
    memory = tuple(
        one.model_copy(update={"kind": "ram"}) if one.constants else one for one in board.memory
    )
    with pytest.raises(ConfigError, match="sram takes constants, but is no flash"):
        limits.check_memory(board.model_copy(update={"memory": memory}), kws01, large)


def test_a_board_of_little_ram_keeps_no_more_than_the_models_input(kws01: Task) -> None:
    board = load_boards()["microbit"]
    flash, ram = board.memory
    ram = ram.model_copy(update={"size": 12_288})
    board = board.model_copy(update={"memory": (flash, ram)})
    compiled = firmware.compile_for(kws01, stand_in_model(kws01), board)
    needed = 2 * 490 + 2048 + compiled.arena_bytes + 12 + 4096
    told = rf"ram \(12,288 bytes at 0x20000000\) is too small by at least {needed - 12_288:,} bytes"
    with pytest.raises(FirmwareError, match=told):
        limits.check_memory(board, kws01, compiled)
    whole = board.model_copy(update={"input_buffer": "benchmark"})
    told = f"by at least {needed - 3028 + 27_648 - 12_288:,} bytes"
    with pytest.raises(FirmwareError, match=told):
        limits.check_memory(whole, kws01, compiled)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"kind": "flash", "variables": True}, "'mps2-an386': ssram1 takes variables, but is no"),
        ({"kind": "ram"}, "'mps2-an386': has no flash"),
    ],
)
def test_a_memory_map_that_no_firmware_can_use_is_told(
    changed: dict[str, object], told: str, mps2: Board
) -> None:
    first, *others = mps2.memory
    board = mps2.model_copy(update={"memory": (first.model_copy(update=changed), *others)})
    with pytest.raises(ConfigError, match=told):
        linker_memory(board)


LATENCIES: tuple[Metric, ...] = ("latency_p50_s", "latency_p90_s", "latency_p99_s")
LIMITED = [
    name for name, board in sorted(load_boards().items()) if not board.on_desks and board.limits
]
_OWN_RAM = 27_648 + 16_384
"""Of the receive buffer, and of all that is no arena."""


@pytest.mark.parametrize("name", LIMITED)
def test_limits_are_what_the_peer_needs_measured_as_our_figures_are(name: str) -> None:
    """With what a text protocol prints inside each time, and with the C library in the flash."""
    board = load_boards()[name]
    assert board.emulator is not None
    peers = load(SUITES / "peers.toml", PeerFile).models
    helium = board.core == "cortex-m55"
    factor = 1.5 if helium else 1.0
    assert board.limits.keys() == load_tasks().keys()
    for task, own in board.limits.items():
        peer = peers[task].cortex_m55 if helium else peers[task].cortex_m4
        assert peer.instructions is not None
        for metric in LATENCIES:
            limit = own[metric]
            assert "3900 for a time stamp" in limit.source
            count = (limit.max or 0.0) / board.emulator.instruction_s - 3900
            assert factor * peer.instructions <= count <= 1.004 * factor * peer.instructions
        rate = own["throughput_ips"]
        assert "time stamp" not in rate.source, "there it is one of many inferences"
        count = 1 / (rate.min or 0.0) / board.emulator.instruction_s
        assert factor * peer.instructions <= count <= 1.004 * factor * peer.instructions
        code, model, library = sizes(own["flash_bytes"])
        assert (code, library > 20_000) == (peer.code_bytes, True)
        assert own["flash_bytes"].max == code + model + library
        assert own["ram_bytes"].max == (peers[task].cortex_m4.arena_bytes or 0) + _OWN_RAM


def sizes(limit: Limit) -> list[int]:
    """The sizes that a limit's source names."""
    return [int(size) for size in re.findall(r"(\d+) (?:bytes )?of (?:code|model|C)", limit.source)]


def test_results_that_no_line_holds_are_refused_with_how_many_it_holds(tmp_path: Path) -> None:
    shape = (1, 3000)
    add = Operator("ADD", (0, 0), 1, "AddOptions")
    file = tmp_path / "added.tflite"
    file.write_bytes(Model([Activation(shape), Activation(shape, 2.0)], [add]).build())
    # "-256.000," each; the last one without its comma.
    assert limits.LINE_BYTES == MAX_LINE_BYTES
    most = (limits.LINE_BYTES - len("m-results-[]") + 1) // 9
    with pytest.raises(ModelError, match=rf"3,000 results, .* {most:,} .*: {3000 - most:,} too"):
        firmware.compile_for(task_of(3000, 3000), file, None)


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: no 'cc' on the path")
def test_the_firmware_has_the_same_limits(tmp_path: Path) -> None:
    def taken(sample: int, output: int, *, frames: bool, claim: str = "1") -> bool:
        (tmp_path / "hil_config.h").write_text(
            f"#define HIL_SAMPLE_BYTES {sample}\n#define HIL_OUTPUT_BYTES {output}\n"
            f'#define HIL_EXTENSION {int(frames)}\n#define HIL_BAUD 1u\n#define HIL_TASK "t"\n'
        )
        stream = FIRMWARE / "core" / "stream.c"
        text = f'#include "{stream}"\n_Static_assert({claim}, "");'
        folders = (tmp_path, stream.parent, stream.parent / "include")
        done = subprocess.run(
            ["cc", "-fsyntax-only", *(f"-I{folder}" for folder in folders), "-xc", "-"],
            input=text.encode(),
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    sample, output = limits.FRAME_SAMPLE_BYTES, limits.FRAME_OUTPUT_BYTES
    assert taken(sample, output, frames=True)
    assert not taken(sample + 1, output, frames=True)
    assert not taken(sample, output + 1, frames=True)
    assert taken(sample + 1, output + 1, frames=False)
    assert taken(1, 1, frames=True, claim=f"HIL_RESULTS_MAX == {limits.FRAME_RESULTS}")
    for size, frames in ((490, True), (27_648, False), (40_000, True), (66_000, False)):
        storage = limits.storage_bytes(size, frames=frames)
        assert taken(size, 1, frames=frames, claim=f"HIL_STORAGE == {storage}")


class Printing:
    """A link to a device that prints its buffer, whatever it is sent."""

    def __init__(self, data: bytes) -> None:
        rows = (data[i : i + 8].hex("-") for i in range(0, len(data), 8))
        self._lines = "".join(f"m-buffer-{row}\r\n" for row in rows).encode() + b"m-ready\r\n"

    def write(self, data: bytes, deadline: Deadline) -> None:
        """See `Link`."""

    def read(self, deadline: Deadline) -> bytes:
        """See `Link`."""
        del deadline
        return self.poll()

    def poll(self) -> bytes:
        """See `Link`."""
        lines, self._lines = self._lines, b""
        return lines

    def set_baud(self, baud: int) -> None:
        """See `Link`."""

    def close(self) -> None:
        """See `Link`."""


def test_a_sample_larger_than_the_benchmarks_is_read_back() -> None:
    data = bytes(range(256)) * 300
    assert Session(Printing(data)).read_back(Deadline.after(60)) == data
