"""Lines: `LineReader`, then `parse`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from random import Random
from typing import Any, Final

from tinyhil.device import protocol
from tinyhil.device.protocol import Damaged, Line, LineReader
from tinyhil.device.protocol.lines import MAX_GAP_BYTES, MAX_LINE_BYTES
from tinyhil.device.protocol.messages import BEGIN

from . import BrokenReaderError, Target, fed_whole_and_cut, flood
from .mutate import mutated

_SESSION: Final = """\
m-timestamp-mode-performance
m-lap-us-1000024
m-init-done
m-ready
e-[Unknown command: sync-0badcafe]
m-name-dut-[STM]
m-profile-[ULPMark for tinyML Firmware V0.0.1]
m-model-[kws01]
m-hil-version-4
m-hil-frames-2
m-hil-tick-hz-25000000
m-hil-lap-capacity-1024
m-hil-model-sha256-[9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08]
m-hil-queue-2048
m-hil-crc-4294967295
m-[Expecting 490 bytes]
m-load-done
m-buffer-00-ff-7f-80-01-02-03-04
m-buffer-10
m-warmup-start-10
m-warmup-done
m-infer-start-1024
m-lap-us-24976364
m-lap-us-18446744073709551615
m-infer-done
m-results-[0.996,0.000,-0.004,0.000,0.000,0.000,0.000,0.000,0.000,0.000,0.000,0.004]
m-results-[9.431]
Supplied buffer size 30000 exceeds maximum of 27648
e-[Insufficent number of hex digits]
e-[Invalid hex digit 'zz']
m-hil-stack-used-1234
m-timestamp-mode-energy
Commands: db, help, infer, name, profile, results, timestamp"""
_LINES: Final = [line.encode("ascii") for line in _SESSION.splitlines()]
_ENDS: Final = (b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"")


def _make(random: Random) -> bytes:
    """One to three lines of a session, in order, most of them damaged."""
    first, count = int(random.random() * len(_LINES)), 1 + int(random.random() * 3)
    made = bytearray()
    for line in _LINES[first : first + count]:
        whole = line + _ENDS[int(random.random() * len(_ENDS))]
        made += whole if random.random() < 0.2 else mutated(whole, _LINES, random)
    return bytes(made)


def _check(data: bytes, random: Random) -> int:
    lines = fed_whole_and_cut(LineReader, data, random, MAX_LINE_BYTES)
    if lines != _expected(data):
        raise BrokenReaderError(f"makes {lines!r:.500} of it, not {_expected(data)!r:.500}")
    return sum(_believed(line.text) for line in lines if isinstance(line, Line))


def _expected(data: bytes) -> list[Line | Damaged]:
    """What the protocol's text makes of a stream, said in the shortest way."""
    made: list[Line | Damaged] = []
    for gap, raw, end in _PARTS.findall(data):
        before = gap[:MAX_GAP_BYTES]
        if len(raw) > MAX_LINE_BYTES:
            reason = f"line longer than {MAX_LINE_BYTES} bytes"
            made.append(Damaged(raw[:MAX_LINE_BYTES], reason, before))
        elif end and raw[_begin(raw) :].rstrip(b"\x07\x11\x13").translate(None, _PRINTABLE):
            made.append(Damaged(raw, "line with bytes that are not printable ASCII", before))
        elif end:
            made.append(Line(raw.decode("latin-1"), before))
    return made


def _begin(raw: bytes) -> int:
    """Where a message begins, before which a firmware may write what it likes; else 0."""
    begin = BEGIN.search(raw.decode("latin-1"))
    return begin.start() if begin else 0


_PARTS: Final = re.compile(rb"([\r\n]*)([^\r\n]+)(?=([\r\n]?))")
_TAIL: Final = re.compile(r"(?:[ \t\0]|\x1b\[[0-9;]{0,16}[A-Za-z])+$")
_PRINTABLE: Final = bytes((*range(0x20, 0x7F), *b"\t\x1b\0"))


def _believed(line: str) -> bool:
    """Whether a line is a message, which then must say what the line says, no more and no less."""
    message = protocol.parse(line)
    if isinstance(message, protocol.Other):
        if message.text != line:
            raise BrokenReaderError(f"'{line:.200}' becomes {message!r:.200}")
        return False
    said = _SAID.get(type(message))
    if said is None:
        raise BrokenReaderError(f"tell the fuzzer how {type(message).__name__} is written")
    bare = _TAIL.sub("", line)
    begins = [at for at in range(len(bare)) if bare.startswith(("m-", "e-[", "Supplied "), at)]
    cuts = [end for end in range(len(bare) + 1) if _is_behind(bare[:end], bare[end:])]
    if not any(said(message, bare[at:end]) for at in begins for end in cuts):
        raise BrokenReaderError(f"'{line:.200}' becomes {message!r:.200}")
    return True


def _is_behind(before: str, text: str) -> bool:
    """Whether a text may stand behind a message, and be no part of it."""
    if not text:
        return True
    if before.endswith("]"):
        return text[0] not in "-_" and not text[0].isalnum() and "]" not in text
    if before[-1:].isdigit() or "m-buffer-" in before:
        unit = text.removeprefix("us")
        if unit != text:
            return not unit or not (unit[0].isalnum() or unit[0] == "_")
        rest = text.lstrip(" \t") if text[0] in " \t" else text[1:]
        return (
            text[0] not in ".,+-_" and not text[0].isalnum() and rest[:1] not in [*"0123456789.,"]
        )
    return text[0] not in "-_" and not text[0].isalnum()


def _number(line: str, prefix: str, number: int, suffix: str = "") -> bool:
    """Whether `line` is this number, in at most 20 digits, between these two."""
    digits = line.removeprefix(prefix).removesuffix(suffix)
    return (
        line == prefix + digits + suffix
        and digits.isascii()
        and digits.isdigit()
        and len(digits) <= 20
        and int(digits) == number
    )


def _scores(scores: tuple[float, ...], line: str) -> bool:
    if not (line.startswith("m-results-[") and line.endswith("]")):
        return False
    inside = line[11:-1].strip(" ").removesuffix(",")
    texts = inside.split(",") if inside else []
    return len(texts) == len(scores) and all(
        math.isfinite(score) and float(text) == score
        for score, text in zip(scores, texts, strict=True)
    )


_SAID: Final[dict[type, Callable[[Any, str], bool]]] = {
    protocol.Ready: lambda _, line: line == "m-ready",
    protocol.InitDone: lambda _, line: line == "m-init-done",
    protocol.LoadDone: lambda _, line: line == "m-load-done",
    protocol.WarmupDone: lambda _, line: line == "m-warmup-done",
    protocol.InferDone: lambda _, line: line == "m-infer-done",
    protocol.DeviceComplaint: lambda m, line: (
        line == f"e-[{m.text}]" or (line == m.text and line.startswith("Supplied buffer size "))
    ),
    protocol.TimestampMode: lambda m, line: line == f"m-timestamp-mode-{m.mode}",
    protocol.LapUs: lambda m, line: _number(line, "m-lap-us-", m.microseconds),
    protocol.Name: lambda m, line: line == f"m-name-dut-[{m.vendor}]",
    protocol.Profile: lambda m, line: line == f"m-profile-[{m.text}]",
    protocol.ModelName: lambda m, line: line == f"m-model-[{m.task}]",
    protocol.Expecting: lambda m, line: _number(line, "m-[Expecting ", m.count, " bytes]"),
    protocol.BufferBytes: lambda m, line: (
        line.lower().removesuffix("-") == f"m-buffer-{m.data.hex('-')}"
    ),
    protocol.WarmupStart: lambda m, line: _number(line, "m-warmup-start-", m.count),
    protocol.InferStart: lambda m, line: _number(line, "m-infer-start-", m.count),
    protocol.Results: lambda m, line: _scores(m.scores, line),
    protocol.HilValue: lambda m, line: _number(line, f"m-hil-{m.name}-", m.value),
    protocol.HilText: lambda m, line: line == f"m-hil-{m.name}-[{m.text}]",
}
"""How each message is written."""


def _flood() -> None:
    flood(LineReader, ord("x"))
    flood(LineReader, 0xFF)


TARGET: Final = Target("lines", 4_000, _make, _check, _flood)
