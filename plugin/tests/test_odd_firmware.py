"""What firmware prints that is not quite the protocol: the right figure, or an error that says what
it prints and how to put that right. The zoo has the ways of writing that are driven as they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from tinyhil.device.links.serial import SerialLink
from tinyhil.device.protocol.messages import FORMS
from tinyhil.device.protocol.mistakes import misspelt, mistake
from tinyhil.device.queries.text import TextQueries
from tinyhil.device.session import Session
from tinyhil.emulator.foreign import OFFICIAL, ForeignDevice, Manner
from tinyhil.ground.deadline import Deadline
from tinyhil.ground.errors import TinyhilError
from tinyhil.measure import measures as measure

from .test_foreign_zoo import INFER_US, SAMPLES, TASK, ignore, scores

Lines = list[str]
Change = Callable[[Lines], Lines]
RESULTS, STAMP = "m-results-[", "m-lap-us-"


@dataclass
class Odd(ForeignDevice):
    """Its lines, or its text, are changed before they are written."""

    lines: Change = field(default=lambda lines: lines)
    text: Callable[[str], str] = field(default=lambda text: text)

    def _send(self, *lines: str) -> None:
        written = map(self._written, self.lines([*lines, "m-ready"]))
        self._write(self.text("".join(written)).encode("latin-1"))


def on(begin: str, change: Callable[[str], str | Lines]) -> Change:
    """Change each line that begins so; to several, where a list is given."""

    def changed(lines: Lines) -> Lines:
        found: Lines = []
        for line in lines:
            made = change(line) if line.startswith(begin) else line
            found += made if isinstance(made, list) else [made]
        return found

    return changed


def inside(change: Callable[[str], str]) -> Change:
    """Change what is between the brackets of the scores."""
    return on(RESULTS, lambda line: f"{RESULTS}{change(line[len(RESULTS) : -1])}]")


def stamped(change: Callable[[int], object]) -> Change:
    """Print the stamps in another way."""
    return on(STAMP, lambda line: f"{STAMP}{change(int(line[len(STAMP) :]))}")


def extra(begin: str, *more: str) -> Change:
    """Print more lines behind each that begins so."""
    return on(begin, lambda line: [line, *more])


def before(begin: str, *more: str) -> Change:
    """Print more lines before each that begins so."""
    return on(begin, lambda line: [*more, line])


def commas(text: str) -> str:
    return text.replace(".", ",")


READ: dict[str, Odd] = {
    "a log prefix with a time stamp": Odd("kws01", scores, manner=replace(
        OFFICIAL, start="[{clock:012.3f}] ")),
    "colours": Odd("kws01", scores, manner=replace(OFFICIAL, start="\x1b[32m", behind="\x1b[0m")),
    "NUL bytes": Odd("kws01", scores, manner=replace(OFFICIAL, behind="\0")),
    "a doubled line feed": Odd("kws01", scores, manner=replace(OFFICIAL, end="\r\n\n")),
    "LF and CRLF mixed": Odd("kws01", scores, lines=on("m-infer-", lambda line: line + "\n")),
    "a prompt before": Odd("kws01", scores, manner=replace(OFFICIAL, start="> ")),
    "a prompt behind": Odd("kws01", scores, text=lambda text: text + "> "),
    "scientific notation": Odd("kws01", scores, manner=replace(OFFICIAL, score="{:.5e}")),
    "whole numbers up to 255": Odd("kws01", scores, manner=replace(
        OFFICIAL, score="{:.0f}", scale=255)),
    "logits": Odd("kws01", lambda data: [10 * one - 7 for one in scores(data)]),
    "a bell behind": Odd("kws01", scores, manner=replace(OFFICIAL, behind="\x07")),
    "XON behind": Odd("kws01", scores, manner=replace(OFFICIAL, behind="\x11")),
    "a line that is not ASCII in each answer": Odd("kws01", scores, manner=replace(
        OFFICIAL, said={"m-ready": "23 \xb0C"})),
    "a line that begins with a digit behind a stamp": Odd("kws01", scores, lines=on(
        STAMP, lambda line: [line + " us", "12 I (wifi): up"])),
    "zeros before a stamp": Odd("kws01", scores, lines=stamped(lambda us: f"{us:012d}")),
}  # fmt: skip
"""Driven as they are."""

REFUSED: dict[str, tuple[Change, str, str]] = {
    "a decimal comma": (inside(commas), "6 results came, the task has 3",
                        "prints decimal commas.* let it print a point"),
    "a decimal comma and semicolons": (
        inside(lambda text: commas(text.replace(",", ";"))), r"prints 'm-results-\[0,",
        r"decimal commas and semicolons.*print a line as 'm-results-\["),
    "semicolons": (inside(lambda text: text.replace(",", ";")), r"'m-results-\[0\.",
                   "semicolons: print commas"),
    "blanks between scores": (inside(lambda text: text.replace(",", " ")), r"'m-results-\[0\.",
                              "blanks alone, .*: print commas"),
    "percent": (inside(lambda text: text.replace(",", "%,") + "%"), r"'m-results-\[0\.",
                "percent signs: print numbers alone"),
    "names of classes": (inside(lambda text: "yes:" + text.replace(",", ",no:")), "yes:0",
                         "names beside the scores"),
    "%f that prints f": (inside(lambda _: "f,f,f"), r"'m-results-\[f,f,f\]'",
                         "printf has no floating point.*-u _printf_float"),
    "%f that prints nothing": (inside(lambda _: ",,"), r"'m-results-\[,,\]'",
                               "printf has no floating point"),
    "%f as it is": (inside(lambda _: "%f,%f,%f"), r"'m-results-\[%f,%f,%f\]'",
                    "printf has no floating point"),
    "nan": (inside(lambda _: "nan,nan,nan"), r"\[nan,nan,nan\]", "a score is no number"),
    "inf": (inside(lambda _: "-inf,0.0,1.0"), r"\[-inf,", "a score is no number"),
    "scores in hex": (inside(lambda _: "0x7f,0x00,0x01"), "0x7f", "in hex: print them in decimal"),
    "no brackets": (on(RESULTS, lambda line: f"m-results-{line[len(RESULTS):-1]}"),
                    "'m-results-0", "brackets are missing"),
    "a line end in the scores": (
        on(RESULTS, lambda line: line.replace(",", ",|", 1).split("|")), r"'m-results-\[0\.\d+,'",
        "ends before the bracket closes.*line end, or longer"),
    "a cut last score": (on(RESULTS, lambda line: line[:-3]), r"'m-results-\[0\.",
                         "ends before the bracket closes"),
    "a bracket alone": (on(RESULTS, lambda line: line.replace("[", "[|").split("|")),
                        r"'m-results-\['", "ends before the bracket closes"),
    "tabs": (inside(lambda text: text.replace(",", "\t")), r"'m-results-\[0\.",
             "print commas between the scores"),
    "no scores": (inside(lambda _: ""), "0 results came, the task has 3", "between the brackets"),
    "a score too many": (inside(lambda text: f"{text},0.000"), "4 results came, the task has 3",
                         "built for another model, or prints more than the scores"),
    "scores twice": (on(RESULTS, lambda line: [line, line]),
                     r"with 2 lines as 'm-results-\[0.984,0.016\]'.*m-infer-done', 'm-results-\[0",
                     "prints more of such lines"),
    "raw scores before": (before(RESULTS, "m-results-[12,3,-4]"), "with 2 lines as 'm-results-",
                          "prints more of such lines than the protocol has"),
    "a debug line that quotes scores": (
        before(RESULTS, "dbg: m-results-[0.1,0.2,0.7]"), "with 2 lines as 'm-results-",
        "must not begin as a line of the protocol"),
    "a third stamp": (before("m-infer-done", "m-lap-us-1230449"),
                      "with 3 lines as 'm-lap-us-1234567'", "prints more of such lines"),
    "a stamp before the start": (
        before("m-infer-start", "m-lap-us-1000"), "with 3 lines as 'm-lap-us-", "more of such"),
    "stamps before the start alone": (
        lambda lines: sorted(lines, key=lambda line: -line.startswith(STAMP)),
        "by a line as 'm-lap-us-1234567' before one as 'm-infer-start-1'",
        "another order than the protocol"),
    "no stamps": (on(STAMP, lambda _: []), "without a line as 'm-lap-us-1234567', and with one as",
                  "let it print that line before 'm-ready'"),
    "'m-ready' twice": (extra("m-ready", "m-ready"), "by 'm-ready' alone",
                        "prints 'm-ready' twice behind an answer.*end in one 'm-ready'"),
    "'m-ready' before the scores": (
        before(RESULTS, "m-ready"), "without a line as 'm-results-",
        "print that line before 'm-ready'"),
    "a stamp printed with %d": (stamped(lambda us: us - 2**31), "'m-lap-us--214",
                                "with %d.*%lu prints it unsigned.*'m-lap-us-1234567'"),
    "a stamp in hex": (stamped(lambda us: f"0x{us:08x}"), "'m-lap-us-0x", "in decimal, with %lu"),
    "a stamp in bare hex": (stamped(lambda us: f"{us:x}f"), r"'m-lap-us-\w+f'", "in decimal, with"),
    "a stamp as a float": (stamped(lambda us: f"{us:.6e}"), r"'m-lap-us-1\.", "whole microseconds"),
    "a stamp with decimals": (stamped(lambda us: f"{us}.0"), r"'m-lap-us-\d+\.0'",
                              "with decimals: print whole microseconds"),
    "a stamp in groups": (stamped(lambda us: f"{us:,}"), "'m-lap-us-1,", "groups the digits"),
    "a stamp in milliseconds": (stamped(lambda us: f"{us // 1000} ms"), r"'m-lap-us-\d+ ms'",
                                "in another unit: print whole microseconds"),
    "a stamp in seconds": (stamped(lambda us: f"{us / 1e6:.6f}s"), r"'m-lap-us-1\.\d+s'",
                           "in another unit: print whole microseconds"),
    "a stamp that a line end cuts": (
        on(STAMP, lambda line: [line[:-1], line[-1]]), r"prints '\d' in answer to 'infer",
        "may be the rest of it: let nothing else be written within a line"),
    "a stamp that another task's line cuts": (
        on(STAMP, lambda line: [line[:-2] + "[wifi] up", "rssi -60", line[-2:] + "[wifi] down"]),
        r"prints '\d\d\[wifi\] down'", "may be the rest of it"),
    "a name that is not ASCII": (on("m-name", lambda _: "m-name-dut-[Gr\xc3\xbcn]"),
                                 "not printable ASCII", "ASCII characters alone, also in names"),
    "other words for the bytes to come": (
        on("m-[", lambda line: line.replace("Expecting", "Waiting for")), "'m-.Waiting for 76",
        r"print a line as 'm-\[Expecting 490 bytes\]'"),
    "a word that ends as an answer": (before("m-infer-done", "system-ready"), "'system-ready'",
                                      "'system-ready' was taken for 'm-ready'"),
    "%llu that prints lu": (stamped(lambda _: "lu"), "'m-lap-us-lu'", "does not know the format"),
    "a stamp of nothing": (stamped(lambda _: ""), "'m-lap-us-'", "does not know the format"),
    "a blank behind a dash": (on("m-infer-done", lambda _: "m- infer-done"), "", ""),
    "a blank in the start": (on("m-infer-start", lambda line: line.replace("-infer", "- infer")),
                             "without a line as 'm-infer-start-1'",
                             "prints 'm- infer-start-1': the protocol has 'm-infer-start-1'"),
    "capitals in the scores' word": (
        on(RESULTS, lambda line: line.replace("results", "Results")),
        "without a line as 'm-results-", r"prints 'm-Results-\[.*the protocol has 'm-results-\["),
    "a restart in the middle": (
        before("m-infer-done", "Booting v1.2", "m-timestamp-mode-performance", "m-init-done"),
        "the device restarted while 'infer 1 0%'", "power supply"),
    "two devices on one line": (on(STAMP, lambda line: f"{line}m-name-dut-[x]"),
                                r"prints 'm-lap-us-\d+m-name-dut-\[x\]'", "'m-lap-us-1234567'"),
    "two devices by turns": (extra("m-infer-start", "m-load-done", "m-ready"),
                             "without a line as 'm-lap-us-1234567', and with one as 'm-load-done'",
                             "print that line before 'm-ready'"),
}  # fmt: skip
"""What is changed, what is said of it, and the next step."""


def asked(device: Odd, *, sync_s: float = 30.0) -> list[tuple[float, ...]]:
    with device, closing(SerialLink(device.port, 115200)) as link:
        session = Session(link)
        session.synchronize(Deadline.after(sync_s))
        session.identify(Deadline.after(30))
        queries = TextQueries(session, answer_s=30.0)
        found = measure.accuracy(queries, TASK, SAMPLES[:3], ignore, ignore)
        queries.load(SAMPLES[0].data)
        answer = queries.infer(2, 1, expected_s=None, laps=False)
        assert answer.end_us - answer.start_us == 2 * INFER_US
    return [tuple(row) for row in found.scores]


@pytest.mark.parametrize("name", READ)
def test_it_is_read_as_it_is(name: str) -> None:
    device = READ[name]
    device.infer_us = INFER_US
    manner: Manner = device.manner
    wanted: Sequence[tuple[float, ...]] = [
        manner.read(device.infer(one.data)) for one in SAMPLES[:3]
    ]
    assert np.array_equal(asked(device), wanted)


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_its_cause_and_the_next_step(name: str) -> None:
    change, said, hint = REFUSED[name]
    device = Odd("kws01", scores, infer_us=INFER_US, lines=change)
    if not said:
        assert len(asked(device)) == 3, "a line that nobody needs"
        return
    with pytest.raises(TinyhilError) as raised:
        asked(device)
    told = raised.value
    assert re.search(f"(?s){said}", told.message), told.message
    assert re.search(f"(?s){hint}", told.hint), told.hint
    assert not re.search(r"[A-Z]\w+\(\w+=|b'|\\\\x", str(told)), "no Python in it"
    assert not told.hint.startswith("check the cable")
    assert len(str(told)) < 2500


def test_capitals_are_named_though_nothing_is_understood() -> None:
    device = Odd("kws01", scores, lines=lambda lines: [line.upper() for line in lines])
    with pytest.raises(TinyhilError, match="small letters, dashes, and no blanks"):
        asked(device, sync_s=1.0)


@pytest.mark.parametrize("end", ["", "m-init-done\r\n"])
def test_an_end_of_an_answer_that_is_not_a_line_is_named(end: str) -> None:
    def joined(text: str) -> str:
        return text.replace("\r\nm-ready", f"{' ' if end else chr(13)}m-ready").strip()

    with pytest.raises(TinyhilError, match="'m-ready' on a line of its own"):
        asked(Odd("kws01", scores, text=lambda text: joined(text) + end), sync_s=0.6)


def test_a_line_that_is_damaged_is_shown_without_python() -> None:
    device = Odd("kws01", scores, lines=before(RESULTS, "caf\xe9", "m-lap-us-1"))
    with pytest.raises(TinyhilError, match=r"'caf\\xe9'") as raised:
        asked(device)
    assert "b'" not in str(raised.value)


def test_no_form_of_the_protocol_is_taken_for_a_mistake() -> None:
    for form in FORMS.values():
        assert mistake(form) is None, form
        assert misspelt([form]) is None, form
    assert misspelt(["a model is loaded", "m", "", b"\xff\xfe", "m-"]) is None
    assert misspelt(["M_READY"]) == ("M_READY", "m-ready")
    assert mistake("m-results-[" + "0" * 10**6) is not None, "in no time"
