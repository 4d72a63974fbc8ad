"""What others need for the models, and what we want to: the facts of ``suites/peers.toml``."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from tinyhil.catalog.board import Board
from tinyhil.catalog.facts import Facts, load
from tinyhil.ground.paths import SUITES

_FILE: Final = SUITES / "peers.toml"


class Peer(Facts):
    """What another runtime needs for one model on one core."""

    instructions: int | None = None
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
    cortex_m3: Peer = Field(alias="cortex-m3", default=Peer())
    best_public_ms: float | None = None
    """Of a Cortex-M4 at 120 MHz, measured on silicon."""
    goals: Goals | None = None

    def peer(self, board: Board) -> Peer:
        """Figures for the board's core."""
        cores = {"cortex-m3": self.cortex_m3, "cortex-m4": self.cortex_m4}
        return cores.get(board.core, self.cortex_m55)

    def goal(self, board: Board, optimize: str) -> int | None:
        """Instructions that are wanted at most."""
        if self.goals is None or board.core == "cortex-m3":
            return None
        core = self.goals.cortex_m4 if board.core == "cortex-m4" else self.goals.cortex_m55
        return {"speed": core.speed, "size": core.size}.get(optimize)


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
