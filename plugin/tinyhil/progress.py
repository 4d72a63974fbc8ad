"""Progress bars for people at a terminal; elsewhere one line when a step has ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tinyhil.measure import Progress as Report


@contextmanager
def progress_bar(console: Console, title: str) -> Iterator[Report]:
    """A bar that runs until the block ends; it pulses until the first report."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=console.is_terminal) as bar:
        row = bar.add_task(title, total=None)

        def report(done: float, total: float) -> None:
            bar.update(row, completed=done, total=total)

        yield report
