"""Pages on what is typed: commands, what they answer to programs, and the options of pytest."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from unittest.mock import patch

from pydantic import TypeAdapter

from reference.explained import attributes, code, prose
from reference.resolved import classes_in, hints, names_resolved, parts_of
from tinyhil.cli.main import parser
from tinyhil.ground.answer import Answer, Failed
from tinyhil.publish.results.rows import Results
from tinyhil.publish.submission import report
from tinyhil.pytest_side import plugin
from tinyhil.pytest_side.options import KEYS, OPTIONS

_OWN_FORMATS: Mapping[str, tuple[type[Answer], ...]] = {
    "tinyhil results": (Results,),
    "tinyhil submission check": (report.Checked,),
}
"""Of commands whose ``--format`` has other values besides."""


def leaves(command: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The command itself, or all commands below it."""
    groups = [a for a in command._actions if isinstance(a, argparse._SubParsersAction)]
    if not groups:
        yield command
    for group in groups:
        for inner in group.choices.values():
            yield from leaves(inner)


@cache
def commands() -> dict[str, argparse.ArgumentParser]:
    """Every command, by what is typed, as in ``tinyhil data list``."""
    return {leaf.prog: leaf for leaf in leaves(parser())}


def answers(name: str) -> tuple[type[Answer], ...]:
    """What a command answers to programs when it ends well."""
    return _OWN_FORMATS.get(name) or commands()[name].get_default("answers") or ()


def schema_of(*types: type[Answer]) -> dict[str, Any]:
    """The JSON Schema of an answer that is one of some types; each key has its text.

    A key that the schema does not name is refused, so that a test sees it.
    """
    schemas = []
    for answer in types:
        with names_resolved(answer):
            schema = TypeAdapter(answer).json_schema(mode="serialization")
        for part, cls in _objects(schema, answer):
            part["additionalProperties"] = False
            for key, text in attributes(cls).items():
                part["properties"].get(key, {})["description"] = prose(text)
        schemas.append(schema)
    if len(schemas) == 1:
        return schemas[0]
    shared = {name: part for schema in schemas for name, part in schema.pop("$defs", {}).items()}
    return {"anyOf": schemas, "$defs": shared}


def _objects(schema: dict[str, Any], answer: type) -> Iterator[tuple[dict[str, Any], type]]:
    """The objects in a schema, and the class of each."""
    yield schema, answer
    classes = {cls.__name__: cls for cls in parts_of(answer)}
    for name, part in schema.get("$defs", {}).items():
        if name in classes:
            yield part, classes[name]


def command_page() -> str:
    """The help of every command."""
    parts = [
        "# Commands\n",
        "`tinyhil --help` and `tinyhil COMMAND --help` print the same. Exit status: 0 done, 1 "
        "something was found or is missing, 2 an error. With `--format json` a command "
        "[answers programs](json.md).\n",
    ]
    # The help's width is the terminal's.
    with patch.dict(os.environ, {"COLUMNS": "82"}):
        for name, command in commands().items():
            parts += [f"## {name}\n", f"```text\n{command.format_help().rstrip()}\n```\n"]
    return "\n".join(parts)


def json_page() -> str:
    """What each command answers to programs."""
    parts = [
        "# Answers in JSON\n",
        "With `--format json` a command prints one JSON object on standard output and nothing "
        "else there; progress and remarks go to standard error. It is ASCII, and a number that "
        "does not exist is `null`. The exit status is the same as without it. `schema` is the "
        "version of the form: a new key does not raise it.\n",
        "## Errors\n",
        "A command that ends with an error (exit status 2) answers this instead:\n",
        *_keys(Failed),
    ]
    for name in commands():
        if not answers(name):
            continue
        anchor = name.removeprefix("tinyhil ").replace(" ", "-")
        parts += [f"## {name} {{ #{anchor} }}\n"]
        for answer in answers(name):
            parts += [f"{prose(answer.__doc__ or '')}\n", *_keys(answer)]
        parts.append(f"[JSON Schema](schemas/{anchor}.json)\n")
    return "\n".join(parts)


def schema_files() -> dict[str, str]:
    """The schemas, by the address of their file in the site."""
    return {
        f"schemas/{name.removeprefix('tinyhil ').replace(' ', '-')}.json": json.dumps(
            schema_of(*answers(name), Failed), indent=2
        )
        for name in commands()
        if answers(name)
    }


def _keys(answer: type) -> Iterator[str]:
    """A table of an answer's keys, those of its parts below them."""
    yield "| key | meaning |\n| --- | --- |"
    yield from _key_rows(answer, "")
    yield ""


def _key_rows(cls: type, above: str) -> Iterator[str]:
    texts, kinds = attributes(cls), hints(cls)
    for part in sorted(dataclasses.fields(cls), key=lambda part: part.name != "schema"):
        many = any(word in str(part.type) for word in ("tuple[", "Mapping["))
        name = f"{above}{part.name}"
        text = prose(texts.get(part.name, ""))
        yield f"| {code(name)} | {text} |"
        for inner in classes_in(kinds[part.name]):
            yield from _key_rows(inner, f"{name}{'[]' if many else ''}.")


def pytest_options() -> str:
    """The options that the plugin gives to pytest, and its markers."""
    rows = []
    for option, text, keywords in OPTIONS:
        value = keywords.get("metavar", "")
        key = option.removeprefix("--hil-").replace("-", "_")
        told = str(text).replace("%%", "%")
        setting = f"`{key}`" if key in KEYS else "-"
        rows.append(f"| {code(f'{option} {value}'.strip())} | {setting} | {prose(told)} |")
    marks = [f"| `{name}` | {text} |" for name, text in plugin.MARKERS.items()]
    return "\n".join(
        [
            "# Options of pytest\n",
            "`pytest --help` prints them too. What your project always needs can be in the table "
            "`[tool.tinyhil]` of its `pyproject.toml`; what is typed goes before it.\n",
            "| option | key in `[tool.tinyhil]` | meaning |\n| --- | --- | --- |",
            *rows,
            "\n## Markers\n",
            'Kinds of test, for `-m`: `pytest suites -m "latency and not audit"`.\n',
            "| marker | of tests of |\n| --- | --- |",
            *marks,
            "",
        ]
    )
