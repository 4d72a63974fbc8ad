"""Reads the log of MLCommons' runner: what it understood of the device's answers.

``<date.time> ulp-mlperf: <text>``, with ``Loading file <name> segment <number>`` and then
``# Inferences : <count>`` and ``m-results : [<scores>]`` for each ``infer``. Its times are rounded
there; exact ones follow at the end of a performance session, without the beginning, as pairs of
``# Inferences : <count>`` and ``Runtime: <seconds> sec.``. What it keeps unrounded is in
``results.json``, which counts where it is there. Of the streaming task it logs the times of all
detections in milliseconds, as a list on a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from tinyhil.device import protocol
from tinyhil.ground.tree import Unreadable
from tinyhil.publish.submission.session_log import MAX_INFERENCES, Inference

_OWN = re.compile(r"[0-9.]{1,16} ulp-mlperf: (.*)")
_LOAD = re.compile(r"Loading file (.{1,255}) segment [0-9]{1,6}")
_COUNT = re.compile(r" {0,9}# Inferences {0,3}: {0,20}([0-9]{1,10})")
_SCORES = re.compile(r" {0,9}m-results {0,9}: (\[.{1,9000}\])")
_RUNTIME = re.compile(r" {0,9}Runtime {0,9}: {0,20}([0-9]{1,9}\.[0-9]{1,15}) sec\.")
_DETECTIONS = re.compile(r"\[([0-9]{1,10}(?:, [0-9]{1,10})*)\]")
_MODEL = re.compile(r"Device model retrieved: ([a-z0-9]{1,32})")


def read_runner_log(lines: Iterable[tuple[int, str]]) -> tuple[tuple[Inference, ...], str | None]:
    """The inferences of a log, and the task that the device named."""
    inferences: list[Inference] = []
    exact: list[float] = []
    model, name, count = None, "", 1
    for number, line in lines:
        own = _OWN.fullmatch(line)
        text = own[1] if own else line
        if match := _COUNT.fullmatch(text):
            count = int(match[1])
        elif own and (match := _LOAD.fullmatch(text)):
            name = match[1]
        elif own and (match := _SCORES.fullmatch(text)) and len(inferences) < MAX_INFERENCES:
            message = protocol.parse(f"m-results-{match[1]}")
            scores = message.scores if isinstance(message, protocol.Results) else None
            inferences.append(Inference(name, number, count, None, scores))
        elif not own and (match := _RUNTIME.fullmatch(text)) and len(exact) < MAX_INFERENCES:
            exact.append(float(match[1]))
        elif match := _MODEL.fullmatch(text):
            model = match[1]
    if len(exact) == len(inferences):
        timed = zip(inferences, exact, strict=True)
        inferences = [replace(inference, seconds=seconds) for inference, seconds in timed]
    return tuple(inferences), model


def read_detections(lines: Iterable[tuple[int, str]]) -> tuple[int, ...]:
    """The first list of detections of a log, in milliseconds.

    Raises:
        Unreadable: there is none.
    """
    for _, line in lines:
        if match := _DETECTIONS.fullmatch(line):
            return tuple(map(int, match[1].split(", ")))
    raise Unreadable("holds no list of detections")
