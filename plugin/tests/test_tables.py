"""Tables on terminals of any width: names stay whole, nothing is lost."""

from __future__ import annotations

import io

import pytest
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinyhil.ground.tables import show_fitted

LONG = "closed/STMicroelectronics/results/NUCLEO_L4R5ZI/kws01/results.txt:27"
ROWS = (
    (LONG, "throughput\nenergy", "13.323", "log.txt: gives no classes"),
    ("other:1", "AUC", "0.86", "name the folder of the data sets with --data, and try once more"),
)


def _shown(width: int, *, terminal: bool = True) -> str:
    """A table of `ROWS` without style."""

    def table(_without: frozenset[str]) -> Table:
        made = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption=Text("of a test"))
        for heading in ("file", "figure", "claimed", "from"):
            made.add_column(heading, overflow="fold")
        for row in ROWS:
            made.add_row(*map(Text, row))
        return made

    output = io.StringIO()
    show_fitted(
        Console(file=output, width=width, force_terminal=terminal, color_system=None), table
    )
    return output.getvalue()


@pytest.mark.parametrize("width", [40, 80, 100, 110, 400])
def test_no_name_is_broken_and_nothing_is_lost(width: int) -> None:
    shown = _shown(width)
    words = {word for row in ROWS for cell in row for word in cell.split()}
    assert {word for word in words if word not in shown.split()} == set()
    lines = [line.rstrip() for line in shown.splitlines()]
    assert [line for line in lines if len(line) > width and line.strip() != LONG] == []
    assert "of a test" in shown


def test_where_no_column_has_room_each_row_becomes_lines() -> None:
    first = _shown(80).partition("\n\n")[0].splitlines()
    assert first[0] == LONG
    assert first[1:4] == ["  figure   throughput", "           energy", "  claimed  13.323"]


def test_a_log_file_gets_the_whole_table() -> None:
    lines = _shown(80, terminal=False).splitlines()
    assert any(LONG in line and ROWS[0][3] in line for line in lines)
