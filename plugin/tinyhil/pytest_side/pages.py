"""The HTML pages that a pytest run leaves: the report, which is ours, and Allure's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import BenchError, TinyhilError
from tinyhil.ground.extras import how_to_get
from tinyhil.ground.files import writing_to
from tinyhil.ground.interrupts import breakable, caught
from tinyhil.publish.report import allure, html

if TYPE_CHECKING:
    from tinyhil.publish.report.page.content import Problem, Source

_REPORT, _ALLURE = "report", "allure"
_RENDER_S = 120.0


def new_folder(runs: Path) -> Path:
    """The folder of a run's pages, which is nobody else's; it is made when one is written."""
    return runs / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}_report"


class Pages:
    """Makes the pages; one that can't be made must not hide what was measured.

    Args:
        folder: for the pages.
        results: folder of Allure's results, if there are any.
        guard: of those.
    """

    def __init__(self, folder: Path, results: Path | None, guard: allure.Guard | None) -> None:
        self.wrong: Sequence[Problem] = ()
        """What the report says is wrong."""
        self._folder = folder
        self._results = results
        self._guard = guard
        self._made: dict[str, Path | TinyhilError] = {}
        """By kind: where it is, or why there is none."""

    def make(self, source: Source) -> None:
        """Make them of what there is; Allure's not, if the user has stopped the run."""
        self._write(_REPORT, lambda page: self._render(source, page))
        if self._results is not None:
            results, runs = self._results, [folder for _, folder in source.stations.values()]
            self._write(_ALLURE, lambda page: self._of(results, runs, source.made_with, page))

    def lines(self) -> Iterator[str]:
        """Where they are."""
        for kind, page in self._made.items():
            name = "page of Allure" if kind == _ALLURE else "report"
            yield f"{kind}: {page}" if isinstance(page, Path) else f"no {name}: {page}"
            if kind == _ALLURE and isinstance(page, Path) and not allure.draws():
                yield f"  without pictures; to have them: {how_to_get('report')}"

    def _write(self, kind: str, render: Callable[[Path], None]) -> None:
        page = self._folder / f"{kind}.html"
        try:
            with writing_to(page):
                render(page)
            self._made[kind] = page
        except TinyhilError as error:
            self._made[kind] = error

    def _render(self, source: Source, page: Path) -> None:
        from tinyhil.publish.report.page.render import write_page  # noqa: PLC0415 - at the end only

        self.wrong = write_page(source, page).problems

    def _of(
        self, results: Path, runs: Sequence[Path], made_with: Mapping[str, str], page: Path
    ) -> None:
        """Make Allure's.

        Raises:
            BenchError: it can't be made, the user has stopped it, or a result is missing.
            OSError: something can't be written.
        """
        try:
            with breakable():
                if caught():
                    raise _interrupted()
                if allure.draws():
                    from tinyhil.publish.report import trends  # noqa: PLC0415 - matplotlib is heavy

                    for name, svg in chain.from_iterable(map(trends.pictures, runs)):
                        allure.attach_svg_to_run(name, svg)
                if self._guard and self._guard.error:
                    raise self._guard.error
                allure.write_environment(results, made_with)
                allure.write_categories(results)
                history = self._folder.parent / "history.jsonl"
                html.render(results, page, Deadline.after(_RENDER_S), history)
        except KeyboardInterrupt:
            raise _interrupted() from None


def _interrupted() -> BenchError:
    number = caught()
    return BenchError(
        f"the run was ended by {number.name if number else 'Ctrl-C'}",
        hint="let a run finish",
    )
