"""Benchmarks of tinyhil itself, each a make target; figures go to ``reports/bench``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tinyhil.ground.paths import REPORTS


def write_figures(name: str, figures: Sequence[Mapping[str, Any]]) -> Path:
    """Write a benchmark's figures; each names its unit, and what it is compared with."""
    path = REPORTS / "bench" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return path
