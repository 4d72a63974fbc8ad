"""Where the folders next to the package are: in a checkout, or inside an installed wheel."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_SHARE = _PACKAGE / "_share"
ROOT = _SHARE if _SHARE.is_dir() else _PACKAGE.parents[1]

BOARDS = ROOT / "boards"
FIRMWARE = ROOT / "firmware"
SUITES = ROOT / "suites"
TASKS = SUITES / "tasks"
LATER = SUITES / "later"
"""Tasks of later rounds, which the suites do not measure."""
REPORTS = ROOT / "reports"


def user_cache() -> Path:
    """The user's folder of what can be made again; a user without a home has none, and it can't be
    made."""
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        base = Path(os.devnull)
    return base / "tinyhil"


def official_data() -> Path | None:
    """The folder with the official data that the environment names, if any."""
    value = os.environ.get("TINYHIL_DATA")
    return Path(value) if value else None
