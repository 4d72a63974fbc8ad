"""Text of a raw log, decoded again: commands and their answers by the official protocol."""

from __future__ import annotations

import re
from dataclasses import replace

from tinyhil.ground.text import printable
from tinyhil.judge.verify.answers import Answer, Device, Stack, digest_of
from tinyhil.judge.verify.findings import Findings

_LONGEST_LINE = 4096
_MOST_LINES = 8193
_SCORE = r"-?\d{1,12}\.\d{3}"
_INFER = re.compile(
    r"m-warmup-start-(\d{1,10})\nm-warmup-done\nm-infer-start-(\d{1,10})\n"
    r"m-lap-us-(\d{1,20})\nm-lap-us-(\d{1,20})\nm-infer-done\n"
    rf"m-results-\[({_SCORE}(?:,{_SCORE})*)\]"
)
_NAME = re.compile(r"m-name-dut-\[(.*)\]")
_PROFILE = re.compile(r"m-profile-\[(.*)\]\nm-model-\[(.*)\]")
_IDENTITY = re.compile(r"m-hil-build-id-\[([0-9a-f]{40})\]\nm-hil-token-\[[0-9a-f]{16}\]")
_STACK = re.compile(r"m-hil-stack-used-(\d{1,18})\nm-hil-stack-size-(\d{1,18})")
_INFO = re.compile(r"m-hil-(tick-hz|arena-bytes|model-sha256|build-id)-\[?([0-9a-f]{1,64})\]?")


class Text:
    """The text of one log; what both sides sent, in their order.

    The host asks one command at a time and reads up to ``m-ready``. After anything that does not
    belong there it asks a word that nobody knows, and starts again after the complaint about it.

    Args:
        log: path of the log below the run's folder.
        findings: where what the host can't have sent is noted.
    """

    def __init__(self, log: str, findings: Findings) -> None:
        self.answers: list[Answer] = []
        self.device = Device()
        self.stacks: list[Stack] = []
        self._doubted: dict[str, str] = {}
        self._log = log
        self._findings = findings
        self._epoch = 0
        self._held = b""
        self._waiting: list[str | None] = []  # lines that no command has taken yet
        self._command: str | None = None
        self._word: str | None = None  # unknown to any device: what comes after it is in step
        self._reply: list[str] = []
        self._announced = 0
        self._loading: bytes | None = None  # what came of the sample
        self._digest: bytes | None = None  # of the sample in the device
        self._nth = 0

    def sent(self, line: int, data: bytes) -> None:
        """The host has sent a command."""
        if not data.endswith(b"%") or data.count(b"%") != 1:
            self._findings.add(self._log, line, "is not a command that the host could have sent")
            return
        if self._command is not None:
            asked = printable(self._command)
            text = f"is sent although '{asked}' has no answer: a part of the log is missing"
            self._findings.add(self._log, line, text)
        self._stop()
        self._command = data[:-1].decode("ascii", "replace")
        self._proceed(line)

    def called(self, line: int, word: str | None) -> None:
        """The host has given up what was, and asks a new word if it named one."""
        self._stop()
        self._epoch += 1
        self._digest = self._loading = None
        self._word = self._command = word
        self._proceed(line)

    def came(self, line: int, data: bytes) -> None:
        """These bytes have come from the device."""
        *ended, rest = (self._held + data).split(b"\n")
        self._waiting += [_line(part) for part in ended]
        # What floods while nothing is asked is of no answer.
        del self._waiting[:-_MOST_LINES]
        self._held = rest[: _LONGEST_LINE + 2]
        self._proceed(line)

    def forget(self) -> None:
        """The link speaks something else from here on."""
        self._stop()
        self._held = b""
        self._waiting.clear()

    def _stop(self) -> None:
        self._command = None
        self._reply = []

    def _proceed(self, line: int) -> None:
        """Let the command at hand take lines, up to the end of its answer."""
        taken = 0
        while self._command is not None and taken < len(self._waiting):
            text = self._waiting[taken]
            taken += 1
            if self._command == self._word:
                self._find_step(text)
            else:
                self._take(line, text)
        del self._waiting[:taken]

    def _find_step(self, text: str | None) -> None:
        """Skip what is old: up to the complaint about the unknown word, and its end."""
        assert self._command is not None
        complaint = text is not None and text.startswith("e-[") and text.endswith("]")
        if complaint and text is not None and text[:-1].endswith(self._command):
            self._reply = [text]
        elif self._reply and text == "m-ready":
            self._stop()

    def _take(self, line: int, text: str | None) -> None:
        """A line of the answer to the command at hand; None is a damaged one."""
        assert self._command is not None
        if text == "m-ready":
            command, reply = self._command, "\n".join(self._reply)
            self._stop()
            if not any(part.startswith(("e-[", "Supplied ")) for part in reply.split("\n")):
                self._answered(line, command, reply)
        elif text is None or text == "m-init-done" or len(self._reply) >= _MOST_LINES:
            self._stop()
        else:
            self._reply.append(text)

    def _answered(self, line: int, command: str, reply: str) -> None:
        name, *arguments = command.split(" ")
        if name == "db":
            self._load(arguments, reply)
        elif name == "infer":
            self._infer(line, arguments, reply)
        elif command == "name" and (match := _NAME.fullmatch(reply)):
            self._told(line, Device(vendor=match[1]))
        elif command == "profile" and (match := _PROFILE.fullmatch(reply)):
            self._told(line, Device(profile=match[1], task=match[2]))
        elif command == "hil stack" and (match := _STACK.fullmatch(reply)):
            self.stacks.append(Stack(int(match[1]), int(match[2])))
        elif command == "hil info":
            told = {part[1]: part[2] for part in map(_INFO.fullmatch, reply.split("\n")) if part}
            if len(told) == 4 and told["tick-hz"].isdigit() and told["arena-bytes"].isdigit():
                self._told(
                    line,
                    Device(
                        tick_hz=int(told["tick-hz"]),
                        arena=int(told["arena-bytes"]),
                        model_sha256=told["model-sha256"],
                        build_id=told["build-id"],
                    ),
                )
        elif command == "hil id" and (match := _IDENTITY.fullmatch(reply)):
            self._told(line, Device(build_id=match[1]))

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

    def _load(self, arguments: list[str], reply: str) -> None:
        """A part of an upload; anything wrong makes all of it void."""
        if arguments[:1] == ["load"] and len(arguments) == 2 and arguments[1].isdigit():
            self._digest = None
            self._announced = int(arguments[1][:10])
            self._loading = b"" if reply == f"m-[Expecting {self._announced} bytes]" else None
        elif len(arguments) == 1 and self._loading is not None and arguments != ["print"]:
            try:
                self._loading += bytes.fromhex(arguments[0])
            except ValueError:
                self._loading = None
                return
            whole = len(self._loading) == self._announced
            if reply != ("m-load-done" if whole else ""):
                self._loading = None
            elif whole:
                self._digest, self._loading, self._nth = digest_of(self._loading), None, 0

    def _infer(self, line: int, arguments: list[str], reply: str) -> None:
        match = _INFER.fullmatch(reply)
        if match is None or self._digest is None:
            return
        warm_up, count, start, end = map(int, match.groups()[:4])
        if arguments != [str(count), str(warm_up)] or end < start:
            return
        self.answers.append(
            Answer(
                log=self._log,
                line=line,
                epoch=self._epoch,
                digest=self._digest,
                timed=True,
                count=count,
                warm_up=warm_up,
                nth=self._nth,
                start=start,
                end=end,
                scores=tuple(map(float, match[5].split(","))),
                laps=None,
                by_text=True,
            )
        )
        self._nth += 1


def _line(raw: bytes) -> str | None:
    """A line of the device; None if the host can't accept it."""
    body = raw.removesuffix(b"\r")
    if len(raw) > _LONGEST_LINE or any(not 0x20 <= byte < 0x7F for byte in body):
        return None
    return body.decode("ascii")
