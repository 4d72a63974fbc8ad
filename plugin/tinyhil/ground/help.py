"""The help of commands: texts that fit the terminal, with commands to copy as they are."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NoReturn

from tinyhil.ground.errors import ConfigError
from tinyhil.ground.paths import SUITES

_EXAMPLE = re.compile(r" {2,7}(?P<command>\S.*?)(?: {2,}(?P<told>\S.*))?")
"""Deeper lines go on with what is told of the one before."""
_COMMAND = 40
"""Columns of the longest command that has what is told of it beside it, not below."""


def with_suites(text: str) -> str:
    """`text` with the place of the benchmark's tests as it is typed here: in a checkout's own
    folder it is ``suites``; what is installed has to be asked for it."""
    here = Path("suites").resolve() == SUITES
    return text if here else text.replace("pytest suites", 'pytest "$(tinyhil suites)"')


class HelpText(argparse.RawDescriptionHelpFormatter):
    """Keeps lines as they are where there is room; else paragraphs are filled anew, and so are the
    two columns of examples. No word is broken, nor a command."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        typed = with_suites(text)
        lines = textwrap.dedent(typed).strip("\n").splitlines()
        filled = []
        for kind, part in groupby(lines, lambda line: (not line, line.startswith(" "))):
            some = list(part)
            if max(map(len, some)) > width or (kind[1] and typed != text):
                some = list(_examples(some, width) if kind[1] else _paragraphs(some, width))
            filled += some
        return "\n".join(indent + line for line in filled) + "\n"


class Parser(argparse.ArgumentParser):
    """A parser whose errors say the next step, as all our errors do."""

    def error(self, message: str) -> NoReturn:
        """Print how it is used, and raise ConfigError: also a program is told what is wrong."""
        self.print_usage(sys.stderr)
        raise ConfigError(message, hint=f"`{self.prog} --help` shows what it takes")


def _paragraphs(lines: list[str], width: int) -> Iterator[str]:
    """A line that ends a sentence, and one that opens a list, end a paragraph."""
    text: list[str] = []
    for number, line in enumerate(lines, start=1):
        text.append(line)
        if line.endswith((".", ":")) or number == len(lines):
            yield from textwrap.wrap(
                " ".join(text), width, break_long_words=False, break_on_hyphens=False
            )
            text = []


def _examples(lines: list[str], width: int) -> Iterator[str]:
    pairs: list[tuple[str, str]] = []
    for line in lines:
        if found := _EXAMPLE.fullmatch(line):
            pairs.append((found["command"], found["told"] or ""))
        else:
            command, told = pairs.pop()
            pairs.append((command, f"{told} {line.strip()}".strip()))
    beside = [len(command) for command, _ in pairs if len(command) <= _COMMAND]
    column = max(beside, default=4) + 4
    for command, told in pairs:
        first, *others = textwrap.wrap(told, width - column) or [""]
        if len(command) > column - 4:
            yield f"  {command}"
            others = [first, *others] if first else []
        else:
            yield f"  {command:<{column - 2}}{first}".rstrip()
        yield from (" " * column + other for other in others)
