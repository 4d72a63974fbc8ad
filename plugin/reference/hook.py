"""Joins the pages of ``docs/`` with those that are made from the code; MkDocs calls it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import BuildError
from mkdocs.structure.files import File, Files

from reference import commands
from reference.pages import PAGES, linked, texts
from tinyhil.ground.errors import DOCUMENTATION
from tinyhil.ground.paths import ROOT

_LOADING = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*>")
"""Elements that make a browser load something."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The address, and a navigation of the pages that there are."""
    config.site_url = DOCUMENTATION
    docs = Path(config.docs_dir)
    made = {*PAGES, *texts().values()}
    config.nav = _existing(config.nav, lambda page: page in made or (docs / page).is_file())
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made here, and the schemas."""
    for name, make in PAGES.items():
        files.append(File.generated(config, name, content=make()))
    for path, name in texts().items():
        text = linked((ROOT / path).read_text(encoding="utf-8"))
        files.append(File.generated(config, name, content=text))
    for name, text in commands.schema_files().items():
        files.append(File.generated(config, name, content=text))
    return files


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse a site that loads anything from elsewhere: it has to work without a network."""
    for page in Path(config.site_dir).rglob("*.html"):
        for tag in _LOADING.findall(page.read_text(encoding="utf-8")):
            if re.search(r"""(src|href)=["']?(https?:)?//""", tag) and "canonical" not in tag:
                raise BuildError(f"{page}: loads from a network: {tag}")


def _existing(entry: Any, exists: Callable[[str], bool]) -> Any:
    """The part of a navigation whose pages exist; None if there is none."""
    if isinstance(entry, str):
        return entry if exists(entry) else None
    if isinstance(entry, list):
        return [kept for one in entry if (kept := _existing(one, exists))]
    kept = {title: _existing(inner, exists) for title, inner in entry.items()}
    return {title: inner for title, inner in kept.items() if inner}
