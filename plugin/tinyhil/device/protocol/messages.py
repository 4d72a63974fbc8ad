"""What a line of a device means: one table of patterns turns text into messages.

Firmware of the field writes text of its own before a message, blanks behind it, and scores in any
decimal form: all of that is understood here, live and in finished logs. Whether a line is one that
this very device writes, or one that the wire has damaged, is for `dialect` to say.

Every number is bounded by its pattern, so that no hostile line costs more than its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Ready:
    """``m-ready``: the command before has ended, well or not."""


@dataclass(frozen=True)
class DeviceComplaint:
    """``e-[text]``, or the one error that the field spells without ``e-``."""

    text: str


@dataclass(frozen=True)
class TimestampMode:
    """``m-timestamp-mode-performance`` or ``-energy``."""

    mode: str


@dataclass(frozen=True)
class LapUs:
    """``m-lap-us-N``: a time stamp, microseconds since boot on the device's clock."""

    microseconds: int


@dataclass(frozen=True)
class InitDone:
    """``m-init-done``: the device has booted."""


@dataclass(frozen=True)
class Name:
    """``m-name-dut-[VENDOR]``."""

    vendor: str


@dataclass(frozen=True)
class Profile:
    """``m-profile-[TEXT]``."""

    text: str


@dataclass(frozen=True)
class ModelName:
    """``m-model-[kws01]``: the task that the firmware was built for."""

    task: str


@dataclass(frozen=True)
class Expecting:
    """``m-[Expecting N bytes]``."""

    count: int


@dataclass(frozen=True)
class LoadDone:
    """``m-load-done``: the last byte of the sample has come."""


@dataclass(frozen=True)
class BufferBytes:
    """``m-buffer-xx-xx-…``: bytes of the input buffer, most often eight."""

    data: bytes


@dataclass(frozen=True)
class WarmupStart:
    """``m-warmup-start-W``."""

    count: int


@dataclass(frozen=True)
class WarmupDone:
    """``m-warmup-done``."""


@dataclass(frozen=True)
class InferStart:
    """``m-infer-start-N``."""

    count: int


@dataclass(frozen=True)
class InferDone:
    """``m-infer-done``."""


@dataclass(frozen=True)
class Results:
    """``m-results-[…]``: scores; none where a firmware prints none behind many inferences."""

    scores: tuple[float, ...]


@dataclass(frozen=True)
class HilValue:
    """``m-hil-NAME-N``: a number that our own firmware reports."""

    name: str
    value: int


@dataclass(frozen=True)
class HilText:
    """``m-hil-NAME-[TEXT]``."""

    name: str
    text: str


@dataclass(frozen=True)
class Other:
    """A line of the firmware's own, such as one of the help text, or a message that is damaged."""

    text: str


Message = (
    Ready
    | DeviceComplaint
    | TimestampMode
    | LapUs
    | InitDone
    | Name
    | Profile
    | ModelName
    | Expecting
    | LoadDone
    | BufferBytes
    | WarmupStart
    | WarmupDone
    | InferStart
    | InferDone
    | Results
    | HilValue
    | HilText
    | Other
)

_COUNT = r"(\d{1,10})"
_WORDS = r"[a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*"
_NUMBER = r"[+-]?(?:\d{1,20}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,2})?"
_GAP = r"[ \t]*"
_SCORES = re.compile(rf"{_GAP}(?:{_NUMBER}{_GAP}(?:,{_GAP}{_NUMBER}{_GAP})*(?:,{_GAP})?)?")


_TABLE: tuple[tuple[re.Pattern[str], Callable[..., Message]], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (r"m-ready", Ready),
        (r"e-\[(.*)\]", DeviceComplaint),
        (r"(Supplied buffer size -?\d+ exceeds maximum of \d+)", DeviceComplaint),
        (r"m-timestamp-mode-(performance|energy)", TimestampMode),
        (r"m-lap-us-(\d{1,20})", lambda us: LapUs(int(us))),
        (r"m-init-done", InitDone),
        (r"m-name-dut-\[(.*)\]", Name),
        (r"m-profile-\[(.*)\]", Profile),
        (r"m-model-\[(.*)\]", ModelName),
        (rf"m-\[Expecting {_COUNT} bytes\]", lambda n: Expecting(int(n))),
        (r"m-load-done", LoadDone),
        (
            r"m-buffer-((?:[0-9a-fA-F]{2})(?:-[0-9a-fA-F]{2})*)-?",
            lambda digits: BufferBytes(bytes.fromhex(digits.replace("-", ""))),
        ),
        (rf"m-warmup-start-{_COUNT}", lambda n: WarmupStart(int(n))),
        (r"m-warmup-done", WarmupDone),
        (rf"m-infer-start-{_COUNT}", lambda n: InferStart(int(n))),
        (r"m-infer-done", InferDone),
        (
            rf"m-results-\[({_SCORES.pattern})\]",
            lambda scores: Results(tuple(map(float, numbers(scores)))),
        ),
        (rf"m-hil-({_WORDS})-(\d{{1,20}})", lambda name, value: HilValue(name, int(value))),
        (rf"m-hil-({_WORDS})-\[(.*)\]", HilText),
    )
)

_HEAD = 3


def _head(pattern: re.Pattern[str]) -> str:
    return re.sub(r"[\\(]", "", pattern.pattern)[:_HEAD]


_BY_HEAD = {
    head: [row for row in _TABLE if _head(row[0]) == head]
    for head in {_head(pattern) for pattern, _ in _TABLE}
}
"""The rows by their first characters: a line is tried with few of them."""

FORMS: Mapping[type, str] = {
    Ready: "m-ready",
    LapUs: "m-lap-us-1234567",
    InitDone: "m-init-done",
    Name: "m-name-dut-[vendor]",
    Profile: "m-profile-[text]",
    ModelName: "m-model-[kws01]",
    Expecting: "m-[Expecting 490 bytes]",
    LoadDone: "m-load-done",
    BufferBytes: "m-buffer-00-ff-7f",
    WarmupStart: "m-warmup-start-10",
    WarmupDone: "m-warmup-done",
    InferStart: "m-infer-start-1",
    InferDone: "m-infer-done",
    Results: "m-results-[0.984,0.016]",
}
"""An example of each message of the official protocol, for people."""

_FIRST_WORDS = "timestamp|lap-us|init|name|profile|model|load|buffer|warmup|infer|results|hil"
BEGIN = re.compile(
    rf"m-(?=ready|\[|(?:{_FIRST_WORDS})-)|(?<![A-Za-z0-9])e-(?=\[)|Supplied (?=buffer)"
)
"""Of any message; an ``e-`` is none within a word, as in ``scale-[3]``."""


_COLOUR = re.compile(r"\x1b\[[0-9;]{0,16}[A-Za-z]$")
_LONGEST_COLOUR = 19


def without_end(line: str) -> str:
    """A line without what does not show at its end: blanks, a NUL, a bell, XON and XOFF, what
    sets colours back."""
    while True:
        line = line.rstrip(" \t\0\x07\x11\x13")
        at = max(0, len(line) - _LONGEST_COLOUR)
        colour = _COLOUR.search(line, at) if "\x1b" in line else None
        if colour is None:
            return line
        line = line[: colour.start()]


_BEHIND_NUMBER = re.compile(r"(?:[ \t]+|[^\w \t.,+-])(?![\d\s.,]|[0-9a-fA-F]{2}\b)|us\b")
"""What can stand behind a number, and is no part of it, as a unit. ``1 234``, ``1,234``, ``1'234``,
``1.5`` and ``1e6`` are numbers that are written in another way."""
_BEHIND = re.compile(r"[^\w-]")
_OTHER_UNIT = re.compile(
    r"[ \t]+(?!us\b|µs\b)\w"
    r"|.*(?<![a-z])(?:[mn]?s|[mn]?secs?|[a-z]*seconds?|ticks?|cycles?)(?![a-z])",
    re.IGNORECASE,
)
"""Behind a time stamp: a word that is not its unit. Another unit would be another time."""


def numbers(scores: str) -> list[str]:
    """The numbers between the brackets of ``m-results-[…]``, as they are written."""
    inside = scores.strip(" \t").removesuffix(",")
    return [number.strip(" \t") for number in inside.split(",")] if inside else []


def parse(line: str) -> Message:
    """The message that a line carries; see `find`."""
    return find(line).message


@dataclass(frozen=True)
class Found:
    """What a line carries, and where."""

    message: Message
    begin: int = 0
    """Text of the firmware's own stands before it,"""
    end: int = 0
    """and behind it."""


def find(line: str) -> Found:
    """The message that a line carries, perhaps between texts of the firmware's own.

    A line that only resembles a message is `Other`; so is one that holds the beginnings of two.
    """
    bare = without_end(line)
    begin = BEGIN.search(bare)
    if begin is None:
        return Found(Other(line))
    start = begin.start()
    rows = _BY_HEAD.get(bare[start : start + _HEAD], ())
    for match_by in (re.Pattern.fullmatch, re.Pattern.match):
        for pattern, make in rows:
            match = match_by(pattern, bare, start)
            if match and _stands_alone(bare, match.start(), match.end()):
                return Found(make(*match.groups()), match.start(), match.end())
    return Found(Other(line))


def _stands_alone(line: str, begin: int, end: int) -> bool:
    """Whether what is behind a message there is none of it, and no other message."""
    if end == len(line):
        return True
    if line.startswith("m-lap", begin) and _OTHER_UNIT.match(line, end):
        return False
    number = line[end - 1].isdigit() or line.startswith("m-buffer", begin)
    rule = _BEHIND_NUMBER if number else _BEHIND
    # A score of which a digit became a bracket ends no line.
    ends = line[end - 1] != "]" or "]" not in line[end:]
    return ends and bool(rule.match(line, end)) and not BEGIN.search(line, end)


def like(line: str) -> str:
    """How the protocol has what a line seems to be; or nothing."""
    begin = BEGIN.search(line)
    words = re.compile(r"[a-z-]*\[?").match(line, begin.start()) if begin else None
    if words is None:
        return ""
    for start in (words[0], words[0].rstrip("[-")):
        alike = [form for form in FORMS.values() if form.startswith(start)]
        if alike:
            return alike[0]
    return ""
