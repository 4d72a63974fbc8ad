"""The compiler's parts: arena planner, operators found by name, multipliers, kernel folders."""

from __future__ import annotations

import json
import pkgutil
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyhil.ground.paths import FIRMWARE
from tinyhil.image.compiler import ops
from tinyhil.image.compiler.plan import ALIGNMENT, Block, Overlap, least_arena, plan_arena
from tinyhil.image.compiler.quantize import quantize_multiplier

Lives = st.tuples(st.integers(1, 5000), st.integers(0, 12), st.integers(0, 4))


@given(st.lists(Lives, max_size=20))
def test_blocks_that_live_at_the_same_time_never_share_memory(
    lives: list[tuple[int, int, int]],
) -> None:
    blocks = [Block(i, size, first, first + more) for i, (size, first, more) in enumerate(lives)]
    offsets, total = plan_arena(blocks)
    assert all(offset % ALIGNMENT == 0 for offset in offsets.values())
    assert all(offsets[block.key] + block.size <= total for block in blocks)
    for one in blocks:
        for other in blocks[: one.key]:
            if one.first <= other.last and other.first <= one.last:
                below = offsets[one.key] + one.size <= offsets[other.key]
                above = offsets[other.key] + other.size <= offsets[one.key]
                assert below or above


def test_blocks_that_do_not_meet_share_memory() -> None:
    chain = [Block(i, 1000 * (1 + i % 2), i, i + 1) for i in range(6)]
    _, total = plan_arena(chain)
    assert total == 3008  # the most that is live at once, with its alignment


def test_each_operator_is_one_file_found_by_its_name() -> None:
    files = {module.name for module in pkgutil.iter_modules(ops.__path__)}
    assert {name.lower() for name in ops.modules()} == files


@given(st.floats(2.0**-31, 2.0**20))
def test_a_multiplier_is_within_half_a_unit_of_its_real_value(real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    assert 2**30 <= multiplier < 2**31
    assert abs(multiplier * 2.0 ** (shift - 31) - real) <= 2.0 ** (shift - 32)


def test_a_multiplier_below_every_output_is_zero() -> None:
    assert quantize_multiplier(2.0**-36) == (0, 0)
    assert quantize_multiplier(2.0**-32) == (2**30, -31)


def test_a_kernel_in_an_architectures_folder_replaces_the_portable_one(tmp_path: Path) -> None:
    cmake = shutil.which("cmake")
    if not cmake or not shutil.which("ninja"):
        pytest.skip("needs cmake and ninja on the path")
    kernels = tmp_path / "kernels"
    shutil.copytree(FIRMWARE / "kernels", kernels)
    (kernels / "fast").mkdir()
    shutil.copy(kernels / "portable" / "softmax_s8.c", kernels / "fast")
    project = 'cmake_minimum_required(VERSION 3.25)\nproject(p C)\nadd_subdirectory("kernels")\n'
    (tmp_path / "CMakeLists.txt").write_text(project, encoding="utf-8")
    options = ["-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-DTINYHIL_KERNEL_FOLDERS=faster;fast"]
    build = tmp_path / "build"
    subprocess.run([cmake, "-G", "Ninja", "-S", tmp_path, "-B", build, *options], check=True)
    subprocess.run([cmake, "--build", build], check=True)
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    compiled = {Path(command["file"]).relative_to(kernels).as_posix() for command in commands}
    names = {path.name for path in (kernels / "portable").glob("*.c")}
    assert compiled == {f"portable/{name}" for name in names - {"softmax_s8.c"}} | {
        "fast/softmax_s8.c"
    }


def test_an_output_may_lie_over_its_input_as_far_as_it_may() -> None:
    # The input is widened backwards, from its end, then shrunk in place.
    chain = [Block("in", 96, 0, 1), Block("wide", 192, 1, 2), Block("small", 60, 2, 3)]
    overlaps = {("wide", "in"): Overlap(-96), ("small", "wide"): Overlap(0, exact=True)}
    offsets, total = plan_arena(chain, overlaps)
    assert total == least_arena(chain, overlaps) == 192
    assert offsets["wide"] - offsets["in"] <= -96
    assert offsets["small"] == offsets["wide"]
    _, apart = plan_arena(chain)
    assert apart == least_arena(chain) == 288


@given(st.lists(Lives, min_size=1, max_size=12), st.data())
def test_only_blocks_that_may_share_memory_overlap(
    lives: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    blocks = [Block(i, size, first, first + more) for i, (size, first, more) in enumerate(lives)]
    pairs = [
        (one.key, other.key) for one in blocks for other in blocks if one.first == other.last
        and one.key != other.key
    ]  # fmt: skip
    some = data.draw(st.lists(st.sampled_from(pairs), max_size=3)) if pairs else []
    overlaps = {pair: Overlap(data.draw(st.integers(-3000, 0))) for pair in some}
    offsets, total = plan_arena(blocks, overlaps)
    assert total >= max(offsets[block.key] + block.size for block in blocks)
    for one in blocks:
        for other in blocks[: one.key]:
            low, high = sorted((one, other), key=lambda block: offsets[block.key])
            apart = offsets[low.key] + low.size <= offsets[high.key]
            for output, source in ((one.key, other.key), (other.key, one.key)):
                overlap = overlaps.get((output, source))
                apart |= bool(overlap and overlap.allows(offsets[output], offsets[source]))
            assert apart or not one.meets(other)
