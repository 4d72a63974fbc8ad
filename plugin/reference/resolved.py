"""Types of a class's attributes, by the names that stand in its own module.

Modules import what they need for types alone under ``TYPE_CHECKING``, and two of them may mean
different classes by one name.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints
from unittest.mock import patch


@cache
def _for_types(module: str) -> dict[str, Any]:
    """What a module imports under ``TYPE_CHECKING``, by name."""
    found: dict[str, Any] = {}
    source = Path(sys.modules[module].__file__ or "").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for line in node.body:
                assert isinstance(line, ast.ImportFrom)
                assert line.module
                there = importlib.import_module(line.module)
                names = {one.asname or one.name: getattr(there, one.name) for one in line.names}
                found.update(names)
    return found


def hints(cls: type) -> dict[str, Any]:
    """The types of a dataclass's attributes."""
    return get_type_hints(cls, localns=_for_types(cls.__module__))


def classes_in(kind: Any) -> Iterator[type]:
    """The dataclasses that a type names."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        yield kind
    for argument in get_args(kind):
        yield from classes_in(argument)


def parts_of(cls: type) -> tuple[type, ...]:
    """The dataclasses that are in one, at any depth."""
    found: dict[type, None] = {}
    for kind in hints(cls).values():
        for inner in classes_in(kind):
            found.update(dict.fromkeys((inner, *parts_of(inner))))
    return tuple(found)


@contextmanager
def names_resolved(cls: type) -> Iterator[None]:
    """While it lasts, modules have the names that a class and its parts use for types alone."""
    with ExitStack() as stack:
        for part in (cls, *parts_of(cls)):
            module = part.__module__
            stack.enter_context(patch.dict(vars(sys.modules[module]), _for_types(module)))
        yield
