"""Raw logs to answers: who sent what, and what the host could accept of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from tinyhil.device.wraps import Period
from tinyhil.judge.verify.answers import Answer, Device, Stack
from tinyhil.judge.verify.boots import BootWatch
from tinyhil.judge.verify.findings import Findings
from tinyhil.judge.verify.framed import LEAVE, Frames
from tinyhil.judge.verify.text import Text
from tinyhil.judge.verify.transfers import Log, Transfer

_CALL = re.compile(
    rb"U*(?:leave" + re.escape(LEAVE) + rb"%)?(?:(sync-[0-9a-f]{1,16})%(?:db load ([0-9]{3})%)?)?"
)
"""What brings a device back to text and in step, from any state."""


@dataclass(frozen=True)
class Heard:
    """What the raw logs of one task hold."""

    answers: tuple[Answer, ...]
    """Of each log in their order."""
    device: Device
    stacks: tuple[Stack, ...]
    transfers: int
    boots: tuple[tuple[str, int], ...]
    """Log and line of each boot of the device after it was identified."""
    damaged: int
    """Frames from the device that arrived damaged, and were asked for again."""
    period: Period = field(default_factory=Period)
    """After which the device's clock begins anew, as far as its text shows."""
    by_name: int = 0
    """Inputs that the logs name, and whose bytes are not at hand."""
    parts: Set[bytes] = frozenset()
    """What those of them are called that are parts of a sample: no sum of their own bytes."""


def hear(
    folder: Path,
    logs: Sequence[str],
    findings: Findings,
    material: Mapping[str, bytes] | None = None,
) -> Heard:
    """Decode the raw logs of one task.

    Args:
        folder: of the run.
        logs: paths below it.
        findings: where lines that are not transfers, and bytes that no host sends, are noted.
        material: samples of the data set by SHA-256, which packed logs name; None: it is not at
            hand.

    Raises:
        ConfigError: a log can't be read.
    """
    answers: list[Answer] = []
    stacks: list[Stack] = []
    device = Device()
    boots: list[tuple[str, int]] = []
    transfers = damaged = by_name = 0
    period, parts = Period(), set[bytes]()
    for log in logs:
        source, watch = Log(folder, log, material, findings), BootWatch()
        text, frames = Text(log, findings, source.named), Frames(log, findings, source.named)
        for transfer in source.transfers():
            transfers += 1
            watch.saw(transfer)
            text.now_s = frames.now_s = transfer.seconds
            if transfer.to_device:
                _sent(transfer, text, frames)
            elif frames.open:
                frames.came(transfer.line, transfer.data)
            else:
                text.came(transfer.line, transfer.data)
        answers += sorted([*text.answers, *frames.answers], key=lambda answer: answer.line)
        stacks += text.stacks
        boots += ((log, line) for line in watch.boots)
        device = device.merged(text.device)
        damaged += frames.damaged
        by_name += source.by_name
        parts |= source.parts
        period = period.joined(text.period)
    return Heard(tuple(answers), device, tuple(stacks), transfers, tuple(boots), damaged, period,
                 by_name, parts)  # fmt: skip


def _sent(transfer: Transfer, text: Text, frames: Frames) -> None:
    """The host has sent something: a call that ends all before, frames, or a command."""
    line, data = transfer.line, transfer.data
    call = _CALL.fullmatch(data)
    if call:
        frames.leave()
        word = call[2] or call[1]  # A number is named by firmware that names no unknown word.
        text.called(line, word.decode() if word else None)
    elif b"\0" in data:  # No command has one, and every frame ends in one.
        text.forget()
        frames.sent(line, data)
    else:
        frames.leave()
        text.sent(line, data)
