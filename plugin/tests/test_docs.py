"""The documentation: its commands run, its reference knows everything, every command is told."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from reference import commands, errors, explained, facts
from reference import pages as made
from tinyhil.catalog.bench import BenchFile
from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Facts, Metric, load
from tinyhil.catalog.meaning import MEANINGS
from tinyhil.ground.errors import DOCUMENTATION, ConfigError
from tinyhil.ground.paths import ROOT

from . import documented


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The pages that are made from the code."""
    return {name: make() for name, make in made.PAGES.items()}


@pytest.mark.parametrize("page", documented.PAGES, ids=lambda page: page.stem)
def test_commands_of_a_page_exist_and_no_shell_hides_from_the_tests(page: Path) -> None:
    blocks = documented.blocks(page)
    assert len(blocks) == page.read_text(encoding="utf-8").count("\n```") // 2
    for block in blocks:
        if block.language in documented.SHELLS:
            assert block.language == "console", f"a block in {page.name} is not tested"
            assert block.commands
            assert documented.wrong_commands(block) == []
        if block.language == "python":
            compile(block.text, page.name, "exec")


@pytest.mark.parametrize("page", documented.PAGES, ids=lambda page: page.stem)
def test_commands_of_a_page_run(
    page: Path, quick: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = documented.blocks(page)
    if not any(block.language == "console" and not block.when for block in blocks):
        return
    monkeypatch.delenv("TINYHIL_DATA", raising=False)
    (look,) = (path.parent for path in quick[0].glob("*_mps2-an386/record.jsonl"))
    folder = tmp_path / "project"
    documented.furnish(folder, look)
    if page.stem == "submissions":
        documented.furnish_submission(folder)
    assert [ran.wrong for ran in documented.run(blocks, folder, ("",)) if ran.wrong] == []


def test_every_command_is_run_by_somebody() -> None:
    """Nothing is left to people: CI runs the commands of make, a test of ours the others."""
    steps = "".join((ROOT / ".ci" / name).read_text("utf-8") for name in ("run", "nightly"))
    for block in (block for page in documented.PAGES for block in documented.blocks(page)):
        for command in block.commands if block.when == "ci" else ():
            target = command.partition("make ")[2].split()[0]
            assert re.search(rf"^ *make .*\b{target}\b", steps, re.MULTILINE), command
        if block.when.startswith("tested by"):
            test = ROOT / "plugin" / "tests" / block.when.removeprefix("tested by ")
            said = test.read_text(encoding="utf-8")
            words = [one.removeprefix("python -m ").split() for one in block.commands]
            wanted = {one[0].split(".")[0] for one in words} | {one[1] for one in words[:-1]}
            assert {word for word in wanted if word not in said} == set()


def test_files_on_the_pages_are_right(tmp_path: Path) -> None:
    models: dict[str, type[Facts]] = {"bench.toml": BenchFile, "boards/": Board}
    seen = set()
    for block in (block for page in documented.PAGES for block in documented.blocks(page)):
        for name, model in models.items():
            if block.language == "toml" and block.title.startswith(name):
                (tmp_path / "file.toml").write_text(block.text, encoding="utf-8")
                load(tmp_path / "file.toml", model)
                seen.add(name)
        if block.language == "toml":
            tomllib.loads(block.text)
    assert seen == set(models)


def test_every_key_of_a_file_is_explained() -> None:
    def models(model: type[Facts]) -> Iterator[type[Facts]]:
        yield model
        for field in model.model_fields.values():
            inner = facts._model_in(field.annotation)
            if inner is not None:
                yield from models(inner)

    for top, _ in facts.FILES.values():
        for model in models(top):
            assert model.model_fields.keys() <= explained.attributes(model).keys(), model


def test_every_metric_has_a_meaning(pages: dict[str, str]) -> None:
    assert MEANINGS.keys() == set(get_args(Metric))
    assert all(f"| `{metric}` |" in pages["metrics.md"] for metric in MEANINGS)


def test_an_error_links_to_its_part_of_the_page(pages: dict[str, str]) -> None:
    assert ConfigError("x", hint="y").page == f"{DOCUMENTATION}errors/#configerror"
    for kind in errors.classes():
        assert f"## {kind.__name__} {{ #{kind.__name__.lower()} }}" in pages["errors.md"]
        assert len((kind.__doc__ or "").split("\n\n")) > 1, f"{kind.__name__}: what to do?"
    assert "<code>no folder for the official data</code>" in pages["errors.md"]


def test_no_kind_of_error_is_forgotten() -> None:
    known = {kind.__name__ for kind in errors.classes()}
    text = "\n".join(path.read_text("utf-8") for path in explained.PACKAGE.rglob("*.py"))
    assert {
        name
        for name, base in re.findall(r"^class ([A-Z]\w+)\((\w+)\):", text, re.MULTILINE)
        if base in {"TinyhilError", *known}
    } == known


def test_options_operators_and_records_are_told(pages: dict[str, str]) -> None:
    assert "<code>--hil-board NAME</code> | `board`" in pages["options.md"]
    assert "has shuffled weights" in pages["operators.md"]
    assert (
        "| [`DEQUANTIZE`](#dequantize) | float32 | DEQUANTIZE of int8 or int16 to floats"
        in pages["operators.md"]
    )
    swish = pages["operators.md"].partition("## HARD_SWISH")[2].partition("## LOGISTIC")[0]
    assert "changes the number of elements" in swish  # of a module that it shares with others
    assert '"additionalProperties": false' in pages["record.md"]
    assert "## `bench.toml`" in pages["files.md"]
    assert all(text.isprintable() for page in pages.values() for text in page.splitlines())


@pytest.mark.parametrize("name", sorted(commands.commands()))
def test_a_command_teaches(name: str) -> None:
    command = commands.commands()[name]
    text = command.format_help()
    assert command.description, name
    assert "examples:\n" in text, name
    assert "next: " in text, name
    examples = re.findall(r"^  (tinyhil .*?)(?:  .*)?$", text, re.MULTILINE)
    assert examples
    for example in (one for one in examples if "\\" not in one):
        block = documented.Block(Path(name), "console", "", f"$ {example}\n", "")
        assert documented.wrong_commands(block) == []


@pytest.mark.parametrize("name", sorted(commands.commands()))
def test_a_command_answers_programs_and_its_keys_are_explained(name: str) -> None:
    assert "json" in commands.commands()[name].format_help()
    for answer in commands.answers(name):
        schema = commands.schema_of(answer)
        for part in (schema, *schema.get("$defs", {}).values()):
            for key, told in part.get("properties", {}).items():
                assert told.get("description"), f"{name}: {key}"


def test_a_name_in_an_answer_is_the_one_of_its_own_module() -> None:
    """Both a build's and a gate's have a class `Comparison` in them."""
    for name, key in {"tinyhil build": "differing", "tinyhil gate": "against"}.items():
        parts = commands.schema_of(*commands.answers(name))["$defs"]
        assert key in parts["Comparison"]["properties"], name
    assert "checked.differing" in commands.json_page()


def test_links_of_the_readme_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!http)([^)#]+)", text)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
    assert "](start.md)" in made.linked(text)
