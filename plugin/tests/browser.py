"""Pages in headless Chromium: no request gets out, and axe-core looks at each for accessibility."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tinyhil.ground.paths import REPORTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import Page, Route, WebSocketRoute

DEMANDED = "TINYHIL_BROWSER"
"""Environment variable: the tests of pages must run, and fail where Chromium is missing."""

PHONE, DESK = 390, 1280
"""Widths in CSS pixels."""

_AXE = REPORTS / "node_modules" / "axe-core" / "axe.min.js"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_RUN_AXE = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
    .filter(found => ["serious", "critical"].includes(found.impact))
    .map(found => `${found.id}: ${found.help}: ` + found.nodes.map(node => node.html).join(" "))"""


class View:
    """One open page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        """Playwright's."""
        self.requests: list[str] = []
        """What the page wanted from the network; each request was failed."""
        self.files: list[str] = []
        """Other files that the page loaded."""
        self.errors: list[str] = []
        """Errors of its scripts."""

    def screenshot(self, path: Path) -> None:
        """Write the whole page as a PNG picture."""
        self.page.screenshot(path=path, full_page=True)

    def serious_findings(self) -> list[str]:
        """What axe-core calls serious or critical, with the HTML it means."""
        self.page.evaluate(_AXE.read_text(encoding="utf-8"))
        found: list[str] = self.page.evaluate(_RUN_AXE)
        return found

    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        wide: int = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return wide


class Browser:
    """Headless Chromium; see `started`."""

    def __init__(self, chromium: Chromium) -> None:
        self._chromium = chromium

    @contextmanager
    def open(self, path: Path, *, width: int = DESK, dark: bool = False) -> Iterator[View]:
        """Open a file as a page.

        Args:
            path: the HTML file.
            width: of the window, in CSS pixels.
            dark: whether the user prefers dark pages.
        """
        context = self._chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        context.set_default_timeout(60_000)
        try:
            page = context.new_page()
            view = View(page)
            url = path.resolve().as_uri()

            def on_request(route: Route) -> None:
                wanted = route.request.url
                if not wanted.startswith("file:"):
                    view.requests.append(wanted)
                    route.abort()
                    return
                if wanted.partition("#")[0] != url:
                    view.files.append(wanted)
                route.continue_()

            def on_socket(socket: WebSocketRoute) -> None:
                view.requests.append(socket.url)
                socket.close()

            context.route("**/*", on_request)
            context.route_web_socket("**/*", on_socket)
            page.on("pageerror", lambda error: view.errors.append(str(error)))
            page.goto(url)
            yield view
        finally:
            context.close()


@contextmanager
def started() -> Iterator[Browser]:
    """Start Chromium; skips the test, or fails it if it is demanded, where something is missing."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    needed = {"Chromium": program, _AXE.name: _AXE.is_file(), "playwright": find_spec("playwright")}
    missing = next((name for name, found in needed.items() if not found), None)
    if missing:
        text = f"needs {missing}: `make browser` installs it"
        if os.environ.get(DEMANDED):
            pytest.fail(text)
        pytest.skip(text)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - `make test` has none

    with sync_playwright() as playwright:
        options: dict[str, Any] = {"executable_path": program}
        # A name that can't be found is a second lock on the door, behind the failed requests.
        rules = "--host-resolver-rules=MAP * ~NOTFOUND"
        chromium = playwright.chromium.launch(args=[rules], **options)
        try:
            yield Browser(chromium)
        finally:
            chromium.close()
