"""Packages that only some uses need: each set is installed by the name of an extra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Literal

from tinyhil.ground.errors import BenchError

Extra = Literal["build", "energy", "farm", "report"]


def how_to_get(extra: Extra) -> str:
    """The command that installs it."""
    return f"pip install 'pytest-tinyhil[{extra}]'"


def installed(package: str) -> bool:
    """Whether a Python package is there; it is not imported."""
    return find_spec(package) is not None


@contextmanager
def part_of(extra: Extra, purpose: str) -> Iterator[None]:
    """Around an import of what an extra brings.

    Args:
        extra: its name.
        purpose: what it is needed for, for the error's text.

    Raises:
        BenchError: a package of it is missing; the hint is the command that installs it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise BenchError(
            f"{purpose} needs the Python package '{error.name}', which is not installed",
            hint=how_to_get(extra),
        ) from error
