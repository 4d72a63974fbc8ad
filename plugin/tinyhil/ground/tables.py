"""Tables for a terminal of any width, and for a log file, which has none."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from functools import partial

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_LOG_COLUMNS = 100
"""At least: what comes below a table is not to be narrower than this in a log file."""
_ANY = 10_000


def show_fitted(
    console: Console,
    table_without: Callable[[frozenset[str]], Table],
    dispensable: Sequence[str] = (),
) -> frozenset[str]:
    """Print a table with as much as there is room for, and no name folded in the middle.

    Args:
        console: a terminal has its width; all else gets the whole table.
        table_without: makes the table without some of what it may be without.
        dispensable: that, in the order in which it gives way.

    Returns:
        what there was no room for.
    """
    without: frozenset[str] = frozenset()
    table = table_without(without)
    if not console.is_terminal:
        console = Console(
            file=console.file, markup=False, width=max(_LOG_COLUMNS, _width(console, table))
        )
    for count in range(1, len(dispensable) + 1):
        if _width(console, table) <= console.width:
            break
        without = frozenset(dispensable[:count])
        table = table_without(without)
    console.print(table)
    return without


def show_text(console: Console, text: str) -> None:
    """Print text below a table: broken between words on a terminal, whole in a log file."""
    if console.is_terminal:
        fill = partial(
            textwrap.fill, width=console.width, break_long_words=False, break_on_hyphens=False
        )
        text = "\n".join(map(fill, text.splitlines()))
    console.print(Text(text), soft_wrap=True)


def _width(console: Console, table: Table) -> int:
    """Columns that the table takes with nothing folded."""
    return Measurement.get(console, console.options.update(width=_ANY), table).maximum
