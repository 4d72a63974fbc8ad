"""Tables for a terminal of any width, and for a log file, which has none."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table
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
        dispensable: that, in the order in which it gives way. Where there is no room for the rest
            either, text is broken between words, and else each row becomes lines.

    Returns:
        what there was no room for.
    """
    without: frozenset[str] = frozenset()
    table = table_without(without)
    with _with_room(console, table):
        for count in range(1, len(dispensable) + 1):
            if _width(console, table) <= console.width:
                break
            without = frozenset(dispensable[:count])
            table = table_without(without)
        if _set_widths(console, table):
            console.print(table)
        else:
            _show_stacked(console, table)
    return without


@contextmanager
def _with_room(console: Console, table: Table) -> Iterator[None]:
    """What is no terminal is as wide as the table."""
    width = console.width
    if not console.is_terminal:
        console.width = max(_LOG_COLUMNS, _width(console, table))
    try:
        yield
    finally:
        console.width = width


def show_text(console: Console, text: str) -> None:
    """Print text below a table: broken between words on a terminal, whole in a log file."""
    if console.is_terminal:
        text = "\n".join(_wrapped(text, console.width))
    console.print(Text(text), soft_wrap=True)


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` columns, where no word is longer."""
    wrap = partial(textwrap.wrap, width=width, break_long_words=False, break_on_hyphens=False)
    return [part for line in text.splitlines() for part in wrap(line) or [""]]


def _set_widths(console: Console, table: Table) -> bool:
    """Share what room there is, so that no column is narrower than its longest word; whether there
    is enough."""
    room = console.width
    if _width(console, table) <= room:
        return True
    ranges = [_measured(console, column) for column in table.columns]
    least, most = (sum(getattr(one, name) for one in ranges) for name in ("minimum", "maximum"))
    spare = room - least - (_width(console, table) - most)
    if spare < 0:
        return False
    for column, one in zip(table.columns, ranges, strict=True):
        share = spare * one.span // max(1, most - least)
        column.width = min(one.maximum, one.minimum + share)
    return True


def _measured(console: Console, column: Column) -> Measurement:
    cells = [column.header, *column.cells]
    sizes = [Measurement.get(console, console.options.update(width=_ANY), cell) for cell in cells]
    most = max(size.maximum for size in sizes)
    most = most if column.max_width is None else min(most, column.max_width)
    return Measurement(max(size.minimum for size in sizes), most).normalize()


def _show_stacked(console: Console, table: Table) -> None:
    """Each row as lines: its first cell, then the others below it by their headings."""
    headings = [str(column.header).replace("\n", " ") for column in table.columns]
    inner = max(map(len, headings[1:]), default=0) + 4
    for row in zip(*(column.cells for column in table.columns), strict=True):
        for number, cell in enumerate(row):
            text = cell if isinstance(cell, Text) else Text(str(cell))
            before = "" if number == 0 else f"  {headings[number]:<{inner - 2}}"
            for line in _wrapped(text.plain, max(1, console.width - len(before))):
                console.print(Text(before).append(line, text.style), soft_wrap=True)
                before = " " * len(before)
        console.print()
    if table.caption is not None:
        show_text(console, str(table.caption))


def _width(console: Console, table: Table) -> int:
    """Columns that the table takes with nothing folded."""
    return Measurement.get(console, console.options.update(width=_ANY), table).maximum
