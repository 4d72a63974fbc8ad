"""Which lines may be compared: those of one station, data set, model and setting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tinyhil.catalog.units import station_label
from tinyhil.ground.errors import ConfigError
from tinyhil.judge.gate.figures import Line, Place
from tinyhil.judge.gate.reading import Measured

_SAME = ("board", "core", "emulated", "link", "division", "data_set", "data_sha256")
"""Keys that two lines must share: else they are figures of different things."""


def by_place(lines: Iterable[Measured]) -> dict[Place, Measured]:
    """Lines by station, task and measure; of one that ended with an error, the one that was made
    again.

    Raises:
        ConfigError: two are of the same.
    """
    found: dict[Place, Measured] = {}
    for measured in lines:
        line = measured.line
        if line.place in found and measured.failed:
            continue
        if line.place in found and not found[line.place].failed:
            raise ConfigError(
                f"{line} is in both {found[line.place].line.run} and {line.run}",
                hint="name one run of each station",
            )
        found[line.place] = measured
    return found


def pair(baseline: Mapping[str, str], candidate: Mapping[str, str]) -> dict[str, str]:
    """The baseline's station by the candidate's: the same, else the only one of its board type.

    Args:
        baseline: board type by station; see `stations_of`.
        candidate: the same.
    """
    pairs = {station: station for station in candidate if station in baseline}
    for station, board in candidate.items():
        ours, theirs = (
            [name for name, type_ in side.items() if type_ == board]
            for side in (candidate, baseline)
        )
        alone = len(ours) == len(theirs) == 1
        if alone and station not in pairs and theirs[0] not in pairs.values():
            pairs[station] = theirs[0]
    return pairs


def stations_of(lines: Iterable[Line]) -> dict[str, str]:
    """Board type by station."""
    return {line.station: line.board for line in lines}


def labels(stations: Mapping[str, str]) -> str:
    """Stations, each with its board type where that is another name."""
    return ", ".join(sorted(station_label(*station) for station in stations.items()))


def usable(lines: Mapping[Place, Measured]) -> tuple[Line, ...]:
    """The lines of a baseline: those that may be judged.

    Raises:
        ConfigError: one is of a quick run or ended with an error, or there is none.
    """
    for measured in lines.values():
        line = measured.line
        if measured.quick or measured.failed:
            raise ConfigError(
                f"{line.run}: {line} is not a baseline: {measured.problem or 'quick run'}",
                hint="take a whole run, without --hil-quick, in which nothing failed to measure",
            )
    kept = tuple(measured.line for measured in lines.values() if measured.problem is None)
    if not kept:
        problems = "; ".join(sorted({str(measured.problem) for measured in lines.values()}))
        raise ConfigError(
            f"the baseline holds nothing to compare with: {problems}", hint="take a whole run"
        )
    return kept


def refuse_strangers(old: Line, new: Line) -> None:
    """Raise ConfigError unless both lines are of the same board, data, model and settings."""
    wrong = [key for key in _SAME if getattr(old, key) != getattr(new, key)]
    models = (old.model_sha256, new.model_sha256)
    # In the open division the model may change; an unknown one is told, not refused.
    if None not in models and models[0] != models[1] and new.division != "open":
        wrong.append("model_sha256")
    if wrong:
        texts = [f"{key} {_short(getattr(old, key))}" for key in wrong]
        theirs = [f"{key} {_short(getattr(new, key))}" for key in wrong]
        raise ConfigError(
            f"{new} can't be compared: the baseline ({old.run}) has {', '.join(texts)}; "
            f"the candidate ({new.run}) has {', '.join(theirs)}",
            hint="measure both under the same settings, or save a new baseline",
        )


def _short(value: object) -> str:
    """A sum's first digits are enough to tell two apart."""
    text = str(value)
    return f"{text[:16]}…" if len(text) == 64 else text
