"""What others need for the models, and what we want to: the facts of ``suites/peers.toml``."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from tinyhil.catalog.facts import Facts, load
from tinyhil.ground.paths import SUITES

_FILE: Final = SUITES / "peers.toml"


class Peer(Facts):
    """What another runtime needs for one model on one core."""

    instructions: int | None = None
    cycles: int | None = None
    """Predicted from them, without waits for flash."""
    code_bytes: int | None = None
    arena_bytes: int | None = None


class CoreGoals(Facts):
    """Instructions of one inference, by what is optimized for."""

    speed: int
    size: int | None = None


class Goals(Facts):
    """What a model is to need at most."""

    cortex_m4: CoreGoals = Field(alias="cortex-m4")
    cortex_m55: CoreGoals = Field(alias="cortex-m55")
    arena_bytes: int
    """Without input and output."""
    whole_arena_bytes: int
    """With both."""
    predicted_ms: float
    """On a Cortex-M4 at 120 MHz, without waits for flash."""


class PeerModel(Facts):
    """One model, and what peers need for it."""

    file: str
    stand_in: str | None = None
    cortex_m4: Peer = Field(alias="cortex-m4")
    cortex_m55: Peer = Field(alias="cortex-m55")
    cortex_m3: Peer = Field(alias="cortex-m3")
    cortex_m0: Peer = Field(alias="cortex-m0")
    cortex_m0plus: Peer = Field(alias="cortex-m0plus")
    best_public_ms: float | None = None
    """Of a Cortex-M4 at 120 MHz, measured on silicon."""
    goals: Goals | None = None

    def peer(self, core: str) -> Peer:
        """Figures for a core, as a board's file names it."""
        found: Peer = getattr(self, core.replace("-", "_"))
        return found

    def goal(self, core: str, optimize: str) -> int | None:
        """Instructions that are wanted at most."""
        goals: CoreGoals | None = getattr(self.goals, core.replace("-", "_"), None)
        return {"speed": goals.speed, "size": goals.size}.get(optimize) if goals else None


class PeerFile(Facts):
    """The whole of ``suites/peers.toml``."""

    schema_version: Literal[1] = Field(alias="schema")
    models: dict[str, PeerModel]


def load_peers() -> dict[str, PeerModel]:
    """Models by name.

    Raises:
        ConfigError: the file is damaged.
    """
    return load(_FILE, PeerFile).models
