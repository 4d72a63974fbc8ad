"""The comparison as a table for a terminal, and what failed in words below it."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from tinyhil.gate.compare import WORDS, Comparison, failed
from tinyhil.gate.wording import change_text, value_text

COLUMNS = 110
"""At least; a log file has no width of its own."""

_STYLES = {
    "same": "",
    "better": "green",
    "worse": "bold red",
    "missing": "bold magenta",
    "new": "dim",
}


def gate_table(comparisons: Sequence[Comparison]) -> Table:
    """One line a figure; the caption counts them, and says of each failed one why."""
    table = Table(
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
        caption_justify="left",
        caption_style="",
    )
    for heading in ("board", "task", "metric"):
        table.add_column(heading, overflow="fold")
    for heading in ("baseline", "candidate", "change"):
        table.add_column(heading, overflow="fold", justify="right")
    table.add_column("verdict", no_wrap=True)
    before = None
    for entry in comparisons:
        if before not in (None, (entry.board, entry.task)):
            table.add_section()
        before = (entry.board, entry.task)
        word = WORDS[entry.status] if entry else WORDS[entry.status].upper()
        cells = (entry.board, entry.task, entry.metric, *_figures(entry))
        table.add_row(*map(Text, cells), Text(word, style=_STYLES[entry.status]))
    table.caption = Text("\n".join([*map(_words, failed(comparisons)), _summary(comparisons)]))
    return table


def _figures(entry: Comparison) -> tuple[str, str, str]:
    old, new = (
        "-" if value is None else value_text(entry.metric, value)
        for value in (entry.old, entry.new)
    )
    return old, new, change_text(entry.metric, entry.old, entry.new)


def _words(entry: Comparison) -> str:
    return f"- {entry}"


def _summary(comparisons: Sequence[Comparison]) -> str:
    counts = {status: sum(entry.status == status for entry in comparisons) for status in WORDS}
    parts = [f"{counts['worse']} worse", f"{counts['missing']} missing"]
    parts += [f"{counts['better']} better", f"{counts['same']} the same"]
    parts += [f"{counts['new']} new"] if counts["new"] else []
    emulated = sorted({entry.board for entry in comparisons if entry.emulated})
    text = f"{len(comparisons)} figures: {', '.join(parts)}"
    if emulated:
        text += f"\n{', '.join(emulated)}: emulated, instruction counts and no times of silicon"
    return text
