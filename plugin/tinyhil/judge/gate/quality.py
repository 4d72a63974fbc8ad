"""Judges what the device answered, and sizes in memory: figures without noise.

One firmware answers the same to the same sample each time, on silicon too; so a changed answer is
a change of the firmware. Only between two models, which the open division allows, the
question is whether one is worse by more than chance on these samples explains.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from tinyhil.judge.gate import statistics
from tinyhil.judge.gate.figures import Quality
from tinyhil.judge.gate.judging import Judgement, Pair, both, exact
from tinyhil.judge.gate.tolerance import AUC_OF_ANOTHER_MODEL, INTERRUPT_BYTES, Tolerance


def outputs(pair: Pair) -> Judgement:
    """Judge how many samples are answered differently."""
    before, after = both(pair.old.quality, pair.new.quality, pair.old)
    if other := _other_samples(before, after):
        return other
    if pair.another_model:
        return Judgement("same", "another model, as the open division allows; not judged")
    tolerance = pair.tolerance("outputs")
    worse = before.changed(after) > tolerance.amount * before.samples
    reason = f"the same model gives the same answers; {tolerance}"
    return Judgement("worse" if worse else "same", reason)


def score(metric: Literal["top1", "auc"], pair: Pair) -> Judgement:
    """Judge top-1 or AUC."""
    before, after = both(pair.old.quality, pair.new.quality, pair.old)
    if other := _other_samples(before, after):
        return other
    flips = _flips(before, after)
    if not pair.another_model:
        counts = f": {flips[0]} samples lost, {flips[1]} won" if flips and any(flips) else ""
        return exact(metric, pair, pair.values(metric), rule=f"compared as it is{counts}")
    if metric == "top1" and flips and pair.chosen is None:
        return _mcnemar(*flips, pair.alpha)
    allowing = pair.allowing(Tolerance(amount=AUC_OF_ANOTHER_MODEL))
    return exact(metric, allowing, pair.values(metric), rule="another model")


def memory(metric: Literal["flash_bytes", "ram_bytes"], pair: Pair) -> Judgement:
    """Judge a size, and say which part of it grew."""
    old, new = pair.values(metric)
    before, after = pair.old.sizes or {}, pair.new.sizes or {}
    rule = "compared as it is"
    if metric == "ram_bytes" and pair.chosen is None:
        # Whether an interrupt came while the stack was at its deepest is chance.
        deeper = after.get("stack_used", 0) - before.get("stack_used", 0)
        new -= max(-INTERRUPT_BYTES, min(INTERRUPT_BYTES, deeper))
        rule = f"compared as it is, the stack's mark to {INTERRUPT_BYTES} bytes"
    judgement = exact(metric, pair, (old, new), rule=rule)
    parts = ("text", "data") if metric == "flash_bytes" else ("data", "bss", "stack_used")
    changes = {part: after.get(part, 0) - before.get(part, 0) for part in parts}
    texts = [f"{part} {change:+,}" for part, change in changes.items() if change]
    more = f"; bytes of {', '.join(texts)}" if texts else ""
    return replace(judgement, reason=judgement.reason + more)


def _mcnemar(lost: int, won: int, alpha: float) -> Judgement:
    chance = statistics.mcnemar(lost, won)
    better = statistics.mcnemar(won, lost) < alpha
    reason = (
        f"another model; McNemar's exact test of {lost} samples lost, {won} won: p = {chance:.2g}"
    )
    return Judgement("worse" if chance < alpha else "better" if better else "same", reason)


def _flips(before: Quality, after: Quality) -> tuple[int, int] | None:
    """Samples that were right and are wrong now, and the other way round."""
    old, new = before.hits(), after.hits()
    if old is None or new is None:
        return None
    return int(np.sum(old & ~new)), int(np.sum(~old & new))


def _other_samples(before: Quality, after: Quality) -> Judgement | None:
    """Quality on other samples is of other work."""
    if before.names_sha256 == after.names_sha256:
        return None
    text = f"the candidate answered {after.samples:,} samples, the baseline {before.samples:,}"
    if before.samples == after.samples:
        text += ", under other names or labels"
    return Judgement("missing", text)
