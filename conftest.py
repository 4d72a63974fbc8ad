"""Facts of a checkout: its tests and suites run with the package next to them, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinyhil.ground.paths import ROOT

collect_ignore = ["build", "reports"]


def pytest_configure() -> None:
    """Refuse the package of another checkout: its boards, tasks and firmware would be used."""
    here = Path(__file__).resolve().parent
    if here != ROOT:
        raise pytest.UsageError(
            f"the installed tinyhil belongs to {ROOT}, not to {here}; run `make setup` "
            "here, or activate this checkout's .venv"
        )
