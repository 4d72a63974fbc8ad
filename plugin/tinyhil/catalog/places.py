"""Places of labgrid, as a user names them: ``labgrid:PLACE`` or ``labgrid:board=TYPE,NAME=VALUE``.

Whichever place with these tags is free is taken when a test needs it, so a station that is named by
tags has a name of its own, made of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tinyhil.ground.errors import ConfigError

PREFIX = "labgrid:"
"""Of a choice for ``--hil-board``."""
ALL_FREE = f"{PREFIX}*"
_TAG = re.compile(r"(?P<name>[a-z][a-z0-9_]+)=(?P<value>[a-z0-9_-]+)", re.IGNORECASE)
_PLACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Of those that labgrid takes, the ones that may be a part of file names."""


def is_place(word: str) -> bool:
    """Whether a choice for ``--hil-board`` is one of labgrid's."""
    return word.startswith(PREFIX)


@dataclass(frozen=True)
class Wanted:
    """A place by its name, or by its tags."""

    place: str
    """Empty: any one with these tags."""
    tags: Mapping[str, str]


def wanted(text: str, where: str) -> Wanted:
    """What a user asks for.

    Args:
        text: a place's name, or ``NAME=VALUE``, several with commas.
        where: it stands, for errors.

    Raises:
        ConfigError: it is neither.
    """
    if "=" not in text and _PLACE.fullmatch(text):
        return Wanted(text, {})
    found = [_TAG.fullmatch(word) for word in text.split(",")]
    if not all(found):
        raise ConfigError(
            f"{where}: '{text}' is neither a place nor tags of places",
            hint="write the name of a place, or tags as labgrid has them: board=TYPE,NAME=VALUE",
        )
    return Wanted("", {tag["name"]: tag["value"] for tag in found if tag})
