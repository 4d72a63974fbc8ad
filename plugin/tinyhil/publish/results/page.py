"""The results as one HTML page that loads nothing: an explorer, or without its bundle a table.

The explorer is a script that `make setup` bundles from ``reports/explorer``; a built wheel carries
it. What rows hold may come from a stranger's tree: the page runs the script whose sum its policy
names, and no other; text goes into it escaped.
"""

from __future__ import annotations

import hashlib
import html
from base64 import b64encode
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from tinyhil.publish.results.columns import (
    SYSTEM,
    end_cells,
    figure_cells,
    figures_of,
    remarks,
    system_cells,
    tasks_of,
)
from tinyhil.publish.results.explorer import embedded
from tinyhil.publish.results.render import LAST
from tinyhil.publish.results.rows import Row

BUNDLE = Path(__file__).with_name("explorer.js")
_STYLE = Path(__file__).with_name("page.css")
_MISSING = (
    "This is the plain table. To sort, filter and compare in the page, install tinyhil from a "
    "built wheel, or run `make setup` in its checkout, which bundles the explorer with Node and "
    "npm; then make the page again."
)
_SCRIPTLESS = "This page runs no script here, so it is the plain table."


def page(rows: Sequence[Row], folder: Path, bundle: Path = BUNDLE) -> str:
    """The page.

    Args:
        rows: to show.
        folder: where the page will lie; links to evidence start there.
        bundle: the explorer's script; where it is missing, the page is a plain table.
    """
    script = bundle.read_text(encoding="utf-8") if bundle.is_file() else ""
    if not script:
        return _document("", f"<main>{_plain(rows, _MISSING)}</main>")
    allowed = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    body = (
        f'<div id="explorer"></div><noscript><main>{_plain(rows, _SCRIPTLESS)}</main></noscript>\n'
        f'<script type="application/json" id="rows">{embedded(rows, folder)}</script>\n'
        f"<script>{script}</script>"
    )
    return _document(f"; script-src 'sha256-{allowed}'", body)


def _document(policy: str, body: str) -> str:
    """The page around `body`; `policy` says what it may do besides being styled."""
    policy = f"default-src 'none'; style-src 'unsafe-inline'{policy}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="tinyhil {version("pytest-tinyhil")}">
<title>tinyhil results</title>
<style>{_STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _plain(rows: Sequence[Row], note: str) -> str:
    """Heading, a table with everything in it, and the remarks below it."""
    tasks, names = tasks_of(rows), figures_of(rows)
    first = "".join(f'<th scope="col" rowspan="2">{name}</th>' for name in SYSTEM)
    groups = "".join(
        f'<th scope="colgroup" colspan="{len(names)}">{html.escape(task)}</th>' for task in tasks
    )
    last = "".join(f'<th scope="col" rowspan="2">{name}</th>' for name in LAST)
    heads = [name.replace(" ", "<br>", 1) for name in names]
    under = "".join(f'<th scope="col">{name}</th>' for _ in tasks for name in heads)
    body = "\n".join(_plain_row(row, tasks, len(names)) for row in rows)
    notes = "".join(f"<li>{html.escape(remark)}</li>" for remark in remarks(rows))
    return f"""<h1>Results</h1>
<p class="note">{html.escape(note)}</p>
<div class="wide" tabindex="0" role="region" aria-label="results"><table class="plain">
<thead><tr>{first}{groups}{last}</tr>
<tr>{under}</tr></thead>
<tbody>
{body}
</tbody>
</table></div>
<ul class="note">{notes}</ul>"""


def _plain_row(row: Row, tasks: Iterable[str], count: int) -> str:
    def cells(kind: str, texts: Iterable[str]) -> str:
        return "".join(f'<td class="{kind}">{_breaking(text)}</td>' for text in texts)

    figures = "".join(cells("figure", figure_cells(row, task)[:count]) for task in tasks)
    ends = cells("text", end_cells(row))
    return f"<tr>{cells('text', system_cells(row))}{figures}{ends}</tr>"


def _breaking(text: str) -> str:
    """A cell's text, escaped; what is in brackets or after a comma goes on a line below."""
    return html.escape(text).replace(", ", ",<br>").replace(" (", "<br>(")
