"""Predicts the cycles of an inference from the instructions that it ran; nothing is measured here.

Each instruction costs what its core's manual says, a jump more, and reads of flash that no cache
serves wait. What a core does at once, or a bus makes wait, is left out; see ``suites/cycles.toml``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tinyhil.catalog.cycles import CoreCycles, FlashWaits
from tinyhil.emulator.counting import Block, Counts, Fetches
from tinyhil.ground.errors import FirmwareError
from tinyhil.image.disassembly import Instruction


@dataclass(frozen=True)
class Prediction:
    """One call of the model, or all of them; predicted cycles, counted instructions."""

    mix: Mapping[str, int]
    """How many instructions ran, by kind; ``taken`` are jumps among them."""
    cycles: float
    """Without waits for flash."""
    fetches: Fetches

    @property
    def instructions(self) -> int:
        """How many ran."""
        return sum(count for kind, count in self.mix.items() if kind != "taken")

    def waiting(self, flash: FlashWaits) -> float:
        """Cycles with the waits of this flash, whose caches were played."""
        reads = self.fetches.jumps + self.fetches.data
        reads += 0 if flash.prefetch else self.fetches.next
        return self.cycles + reads * flash.wait_states


def predict(
    counts: Counts, instructions: Mapping[int, Instruction], core: CoreCycles
) -> tuple[Prediction, ...]:
    """Predict each call of a model.

    Args:
        counts: of one inference.
        instructions: of the image that ran, by address, in order.
        core: that ran it.

    Raises:
        FirmwareError: what ran is not in the image.
    """
    addresses = list(instructions)
    calls = range(len(counts.fetches))
    mixes, cycles = [Counter[str]() for _ in calls], [0.0 for _ in calls]
    for block in counts.blocks:
        at = bisect_left(addresses, block.address)
        run = [instructions[address] for address in addresses[at : at + block.instructions]]
        if addresses[at : at + 1] != [block.address] or len(run) < block.instructions:
            raise FirmwareError(
                f"the board ran {block.instructions} instructions at {block.address:#010x}, which "
                "the image does not have",
                hint="count an image whose code stays where the linker put it",
            )
        for one in run:
            mixes[block.call][one.kind] += block.ran
        mixes[block.call]["taken"] += block.left
        cycles[block.call] += _cycles(block, run, core)
    return tuple(map(Prediction, mixes, cycles, counts.fetches))


def total(predictions: tuple[Prediction, ...]) -> Prediction:
    """Of all calls."""
    mix = Counter[str]()
    for one in predictions:
        mix.update(one.mix)
    fetches = [one.fetches for one in predictions]
    return Prediction(
        mix,
        sum(one.cycles for one in predictions),
        Fetches(
            sum(one.jumps for one in fetches),
            sum(one.next for one in fetches),
            sum(one.data for one in fetches),
        ),
    )


def _cycles(block: Block, run: list[Instruction], core: CoreCycles) -> float:
    once, before = 0.0, ""
    for one in run:
        once += _cost(one, before in ("load", "store"), core)
        before = one.kind
    return block.ran * once + block.left * (core.loop if before == "loop" else core.taken)


def _cost(one: Instruction, after_memory: bool, core: CoreCycles) -> float:
    match one.kind:
        case "load":
            return core.load_next if after_memory else core.load
        case "multiple":
            return core.multiple + one.registers
        case "other" | "branch" | "loop":
            return 1
        case "float":
            return core.float_
        case kind:
            cost: float = getattr(core, kind.replace(" ", "_").replace("-", "_"))
            return cost
