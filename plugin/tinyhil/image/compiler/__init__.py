"""The model compiler: an int8 ``.tflite`` model in, C constants and one call an operator out.

`compile_model` reads (`reader`), lowers each operator (`ops`, one file each), plans the tensor
arena (`plan`) and writes the C text (`emit`). The kernels are in ``firmware/kernels``.
"""

from __future__ import annotations

from tinyhil.image.compiler.compiled import CompiledModel, OperatorSummary, TensorFacts
from tinyhil.image.compiler.pipeline import compile_model

__all__ = ["CompiledModel", "OperatorSummary", "TensorFacts", "compile_model"]
