"""Helium kernels against the portable ones, on QEMU's Cortex-M55, bit for bit.

The image in ``mve_selftest`` draws random cases on the target: shapes with tails, paddings,
strides, extreme weights, multipliers and shifts. Inputs and weights end where memory ends, so
that reading behind them is a fault; outputs and scratch have margins, which must stay untouched.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tinyhil.paths import FIRMWARE

_COMPILER = "arm-none-eabi-gcc"
_QEMU = "qemu-system-arm"
_SOURCES = Path(__file__).parent / "mve_selftest"
_KERNELS = FIRMWARE / "kernels"
_FLAGS = (
    "-mcpu=cortex-m55 -mthumb -mfloat-abi=hard -std=gnu11 -O2 -Wall -Wextra -Werror "
    f"-I{_KERNELS / 'include'} -I{_SOURCES}"
).split()
_TWINS = sorted(path.stem for path in (_KERNELS / "mve").glob("*.c"))


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the self-test says of each kernel."""
    for program in (_COMPILER, _QEMU):
        if shutil.which(program) is None:
            pytest.skip(f"NOT TESTED: {program} is not installed")
    image = _build(tmp_path_factory.mktemp("mve"))
    done = subprocess.run(
        [
            *(_QEMU, "-M", "mps3-an547", "-display", "none", "-monitor", "none"),
            *("-semihosting-config", "enable=on,target=native", "-kernel", image),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # Semihosting writes to stderr.
    lines = (done.stdout + done.stderr).splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def _build(folder: Path) -> Path:
    for name in _TWINS:
        renamed = f"-D{name}=portable_{name}"
        for source, flags, target in (
            (_KERNELS / "portable" / f"{name}.c", [renamed], f"portable_{name}.o"),
            (_KERNELS / "mve" / f"{name}.c", [], f"{name}.o"),
        ):
            command = [_COMPILER, *_FLAGS, *flags, "-c", source, "-o", folder / target]
            subprocess.run(command, check=True)
    image = folder / "selftest.elf"
    sources = [_SOURCES / "image.c", _SOURCES / "cases.c", *sorted(folder.glob("*.o"))]
    link = ["-nostartfiles", "--specs=nano.specs", f"-T{_SOURCES / 'image.ld'}", "-o", image]
    subprocess.run([_COMPILER, *_FLAGS, *sources, *link], check=True)
    return image


@pytest.mark.parametrize("kernel", _TWINS)
def test_helium_kernel_equals_the_portable_one(verdicts: dict[str, str], kernel: str) -> None:
    assert verdicts.get(kernel) == "equal", verdicts
