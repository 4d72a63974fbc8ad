"""Pages on what is read from files and kept in them: TOML keys, metrics, operators, records."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from inspect import isfunction
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from reference.explained import attributes, code, prose, refusals
from tinyhil.catalog.bench import BenchFile
from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Facts, Metric
from tinyhil.catalog.meaning import MEANINGS
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.task import Task
from tinyhil.ground.paths import ROOT
from tinyhil.image.compiler import (
    broadcast,
    joined,
    ops,
    pool,
    reduced,
    resize,
    slices,
    sums,
    table,
    window,
)
from tinyhil.judge.gate.tolerance import HIGHER_IS_BETTER
from tinyhil.measure import monitors
from tinyhil.record.schema import Line

FILES: dict[str, tuple[type[Facts], str]] = {
    "bench.toml": (
        BenchFile,
        "What is wired to your desk: a table `[stations.NAME]` for each physical board. It lies in "
        "the root folder of your tests, or where `--hil-bench` says, and is not committed.",
    ),
    "boards/NAME.toml": (
        Board,
        "Facts about a board type: what is the same on every desk. The file has the board's name.",
    ),
    "suites/tasks/NAME.toml": (
        Task,
        "A task of the benchmark: its input, its classes, and its targets with their sources. The "
        "file has the task's name.",
    ),
}
"""Files that a user writes, the model that reads each, and what it is."""


_SHARED = {
    module.__name__
    for module in (broadcast, joined, pool, reduced, resize, slices, sums, table, window)
}
"""Modules of the compiler that operators share, and that refuse for them."""
_WORDS = {
    str: "text",
    int: "integer",
    float: "number",
    Path: "path",
    bool: "true or false",
    Any: "value",
}


def toml_keys() -> str:
    """Every key of every file."""
    parts = [
        "# Files and their keys\n",
        "A key that is not in these tables is an error, which names the file, the key and the "
        "known ones, before anything is started. So is a missing key.\n",
    ]
    for file, (model, text) in FILES.items():
        parts += [f"## `{file}`\n", f"{text}\n", *_tables(model, ())]
        if model is BenchFile:
            for kind, options in monitors.own_options().items():
                parts.append(f"### A power monitor of the kind `{kind}`\n")
                parts += _tables(options, ())
    return "\n".join(parts)


def _tables(model: type[Facts], path: tuple[str, ...]) -> Iterator[str]:
    """A table of keys for a model and each model inside it."""
    if path:
        yield f"### `{'.'.join(path)}`\n"
        yield f"{prose((model.__doc__ or '').strip())}\n"
    texts = attributes(model)
    yield "| key | value | default | meaning |\n| --- | --- | --- | --- |"
    for name, field in model.model_fields.items():
        value = _type(field.annotation)
        text = prose(texts.get(name, ""))
        yield f"| `{field.alias or name}` | {value} | {_default(field)} | {text} |"
    yield ""
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is not None:
            yield from _tables(inner, (*path, field.alias or name))


def _type(annotation: Any) -> str:
    """A type in the words of TOML."""
    inner = [argument for argument in get_args(annotation) if argument is not type(None)]
    origin = get_origin(annotation)
    if annotation is Metric:
        return "metric"
    if origin is Literal:
        return " or ".join(map(json.dumps, inner))
    if origin in (tuple, Annotated):
        return ("list of " if origin is tuple else "") + _type(inner[0])
    if origin is dict:
        return f"{_type(inner[1])} for each {_type(inner[0])}"
    if inner:
        return " or ".join(map(_type, inner))
    return "table" if _is_facts(annotation) else _WORDS[annotation]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    if field.default_factory is not None:
        return "empty"
    if field.default in (None, (), PydanticUndefined):
        return "-"
    return code(json.dumps(field.default))


def _is_facts(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Facts)


def _model_in(annotation: Any) -> type[Facts] | None:
    if _is_facts(annotation):
        return annotation  # type: ignore[no-any-return]
    found = (_model_in(argument) for argument in get_args(annotation))
    return next((model for model in found if model), None)


def metrics() -> str:
    """All metrics."""
    measured = {metric: name for name in MeasureName for metric in name.metrics}
    rows = [
        f"| `{metric}` | {meaning.unit} | {meaning.text} | "
        f"{'higher' if metric in HIGHER_IS_BETTER else 'lower'} | `{measured[metric]}` |"
        for metric, meaning in MEANINGS.items()
    ]
    return "\n".join(
        [
            "# Metrics\n",
            "The names are the same everywhere: in limits, records, tables, JSON and in "
            "`measurement.judge(…)`. Times and energies are always in s and J; only texts for "
            "people use ms or µJ.\n",
            "| metric | unit | meaning | better | measure |\n| --- | --- | --- | --- | --- |",
            *rows,
            "",
            "A share is between 0 and 1: 0.9 is 90 %.",
        ]
    )


def operators() -> str:
    """What the model compiler takes."""
    parts = [
        "# Operators of the compiler\n",
        "`tinyhil build` and `pytest suites` turn an int8 `.tflite` into C code for the reference "
        "firmware. Tensors are int8, or int16 with weights of int8, with a batch of 1; a model's "
        "inputs and outputs, up to 16 of each, may be floats or uint8, with operators QUANTIZE and "
        "DEQUANTIZE next to them. "
        "Operators that only make shapes for a RESHAPE are left out, as these are known; so are "
        "CALL_ONCE and VAR_HANDLE, which say what variables there are and what is in them at the "
        "start. All that is refused is told by a "
        "`ModelError`, with the numbers of operators and tensors. To add an operator: a module in "
        "`image/compiler/ops`, and its kernel in `firmware/kernels`.\n",
        "| operator | output | what it takes |\n| --- | --- | --- |",
    ]
    for name, module in sorted(ops.modules().items()):
        text = (sys.modules[module.lower.__module__].__doc__ or "").split("\n\n")[0]
        types = ", ".join(getattr(module, "OUTPUTS", ("INT8",))).lower()
        parts.append(f"| [`{name}`](#{name.lower()}) | {types} | {prose(text)} |")
    parts.append("")
    for name, module in sorted(ops.modules().items()):
        module_name = module.lower.__module__
        about = (sys.modules[module_name].__doc__ or "").split("\n\n")
        parts += [f"## {name}\n", *(f"{prose(part)}\n" for part in about)]
        parts += [f"How it is prepared: {prose(module.lower.__doc__ or '')}\n"]
        found = [text for name in (module_name, *_shared(module_name)) for text in refusals(name)]
        if found:
            parts += ["It is refused if it:\n", *(f"- {code(text)}" for text in found), ""]
    return "\n".join(parts)


def _shared(name: str) -> list[str]:
    """The modules that an operator's module takes functions of, and theirs."""
    values = vars(sys.modules[name]).values()
    found = dict.fromkeys(
        value.__module__
        for value in values
        if isfunction(value) and value.__module__ in _SHARED and value.__module__ != name
    )
    return list(dict.fromkeys(one for part in found for one in (part, *_shared(part))))


def record() -> str:
    """The record's own text, and the schema of a line."""
    text = (ROOT / "reports" / "RECORD.md").read_text(encoding="utf-8")
    schema = json.dumps(described(Line), indent=2)
    return f"""{text}
## The schema of a line

This is what the strict reader asks of each line of `record.jsonl`, as a JSON Schema.

??? abstract "JSON Schema"

{_indented(f"```json{chr(10)}{schema}{chr(10)}```")}
"""


def described(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a model as it is written."""
    return model.model_json_schema(mode="serialization")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
