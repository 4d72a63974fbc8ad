"""Ports: their firmware links into the board's memory, the timed region is the same code on each
board of a core, and what an emulator plays runs.

An emulated board that is alone with its core is built, and runs, in `test_boards`.
"""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from itertools import chain
from pathlib import Path
from threading import Timer

import pytest

from tinyhil.benchmarks import BUILD
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.task import Task, load_tasks
from tinyhil.data.material import stand_in_model
from tinyhil.emulator.program import find_qemu
from tinyhil.ground.errors import BenchError
from tinyhil.ground.paths import FIRMWARE, ROOT
from tinyhil.image import build as firmware
from tinyhil.image.elf import Image, read_image

from .compiler.models import Activation, Model, Operator
from .disassembly import START, timed_region
from .runs import Once


def cores() -> list[list[Board]]:
    """Boards whose firmware is compiled alike, together."""
    found = defaultdict(list)
    for board in load_boards().values():
        if board.port:
            found[board.toolchain].append(board)
    return [boards for boards in found.values() if len(boards) > 1 or not _runs_models(*boards)]


def _runs_models(board: Board) -> bool:
    return board.emulated and board.input_buffer == "benchmark"


SAME = [boards for boards in cores() if len(boards) > 1]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Task, Path]:
    """A model that fits every board, which sums up 64 numbers to 4, and its task."""
    values = {"Padding": 1, "StrideH": 1, "StrideW": 1, "FilterHeight": 4, "FilterWidth": 4}
    pool = Operator("AVERAGE_POOL_2D", (0,), 1, "Pool2DOptions", values)
    file = tmp_path_factory.mktemp("tiny") / "tiny.tflite"
    shapes = Activation((1, 4, 4, 4), 2.0**-7), Activation((1, 1, 1, 4), 2.0**-7)
    file.write_bytes(Model(shapes, [pool]).build())
    kws01 = load_tasks()["kws01"]
    sample = kws01.input.model_copy(update={"bytes": 64})
    return kws01.model_copy(update={"input": sample, "classes": tuple("abcd")}), file


@pytest.fixture(scope="module")
def images(tiny: tuple[Task, Path], once: Once) -> dict[str, Image]:
    """Of every board: those of one core are built in one folder, where the next test run finds what
    did not change, and share all but the port."""

    def fill(folder: Path) -> None:
        for boards in cores():
            # With a model of many kernels where there is something to compare.
            task, model = tiny
            if len(boards) > 1:
                task = load_tasks()["kws01"]
                model = stand_in_model(task)
            for board in boards:
                place = BUILD / "firmware" / f"ports-{board.core}"
                image = firmware.build(board, task, model, place).image
                _written(folder / board.name, image.content)

    folder = once("ports", fill)
    return {board.name: read_image(folder / board.name) for board in chain(*cores())}


@pytest.mark.parametrize("board", [*chain(*cores())], ids=lambda board: board.name)
def test_a_ports_firmware_lies_in_its_boards_memory(board: Board, images: dict[str, Image]) -> None:
    image = images[board.name]
    flash = [memory for memory in board.memory if memory.kind == "flash"]
    assert all(
        any(memory.start <= one.address and one.end <= memory.end for memory in flash)
        for one in image.segments
    )
    stack, first_stack = image.symbol("__stack_top").address, flash[0].start
    (vectors,) = (one for one in image.segments if one.address == first_stack)
    assert int.from_bytes(vectors.data[:4], "little") == stack, "what a reset reads first"
    assert int.from_bytes(vectors.data[4:8], "little") == image.entry
    assert image.entry & 1, "Thumb code"
    for variable in ("hil_arena", "hil_input", "hil_token", "_SEGGER_RTT", "__stack_limit"):
        address = image.symbol(variable).address
        kinds = [one.kind for one in board.memory if one.start <= address < one.end]
        assert kinds == ["ram"], f"{variable} at {address:#x}"


def test_a_second_ram_holds_stack_and_variables(images: dict[str, Image]) -> None:
    board = load_boards()["b-l475e-iot01a"]
    held = {memory.name: set[str]() for memory in board.memory}
    for name, symbol in images[board.name].symbols.items():
        for memory in board.memory:
            if memory.start <= symbol.address < memory.end and symbol.size:
                held[memory.name].add(name)
    assert held["sram1"] == {"hil_arena", "hil_input"}
    assert {"context", "hil_token", "_SEGGER_RTT", "up_bytes"} <= held["sram2"]


def test_time_goes_on_while_a_core_sleeps_whose_cycle_counter_stands_still(tmp_path: Path) -> None:
    """No emulator has such a counter, so the test plays one."""
    source, program = Path(__file__).parent / "played_core" / "main.c", tmp_path / "core"
    includes = (f"-I{FIRMWARE / folder}" for folder in ("ports/cortex-m", "core/include"))
    fakes = ("-DTINYHIL_H", "-Wall", "-Wextra", "-Werror")
    subprocess.run(["cc", *includes, *fakes, "-o", program, source], check=True, timeout=60)
    done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout


def test_an_nrf5_without_its_crystal_starts_and_says_so(tmp_path: Path) -> None:
    """No emulator has a chip whose crystal fails, so the test plays one."""
    source, program = Path(__file__).parent / "played_core" / "nrf5.c", tmp_path / "chip"
    (tmp_path / "hil_config.h").touch()
    own = (FIRMWARE / "ports" / name for name in ("nrf5", "nrf52840-dk", "cortex-m", "."))
    folders = (tmp_path, *own, FIRMWARE / "core" / "include")
    includes = [f"-I{folder}" for folder in folders]
    subprocess.run(
        ["cc", *includes, "-Wall", "-Werror", "-o", program, source], check=True, timeout=60
    )
    done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout


@pytest.mark.long
def test_other_compiler_flags_in_a_boards_file_build_another_image(
    tiny: tuple[Task, Path], tmp_path: Path
) -> None:
    board = load_boards()["microbit"]
    changed = {"flags": (*board.toolchain.flags, "-fno-inline")}
    other = board.model_copy(update={"toolchain": board.toolchain.model_copy(update=changed)})
    first, second, again = (
        firmware.build(one, *tiny, tmp_path).image.sha256 for one in (board, other, board)
    )
    assert first != second
    assert first == again


def test_the_page_of_ports_knows_every_function_and_every_board() -> None:
    page = (ROOT / "docs" / "ports.md").read_text(encoding="utf-8")
    headers = (FIRMWARE / "core/include/tinyhil.h", FIRMWARE / "ports/port.h")
    text = "".join(header.read_text(encoding="utf-8") for header in headers)
    functions = set(re.findall(r"^[a-z]\w*(?: \w+)* \*?(port_\w+)\(", text, re.MULTILINE))
    assert len(functions) == 16
    named = {*re.findall(r"`(\w[\w-]*)`", page)}
    assert functions <= named
    assert {name for name, board in load_boards().items() if board.port} <= named


@pytest.mark.parametrize("boards", SAME, ids=lambda boards: boards[0].core)
def test_the_timed_region_is_the_same_code_on_every_board_of_a_core(
    boards: list[Board], images: dict[str, Image], tmp_path: Path
) -> None:
    first, *others = (timed_region(images[one.name], one, tmp_path) for one in boards)
    assert {START, "model_invoke", "conv2d_pairs_s8"} <= first.keys()
    assert sum(map(len, first.values())) > 1000
    for board, other in zip(boards[1:], others, strict=True):
        assert other.keys() == first.keys(), board.name
        changed = {
            f"{name}: {line} | {its}"
            for name in first
            for line, its in zip(first[name], other[name], strict=False)
            if line != its
        }
        assert not changed, board.name
        assert [len(first[name]) for name in first] == [len(other[name]) for name in first]


def test_one_changed_instruction_of_the_timed_region_shows(
    images: dict[str, Image], tmp_path: Path
) -> None:
    """What compares the boards can fail."""
    board = load_boards()["mps2-an386"]
    image = images[board.name]
    region = timed_region(image, board, tmp_path)
    entry = image.symbol("conv2d_pairs_s8")
    content = bytearray(image.content)
    segment = next(one for one in image.segments if one.address <= entry.address < one.end)
    code = segment.data[(entry.address & ~1) - segment.address :][: entry.size]
    place = image.content.index(code) + entry.size // 2 & ~1
    content[place : place + 2] = (0xBF00).to_bytes(2, "little")  # nop
    other = timed_region(
        read_image(_written(tmp_path / "changed.elf", bytes(content))), board, tmp_path
    )
    assert [name for name in region if region[name] != other[name]] == ["conv2d_pairs_s8"]


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def played(
    name: str, image: Image, folder: Path, *commands: str, shift: int = 5
) -> list[list[str]]:
    """Lines of the boot, and of each command's answer, by QEMU's machine of the board's name; an
    instruction takes 2**shift ns. After an answer of an error alone there are no more."""
    facts = load_boards()[name].emulator
    assert facts is not None
    try:
        qemu = find_qemu(facts.qemu, name)
    except BenchError as error:
        pytest.skip(f"NOT TESTED: {error.message}; {error.hint}")
    elf = _written(folder / "firmware.elf", image.content)
    arguments = ("-machine", facts.machine, "-icount", f"shift={shift},sleep=on", "-kernel", elf)
    quiet = ("-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none")
    answers: list[list[str]] = []
    with subprocess.Popen(
        [qemu, *arguments, *quiet, "-serial", "stdio"], text=True, bufsize=0,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        ends = Timer(60, process.kill)
        ends.start()
        assert process.stdin
        assert process.stdout
        for command in (*commands, None):
            answers.append([])
            for line in iter(process.stdout.readline, "m-ready\n"):
                answers[-1].append(line.rstrip())
                if not line or line.startswith("e-["):
                    process.kill()
                    return answers
            if command:
                process.stdin.write(f"{command}%")
        ends.cancel()
        process.kill()
    return answers


def test_the_smallest_model_runs_on_an_nrf51(images: dict[str, Image], tmp_path: Path) -> None:
    """In the 16 KiB of RAM that the micro:bit has."""
    sample = bytes(range(0, 128, 2))
    loads = (f"db load {len(sample)}", *(f"db {sample[i : i + 32].hex()}" for i in (0, 32)))
    boot, *_, inferred, laps, said, again = played(
        *("microbit", images["microbit"], tmp_path),
        *(*loads, "infer 2 1", "hil laps", "hil info", "db load 65"),
    )
    assert boot[0] == "m-timestamp-mode-performance"
    pooled = [sum(sample[channel::4]) // 16 / 128 for channel in range(4)]
    assert inferred[-1] == f"m-results-[{','.join(f'{value:.3f}' for value in pooled)}]"
    ticks = [int(tick) for tick in laps[0].removeprefix("m-hil-laps-0-[")[:-1].split(",")]
    assert all(400 < tick < 800 for tick in ticks), "16 MHz, 32 ns an instruction"
    assert "m-hil-tick-hz-16000000" in said
    assert said[-4:] == [
        "m-hil-core-hz-16000000",
        "m-hil-core-clock-[crystal]",
        "m-hil-lap-clock-[TIMER0]",
        "m-hil-speedups-[]",
    ]
    assert again == ["Supplied buffer size 65 exceeds maximum of 64"]


def test_an_stm32l4_finds_out_that_no_cycle_counter_counts(
    images: dict[str, Image], tmp_path: Path
) -> None:
    """QEMU's model has none; SysTick at an eighth of the clock that the PLL was set to."""
    boot, first, laps, second, again, said = played(
        *("b-l475e-iot01a", images["b-l475e-iot01a"], tmp_path),
        *("infer 2 0", "hil laps", "infer 2 0", "hil laps", "hil info"),
    )
    assert boot[0] == "m-timestamp-mode-performance"
    assert laps == again
    stamps = [int(line[9:]) for line in first + second if line.startswith("m-lap-us-")]
    assert stamps == sorted(stamps)
    assert {
        "m-hil-tick-hz-10000000",
        "m-hil-core-hz-80000000",
        "m-hil-core-clock-[PLL of MSI, kept right by LSE]",
        "m-hil-lap-clock-[SysTick]",
    } <= set(said)


def test_an_inference_that_wraps_the_timer_is_given_up_not_told_wrong(
    images: dict[str, Image], tmp_path: Path
) -> None:
    """SysTick's 24 bits last 1.68 s; the same inference takes less and more than that."""

    def answers(shift: int) -> list[list[str]]:
        commands = "infer 3 0", "hil laps"
        name = "b-l475e-iot01a"
        return played(name, images[name], tmp_path, *commands, shift=shift)

    def laps(shift: int) -> list[int]:
        *_, said = answers(shift)
        return [int(tick) for tick in said[0].removeprefix("m-hil-laps-0-[")[:-1].split(",")]

    short, fits = laps(5), laps(9)
    assert 1 << 19 < short[0] < 1 << 20, "16 times as much fits, 32 times do not"
    assert all(abs(long - 16 * one) <= 32 for long, one in zip(fits, short, strict=True))
    *_, said = answers(10)
    assert said[-1] == "e-[An inference may last, by SysTick's 24 bits, less than ms: 1677]"
