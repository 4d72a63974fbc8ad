"""The documentation in a browser: pages of each kind, as `make docs` builds them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tinyhil.ground.paths import ROOT

from .browser import DESK, PHONE, Browser

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    options = ("--strict", "--quiet", "--site-dir", str(folder))
    command = [sys.executable, "-m", "mkdocs", "build", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize("page", [".", "start", "your-ci", "options", "errors", "metrics"])
def test_a_page_can_be_read_without_a_network(
    browser: Browser, site: Path, page: str, width: int, dark: bool
) -> None:
    with browser.open(site / page / "index.html", width=width, dark=dark) as view:
        view.page.wait_for_selector("article h1")
        assert view.serious_findings() == []
        assert view.overflow() <= 0
        # The search alone asks a server for its index: a page that is a file has none.
        assert [error for error in view.errors if "search_index" not in error] == []
        assert view.requests == []
