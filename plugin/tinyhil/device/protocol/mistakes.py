"""What firmware often gets wrong in a line of the protocol, and how it is put right."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tinyhil.device.protocol.messages import BEGIN, FORMS

_NO_FLOATS = "its printf has no floating point: link the one that has (-u _printf_float), or print "
_LONG = "its printf does not know the format: print the stamp with %lu, or digit by digit"

_UNIT = "it prints the stamp in another unit: print whole microseconds"
_NO_COMMAS = "it prints blanks alone, tabs or bars: print commas between the scores"
_OPEN = (
    "the line ends before the bracket closes: it is broken by a line end, or longer than its buffer"
)

_MISTAKES: tuple[tuple[str, str], ...] = (
    (r"m-lap-us--\d", "it prints the stamp with %d, and a large one becomes negative: %lu prints "
                      "it unsigned"),
    (r"m-lap-us-(0x|\d*[a-f])[\da-f]*$", "it prints the stamp in hex (%x): print it in decimal, "
                                         "with %lu"),
    (r"m-lap-us-\d+(\.\d*)?e[+-]?\d", "it prints the stamp as a float: print whole microseconds, "
                                      "with %lu"),
    (r"m-lap-us-\d+\.\d*$", "it prints the stamp with decimals: print whole microseconds, with "
                            "%lu"),
    (r"m-lap-us-\d{1,3}([,.' _]\d{3})+$", "it groups the digits of the stamp: print digits alone"),
    (r"m-lap-us-\d+(\.\d*)? *([mn]?s(ec)?|ticks|cycles)$", _UNIT),
    (r"m-lap-us-(%?l*[udf])?$", _LONG),
    (r"m-results-\[.*\b(nan|inf)\b", "a score is no number: look at the model's output, such as a "
                                     "softmax that divides by 0, and whether the buffer was "
                                     "written"),
    (r"m-results-\[$", _OPEN),
    (r"m-results-\[[ ,;]*(%?l*f[ ,;]*|[ ,;]+)*\]?$", f"{_NO_FLOATS}thousandths as whole numbers"),
    (r"m-results-\[[^;]*\d,\d+ *;", "it prints decimal commas and semicolons: print decimal "
                                    "points, and commas between the scores"),
    (r"m-results-\[[^,]*;", "it prints semicolons: print commas between the scores"),
    (r"m-results-\[.*%", "it prints percent signs: print numbers alone"),
    (r"m-results-\[.*0x", "it prints scores in hex: print them in decimal"),
    (r"m-results-\[[^\]]*[a-z_]+\d* *[:=]", "it prints names beside the scores: print numbers "
                                            "alone, in the order of the task's classes"),
    (r"m-results-\[[^\]\d]*[\d+-.][^\]]*$", _OPEN),
    (r"m-results-[^\[]", "the brackets are missing"),
    (r"m-results-\[[^\],]+[ \t|]+[^\],]+\]$", _NO_COMMAS),
    (r"m-buffer-.*0x", "it prints 0x: print two hex digits for each byte"),
)  # fmt: skip
_TABLE = tuple((re.compile(pattern, re.IGNORECASE), text) for pattern, text in _MISTAKES)
_MOST = 400
"""Characters of a line that are looked at."""

_SPELT = re.compile(r"[^a-z]+")
"""What stands between the words of a message."""


def mistake(line: str) -> str | None:
    """What is wrong with a line that begins as one of the protocol, in a few words."""
    begin = BEGIN.search(line)
    text = line[begin.start() :][:_MOST].strip() if begin else ""
    return next((said for pattern, said in _TABLE if pattern.match(text)), None)


def misspelt(lines: Iterable[str | bytes]) -> tuple[str, str] | None:
    """A line that would be one of the protocol with other blanks, dashes or capitals: the line,
    and how the protocol has it."""
    for line in lines:
        text = line.decode("latin-1") if isinstance(line, bytes) else line
        words = _SPELT.split(text[:_MOST].lower().lstrip())
        for form in FORMS.values():
            wanted = [word for word in _SPELT.split(re.split(r"[\[\d]", form)[0]) if word]
            if len(wanted) > 1 and words[: len(wanted)] == wanted and not BEGIN.search(text):
                return text, form
    return None


def decimal_commas(scores: Iterable[float], results: int) -> bool:
    """Whether scores are those of a line with decimal commas, each of which became two."""
    found = list(scores)
    whole = all(score == int(score) for score in found)
    return len(found) == 2 * results and whole and all(abs(score) <= 1 for score in found[::2])
