"""Devices in software that cheat on purpose, for audits to catch; see `honest`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tinyhil.emulator.cheats.honest import (
    HONEST,
    BusyDevice,
    HonestDevice,
    MillisecondClock,
    SlowAdapter,
    World,
    WrappingClock,
    model,
)
from tinyhil.emulator.cheats.single import (
    CachesAll,
    CachesTheLast,
    CoarseInPerformance,
    FastClock,
    FastWhenSingle,
    FollowsTheOrder,
    HidingClock,
    IgnoresTheInput,
    InfersOnce,
    JumpingClock,
    KnowsTheCount,
    KnowsTheOrder,
    KnowsTheSamples,
    LazyInPerformance,
    LooksAtTheBeginning,
    Rolls,
    SetBackClock,
    SlowClock,
)
from tinyhil.emulator.cheats.subtle import SUBTLE, FastBehindOneTen

__all__ = [
    "CHEATS",
    "HONEST",
    "SUBTLE",
    "AuditName",
    "BusyDevice",
    "CachesAll",
    "CachesTheLast",
    "CoarseInPerformance",
    "FastBehindOneTen",
    "FastClock",
    "FastWhenSingle",
    "FollowsTheOrder",
    "HidingClock",
    "HonestDevice",
    "IgnoresTheInput",
    "InfersOnce",
    "JumpingClock",
    "KnowsTheCount",
    "KnowsTheOrder",
    "KnowsTheSamples",
    "LazyInPerformance",
    "LooksAtTheBeginning",
    "MillisecondClock",
    "Rolls",
    "SetBackClock",
    "SlowAdapter",
    "SlowClock",
    "World",
    "WrappingClock",
    "model",
]

AuditName = Literal["measures", "clock", "caching", "performance", "order", "count", "dependence"]

CHEATS: Mapping[type[HonestDevice], AuditName] = {
    FastBehindOneTen: "measures",
    FastClock: "clock",
    SlowClock: "clock",
    JumpingClock: "clock",
    SetBackClock: "clock",
    HidingClock: "clock",
    CachesTheLast: "caching",
    CachesAll: "caching",
    LazyInPerformance: "performance",
    CoarseInPerformance: "performance",
    KnowsTheSamples: "order",
    KnowsTheOrder: "order",
    FollowsTheOrder: "order",
    KnowsTheCount: "count",
    FastWhenSingle: "count",
    InfersOnce: "count",
    IgnoresTheInput: "dependence",
    LooksAtTheBeginning: "dependence",
    Rolls: "dependence",
}
"""By cheat, the audit whose task it is to catch it."""
