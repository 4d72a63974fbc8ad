"""Makes the page of what `gather` found: one file without a script, which loads nothing."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from tinyhil.catalog.task import load_tasks
from tinyhil.ground.outputs import write_text
from tinyhil.publish.report.page.content import Page, Source
from tinyhil.publish.report.page.gather import gather


def write_page(source: Source, output: Path) -> Page:
    """Write the page; an older one is replaced when the new one is complete.

    Args:
        source: what the run has left.
        output: the HTML file.

    Returns:
        What it shows.

    Raises:
        ConfigError: a task's file is wrong.
        WriteError: it can't be written.
    """
    environment = Environment(
        loader=PackageLoader("tinyhil.publish.report.page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = gather(source, load_tasks())
    write_text(output, environment.get_template("page.html.j2").render(page=page))
    return page
