"""JSON of a stranger's: one object, shallow, without numbers like NaN."""

from __future__ import annotations

import json
import math
from typing import Any, Final

_MOST_LEVELS = 16
"""Of objects and lists in each other; the deepest of ours has 5."""


def json_object(text: bytes) -> dict[str, Any]:
    """The JSON object that `text` is.

    Raises:
        ValueError: it is not one, is nested too deep, has a key twice, or a number like NaN.
    """
    try:
        values = _DECODER.decode(text.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("is nested too deep") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise ValueError("is not a JSON object")
    # Most objects have fewer brackets than this, so that they can't be that deep.
    if text.count(b"{") + text.count(b"[") > _MOST_LEVELS:
        _check_depth(values)
    return values


def _check_depth(values: dict[str, Any]) -> None:
    """What reads or shows the values later may call itself once a level."""
    level: list[Any] = [values]
    for _ in range(_MOST_LEVELS):
        inner = [one for outer in level for one in (
            outer.values() if isinstance(outer, dict) else outer)]  # fmt: skip
        level = [one for one in inner if isinstance(one, dict | list)]
        if not level:
            return
    raise ValueError("is nested too deep")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("has a key twice")
    return values


def _refuse(constant: str) -> float:
    raise ValueError(f"has the number {constant}")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_without_doubles, parse_constant=_refuse, parse_float=_finite
)
