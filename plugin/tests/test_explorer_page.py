"""The explorer in a browser: what a reader sees, presses and types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tinyhil.publish.results.page import BUNDLE, page
from tinyhil.publish.results.rows import Row
from tinyhil.publish.results.tree_rows import rows_of_tree

from .browser import DESK, PHONE, Browser, View
from .explorer_rows import every_kind
from .rounds import made_up, write_round

pytestmark = pytest.mark.browser

NAMES = ".systems tbody th label > span"


def made(folder: Path, rows: tuple[Row, ...]) -> Path:
    assert BUNDLE.is_file(), "`make setup` makes the bundle"
    path = folder / "results.html"
    path.write_text(page(rows, folder), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("explorer"), every_kind())


@pytest.fixture
def view(browser: Browser, results: Path) -> Iterator[View]:
    with browser.open(results) as opened:
        opened.page.wait_for_selector("figure svg")
        yield opened
        assert (opened.errors, opened.requests, opened.files) == ([], [], [])
        assert opened.page.evaluate("window.hit") is None


def names(view: View) -> list[str]:
    """The systems of the table, in its order, without what stands below them."""
    found = view.page.locator(NAMES).all_inner_texts()
    return [text.split()[1].rstrip(",") for text in found if text.startswith("Board")]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_it_can_be_read_in_the_light_in_the_dark_and_on_a_phone(
    browser: Browser, results: Path, width: int, dark: bool
) -> None:
    with browser.open(results, width=width, dark=dark) as view:
        view.page.wait_for_selector("figure svg")
        for box in view.page.locator(".systems input").all()[:3]:
            box.check()
        view.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert view.serious_findings() == []
        assert view.overflow() == 0
        assert (view.errors, view.requests) == ([], [])


def test_emulated_and_doubtful_rows_are_labelled_and_off_the_front_of_boards(view: View) -> None:
    panel = view.page.locator("figure", has_text="Latency p90 against energy")
    fronts = panel.locator("div", has=view.page.locator("ol")).all_inner_texts()
    by_kind = {text.split(":")[0]: text for text in fronts}
    assert set(by_kind) == {
        "Front, physical, closed", "Front, physical, open",
        "Front, physical, closed, stand-in data", "Front, emulated, closed",
    }  # fmt: skip
    boards = by_kind["Front, physical, closed"]
    assert "Board a" in boards
    assert "Board b" in boards
    for name in ("beaten", "mps2", "forged", "hurried", "wrong", "demo", "pruned"):
        assert f"Board {name}" not in boards
    assert "16,650,000 instr." in by_kind["Front, emulated, closed"]
    rows = {text.split("\n")[0]: text for text in view.page.locator(NAMES).all_inner_texts()}
    labels = {
        "mps2": "emulated", "forged": "CHANGED after sealing", "hurried": "short",
        "demo": "STAND-IN data",
    }  # fmt: skip
    for name, label in labels.items():
        assert any(f"Board {name}" in text and label in text for text in rows.values()), name
    line = view.page.locator("tr", has_text="Board mps2").first.inner_text()
    assert "16,650,000 instr." in line
    assert "1 ms" not in line


def test_a_reader_sorts_and_narrows_down_by_keyboard_and_the_view_can_be_kept(view: View) -> None:
    by_energy = view.page.get_by_role("button", name="Energy", exact=True)
    by_energy.focus()
    view.page.keyboard.press("Enter")
    assert view.page.locator("th[aria-sort=ascending]").inner_text().startswith("Energy")
    assert names(view)[:6] == ["mps2", "forged", "hurried", "wrong", "b", "demo"]
    view.page.keyboard.press("Enter")
    assert view.page.locator("th[aria-sort=descending]").count() == 1
    assert names(view)[:2] == ["beaten", "a"]
    view.page.get_by_role("button", name="Latency p90", exact=True).click()
    assert names(view)[0] == "forged"
    assert names(view)[-1] == "mps2", "an emulated time is not compared with a board's"
    view.page.get_by_label("RAM", exact=True).fill("64")
    assert set(names(view)) == {"mps2", "forged", "hurried", "wrong", "demo", "a", "c", "pruned"}
    view.page.get_by_label("Only what meets the quality target").check()
    assert "wrong" not in names(view)
    view.page.locator("summary", has_text="Kind").click()
    view.page.get_by_role("group", name="Kind").get_by_label("physical").check()
    kept = names(view)
    assert "mps2" not in kept
    assert view.page.get_by_role("status").inner_text() == f"{len(kept)} of 12 systems shown"
    view.page.reload()
    assert names(view) == kept
    view.page.get_by_role("button", name="Remove all filters").click()
    assert "mps2" in names(view)


def test_ticked_systems_stand_side_by_side_over_all_tasks(view: View) -> None:
    view.page.locator("figure").first.get_by_role("button", name="Board a").click()
    view.page.get_by_role("checkbox", name="Board c").first.check()
    sides = view.page.locator(".sides")
    assert sides.locator("thead th").count() == 2
    text = sides.inner_text()
    assert "Keyword spotting (kws01)" in text
    assert "Image classification (ic01)" in text
    assert "6\u00d7" in text
    assert sides.locator(".best").first.inner_text().startswith("10 ms")
    view.page.get_by_role("checkbox", name="Board mps2").check()
    assert sides.locator(".best").count() == 0
    assert view.page.get_by_text("none is called the best").is_visible()


def test_boards_and_frameworks_and_links_to_evidence(view: View) -> None:
    cells = view.page.locator(".matrix tr", has_text="Board b,").inner_text()
    assert "40 ms" in cells
    link = view.page.locator(".systems tr", has_text="Board beaten").get_by_role("link")
    assert (link.get_attribute("href") or "").endswith("/runs/20260102_beaten")
    link.focus()


def test_two_thousand_systems_are_drawn_a_hundred_at_a_time(
    browser: Browser, tmp_path: Path
) -> None:
    (twenty := tmp_path / "round").mkdir()
    rows = rows_of_tree(write_round(twenty, made_up(20))) * 100
    with browser.open(made(tmp_path, rows)) as view:
        view.page.wait_for_selector("figure svg circle")
        assert view.page.locator("figure svg circle").count() >= 2000
        assert view.page.locator(".systems tbody tr").count() == 100
        view.page.get_by_label("words", exact=True).fill("tensorflow micro")
        assert view.page.get_by_role("status").inner_text() == "400 of 2000 systems shown"
        assert view.errors == []
        view.page.get_by_role("button", name="Show all 400").click()
        assert view.page.locator(".systems tbody tr").count() == 400


def test_where_no_script_runs_there_is_the_plain_table(browser: Browser, results: Path) -> None:
    plain = results.with_name("plain.html")
    plain.write_text(page(every_kind(), results.parent, results.with_name("none")))
    for dark in (False, True):
        with browser.open(plain, width=PHONE, dark=dark) as view:
            assert view.page.locator("tbody tr").count() == len(every_kind())
            assert view.serious_findings() == []
            assert view.overflow() == 0
