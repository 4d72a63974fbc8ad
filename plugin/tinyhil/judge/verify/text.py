"""Text of a raw log, decoded again: commands and their answers by the official protocol."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tinyhil.device.protocol import (
    Damaged,
    DeviceComplaint,
    Expecting,
    HilText,
    HilValue,
    InferDone,
    InferStart,
    InitDone,
    LapUs,
    Line,
    LineReader,
    LoadDone,
    Message,
    ModelName,
    Name,
    Other,
    Profile,
    Ready,
    Results,
    WarmupDone,
    WarmupStart,
    is_broken,
    parse,
)
from tinyhil.device.wraps import Period, Stamp
from tinyhil.ground.text import printable
from tinyhil.judge.verify.answers import Answer, Device, Stack
from tinyhil.judge.verify.findings import Findings
from tinyhil.record.packing.transcript import Named, named

_MOST_LINES = 8193
_LEARNS = ("profile", "name", "profile", "name")
"""What the host asks, in this order, before it listens to answers that do not count."""
_INFERS = "infer 1 0"
_BUILD_ID, _TOKEN = re.compile(r"[0-9a-f]{40}"), re.compile(r"[0-9a-f]{16}")
_HEX = re.compile(r"[0-9a-f]{1,64}")


class Text:
    """The text of one log; what both sides sent, in their order.

    The host asks one command at a time and reads up to ``m-ready``; of an upload, and of the
    inference behind it, it may ask some ahead. After anything that does not
    belong there it asks a word that nobody knows, and starts again after the complaint about it.

    Args:
        log: path of the log below the run's folder.
        findings: where what the host can't have sent is noted.
        name: gives SHA-256 and CRC-32 of an input.
    """

    def __init__(
        self, log: str, findings: Findings, name: Callable[[bytes], Named] = named
    ) -> None:
        self.answers: list[Answer] = []
        self.device = Device()
        self.stacks: list[Stack] = []
        self._doubted: dict[str, str] = {}
        self._log = log
        self._findings = findings
        self._name = name
        self._epoch = 0
        self._reader = LineReader()
        # Of lines that no command has taken yet, with the host's time.
        self._waiting: list[tuple[Message | None, float]] = []
        self._command: str | None = None
        self._ahead: deque[str] = deque()  # sent before the answer to the one before had come
        self._silent = True  # whether nothing was sent while the command at hand was carried out
        self._word: str | None = None  # unknown to any device: what comes after it is in step
        self._reply: list[Message] = []
        self._stamps_s: list[float] = []  # when the stamps in it came
        self.period = Period()
        """After which its clock begins anew, as far as the log shows."""
        self._stamp: Stamp | None = None  # that the answer before was, if it was one alone
        self._announced = 0
        self._loading: bytes | None = None  # what came of the sample
        self._digest: bytes | None = None  # of the sample in the device
        self._asked: deque[str] = deque(maxlen=len(_LEARNS))  # the last commands, by their names
        self._learning = False  # whether the host only gets to know how the firmware writes
        self._nth = 0
        self.now_s = 0.0
        """On the host's clock, of the transfer at hand."""
        self._asked_s = 0.0  # when the command at hand was sent

    def sent(self, line: int, data: bytes) -> None:
        """The host has sent a command."""
        if not data.endswith(b"%") or data.count(b"%") != 1:
            self._findings.add(self._log, line, "is not a command that the host could have sent")
            return
        command = data[:-1].decode("ascii", "replace")
        if self._command is not None and all(map(_streams, (self._command, command))):
            self._ahead.append(command)
            self._silent = self._silent and self._command != _INFERS
            return
        if self._command is not None:
            asked = printable(self._command)
            text = f"is sent although '{asked}' has no answer: a part of the log is missing"
            self._findings.add(self._log, line, text)
        stamp = self._stamp
        self._stop()
        self._command, self._asked_s, self._stamp = command, self.now_s, stamp
        self._proceed(line)

    def called(self, line: int, word: str | None) -> None:
        """The host has given up what was, and asks a new word if it named one."""
        self._stop()
        self._epoch += 1
        self._digest = self._loading = None
        self._learning = False
        self._word = self._command = word
        self._proceed(line)

    def came(self, line: int, data: bytes) -> None:
        """These bytes have come from the device."""
        self._waiting += [(_message(part), self.now_s) for part in self._reader.feed(data)]
        # What floods while nothing is asked is of no answer.
        del self._waiting[:-_MOST_LINES]
        self._proceed(line)

    def forget(self) -> None:
        """The link speaks something else from here on."""
        self._stop()
        self._reader = LineReader()
        self._waiting.clear()

    def _stop(self) -> None:
        self._command = None
        self._ahead.clear()
        self._silent = True
        self._reply, self._stamps_s, self._stamp = [], [], None

    def _proceed(self, line: int) -> None:
        """Let the command at hand take lines, up to the end of its answer."""
        taken = 0
        while self._command is not None and taken < len(self._waiting):
            message, came_s = self._waiting[taken]
            taken += 1
            if self._command == self._word:
                self._find_step(message)
            else:
                self._take(line, message, came_s)
        del self._waiting[:taken]

    def _find_step(self, message: Message | None) -> None:
        """Skip what is old: up to the complaint about the unknown word, and its end."""
        assert self._command is not None
        match message:
            case DeviceComplaint(text) if self._command in text:
                self._reply = [message]
            case Expecting(count) if self._command == str(count):
                self._reply = [message]
            case Ready() if self._reply:
                self._stop()

    def _take(self, line: int, message: Message | None, came_s: float) -> None:
        """A line of the answer to the command at hand; None is a damaged one."""
        assert self._command is not None
        if isinstance(message, Ready):
            command, reply = self._command, self._reply
            self._command, self._reply = (self._ahead.popleft() if self._ahead else None), []
            if not any(isinstance(part, DeviceComplaint) for part in reply):
                self._answered(line, command, reply)
            self._stamps_s = []
            self._silent = not (self._command == _INFERS and self._ahead)
        elif message is None or isinstance(message, InitDone) or len(self._reply) >= _MOST_LINES:
            self._stop()
        elif not isinstance(message, Other):  # A line of the firmware's own says nothing.
            self._reply.append(message)
            if isinstance(message, LapUs):
                self._stamps_s.append(came_s)

    def _answered(self, line: int, command: str, reply: list[Message]) -> None:
        name, *arguments = command.split(" ")
        before, self._stamp = self._stamp, None
        if arguments[:1] == ["load"] and tuple(self._asked) == _LEARNS:
            self._learning = True
        self._asked.append(name)
        if name == "db":
            self._load(arguments, reply)
        elif name == "infer":
            self._infer(line, arguments, reply)
        elif name == "hil":
            self._ours(line, command, reply)
        match reply:
            case [Name(vendor)] if command == "name":
                self._told(line, Device(vendor=vendor))
            case [Profile(profile), ModelName(task)] if command == "profile":
                self._told(line, Device(profile=profile, task=task))
            case [LapUs(stamp)] if command == "timestamp":
                self._stamp = Stamp(stamp, self._asked_s, self._stamps_s[0])
                self.period = self.period.seen(before or self._stamp, self._stamp)
            case [Results(scores)] if command == "results" and self.answers:
                last = self.answers[-1]
                if self._nth and not last.scores:  # It printed none behind many inferences.
                    self.answers[-1] = replace(last, scores=scores)

    def _ours(self, line: int, command: str, reply: list[Message]) -> None:
        """An answer that only our own firmware gives."""
        values = {part.name: part.value for part in reply if isinstance(part, HilValue)}
        texts = {part.name: part.text for part in reply if isinstance(part, HilText)}
        build_id, token = texts.get("build-id", ""), texts.get("token", "")
        if command == "hil stack" and values.keys() == {"stack-used", "stack-size"}:
            self.stacks.append(Stack(values["stack-used"], values["stack-size"]))
        elif command == "hil info" and _HEX.fullmatch(build_id):
            if _HEX.fullmatch(model := texts.get("model-sha256", "")):
                tick_hz, arena = values.get("tick-hz"), values.get("arena-bytes")
                told = Device(tick_hz=tick_hz, arena=arena, model_sha256=model, build_id=build_id,
                              running=_running(values, texts))  # fmt: skip
                if tick_hz is not None and arena is not None:
                    self._told(line, told)
        elif command == "hil id" and _BUILD_ID.fullmatch(build_id) and _TOKEN.fullmatch(token):
            self._told(line, Device(build_id=build_id))

    def _told(self, line: int, said: Device) -> None:
        """The device has said something about itself; text has no checksum, so a different answer
        from before counts only when it comes twice."""
        changed = {name: getattr(said, name) for name in self.device.changes(said)}
        for name, value in changed.items():
            if self._doubted.get(name) == value:
                before = printable(getattr(self.device, name))
                text = f"the device gives another {name} than before: {printable(value)}, not"
                self._findings.add(self._log, line, f"{text} {before}")
        self._doubted = {**self._doubted, **changed}
        self.device = self.device.merged(replace(said, **dict.fromkeys(changed)))

    def _load(self, arguments: list[str], reply: list[Message]) -> None:
        """A part of an upload; anything wrong makes all of it void."""
        if arguments[:1] == ["load"] and len(arguments) == 2 and arguments[1].isdigit():
            self._digest = None
            self._announced = int(arguments[1][:10])
            self._loading = b"" if reply == [Expecting(self._announced)] else None
        elif len(arguments) == 1 and self._loading is not None and arguments != ["print"]:
            try:
                self._loading += bytes.fromhex(arguments[0])
            except ValueError:
                self._loading = None
                return
            whole = len(self._loading) == self._announced
            if reply != [LoadDone()] * whole:
                self._loading = None
            elif whole:
                self._digest, self._loading, self._nth = self._name(self._loading)[0], None, 0

    def _infer(self, line: int, arguments: list[str], reply: list[Message]) -> None:
        warm_up: int | None = None
        match reply:
            case [WarmupStart(warm_up), WarmupDone(), *reply]:
                pass
        match reply:
            case [InferStart(count), LapUs(start), LapUs(end), *rest]:
                rest = rest[1:] if rest and isinstance(rest[0], InferDone) else rest
                scores = rest[0].scores if rest and isinstance(rest[0], Results) else ()
            case [InferStart(count), InferDone(), *rest]:  # It marks time by a pin.
                start = end = 0
                scores = rest[0].scores if rest and isinstance(rest[0], Results) else ()
            case _:
                return
        if self._digest is None or len(rest) > 1 or (count == 1 and not scores):
            return
        self.period = self.period.above(start + 1, end + 1)
        if self._learning:
            return  # Of no row, and of no figure.
        if len(arguments) != 2 or arguments[0] != str(count) or not arguments[1].isdigit():
            return
        if warm_up not in (None, int(arguments[1][:10])):
            return
        self.answers.append(
            Answer(
                log=self._log,
                line=line,
                epoch=self._epoch,
                digest=self._digest,
                timed=self._silent,
                count=count,
                warm_up=int(arguments[1][:10]),
                nth=self._nth,
                start=start,
                end=end,
                scores=scores,
                laps=None,
                by_text=True,
                asked_s=self._asked_s,
                came_s=self.now_s,
                told_s=(self._stamps_s[0], self._stamps_s[-1]) if self._stamps_s else (0.0, 0.0),
            )
        )
        self._nth += 1


def _streams(command: str) -> bool:
    """Whether a command may be sent ahead, and others behind it: of uploads, and what infers."""
    return command.startswith("db ") or command == _INFERS


def _running(values: Mapping[str, int], texts: Mapping[str, str]) -> dict[str, Any] | None:
    """How the board runs, of what our firmware tells of itself; None where it does not tell."""
    if "core-hz" not in values:
        return None
    return {
        "core_hz": values["core-hz"],
        "core_clock": texts.get("core-clock"),
        "lap_clock": texts.get("lap-clock"),
        "wait_states": values.get("wait-states"),
        "speedups": texts.get("speedups", "").split(),
    }


def _message(line: Line | Damaged) -> Message | None:
    """What a line of the device says; None if the host can't accept it."""
    message = Other("") if isinstance(line, Damaged) else parse(line.text)
    return None if isinstance(message, Other) and is_broken(line) else message
