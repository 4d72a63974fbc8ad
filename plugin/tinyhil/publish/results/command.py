"""The command ``tinyhil results``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from tinyhil.ground.errors import ConfigError
from tinyhil.ground.help import HelpText, with_suites
from tinyhil.ground.outputs import check_file, write_text
from tinyhil.ground.project import project_around
from tinyhil.ground.tables import show_fitted
from tinyhil.ground.text import say

if TYPE_CHECKING:
    from tinyhil.publish.headings import Heading
    from tinyhil.publish.results.rows import Row

FORMATS = ("table", "markdown", "html", "csv", "json")

_DESCRIPTION = """\
The results table as the field reads it: submitter, device, processor and accelerator, software, and
for each task latency, energy and quality; open rows with their model. Rows come from folders of
runs (for each station, division, data set and firmware, ours or yours, the latest of every measure)
and from submission trees, also whole rounds (as they claim it; `tinyhil submission check` says what
is true). A missing figure is a dash. Each run is verified, once; one that does not agree is shown
as such, an unsigned one is called unsigned.
HTML is an explorer in one file: sort, filter, compare side by side, latency against energy and
memory with the Pareto front, links to the evidence; it loads nothing.
A run in a folder of runs that can't be read is left out and named; the exit status is then 2.
"""
_EPILOG = """\
examples:
  tinyhil results                                       all runs in reports/runs
  tinyhil results reports/runs submission --format html --out results.html
  tinyhil results --format json                         for a script

next: `tinyhil submission export` makes the tree of a submission from such runs
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse; `run` of the parsed options is what it does."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.formatter_class = HelpText
    parser.add_argument(
        "sources",
        type=Path,
        nargs="*",
        default=[],
        metavar="RUNS",
        help="folders of runs, runs, or submission trees; default: reports/runs of "
        "the project, or what its [tool.tinyhil] says",
    )
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: %(default)s")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write it there")
    parser.add_argument(
        "--every-run",
        action="store_true",
        help="a row for each run, not for each station's latest figures",
    )
    parser.set_defaults(run=_results)


def _results(options: argparse.Namespace, console: Console) -> int:
    from tinyhil.publish.results import render  # noqa: PLC0415 - other commands need it not

    if options.out:
        check_file(options.out, "--out")
    runs = project_around(Path.cwd()).runs
    if not options.sources and not runs.exists():
        raise ConfigError(
            f"{runs}: is not there: nothing was measured yet",
            hint=with_suites("`pytest suites --hil-quick` measures; or name folders of runs"),
        )
    sources = options.sources or [runs]
    rows, left_out = _read(sources, every_run=options.every_run)
    status = 2 if left_out else 0
    writers: dict[str, Callable[[Sequence[Row]], str]] = {
        "markdown": render.markdown,
        "html": partial(_page, options.out.parent if options.out else Path()),
        "csv": render.comma_separated,
        "json": render.as_json,
    }
    if options.format == "table":
        if options.out:
            drawn = StringIO()
            show_fitted(Console(file=drawn, markup=False), lambda _: render.table(rows))
            write_text(options.out, drawn.getvalue())
        else:
            show_fitted(console, lambda _: render.table(rows))
        return status
    text = writers[options.format](rows)
    if options.out:
        write_text(options.out, text)
        say(console, str(options.out))
    else:
        console.file.write(text)
    return status


def _page(folder: Path, rows: Sequence[Row]) -> str:
    from tinyhil.publish.results.page import page  # noqa: PLC0415 - other formats need it not

    return page(rows, folder=folder)


def _read(sources: Sequence[Path], *, every_run: bool) -> tuple[list[Row], int]:
    """The rows, and how many runs were left out because they can't be read; each is named.

    Raises:
        ConfigError: there is nothing to read, or a run that was named itself can't be read.
    """
    from tinyhil.publish.headings import Heading, Unreadable, headings  # noqa: PLC0415 - as above
    from tinyhil.publish.results.rows import latest, rows_of_runs  # noqa: PLC0415
    from tinyhil.record.store import find_runs, read_run  # noqa: PLC0415

    shown: list[Heading] = []
    rows: list[Row] = []
    left_out, aside = 0, Console(stderr=True, markup=False)
    for source in sources:
        if not source.is_dir():
            raise ConfigError(
                f"{source}: is not a folder", hint="name folders of runs or submissions"
            )
        found = find_runs(source)
        with aside.status("reading runs"):
            known = list(headings(found))
        for one in known:
            if isinstance(one, Unreadable):
                if one.folder == source:
                    raise one.error
                say(aside, f"left out: {one.error}")
                left_out += 1
        readable = [one for one in known if isinstance(one, Heading)]
        for one in readable:
            for remark in one.remarks:
                say(aside, remark)
        shown += readable
        if not found:
            rows += _of_tree(source)
    with aside.status("verifying what is shown"):
        chosen = shown if every_run else latest(shown)
        runs = [read_run(one.folder) for one in chosen]
        each = [[run] for run in runs] if every_run else [runs]
        of_runs = [row for one in each for row in rows_of_runs(one)]
    return [*of_runs, *rows], left_out


def _of_tree(source: Path) -> tuple[Row, ...]:
    from tinyhil.publish.results.tree_rows import rows_of_tree  # noqa: PLC0415 - as above

    try:
        return rows_of_tree(source)
    except ConfigError as error:
        raise ConfigError(
            f"{source}: holds neither runs nor a submission",
            hint="name a folder of runs, a run (it has a record.jsonl), or a submission tree",
        ) from error
