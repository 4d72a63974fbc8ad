"""What the tests of compiler and kernels share: a build for this machine.

A compiled model is run as a program of its own under the undefined-behaviour and address
sanitizers: each buffer is allocated to the byte, so a kernel that reads or writes beside it fails
the test instead of the test run.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tinyhil.ground.paths import FIRMWARE
from tinyhil.image.compiler import ANY_CORE, Room, compile_model

from ..runs import Once
from .host import HostBuild, HostModel, RunModel
from .models import Model

_KERNELS = FIRMWARE / "kernels"
_FLAGS = (
    "-std=c11 -O1 -g -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover=all"
)

# Compiled once for all models: it is told their sizes.
_DRIVER = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"

int main(int count, char **sizes) {
    if (count != 4) {
        return 2;
    }
    size_t arena_bytes = strtoul(sizes[1], NULL, 10);
    size_t input_bytes = strtoul(sizes[2], NULL, 10);
    size_t output_bytes = strtoul(sizes[3], NULL, 10);
    int8_t *arena = aligned_alloc(16, arena_bytes);
    int8_t *input = malloc(input_bytes);
    int8_t *output = malloc(output_bytes);
    memset(arena, 0x55, arena_bytes);
    while (fread(input, 1, input_bytes, stdin) == input_bytes) {
        memset(output, 0x55, output_bytes);
        model_invoke(arena, input, output);
        fwrite(output, 1, output_bytes, stdout);
    }
    free(arena);
    free(input);
    free(output);
    return 0;
}
"""


@pytest.fixture(scope="session")
def host_compiler(once: Once) -> list[str]:
    """Command of a compiler for this machine, with the portable kernels; skips without one."""
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("needs a C compiler for this machine: no 'cc' on the path")
    flags = [compiler, *_FLAGS.split(), f"-I{_KERNELS / 'include'}"]
    kernels = [str(path) for path in sorted((_KERNELS / "portable").glob("*.c"))]

    def fill(folder: Path) -> None:
        subprocess.run([*flags, "-c", *kernels], cwd=folder, check=True)

    return [*flags, *sorted(map(str, once("kernels", fill).glob("*.o")))]


@pytest.fixture(scope="session")
def host_build(host_compiler: list[str], tmp_path_factory: pytest.TempPathFactory) -> HostBuild:
    """Builds models with the portable kernels."""
    folder = tmp_path_factory.mktemp("built")
    driver = folder / "driver.o"
    (folder / "driver.c").write_text(_DRIVER, encoding="utf-8")
    flags = [word for word in host_compiler if not word.endswith(".o")]
    subprocess.run([*flags, "-c", "driver.c"], cwd=folder, check=True)

    def build(model: Path, room: Room | None = None) -> HostModel:
        facts = compile_model(model, ANY_CORE, room)
        out = folder / f"{facts.sha256}-{facts.bands}"
        facts.write(out)
        program = out / "run"
        files = (out / "model.c", driver)
        subprocess.run([*host_compiler, f"-I{out}", *files, "-o", program], check=True)
        return HostModel(facts, program)

    return build


@pytest.fixture(scope="session")
def run_model(host_build: HostBuild, tmp_path_factory: pytest.TempPathFactory) -> RunModel:
    """Runs made-up models."""
    folder = tmp_path_factory.mktemp("models")

    def run(model: Model, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
        content = model.build()
        file = folder / f"{hashlib.sha256(content).hexdigest()}.tflite"
        file.write_bytes(content)
        return host_build(file).run(inputs)

    return run
