"""TOML that anybody may have written."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any


def parsed(text: str) -> dict[str, Any]:
    """What a TOML file says.

    Raises:
        ValueError: it is not TOML, nests too deep, or a string in it has a character that no
            terminal, path or command should get, such as NUL or ESC.
    """
    try:
        values = tomllib.loads(text)
        wrong = next(_controls(values, ""), None)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError as error:
        raise ValueError("it nests too deep") from error
    except ValueError as error:
        raise ValueError("a number in it has thousands of digits") from error
    if wrong is not None:
        raise ValueError(f"{wrong} has a control character")
    return values


def _controls(value: object, key: str) -> Iterator[str]:
    """Which keys, or their texts, have control characters other than tabs and line ends."""
    if isinstance(value, str):
        if any(c < " " and c not in "\t\r\n" for c in value):
            yield f"key '{key}'"
    elif isinstance(value, list):
        for one in value:
            yield from _controls(one, key)
    elif isinstance(value, dict):
        for name, one in value.items():
            if any(c < " " for c in name):
                yield f"a key {name!a}"
            yield from _controls(one, f"{key}.{name}".lstrip("."))
