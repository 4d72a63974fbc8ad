"""Benchmarks of tinyhil itself, each a make target; figures go to ``reports/bench``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tinyhil.ground.outputs import write_text
from tinyhil.ground.paths import REPORTS, ROOT

BUILD = Path(os.environ.get("TINYHIL_BUILD") or ROOT / "build")
"""Folder of builds and generated data sets."""
_FIGURES = Path(os.environ.get("TINYHIL_FIGURES") or REPORTS / "bench")
"""Both can be in another place, for a read-only checkout."""


def write_figures(name: str, figures: Sequence[Mapping[str, Any]]) -> Path:
    """Write a benchmark's figures; each names its unit, and what it is compared with.

    Raises:
        WriteError: they can't be written.
    """
    path = _FIGURES / f"{name}.json"
    write_text(path, json.dumps(figures, indent=2) + "\n")
    return path
