"""Cycles that are predicted: instructions as they ran, what they cost, and what a person sees."""

from __future__ import annotations

import io
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from tinyhil.benchmarks import baseline, kernels
from tinyhil.benchmarks.kernel_table import Figure, kernel_table, notes
from tinyhil.benchmarks.places import LESSER, Place
from tinyhil.catalog.board import Board, load_boards
from tinyhil.catalog.cycles import load_cycles
from tinyhil.emulator import counting, cycles, qemu
from tinyhil.emulator.program import QEMU, unpacked
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, FirmwareError
from tinyhil.image.build import require_tool
from tinyhil.image.disassembly import Kind, disassemble, instruction
from tinyhil.image.elf import Image, read_image
from tinyhil.measure.profile import check_agreement

FACTS = load_cycles()
M4 = FACTS.cores["cortex-m4"]

PROGRAM = """
    .syntax unified
    .thumb
    .word 0x20001000, reset + 1
    .thumb_func
reset:
    bl model_invoke
    @ again
    movs r0, #0x18
    ldr r1, =0x20026
    bkpt 0xab
    .ltorg
    .global model_invoke
    .type model_invoke, %function
model_invoke:
    push {r4, lr}
    bl first
    ldmia.w sp!, {r4, lr}
    b.w second
    .size model_invoke, . - model_invoke
    .thumb_func
first:
    movs r2, #10
    ldr r1, =table
1:  ldr r0, [r1], #4
    ldr r3, [r1]
    smlad r0, r0, r3, r0
    subs r2, #1
    bne 1b
    bx lr
    .ltorg
    .thumb_func
second:
    udiv r0, r2, r1
    strd r0, r1, [sp, #-8]
    bx lr
    .align 5
table:
    .space 44
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Two calls in a model: a loop over a table in flash, and a division."""
    return built(PROGRAM, tmp_path_factory.mktemp("counted"))


def built(source: str, folder: Path, core: str = "cortex-m4") -> Image:
    text, elf = folder / "program.s", folder / "program.elf"
    text.write_text(source, encoding="utf-8")
    compiler = require_tool("arm-none-eabi-gcc")
    flags = [f"-mcpu={core}", "-nostdlib", "-Wl,-Ttext=0,-e,reset"]
    subprocess.run([compiler, *flags, str(text), "-o", str(elf)], check=True, timeout=60)
    return read_image(elf)


def counts(emulator: Path | str, board: Board, image: Image, out: Path) -> counting.Counts:
    """What the plugin counts of a program that ends by itself."""
    assert board.emulator is not None
    command = [
        *(str(emulator), "-machine", board.emulator.machine, "-kernel", str(image.path)),
        *("-display", "none", "-serial", "none", "-monitor", "none"),
        *("-semihosting-config", "enable=on,target=native"),
        *("-plugin", counting.plugin(board, image, FACTS.flash, out)),
    ]
    subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)
    return counting.read_counts(out)


def test_the_facts_are_read_once() -> None:
    """The compiler asks for them operator by operator."""
    assert load_cycles() is FACTS


@pytest.mark.parametrize("newer", [False, True], ids=["installed", "unpacked"])
def test_each_call_is_counted_exactly(
    mps2: Board, program: Image, tmp_path: Path, newer: bool
) -> None:
    emulator: Path | str | None = QEMU
    if newer:
        emulator = unpacked()
        if emulator is None:
            pytest.skip("no newer QEMU is unpacked: `make qemu` gets one")
        assert mps2.emulator is not None
        facts = mps2.emulator.model_copy(update={"qemu": ">=9"})
        mps2 = mps2.model_copy(update={"emulator": facts})
    ran = counts(emulator or QEMU, mps2, program, tmp_path / "counts")
    known = disassemble(program.path, "arm-none-eabi-")
    loop, division = cycles.predict(ran, known, M4)
    assert loop.mix == {
        "other": 11, "load": 21, "multiply-add": 10, "branch": 12, "multiple": 1, "taken": 11,
    }  # fmt: skip
    assert division.mix == {"multiple": 1, "branch": 2, "divide": 1, "pair": 1, "taken": 2}
    assert loop.cycles == 3 + (1 + 2) + 8 + 9 * (6 + 2) + (1 + 2)
    assert division.cycles == 3 + (1 + 2) + 7 + 3 + (1 + 2)
    assert loop.fetches.data == 6 + 1, "44 bytes of a table by 8, and the table's address"
    assert division.fetches.data == 0
    both = cycles.total((loop, division))
    assert both.instructions == ran.instructions == 55 + 5
    reads = both.fetches.jumps + both.fetches.data
    assert both.waiting(FACTS.flash) == both.cycles + 5 * reads
    unread = FACTS.flash.model_copy(update={"prefetch": False, "wait_states": 1})
    assert both.waiting(unread) == both.cycles + reads + both.fetches.next
    assert both.fetches.next > 0


def test_the_last_run_counts_and_finds_the_caches_full(mps2: Board, tmp_path: Path) -> None:
    program = built(PROGRAM.replace("@ again", "bl model_invoke"), tmp_path)
    ran = counts(QEMU, mps2, program, tmp_path / "counts")
    assert ran.instructions == 55 + 5
    assert ran.fetches == (counting.Fetches(0, 0, 0),) * 2


def test_a_counter_that_does_not_fit_is_told_when_the_board_starts(
    mps2: Board, program: Image, tmp_path: Path
) -> None:
    plugin = counting.plugin(mps2, program, FACTS.flash, tmp_path / "counts") + ",speed=9"
    with pytest.raises(BenchError, match="no option 'speed'"):
        qemu.start(mps2, deadline=Deadline.after(20), plugins=[plugin])
    with pytest.raises(BenchError, match="were not counted"):
        counting.read_counts(tmp_path / "counts")


@pytest.mark.parametrize("ran", [997_000, 1_000_001, 500_000])
def test_device_and_emulator_must_count_the_same(ran: int) -> None:
    check_agreement("mps2-an386, kws01", 1_000_000, 999_980)
    check_agreement("mps2-an386, ad01", 266_330, 266_286)
    with pytest.raises(BenchError, match="the device took 1,000,000 instructions"):
        check_agreement("mps2-an386, kws01", 1_000_000, ran)


def test_what_ran_must_be_in_the_image(program: Image) -> None:
    block = counting.Block(0, 0x20000000, 3, 1, 0)
    ran = counting.Counts((block,), (counting.Fetches(0, 0, 0),))
    with pytest.raises(FirmwareError, match="3 instructions at 0x20000000"):
        cycles.predict(ran, disassemble(program.path, "arm-none-eabi-"), M4)


@pytest.mark.parametrize(
    ("text", "kind", "registers"),
    [
        ("ldr.w r0, [r1], #4", "load", 0),
        ("ldrd r0, r1, [r2]", "pair", 0),
        ("ldmia.w sp!, {r4, r6-r8, pc}", "multiple", 5),
        ("push {r4, r9, sl, fp, lr}", "multiple", 5),
        ("vpush {d8-d15}", "multiple", 16),
        ("strb r0, [r1, #0]", "store", 0),
        ("smlad r0, r1, r2, r3", "multiply-add", 0),
        ("smmlar r0, r1, r2, r3", "multiply-add", 0),
        ("smlal r0, r1, r2, r3", "multiply long", 0),
        ("smmulr r0, r1, r2", "multiply", 0),
        ("udiv r0, r1, r2", "divide", 0),
        ("bic.w r0, r1, r2", "other", 0),
        ("bfi r0, r1, #1, #2", "other", 0),
        ("bls.n 1234 <there>", "branch", 0),
        ("cbnz r0, 1234 <there>", "branch", 0),
        ("le lr, 1234 <there>", "loop", 0),
        ("letp lr, 1234 <there>", "loop", 0),
        ("vldrb.s16 q0, [r0], #8", "vector", 0),
        ("vmladava.s8 r0, q0, q1", "vector", 0),
        ("vpst", "vector", 0),
        ("vldr s0, [r1]", "load", 0),
        ("vdiv.f32 s0, s1, s2", "float divide", 0),
        ("vadd.f32 s0, s1, s2", "float", 0),
        ("ssat r0, #8, r1", "other", 0),
    ],
)
def test_instructions_are_known_by_their_text(text: str, kind: Kind, registers: int) -> None:
    found = instruction(*text.split(" ", 1)) if " " in text else instruction(text, "")
    assert (found.kind, found.registers) == (kind, registers)


def test_heliums_instructions_are_known_in_an_image(tmp_path: Path) -> None:
    lines = ["vldrb.s32 q1, [r0, #4]", "vmla.s32 q0, q1, r5", "vpst", "vstrbt.8 q0, [r1]",
             "vmladava.s8 r0, q0, q1", "vctp.32 r0", "ldr r0, [r1]"]  # fmt: skip
    source = "\n".join((".syntax unified", ".thumb", "reset:", *lines, ""))
    image = built(source, tmp_path, "cortex-m55")
    kinds = [one.kind for one in disassemble(image.path, "arm-none-eabi-", vectors=True).values()]
    assert kinds == ["vector"] * 6 + ["load"]


def test_every_emulated_core_has_cycles_with_a_source_and_an_error() -> None:
    cores = {board.core for board in load_boards().values() if board.emulator}
    assert cores - FACTS.cores.keys() == {"cortex-m7"}, "Arm publishes none"
    for core in FACTS.cores.values():
        assert core.source
        assert core.error


FIGURE = Figure(
    model="kws01", data_set="official", board="mps2-an386", core="cortex-m4", optimize="speed",
    macs=1000, instructions=1000, baseline_instructions=None, goal_instructions=None,
    peer_instructions=5600, peer_cycles=2900, mix={}, predicted_cycles=1500,
    predicted_cycles_waiting=4000, flash_wait_states=5, predicted_ms=39.0,
    predicted_ms_waiting=44.0, goal_ms=40.0, best_public_ms=43.2, code_bytes=900,
    peer_code_bytes=None, constants_bytes=100, peer_model_bytes=500, arena_bytes=70,
    goal_arena_bytes=80, whole_arena_bytes=90, goal_whole_arena_bytes=80, peer_arena_bytes=None,
)  # fmt: skip


def test_the_table_says_what_is_predicted_and_which_goals_are_missed() -> None:
    figure = replace(FIGURE, instructions=2800, goal_instructions=2700, predicted_cycles=3000)
    shown = Console(file=io.StringIO(), width=120)
    shown.print(kernel_table([figure], FACTS))
    assert isinstance(shown.file, io.StringIO)
    lines = shown.file.getvalue().splitlines()
    cells = {line[:30].strip(): line.split("  ")[-1].strip() for line in lines if line.strip()}
    assert cells["instructions"] == "! 2,800"
    assert cells["ratio to the peer"] == "0.50"
    assert cells["predicted cycles, no waits"] == "! 3,000"
    assert cells["predicted ms, no waits"] == "39.00"
    assert cells["arena with in, out"] == "! 90"
    text = " ".join(" ".join(lines).split())
    assert "cycles predicted by: Cortex-M4 Technical Reference Manual" in text
    assert "Error: one public program on silicon" in text
    assert "are predicted from them, not measured" in notes([figure], FACTS)


@pytest.mark.parametrize(("instructions", "status"), [(1000, 0), (1002, 0), (1003, 1)])
def test_the_benchmark_fails_where_a_kernel_takes_more_than_is_committed(
    instructions: int,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    measured = replace(FIGURE, board="mps3-an547", instructions=instructions)
    committed = {"mps3-an547/kws01/official/speed": 1000}
    monkeypatch.setattr(kernels, "_measure", lambda *_: measured)
    monkeypatch.setattr(kernels, "baseline", lambda: committed)
    monkeypatch.setattr(kernels, "write_figures", lambda name, _: tmp_path / name)
    assert kernels.main(["--board", "mps3-an547", "--model", "kws01"]) == status
    said = capsys.readouterr().out
    text = "SLOWER: mps3-an547/kws01/official/speed needs 1,003 instructions, 1,000 are committed"
    assert (text in said) == bool(status)


def test_the_benchmark_says_that_nothing_is_committed_of_another_compiler(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kernels, "_measure", lambda *_: replace(FIGURE, board="mps3-an547"))
    monkeypatch.setattr(kernels, "write_figures", lambda name, _: tmp_path / name)
    monkeypatch.setattr(baseline, "_version", lambda: "99.1")
    assert kernels.main(["--board", "mps3-an547", "--model", "kws01"]) == 0
    assert "no counts of this compiler are committed" in " ".join(capsys.readouterr().out.split())


def test_code_of_a_lesser_core_is_compiled_as_for_its_own_boards() -> None:
    boards = load_boards()
    played = Place("mps2-an385", "cortex-m0").of(boards)
    assert played.core == boards["mps2-an385"].core, "the core that is flashed"
    assert played.toolchain == boards["microbit"].toolchain
    for name, place in kernels.PLACES.items():
        assert name == place.name
        assert place.core in FACTS.cores
        assert (place.of(boards) == boards[place.board]) == (place.core not in LESSER)
