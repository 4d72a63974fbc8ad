"""The eyes of the tests of pages: they see what they are there to see."""

from __future__ import annotations

from pathlib import Path

import pytest

from .browser import PHONE, Browser

pytestmark = pytest.mark.browser

_BAD = """<!doctype html><html lang="en"><title>bad</title>
<style>body { color: #999; background: #fff } @media (prefers-color-scheme: dark) {
body { background: #000 } } </style>
<h1>Grey on white</h1><p style="width: 900px">too wide</p>
<img src="http://pages.invalid/x.png" alt="">
<script>
new WebSocket("ws://pages.invalid/socket"); fetch("https://pages.invalid/data").catch(() => 0);
throw new Error("on purpose")
</script>"""


def test_bad_pages_are_found_out(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(_BAD, encoding="utf-8")
    with browser.open(page, width=PHONE) as view:
        view.page.wait_for_load_state("load")
        assert {url.partition(":")[0] for url in view.requests} == {"http", "https", "ws"}
        assert "on purpose" in view.errors[0]
        assert "color-contrast" in view.serious_findings()[0]
        assert view.overflow() > 400
        view.screenshot(tmp_path / "bad.png")
    with browser.open(page, dark=True) as view:
        assert view.serious_findings() == []
        assert view.overflow() == 0
