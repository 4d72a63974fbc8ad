"""A compiled model as a program on this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tinyhil.image.compiler import CompiledModel, Room

from .models import Model


@dataclass(frozen=True)
class HostModel:
    """A compiled model and the program that runs it on this machine."""

    facts: CompiledModel
    program: Path

    def run(self, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
        """Outputs [samples, elements] for inputs [samples, ...]."""
        count, facts = len(inputs), self.facts
        sizes = (facts.arena_bytes, facts.input.size, facts.output.size)
        done = subprocess.run(
            [self.program, *map(str, sizes)],
            input=np.ascontiguousarray(inputs).tobytes(),
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr.decode()
        return np.frombuffer(done.stdout, np.int8).reshape(count, -1)


class HostBuild(Protocol):
    """Compiles a ``.tflite`` file and builds the program."""

    def __call__(self, model: Path, room: Room | None = None) -> HostModel: ...


RunModel = Callable[[Model, NDArray[np.int8]], NDArray[np.int8]]
"""Compiles, builds and runs a made-up model."""
