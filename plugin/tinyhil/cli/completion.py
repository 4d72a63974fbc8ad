"""The command ``tinyhil completion``: a script that lets a shell complete what is typed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import shtab
from rich.console import Console

from tinyhil.catalog.board import load_boards
from tinyhil.catalog.task import load_tasks
from tinyhil.ground.answer import Answer, add_format, answered
from tinyhil.ground.help import HelpText

_SHELLS = ("bash", "zsh", "fish")

_EPILOG = """\
examples:
  tinyhil completion bash > ~/.local/share/bash-completion/completions/tinyhil
  tinyhil completion zsh > ~/.zfunc/_tinyhil        with ~/.zfunc in $fpath
  tinyhil completion fish > ~/.config/fish/completions/tinyhil.fish

next: open a new shell and press Tab after `tinyhil `
"""


@dataclass(frozen=True)
class Completion(Answer):
    """A completion script."""

    shell: str
    """The shell that reads it."""
    script: str
    """Its text."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse; `run` of the parsed options is what it does."""
    parser.description = (
        "Print a script that lets a shell complete commands, options, board types,\n"
        "tasks and files."
    )
    parser.epilog, parser.formatter_class = _EPILOG, HelpText
    add_format(parser, Completion)
    parser.add_argument("shell", choices=_SHELLS, help="the shell that reads the script")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, console: Console) -> int:
    from tinyhil.cli.main import parser  # noqa: PLC0415 - which knows this module

    script = _script(parser(), options.shell)
    if not answered(options, Completion(options.shell, script)):
        console.file.write(script + "\n")
    return 0


def _script(parser: argparse.ArgumentParser, shell: str) -> str:
    names = {"board": list(load_boards()), "task": list(load_tasks())}
    for action in _actions(parser):
        action.choices = action.choices or names.get(action.dest)
        if action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    script: str = shtab.complete(parser, shell=shell)
    return script


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Of the parser and of all its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
