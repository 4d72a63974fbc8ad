"""Which of the forms that an operator has is taken: all of them compute the same.

- ``speed``: the fewest cycles, with constants of no more bytes than the model's own file. The arena
  is the smallest one with which the model takes no more than 1 % longer than with any.
- ``size``: the fewest bytes of constants; else as ``speed``.
- ``memory``: the smallest arena; else as ``speed``.

Cycles are predicted, with those that constants make it wait for in the target's flash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tinyhil.catalog.cycles import load_cycles
from tinyhil.image.compiler import cost
from tinyhil.image.compiler.graph import Graph
from tinyhil.image.compiler.layout import Needs, lay_out
from tinyhil.image.compiler.lowered import Lowered
from tinyhil.image.compiler.target import Target

_GIVEN: Final = 0.01
"""Share of the cycles that a smaller arena may cost, where it is not the goal."""


def choose(
    graph: Graph, lowered: Sequence[Lowered], target: Target, most_constants: int
) -> list[Lowered]:
    """One form for each operator.

    Args:
        graph: with copies where memory can't be shared.
        lowered: with all their forms.
        target: the goal, and the flash.
        most_constants: bytes that all constants together may have, if that can be.
    """
    needs = Needs(graph, lowered)
    forms = []
    for step, (node, low) in enumerate(zip(graph.nodes, lowered, strict=True)):
        own = [low, *low.others]
        if target.goal == "size":
            least = min(form.constant_bytes for form in own if not form.spare)
            own = [form for form in own if form.constant_bytes <= least]
        forms.append([(needs.of(step, node, form), form) for form in own])
    limit = _limit(forms, target)
    fitting = [[form for need, form in own if need <= limit] for own in forms]
    chosen = [min(own, key=lambda form: _time(form, target)) for own in fitting]
    chosen = _within(chosen, fitting, target, most_constants)
    placed = _placed(graph, chosen, fitting, limit)
    return [
        replace(low, others=tuple(form for _, form in own if form is not low))
        for low, own in zip(placed, forms, strict=True)
    ]


def disagrees(low: Lowered, target: Target) -> bool:
    """Whether instructions would choose another form than cycles where flash waits.

    Args:
        low: the chosen form, with the others that could have been.
        target: whose flash it is; if nothing is known of it, that of NUCLEO-L4R5ZI.
    """
    there = replace(target, flash=target.flash or load_cycles().flash)
    count, time = cost.predict(low, target), _time(low, there)
    if not count:
        return False
    return any(
        ((cost.predict(form, target) or 0) - count) * (_time(form, there) - time) < 0
        for form in low.others
        if not form.spare
    )


def _time(low: Lowered, target: Target) -> int:
    """Predicted cycles; 0 for a kernel without a model, whose forms are in order."""
    return cost.cycles(low, target) or 0


def _limit(forms: Sequence[Sequence[tuple[int, Lowered]]], target: Target) -> int:
    """How much memory may be in use at once, in bytes."""
    least = max(min(need for need, _ in own) for own in forms)
    usual = [[(need, form) for need, form in own if not form.spare] for own in forms]
    most = sum(min(_time(form, target) for _, form in own) for own in usual) * (1 + _GIVEN)
    for limit in sorted({need for own in usual for need, _ in own if need >= least}):
        times = (min(_time(f, target) for need, f in own if need <= limit) for own in forms)
        if target.goal == "memory" or sum(times) <= most:
            return limit
    return least


def _within(
    chosen: list[Lowered], forms: Sequence[Sequence[Lowered]], target: Target, most: int
) -> list[Lowered]:
    """With constants of at most `most` bytes, for the fewest cycles for each byte that it saves."""
    excess = sum(low.constant_bytes for low in chosen) - most
    options: list[tuple[float, int, int, Lowered]] = []
    for i, own in enumerate(forms):
        for form in own:
            saved = chosen[i].constant_bytes - form.constant_bytes
            if saved > 0:
                price = (_time(form, target) - _time(chosen[i], target)) / saved
                options.append((price, i, len(options), form))
    for _, i, _, form in sorted(options, key=lambda option: option[:3]):
        saved = chosen[i].constant_bytes - form.constant_bytes
        if excess > 0 and saved > 0:
            excess -= saved
            chosen[i] = form
    return chosen


def _placed(
    graph: Graph, chosen: list[Lowered], forms: Sequence[Sequence[Lowered]], limit: int
) -> list[Lowered]:
    """The same, as far as a plan of the arena is found that needs no more for it."""
    if lay_out(graph, chosen).arena_bytes <= limit:
        return chosen
    placed = [
        min(
            (form for form in own if form.constant_bytes <= low.constant_bytes),
            key=lambda form: (form.overlap is None, form.scratch_bytes or 0),
        )
        for low, own in zip(chosen, forms, strict=True)
    ]
    size = max(limit, lay_out(graph, placed).arena_bytes)
    for i, low in enumerate(chosen):
        kept = placed[i]
        if kept is not low:
            placed[i] = low
            placed[i] = low if lay_out(graph, placed).arena_bytes <= size else kept
    return placed
