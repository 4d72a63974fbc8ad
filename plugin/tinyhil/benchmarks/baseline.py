"""Instructions that are committed: what a kernel must not get slower than."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field

from tinyhil.catalog.facts import Facts, load
from tinyhil.ground.outputs import write_text
from tinyhil.ground.paths import SUITES

TOLERANCE: Final = 0.002
"""Share that a count may be above the baseline: counts are read from a timer's ticks."""
_FILE: Final = SUITES / "instructions.toml"
_COMPILER: Final = "arm-none-eabi-gcc"


class Counts(Facts):
    """The whole of ``suites/instructions.toml``."""

    schema_version: Literal[1] = Field(alias="schema")
    compiler: str
    """Version of GCC: another one makes other counts, which nothing is known of."""
    instructions: dict[str, int]


def key(board: str, model: str, data_set: str, goal: str) -> str:
    """Name of one count."""
    return f"{board}/{model}/{data_set}/{goal}"


def baseline() -> Mapping[str, int]:
    """Counts by `key`; none if they were made with another compiler than what is here.

    Raises:
        ConfigError: the file is damaged.
    """
    if not _FILE.is_file():
        return {}
    counts = load(_FILE, Counts)
    return counts.instructions if counts.compiler == _version() else {}


def save(instructions: Mapping[str, int]) -> None:
    """Write these counts, and keep what is known of others of the same compiler.

    Raises:
        WriteError: they can't be written.
    """
    known = {**baseline(), **instructions}
    lines = [
        "# Instructions of one inference, in QEMU, by board, model, data set and what is optimized",
        "# for. `make bench-kernels` fails where there are more, and writes this file anew with",
        '# KERNELS="--save".',
        "",
        "schema = 1",
        f'compiler = "{_version()}"',
        "",
        "[instructions]",
        *(f'"{name}" = {count:_}' for name, count in sorted(known.items())),
    ]
    write_text(_FILE, "\n".join(lines) + "\n")


def _version() -> str:
    done = subprocess.run(
        [_COMPILER, "-dumpfullversion"], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()
