"""A scheduler for pytest-xdist: all tests of a station run in one worker.

It needs no marks: some versions of xdist silently ignore ``xdist_group`` with some of pytest.
Imported only where xdist is in use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling, LoadGroupScheduling, LoadScopeScheduling

_NO_STATION: Mapping[str, Callable[[Any, str], str]] = {
    "loadscope": LoadScopeScheduling._split_scope,
    "loadfile": LoadFileScheduling._split_scope,
    "loadgroup": LoadGroupScheduling._split_scope,
}
"""How tests that need no board are grouped by ``--dist``; with others each goes by itself."""


class StationScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no type hints
    """Hands out stations: a worker gets the next one when it has nearly ended its last.

    Args:
        config: of the controller.
        log: xdist's.
        stations: gives the station of each test that needs one, by its id, once all tests are
            collected; None where that can't be known, and one worker has to do it all.
    """

    def __init__(
        self,
        config: pytest.Config,
        log: Any,
        stations: Callable[[], Mapping[str, str] | None],
    ) -> None:
        super().__init__(config, log)
        self._find_stations = stations
        self._known: Mapping[str, str] | None = None
        self._looked = False
        self.lost: dict[str, list[str]] = {}
        """By the test in which a worker ended: the others of its station, which are not run."""

    def station_of(self, nodeid: str) -> str | None:
        """The station of a test."""
        if not self._looked:
            self._known, self._looked = self._find_stations(), True
        return self._known.get(nodeid) if self._known else None

    def _split_scope(self, nodeid: str) -> str:
        station = self.station_of(nodeid)
        if self._known is None:
            return "every station"
        if station is not None:
            return f"station {station}"
        by_dist = _NO_STATION.get(self.config.getoption("dist"))
        return by_dist(self, nodeid) if by_dist else nodeid

    def remove_node(self, node: Any) -> str | None:
        """A worker has ended; returns the test that it ended in, if it was in the middle of one.

        That test is not tried again, nor are the others of its station: it may end every worker
        that it gets. What else the worker had to do goes to others.
        """
        units = self.assigned_work[node]
        open_units = ((scope, unit) for scope, unit in units.items() if not all(unit.values()))
        scope, unit = next(open_units, ("", {}))
        left = [nodeid for nodeid, done in unit.items() if not done]
        if left:
            lost = left if self._known is None or self.station_of(left[0]) else left[:1]
            self.lost[left[0]] = lost[1:]
            unit.update(dict.fromkeys(lost, True))
        for scope in [scope for scope, unit in units.items() if all(unit.values())]:
            del units[scope]  # xdist would hand it to a worker as a unit without tests.
        super().remove_node(node)
        return left[0] if left else None
