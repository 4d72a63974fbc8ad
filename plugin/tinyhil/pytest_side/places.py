"""Which places of labgrid a run's ``--hil-board`` means."""

from __future__ import annotations

import sys

import pytest

from tinyhil.catalog.places import is_place
from tinyhil.device.far import labgrid
from tinyhil.ground.errors import TinyhilError
from tinyhil.pytest_side import xdist


def find_places(config: pytest.Config) -> None:
    """Ask labgrid once which places are meant: workers of pytest-xdist take the answer over.

    Raises:
        pytest.UsageError: it does not answer, or has none.
    """
    chosen = config.getoption("--hil-board")
    if xdist.is_worker(config) or not any(map(is_place, chosen)):
        return
    try:
        config.option.hil_board = labgrid.resolved(
            chosen,
            config.getoption("--hil-wait"),
            lambda text: print(text, file=sys.stderr),  # noqa: T201
        )
    except TinyhilError as error:
        raise pytest.UsageError(error.told) from error
