"""Joins the pages of ``docs/`` with those that are made from the code; MkDocs calls it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from reference import commands, errors, facts
from tinyhil.ground.errors import DOCUMENTATION
from tinyhil.ground.paths import ROOT

PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands.command_page,
    "errors.md": errors.page,
    "files.md": facts.toml_keys,
    "json.md": commands.json_page,
    "metrics.md": facts.metrics,
    "operators.md": facts.operators,
    "options.md": commands.pytest_options,
    "record.md": facts.record,
}
"""Made from the code."""

_TEXTS = {"index.md": ROOT / "README.md", "frames.md": ROOT / "firmware" / "FRAMES.md"}
"""Files that are pages too, though they lie elsewhere in the repository."""
_LINKS = {"firmware/FRAMES.md": "frames.md", "reports/RECORD.md": "record.md"}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The address, and a navigation of the pages that there are."""
    config.site_url = DOCUMENTATION
    docs = Path(config.docs_dir)
    made = {*PAGES, *_TEXTS}
    config.nav = _existing(config.nav, lambda page: page in made or (docs / page).is_file())
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made here, and the schemas."""
    for name, make in PAGES.items():
        files.append(File.generated(config, name, content=make()))
    for name, path in _TEXTS.items():
        text = linked(path.read_text(encoding="utf-8"))
        files.append(File.generated(config, name, content=text))
    for name, text in commands.schema_files().items():
        files.append(File.generated(config, name, content=text))
    return files


def linked(text: str) -> str:
    """A text of the root folder, its links as they are from ``docs/``."""
    text = re.sub(r"(\]\(|src=\"|srcset=\")docs/", r"\1", text)
    for there, here in _LINKS.items():
        text = text.replace(f"]({there})", f"]({here})")
    return text


def _existing(entry: Any, exists: Callable[[str], bool]) -> Any:
    """The part of a navigation whose pages exist; None if there is none."""
    if isinstance(entry, str):
        return entry if exists(entry) else None
    if isinstance(entry, list):
        return [kept for one in entry if (kept := _existing(one, exists))]
    kept = {title: _existing(inner, exists) for title, inner in entry.items()}
    return {title: inner for title, inner in kept.items() if inner}
