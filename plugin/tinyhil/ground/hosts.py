"""What only some hosts can do."""

from __future__ import annotations

import sys

from tinyhil.ground.errors import BenchError

LINUX = sys.platform == "linux"
"""Whether emulated boards can be played here: they live in its processes, ptys and locks."""

NEEDS_LINUX = "needs Linux, or Windows' WSL"


def require_linux(what: str) -> None:
    """Refuse what only Linux has.

    Args:
        what: for the message, such as ``the emulated board 'x'``.

    Raises:
        BenchError: this is another system.
    """
    if not LINUX:
        raise BenchError(
            f"{what} {NEEDS_LINUX}; this is {sys.platform}",
            hint="measure a physical board, which any host can: write a bench.toml",
        )
