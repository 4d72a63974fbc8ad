"""tinyhil: MLPerf Tiny on microcontroller boards as a hardware-in-the-loop suite under pytest.

What suites may use is listed here; everything else may change.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyhil.catalog.facts import Metric
    from tinyhil.catalog.verdict import Verdict
    from tinyhil.judge.gate.compare import Comparison
    from tinyhil.judge.gate.tolerance import Gated
    from tinyhil.measure.runner import Measurement, Outcome

__all__ = ["Comparison", "Gated", "Measurement", "Metric", "Outcome", "Verdict"]

_HOME = {
    "Comparison": "judge.gate.compare",
    "Gated": "judge.gate.tolerance",
    "Measurement": "measure.runner",
    "Metric": "catalog.facts",
    "Outcome": "measure.runner",
    "Verdict": "catalog.verdict",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: pyOCD imports this package for its probe plugin
    at each of its commands, and must not pay for numpy and all the rest."""
    if name in _HOME:
        return getattr(import_module(f"tinyhil.{_HOME[name]}"), name)
    raise AttributeError(f"module 'tinyhil' has no attribute '{name}'")
