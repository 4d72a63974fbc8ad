"""``make faults``, second part; see the package's text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import get_args

from rich.console import Console
from rich.table import Table

from tinyhil.benchmarks import campaign_options, write_figures
from tinyhil.benchmarks.intrusions import EVENTS, VERDICTS, Event, Outcome, emulated, replayed
from tinyhil.ground.progress import progress_bar

_COLUMNS = 110
_REPLAYED, _EMULATED = 50, 3
"""Runs of each event and way."""
_AT_ONCE, _BOARDS_AT_ONCE = 12, 2
_GOOD = ("equal", "named", "error")

Attempt = Callable[[Event, int], Outcome]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all, print how they ended; 1 if a figure was wrong or an event was not noticed."""
    options = campaign_options(__doc__, arguments)
    console = Console(width=_COLUMNS)
    figures, bad = [], 0
    for name, runs, at_once, attempt in _ways():
        count = max(1, round(options.share * runs))
        asked = [
            (event, seed) for event in EVENTS for seed in range(options.seed, options.seed + count)
        ]
        found: list[tuple[int, Outcome]] = []
        with ThreadPoolExecutor(at_once) as pool, progress_bar(console, name) as bar:
            events, seeds = zip(*asked, strict=True)
            for seed, outcome in zip(seeds, pool.map(attempt, events, seeds), strict=True):
                found.append((seed, outcome))
                bar(len(found), len(asked))
        for seed, outcome in found:
            if outcome.verdict not in _GOOD:
                bad += 1
                text = f"{name}, {outcome.event}, seed {seed}: {outcome.verdict}: {outcome.text}"
                console.print(text, markup=False)
        figures += [_figure(name, event, found) for event in EVENTS]
    console.print(_table(figures))
    console.print(f"figures: {write_figures('intrusions', figures)}", soft_wrap=True)
    return 1 if bad else 0


def _ways() -> list[tuple[str, int, int, Attempt]]:
    """Name, runs of each event, runs at once, and how to make one."""
    ways: list[tuple[str, int, int, Attempt]] = []
    for protocol in get_args(replayed.Protocol):
        ways.append((f"replayed: {protocol}", _REPLAYED, _AT_ONCE, _replayed(protocol)))
    for way in get_args(emulated.Way):
        ways.append((f"emulated: {way}", _EMULATED, _BOARDS_AT_ONCE, _emulated(way)))
    return ways


def _replayed(protocol: replayed.Protocol) -> Attempt:
    clean = replayed.clean(protocol)
    return lambda event, seed: replayed.attempt(protocol, event, seed, clean)


def _emulated(way: emulated.Way) -> Attempt:
    made = emulated.images(way)
    clean = emulated.clean(way, made)
    return lambda event, seed: emulated.attempt(way, made, event, seed, clean)


def _figure(name: str, event: Event, found: Sequence[tuple[int, Outcome]]) -> dict[str, object]:
    outcomes = [outcome for _, outcome in found if outcome.event == event]
    verdicts = Counter(outcome.verdict for outcome in outcomes)
    return {
        "way": name,
        "event": event,
        "runs": len(outcomes),
        "events": sum(outcome.happened for outcome in outcomes),
        **{verdict: verdicts[verdict] for verdict in VERDICTS},
        "restarts": sum(outcome.restarts for outcome in outcomes),
        "unit": "runs; events",
    }


def _table(figures: Sequence[dict[str, object]]) -> Table:
    columns = ("way", "event", "runs", "events", *VERDICTS, "restarts")
    table = Table(*columns, title="runs by how they ended", box=None)
    for figure in figures:
        table.add_row(*(str(figure[column]) for column in columns))
    totals = [sum(int(str(figure[column])) for figure in figures) for column in columns[2:]]
    table.add_row("all", "", *map(str, totals))
    return table


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        raise SystemExit(main())
