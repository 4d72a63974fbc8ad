"""The model compiler: an int8 ``.tflite`` model in, C constants and one call an operator out.

`compile_model` reads (`reader`), lowers each operator (`ops`, one file each), plans the tensor
arena (`plan`) and writes the C text (`emit`). The kernels are in ``firmware/kernels``.
"""

from __future__ import annotations

from tinyhil.image.compiler.compiled import (
    CompiledModel,
    InArena,
    ModelStep,
    OperatorSummary,
    TensorFacts,
)
from tinyhil.image.compiler.pipeline import Room, compile_draft, compile_model, read_model
from tinyhil.image.compiler.target import ANY_CORE, Goal, Target

__all__ = [
    "ANY_CORE",
    "CompiledModel",
    "Goal",
    "InArena",
    "ModelStep",
    "OperatorSummary",
    "Room",
    "Target",
    "TensorFacts",
    "compile_draft",
    "compile_model",
    "read_model",
]
