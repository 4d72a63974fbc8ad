"""What the code says of itself: texts below attributes, and errors with their messages."""

from __future__ import annotations

import ast
import html
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tinyhil

PACKAGE = Path(tinyhil.__file__).parent


def attributes(cls: type) -> dict[str, str]:
    """The text below each attribute of a class, those of its bases too."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("tinyhil."):
            found |= _own_attributes(base)
    return found


def _own_attributes(cls: type) -> dict[str, str]:
    module = sys.modules[cls.__module__]
    for node in ast.walk(_parsed(Path(inspect.getfile(module)))):
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
            return {
                item.target.id: inspect.cleandoc(text.value.value)
                for item, text in zip(node.body, node.body[1:], strict=False)
                if isinstance(item, ast.AnnAssign)
                and isinstance(item.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
                and isinstance(text.value.value, str)
            }
    raise LookupError(cls.__name__)


@dataclass(frozen=True)
class Message:
    """An error that some place in the code raises."""

    kind: str
    """The class."""
    text: str
    """Its text; what is filled in stands in angle brackets."""
    hint: str
    """The next step; empty where it is filled in as a whole."""


@cache
def messages() -> tuple[Message, ...]:
    """Every error that the package makes with a text of its own, each once, by text."""
    found = {message for path in sorted(PACKAGE.rglob("*.py")) for message in _messages(path)}
    return tuple(sorted(found, key=lambda message: (message.text.casefold(), message.hint)))


def _messages(path: Path) -> Iterator[Message]:
    tree = _parsed(path)
    constants = {
        item.targets[0].id: item.value
        for item in tree.body
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id.endswith("Error")
            and node.args
            and any(word.arg == "hint" for word in node.keywords)
        ):
            hint = next(word.value for word in node.keywords if word.arg == "hint")
            if isinstance(hint, ast.Name):
                hint = constants.get(hint.id, hint)
            text = _template(node.args[0])
            if text.strip("<>…: "):
                yield Message(node.func.id, text, _template(hint).removeprefix("<…>"))


def _template(node: ast.expr) -> str:
    """A text as the code has it; what is filled in stands in angle brackets."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(_template, parts))
        case ast.FormattedValue(value=ast.Name(id=name) | ast.Attribute(attr=name)):
            return f"<{name.strip('_').replace('_', ' ')}>"
        case ast.FormattedValue(value=ast.Constant(value=text)):
            return str(text)
        case ast.BinOp(left=left, right=right):
            return _template(left) + _template(right)
    return "<…>"


def refusals(module: str) -> list[str]:
    """What ``node.check`` of an operator's module says of a model that it does not take."""
    path = Path(inspect.getfile(sys.modules[module]))
    return [
        _template(node.args[1])
        for node in ast.walk(_parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "check"
        and len(node.args) == 2
    ]


def code(text: str) -> str:
    """Text as code in a cell of a Markdown table, whatever it holds."""
    escaped = html.escape(text, quote=False).replace("|", "&#124;").replace("\n", " ")
    return (
        f"<code>{escaped.replace('`', '&#96;').replace('*', '&#42;').replace('_', '&#95;')}</code>"
    )


def prose(text: str) -> str:
    """A docstring as one line of Markdown."""
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
