"""The page that every error links to."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterator
from importlib import import_module

from reference.explained import PACKAGE, code, messages, prose
from tinyhil.ground.errors import TinyhilError

_HEAD = """\
# Errors

An error says what is wrong, names the thing (file and key, option, board, line), and gives the
next step. It comes within a deadline, and what was measured before is kept. A command ends with
exit status 2, a test of pytest fails; a missed limit is no error but a verdict.

The class says who is at fault:
"""


def classes(cls: type[TinyhilError] = TinyhilError) -> Iterator[type[TinyhilError]]:
    """All kinds of error, each before those that are special cases of it."""
    _import_all()
    for kind in cls.__subclasses__():
        if kind.__module__.startswith("tinyhil.") and not kind.__name__.startswith("_"):
            yield kind
            yield from classes(kind)


@functools.cache
def _import_all() -> None:
    """Import each module that has a kind of its own."""
    for path in PACKAGE.rglob("*.py"):
        if re.search(r"^class [A-Z]\w+Error\(", path.read_text("utf-8"), re.MULTILINE):
            import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))


def page() -> str:
    """A section for each kind, at the anchor that `TinyhilError.page` names."""
    kinds = list(dict.fromkeys(classes()))
    parts = [_HEAD, "| kind | at fault |\n| --- | --- |"]
    for kind in kinds:
        parts.append(f"| [{kind.__name__}](#{kind.__name__.lower()}) | {_text(kind)[0]} |")
    parts.append("")
    for kind in kinds:
        parts += [f"## {kind.__name__} {{ #{kind.__name__.lower()} }}\n"]
        parts += [f"{paragraph}\n" for paragraph in _text(kind)]
        if kind.__base__ is not TinyhilError and kind.__base__ is not None:
            base = kind.__base__.__name__
            parts.append(f"It is a special case of [{base}](#{base.lower()}).\n")
        parts += _messages(kind)
    return "\n".join(parts)


def _text(kind: type[TinyhilError]) -> list[str]:
    return [prose(part) for part in inspect.cleandoc(kind.__doc__ or "").split("\n\n")]


def _messages(kind: type[TinyhilError]) -> Iterator[str]:
    """Each message with its next step; what is filled in stands in angle brackets."""
    found = [message for message in messages() if message.kind == kind.__name__]
    if not found:
        return
    yield f'??? note "Its {len(found)} messages, each with its next step"\n'
    yield "    | message | next step |\n    | --- | --- |"
    for message in found:
        yield f"    | {code(message.text)} | {code(message.hint) if message.hint else ''} |"
    yield ""
