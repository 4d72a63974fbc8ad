"""What a command answers to a program: with ``--format json``, one JSON object and nothing else.

Each command has its own dataclass of `Answer`; the documentation's reference shows their schemas.
Text for people, such as progress, goes to standard error then.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from tinyhil.ground.errors import TinyhilError


@dataclass(frozen=True)
class Answer:
    """Base of all answers."""

    schema: Literal[1] = field(default=1, kw_only=True)
    """Version of the answer's form; a new key does not raise it, a changed one does."""


@dataclass(frozen=True)
class ErrorText:
    """An error, as a person reads it too."""

    kind: str
    """Its class, as in ``ConfigError``."""
    message: str
    """What is wrong."""
    next_step: str
    """What to do about it."""
    board: str | None
    """The station, if one is at hand."""
    stage: str | None
    """``build``, ``flash``, ``upload``, ``infer`` and so on, if one runs."""
    page: str
    """Address of the page that explains this kind of error."""


@dataclass(frozen=True)
class Failed(Answer):
    """What every command answers when it ends with an error; the exit status is 2."""

    error: ErrorText
    """The error."""


def add_format(parser: argparse.ArgumentParser, *answers: type[Answer]) -> None:
    """Give a command the option ``--format text|json``; see `answered`.

    Args:
        parser: of the command.
        answers: what it may answer; kept in the parser's default `answers`, for the reference.
    """
    parser.set_defaults(answers=answers)
    parser.add_argument(
        "--format",
        dest="answer",
        choices=("text", "json"),
        default="text",
        help="json: one object for programs, see the reference; default: %(default)s",
    )


def wants_json(options: argparse.Namespace) -> bool:
    """Whether the user asked for JSON, also of a command with a ``--format`` of its own."""
    return "json" in (getattr(options, "answer", None), getattr(options, "format", None))


def means_json(arguments: Sequence[str]) -> bool:
    """The same, of what was typed, as far as it can be understood."""
    return "--format=json" in arguments or ("--format", "json") in pairwise(arguments)


def answered(options: argparse.Namespace, answer: Answer) -> bool:
    """Print the answer if the user asked for JSON; whether that was so."""
    if not wants_json(options):
        return False
    print_json(answer)
    return True


def print_json(answer: Answer) -> None:
    """Print an answer on standard output: ASCII, so that no text of a stranger acts on a
    terminal."""
    # Flushed, as `tinyhil emulate` goes on for hours after it.
    sys.stdout.write(as_json(answer))
    sys.stdout.flush()


def as_json(answer: Answer) -> str:
    """An answer's text."""
    return json.dumps(_plain(answer), indent=2, allow_nan=False) + "\n"


def failed(error: TinyhilError) -> Failed:
    """The answer that tells an error."""
    text = ErrorText(error.kind, error.message, error.hint, error.board, error.stage, error.page)
    return Failed(text)


def _plain(value: object) -> Any:
    """As JSON knows it; a number that is not finite is null."""
    if dataclasses.is_dataclass(value):
        names = [part.name for part in dataclasses.fields(value)]
        return {
            name: _plain(getattr(value, name))
            for name in sorted(names, key=lambda name: name != "schema")
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
