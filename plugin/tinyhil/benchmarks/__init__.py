"""Benchmarks of tinyhil itself, each a make target; figures go to ``reports/bench``."""

from __future__ import annotations

import argparse
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


def campaign_options(
    description: str | None, arguments: Sequence[str] | None, *, prog: str = "make faults"
) -> argparse.Namespace:
    """The options of a campaign by seeds: ``seed`` and ``share``."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--seed", type=int, default=1, help="seed of the first run (default: 1)")
    parser.add_argument(
        "--share", type=float, default=1.0, help="share of the runs, for a quick look"
    )
    return parser.parse_args(arguments)
