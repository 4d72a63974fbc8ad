"""Which faults to inject: the text of ``--hil-faults``, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from tinyhil.ground.errors import ConfigError

Kind = Literal[
    "drop",
    "flip",
    "duplicate",
    "reorder",
    "delay",
    "split",
    "truncate",
    "disconnect",
    "reset",
    "death",
    "mute",
    "noise",
    "hang",
    "corrupt",
    "freeze",
]
ProbeKind = Literal[
    "probe-wait",
    "probe-fault",
    "probe-parity",
    "probe-unplug",
    "probe-slow",
    "probe-read",
    "probe-write",
]
Direction = Literal["out", "in"]
"""To the device, from the device."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
WIRE_KINDS: Final = KINDS[: KINDS.index("disconnect")]
"""What a bad wire does; the others end the connection, or break the board."""
PROBE_KINDS: Final[tuple[ProbeKind, ...]] = get_args(ProbeKind)
"""What happens between the debug probe and its chip."""

SPEC_HELP: Final = (
    "inject faults between host and device, to test the bench: "
    "'seed=7,every=20000,kinds=drop+flip' is one fault in 20000 bytes each way, lost or changed "
    f"bytes; kinds: {', '.join(KINDS)} (default: those of a bad wire, {WIRE_KINDS[0]} to "
    f"{WIRE_KINDS[-1]}), and of the debug probe of some emulated boards, where 'every' and 'first' "
    f"count transfers: {', '.join(PROBE_KINDS)}; also direction=in|out|both, first=BYTES without "
    "faults, limit=FAULTS each way, hold_ms=N;  the same text gives the same faults"
)
"""For ``--help``."""

_DIRECTIONS: Final = ("both", *get_args(Direction))
_MAX_NUMBER: Final = 2**32 - 1


@dataclass(frozen=True)
class Spec:
    """What `parse_spec` reads; see the package's text."""

    seed: int = 0
    every: int = 20000
    """Mean number of bytes between two faults of a direction."""
    kinds: tuple[Kind, ...] = WIRE_KINDS
    """Of the link, in the order of `KINDS`."""
    probe: tuple[ProbeKind, ...] = ()
    """Of the debug probe, in the order of `PROBE_KINDS`."""
    direction: Literal["both", "out", "in"] = "both"
    first: int = 0
    """Bytes at the beginning of each direction that pass without faults."""
    limit: int | None = None
    """Faults in each direction, at most."""
    hold_ms: int = 200
    """Longest time that bytes are held back."""

    def __str__(self) -> str:
        """The text that `parse_spec` reads as this."""
        limit = "" if self.limit is None else f",limit={self.limit}"
        return (
            f"seed={self.seed},every={self.every},kinds={'+'.join((*self.kinds, *self.probe))},"
            f"direction={self.direction},first={self.first}{limit},hold_ms={self.hold_ms}"
        )


def parse_spec(text: str, option: str = "--hil-faults") -> Spec:
    """Read a text such as ``seed=7,every=20000,kinds=drop+flip``.

    Args:
        text: parts ``key=value``, with commas between them, no key twice.
        option: that holds it; for messages.

    Raises:
        ConfigError: a part is wrong; the text names it and what is known.
    """
    found: dict[str, Any] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if key not in _READERS or not equals:
            known = ", ".join(_READERS)
            raise _wrong(option, part, f"not 'key=value' with a known key; known: {known}")
        if key in found:
            raise _wrong(option, part, f"'{key}' is given twice")
        try:
            found[key] = _READERS[key](value)
        except ValueError as error:
            raise _wrong(option, part, str(error)) from error
    named = found.pop("kinds", WIRE_KINDS)
    kinds = tuple(kind for kind in KINDS if kind in named)
    return Spec(kinds=kinds, probe=tuple(kind for kind in PROBE_KINDS if kind in named), **found)


def _wrong(option: str, part: str, why: str) -> ConfigError:
    return ConfigError(
        f"option {option}: '{part}': {why}",
        hint="write it as in 'seed=7,every=20000,kinds=drop+flip'",
    )


class _Number:
    """Reads a whole number from `least` on."""

    def __init__(self, least: int) -> None:
        self._least = least

    def __call__(self, text: str) -> int:
        # int() would take blanks, signs, underscores and digits of other scripts.
        if text.isascii() and text.isdigit() and len(text) <= 10:
            number = int(text)
            if self._least <= number <= _MAX_NUMBER:
                return number
        raise ValueError(f"not a whole number from {self._least} to {_MAX_NUMBER}")


def _kinds(text: str) -> list[str]:
    named = text.split("+")
    for name in named:
        _one_of(name, (*KINDS, *PROBE_KINDS), "kind")
        if named.count(name) > 1:
            raise ValueError(f"kind '{name}' is given twice")
    return named


def _direction(text: str) -> str:
    _one_of(text, _DIRECTIONS, "direction")
    return text


def _one_of(name: str, known: Sequence[str], what: str) -> None:
    if name not in known:
        raise ValueError(f"no {what} '{name}'; known: {', '.join(known)}")


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "seed": _Number(0),
    "every": _Number(1),
    "kinds": _kinds,
    "direction": _direction,
    "first": _Number(0),
    "limit": _Number(1),
    "hold_ms": _Number(1),
}
