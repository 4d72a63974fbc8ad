"""Writes the page of a model: one file without a script, which loads nothing."""

from __future__ import annotations

from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from tinyhil.ground.outputs import write_text
from tinyhil.publish.model_page.content import ModelPage


def write_model_page(page: ModelPage, output: Path) -> None:
    """Write the page; an older one is replaced when the new one is complete.

    Raises:
        WriteError: it can't be written.
    """
    # The colours and tables are those of a run's report.
    folders = ("tinyhil.publish.model_page", "tinyhil.publish.report.page")
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(folder, ".") for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    write_text(output, environment.get_template("model.html.j2").render(page=page))
