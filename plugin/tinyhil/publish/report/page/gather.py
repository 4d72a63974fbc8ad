"""From what a run has left to what its page shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from tinyhil.catalog.task import Task
from tinyhil.catalog.wording import RANDOM
from tinyhil.ground.text import shown
from tinyhil.publish.report.page.content import Measured, Page, Problem, Source
from tinyhil.publish.report.page.placed import COLUMNS, Placed, worst
from tinyhil.publish.report.page.ran import Place, Ran, State
from tinyhil.publish.report.table import bracket, recovery, wraps

_MANY_STATIONS = 3
_PROBLEMS = 40
_TEXT_CHARACTERS = 4000


def gather(source: Source, tasks: Mapping[str, Task], now: datetime | None = None) -> Page:
    """All that the page shows.

    Args:
        source: what the run has left.
        tasks: by name, for their titles and classes.
        now: when the page is made.
    """
    built = [Placed(source, n, place, tasks) for n, place in enumerate(_places(source))]
    held = [bool(name != "energy" or any(one.columns[n] for one in built))
            for n, (name, _) in enumerate(COLUMNS)]  # fmt: skip
    measured = [one.measured(held) for one in built]
    problems = [problem for one in built for problem in one.problems()]
    labels = {one.place: one.label for one in built}
    problems += _failed(source, labels)
    state = worst([*(one.state for one in measured), *(problem.state for problem in problems)])
    figures = [figure for place in measured for figure in place.figures]
    names = list(dict.fromkeys(place[1] for place in _places(source)))
    skipped = Counter(test.text for test in source.tests if test.state == "skipped")
    return Page(
        headline=_headline(state, measured, problems, sum(not c for c in source.comparisons)),
        state=state,
        facts=_facts(source, measured, now or datetime.now(UTC)),
        remarks=_remarks(source),
        problems=problems[:_PROBLEMS],
        more_problems=max(0, len(problems) - _PROBLEMS),
        headings=[name for (name, _), kept in zip(COLUMNS, held, strict=True) if kept],
        places=measured,
        grid=_grid(built, measured, names),
        tasks=[shown(name) for name in names],
        change_note=" or ".join(sorted({f.change.against for f in figures if f.change})),
        has_trends=any(figure.trend for figure in figures),
        tests=_grouped(source.tests, labels),
        skipped=skipped.most_common(),
        counts=_counts(source.tests),
        made_with={shown(k): shown(v) for k, v in source.made_with.items()},
        runs=[shown(str(folder), None) for _, folder in source.stations.values()],
    )


def _places(source: Source) -> list[Place]:
    """Stations as they were given, their tasks by name."""
    places = {(e.subject.station, e.subject.task) for e in source.entries}
    order = list(source.stations)
    return sorted(places, key=lambda place: (order.index(place[0]), place[1]))


def _headline(
    state: State, places: Sequence[Measured], problems: Sequence[Problem], worse: int
) -> str:
    judged = [f for place in places for f in place.figures if f.state in ("pass", "fail")]
    errors = sum(problem.state == "error" for problem in problems)
    missed = sum(figure.state == "fail" for figure in judged)
    others = len(problems) - errors - missed - worse
    parts = [
        _count(missed, "figure misses its limit", "figures miss their limits"),
        _count(worse, "figure is worse than the baseline", "figures are worse than the baseline"),
        _count(others, "other check fails", "other checks fail"),
        _count(errors, "error", "errors"),
    ]
    if state in ("fail", "error"):
        return ", ".join(filter(None, parts)) + f"; {len(judged) - missed} figures keep theirs"
    if not judged:
        return "Nothing was judged"
    return f"All {len(judged)} figures that have a limit keep it"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""


def _facts(source: Source, places: Sequence[Measured], now: datetime) -> list[str]:
    stations, tasks = len(source.stations), len({place.task for place in places})
    facts = [
        f"{now:%Y-%m-%d %H:%M} UTC",
        _count(stations, "board", "boards"),
        _count(tasks, "task", "tasks"),
        *sorted({f"{place.data} data" for place in places}),
    ]
    return [fact for fact in facts if fact]


def _remarks(source: Source) -> list[str]:
    """What holds for the whole page."""
    remarks = []
    emulated = sorted({e.subject.station for e in source.entries if e.subject.emulated})
    if emulated:
        remarks.append(
            f"Emulated: {', '.join(map(shown, emulated))}. All times there are instruction counts, "
            "not times measured on silicon."
        )
    if any(entry.details.get("modelled") for entry in source.entries):
        remarks.append("Modelled: energy and power are of a model of the core, not measured.")
    if any(entry.subject.data_set == "stand-in" for entry in source.entries):
        remarks.append("STAND-IN: our own data and model; do not compare with other results.")
    if any(entry.subject.data_set == "random" for entry in source.entries):
        remarks.append(RANDOM)
    again = sum(test.attempts > 1 and test.state in ("pass", "not judged") for test in source.tests)
    if again:
        who = _count(again, "test", "tests")
        remarks.append(f"{who} passed only when run again; the list of tests says what failed.")
    for entry in source.entries:
        board, _ = source.stations.get(entry.subject.station, (None, None))
        remarks += map(shown, (*recovery(entry), *bracket(entry, board), *wraps(entry)))
    why = {v.reason for e in source.entries for v in e.verdicts if v.status == "not judged"
           and v.limit is not None}  # fmt: skip
    remarks += [f"Not judged although a limit is set: {shown(reason)}." for reason in sorted(why)]
    return remarks


def _grid(
    built: Sequence[Placed], measured: Sequence[Measured], tasks: Sequence[str]
) -> list[tuple[str, list[Measured | None]]]:
    """Stations by tasks, where the first table is too long to be seen at once."""
    stations = list(dict.fromkeys(one.place[0] for one in built))
    if len(stations) < _MANY_STATIONS:
        return []
    found = {one.place: place for one, place in zip(built, measured, strict=True)}
    labels = {one.place[0]: one.label for one in built}
    return [(labels[s], [found.get((s, task)) for task in tasks]) for s in stations]


def _failed(source: Source, labels: Mapping[Place, str]) -> Iterator[Problem]:
    """What tests alone know to be wrong; what many say in the same words, once."""
    errors = [entry.error for entry in source.entries if entry.error is not None]
    same: dict[tuple[State, Place | None, str], list[str]] = {}
    for test in source.tests:
        told = test.told or any(error in test.text for error in errors)
        if test.state in ("fail", "error") and not told:
            same.setdefault((test.state, test.place, test.text), []).append(test.title)
    for (state, place, text), titles in same.items():
        others = _count(len(titles) - 1, "other test", "other tests")
        what = shown(titles[0]) + (f", and {others}" if others else "")
        yield Problem(state, _where(place, labels), what, _bounded(text))


def _where(place: Place | None, labels: Mapping[Place, str]) -> str:
    return f"{shown(place[1])} on {labels.get(place, shown(place[0]))}" if place else "other tests"


def _grouped(tests: Sequence[Ran], labels: Mapping[Place, str]) -> list[tuple[str, list[Ran]]]:
    """Tests that ran, by place; the failed ones of each first."""
    groups: dict[str, list[Ran]] = {}
    for test in tests:
        if test.state != "skipped":
            safe = replace(test, title=shown(test.title), text=_bounded(test.text))
            groups.setdefault(_where(test.place, labels), []).append(safe)
    return [(name, sorted(group, key=lambda test: test.state not in ("fail", "error")))
            for name, group in groups.items()]  # fmt: skip


def _bounded(text: str) -> str:
    return shown(text, _TEXT_CHARACTERS, keep="\n")


def _counts(tests: Sequence[Ran]) -> str:
    """As in ``8 passed, 1 failed``."""
    words = {"fail": "failed", "error": "ended with an error", "pass": "passed",
             "not judged": "not judged", "skipped": "skipped"}  # fmt: skip
    counts = Counter(test.state for test in tests)
    return ", ".join(f"{counts[s]} {word}" for s, word in words.items() if counts[s])  # type: ignore[index]
