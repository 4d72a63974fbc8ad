"""What the page of a model shows, in words and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tinyhil.catalog.board import Board
from tinyhil.ground.text import shown
from tinyhil.image.build import Firmware
from tinyhil.image.compiler.compiled import CompiledModel, OperatorSummary
from tinyhil.measure.profile import OperatorCount, Profile
from tinyhil.publish.model_page.picture import Picture, picture


@dataclass(frozen=True)
class Row:
    """An operator."""

    cells: Sequence[str]
    share: float
    """Of all instructions, from 0 to 1."""


@dataclass(frozen=True)
class ModelPage:
    """The whole page."""

    title: str
    facts: Sequence[str]
    remarks: Sequence[str]
    picture: Picture
    end: str
    headings: Sequence[str]
    rows: Sequence[Row]
    share_of: str
    """What a row's share is one of."""


def content(name: str, board: Board, built: Firmware, profile: Profile | None) -> ModelPage:
    """Gather it.

    Args:
        name: of the model, from anywhere.
        board: that it was built for.
        built: the firmware.
        profile: what was counted, if anything was.
    """
    model = built.model
    counts: Sequence[OperatorCount | None] = (
        profile.operators if profile else [None] * len(model.operators)
    )
    weights = [
        count.instructions if count else (one.instructions or 0)
        for one, count in zip(model.operators, counts, strict=True)
    ]
    all_ = max(1, sum(weights))
    cells = [_cells(one, count) for one, count in zip(model.operators, counts, strict=True)]
    headings = [name for name in cells[0] if any(row[name] for row in cells)] if cells else []
    return ModelPage(
        title=f"{shown(name)} on {board.name}",
        facts=_facts(built, profile),
        remarks=list(_remarks(model, board, profile)),
        picture=picture(model),
        end=f"{len(model.steps)} steps",
        headings=headings,
        rows=[
            Row([row[name] or "-" for name in headings], round(weight / all_, 4))
            for row, weight in zip(cells, weights, strict=True)
        ],
        share_of="counted instructions" if profile else "predicted instructions",
    )


def _cells(one: OperatorSummary, count: OperatorCount | None) -> Mapping[str, str]:
    """A row by heading; what is empty in all rows is left out."""
    cycles = count.cycles if count else one.cycles
    return {
        "#": str(one.index),
        "operator": one.name,
        "output": "x".join(map(str, one.output_shape)),
        "kernel": one.kernel or "",
        "bands": str(one.bands) if one.bands > 1 else "",
        "MACs": f"{one.macs:,}" if one.macs else "",
        "MACs again": f"{one.macs_again:,}" if one.macs_again else "",
        "instructions, predicted": f"{one.instructions:,}" if one.instructions else "",
        "instructions, counted": f"{count.instructions:,}" if count and count.instructions else "",
        "cycles, predicted": f"{cycles:,}" if cycles else "",
    }


def _facts(built: Firmware, profile: Profile | None) -> list[str]:
    model, image = built.model, built.image
    facts = [
        f"{model.macs:,} MACs",
        f"{model.weights_bytes:,} bytes of weights",
        f"arena {model.arena_bytes:,} bytes, {model.whole_arena_bytes:,} with input and output",
        f"text {image.text_bytes:,}, data {image.data_bytes:,}, bss {image.bss_bytes:,} bytes",
        f"model SHA-256 {model.sha256[:16]}…",
    ]
    counted = [f"{profile.instructions:,} instructions an inference, counted"] if profile else []
    return [*counted, *facts]


def _remarks(model: CompiledModel, board: Board, profile: Profile | None) -> Iterator[str]:
    if profile:
        yield (
            f"Instructions are counted while an emulator runs the firmware as {board.name}, for an "
            "input of zeros. Cycles are predicted from them, without waits for memory. Nothing was "
            "measured on silicon."
        )
    else:
        core = "Cortex-M55" if "mve" in board.toolchain.kernels else "Cortex-M4"
        yield (
            f"Instructions and cycles are predicted, for a {core}. Nothing was measured; "
            "`tinyhil build --profile` counts the instructions on an emulated board."
        )
    if model.bands > 1:
        again = sum(one.macs_again for one in model.operators)
        yield (
            f"The first operators are computed in {model.bands} bands of rows, {again:+,} MACs: at "
            f"once, the arena would need {model.arena_at_once_bytes:,} bytes."
        )
