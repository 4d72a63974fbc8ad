"""Where a model's memory and time go: counted by operator, drawn, and in words."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from tinyhil.catalog.board import load_boards
from tinyhil.cli.built import arena_text, built_table
from tinyhil.cli.main import main
from tinyhil.ground.errors import FirmwareError
from tinyhil.ground.paths import SUITES
from tinyhil.image.build import Firmware
from tinyhil.image.compiler import CompiledModel, InArena, Target, compile_model
from tinyhil.image.elf import image_of
from tinyhil.measure.profile import OperatorCount, Profile, by_operator
from tinyhil.publish.model_page.content import content
from tinyhil.publish.model_page.picture import SIDE, in_use, line, picture
from tinyhil.publish.model_page.render import write_model_page
from tinyhil.publish.report.html import external_references

from .browser import DESK, PHONE, Browser
from .made_elf import Part, elf

VWW = SUITES / "standin" / "vww01.tflite"


@pytest.fixture(scope="module")
def banded() -> CompiledModel:
    """A model whose first operators are computed in bands."""
    made = compile_model(VWW, Target(("armv7e-m",)), lambda one: one.arena_bytes * 3 // 4)
    assert made.bands > 1
    return made


@pytest.fixture(scope="module")
def built(banded: CompiledModel) -> Firmware:
    return Firmware(image_of(Path("made.elf"), elf([Part(0, bytes(8))])), banded)


def test_counts_of_bands_are_summed_by_operator(banded: CompiledModel) -> None:
    calls = [step for step in banded.steps if step.kernel]
    counts = by_operator(banded, [1] * len(calls), [2.0] * len(calls))
    for position, (operator, count) in enumerate(zip(banded.operators, counts, strict=True)):
        own = sum(step.operator == position for step in calls)
        assert count == OperatorCount(own, 2 * own)
        assert own == (operator.bands if operator.kernel else 0)
    assert by_operator(banded, [1] * len(calls), None)[0].cycles is None
    ended = by_operator(banded, [1] * len(calls) + [5], [2.0] * len(calls) + [7.0])
    last = calls[-1].operator
    assert ended[last] == OperatorCount(
        counts[last].instructions + 5, (counts[last].cycles or 0) + 7
    )
    assert [*ended[:last], *ended[last + 1 :]] == [*counts[:last], *counts[last + 1 :]]
    with pytest.raises(FirmwareError, match=rf"calls {len(calls)} kernels, .* counted 3"):
        by_operator(banded, [1] * 3, None)


def test_options_that_can_not_be_are_refused_before_anything_is_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, told in (
        (("--board", "nucleo-l4r5zi", "--profile"), "--profile: board 'nucleo-l4r5zi' is not emu"),
        (("--arena", "0"), "option --arena: 0 is no number of bytes"),
        (("--html", str(tmp_path)), "option --html: "),
        (("--arena", "100"), "100 bytes are allowed for the tensor arena, it needs 9,"),
    ):
        assert main(["build", "--out", str(tmp_path / "out"), *words]) == 2
        assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_picture_holds_the_arena(banded: CompiledModel) -> None:
    used, drawn = in_use(banded), picture(banded)
    assert max(used) <= banded.arena_bytes
    assert max(one.offset + one.size for one in banded.arena) <= banded.arena_bytes
    assert len(used) == len(banded.steps)
    for box in drawn.boxes:
        assert 0 <= box.x < box.x + box.width <= SIDE + 1
        assert 0 <= box.y <= box.y + box.height <= SIDE + 0.1
    assert round(drawn.peak_x / drawn.peak_width) == used.index(max(used))
    assert any("band 2" in box.text for box in drawn.boxes)


def test_shared_bytes_are_in_use_once(banded: CompiledModel) -> None:
    places = (InArena("tensor", 0, 100, 0, 1), InArena("tensor", 60, 100, 1, 1),
              InArena("scratch", 400, 20, 1, 1))  # fmt: skip
    made = replace(banded, arena=places, steps=banded.steps[:2], arena_bytes=420)
    assert in_use(made) == [100, 180]
    assert line(made, 80) == "▂▄"
    assert line(made, 80, plain=True) == "24"
    assert line(made, 1, plain=True) == "4", "the most of the steps that share a character"


@pytest.mark.parametrize("columns", [40, 200])
def test_a_terminal_shows_counts_bands_and_the_arena(built: Firmware, columns: int) -> None:
    model = built.model
    counted = Profile(9, tuple(OperatorCount(12_345, 67_890) for _ in model.operators))
    out = io.StringIO()
    table = built_table(load_boards()["mps2-an386"], built, counted, frozenset())
    Console(file=out, width=200).print(table)
    assert out.getvalue().count("12,345") == out.getvalue().count("67,890") == len(model.operators)
    assert "bands" in out.getvalue()
    head, used, words = arena_text(model, columns, "utf-8").split("\n")
    assert f"{len(model.steps)} steps" in head
    assert len(used) == min(columns - 2, len(model.steps))
    assert f"no plan can do with less than {model.arena_least_bytes:,}" in words


@pytest.fixture(scope="module")
def page(built: Firmware, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "model.html"
    counts = tuple(OperatorCount(12_345 + i, 67_890) for i, _ in enumerate(built.model.operators))
    board = load_boards()["mps2-an386"]
    name = "<b>mine</b> \x1b[31m"
    write_model_page(content(name, board, built, Profile(999, counts)), path)
    return path


def test_the_page_loads_nothing_and_escapes_names(page: Path, built: Firmware) -> None:
    text = page.read_text(encoding="utf-8")
    assert external_references(text) == []
    assert "<b>mine" not in text
    assert "\x1b" not in text
    assert text.count('<rect class="tensor"') + text.count('<rect class="scratch"') == len(
        built.model.arena
    )
    assert "12,345" in text
    assert "Nothing was measured on silicon" in " ".join(text.split())


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_page_in_a_browser(page: Path, browser: Browser, width: int, dark: bool) -> None:
    with browser.open(page, width=width, dark=dark) as view:
        assert view.serious_findings() == []
        assert view.overflow() == 0
        assert (view.requests, view.files, view.errors) == ([], [], [])


@pytest.mark.long
def test_the_command_counts_on_the_emulated_board(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    html = tmp_path / "page" / "kws.html"
    out = ("--out", str(tmp_path / "out"), "--profile", "--html", str(html), "--arena", "30000")
    assert main(["build", "--task", "vww01", *out, "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    counts = [one["instructions"] for one in answer["profile"]["operators"]]
    predicted = [one["instructions"] for one in answer["operators"]]
    assert sum(counts) == pytest.approx(answer["profile"]["instructions"], rel=0.01)
    assert counts == pytest.approx(predicted, rel=0.2, abs=200)
    assert f"{answer['profile']['instructions']:,} instructions an inference" in html.read_text()
    assert answer["bands"] > 1
