"""Raw logs to answers: who spoke what, and what the host could believe of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tinyhil.verify.answers import Answer, Device, Stack
from tinyhil.verify.findings import Findings
from tinyhil.verify.framed import Frames
from tinyhil.verify.text import Text
from tinyhil.verify.transfers import read_transfers


@dataclass(frozen=True)
class Heard:
    """What the raw logs of one task hold."""

    answers: tuple[Answer, ...]
    """Of each log in their order."""
    device: Device
    stacks: tuple[Stack, ...]
    transfers: int
    damaged: int
    """Frames from the device that came damaged, and were asked for again."""


def hear(folder: Path, logs: Sequence[str], findings: Findings) -> Heard:
    """Decode the raw logs of one task.

    Args:
        folder: of the run.
        logs: paths below it.
        findings: where lines that are no transfers, and bytes that no host sends, are noted.

    Raises:
        ConfigError: a log can't be read.
    """
    answers: list[Answer] = []
    stacks: list[Stack] = []
    device = Device()
    transfers = damaged = 0
    for log in logs:
        text, frames = Text(log, findings), Frames(log, findings)
        for transfer in read_transfers(folder / log, log, findings):
            transfers += 1
            line, data = transfer.line, transfer.data
            # No command has a byte 0, and every frame ends in one.
            if transfer.to_device and b"\0" in data:
                text.forget()
                frames.sent(line, data)
            elif transfer.to_device:
                frames.leave()
                text.sent(line, data)
            elif frames.open:
                frames.came(line, data)
            else:
                text.came(line, data)
        answers += sorted([*text.answers, *frames.answers], key=lambda answer: answer.line)
        stacks += text.stacks
        device = device.merged(text.device)
        damaged += frames.damaged
    return Heard(tuple(answers), device, tuple(stacks), transfers, damaged)
