"""Progress bars for people at a terminal; elsewhere one line when a step has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

Progress = Callable[[float, float], None]
"""Takes how much is done and how much there is; in a unit of the caller's."""


@contextmanager
def progress_bar(console: Console, title: str) -> Iterator[Progress]:
    """A bar that runs until the block ends; it pulses until the first report."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=console.is_terminal) as bar:
        row = bar.add_task(title, total=None)

        def report(done: float, total: float) -> None:
            bar.update(row, completed=done, total=total)

        yield report
