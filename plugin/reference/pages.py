"""The pages of the documentation that do not lie in ``docs/``."""

from __future__ import annotations

from collections.abc import Callable

from reference import commands, errors, facts
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

_TEXTS = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "LICENSE": "licence.txt",
    "firmware/FRAMES.md": "frames.md",
}
"""Files of the repository that are pages too, though they do not lie in ``docs/``."""
_LINKS = {**_TEXTS, "reports/RECORD.md": "record.md"}


def texts() -> dict[str, str]:
    """Those of the repository's files that are there, and their names as pages."""
    return {path: name for path, name in _TEXTS.items() if (ROOT / path).is_file()}


def linked(text: str) -> str:
    """A text of the root folder, its links as they are from ``docs/``."""
    text = text.replace("](docs/", "](")
    for there, here in _LINKS.items():
        text = text.replace(f"]({there})", f"]({here})")
    return text
