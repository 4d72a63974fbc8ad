"""The ways in which firmware of the field writes, each as a device that can be asked.

Made from what public session logs and users of the field show; a new one is one entry.
"""

from __future__ import annotations

from fractions import Fraction

from tinyhil.emulator.foreign.manner import OFFICIAL, Manner

ZOO: tuple[Manner, ...] = (
    OFFICIAL,
    Manner("scores are whole numbers", score="{:.0f}", scale=127),
    Manner("scores of one decimal", score="{:.1f}", scale=100),
    Manner("scores of six decimals and a last comma", score="{:.6f}", tail=","),
    Manner("scores of seventeen digits", score="{!r}"),
    Manner("scores as short as they go", score="{:g}", scale=1e-4),
    Manner("scores with blanks between them", comma=", "),
    Manner("scores with a plus", score="{:+.4f}"),
    Manner("a debug line inside an answer",
           said={"m-infer-done": "dsp: ack 7, 3 ms", "m-warmup-start": "bytes 490"}),
    Manner("a debug line that changes with the input",
           said={"m-results": "class {word} of query {count}"}),
    Manner("a debug line for each piece of an upload",
           said={"m-ready": "heap 0x20001f40, {count} calls"}),
    Manner("a debug line that is not ASCII",
           said={"m-infer-done": "latency 123 \u00b5s"}),
    Manner("a number alone on a line", said={"m-infer-start": "490"}),
    Manner("echo", echo="{}%"),
    Manner("echo with a line end", echo="{}%\r\n"),
    Manner("echo without the percent sign, after a prompt", echo="> {}\r\n"),
    Manner("lines end in LF", end="\n"),
    Manner("lines end in CR", end="\r"),
    Manner("lines end in LF CR", end="\n\r"),
    Manner("lines end in CR CR LF", end="\r\r\n"),
    Manner("blank lines between the lines", end="\r\n\r\n"),
    Manner("a prefix before each line", start="[dut]: "),
    Manner("a time before each line", start="[{clock:012.6f}] app: "),
    Manner("colours of a terminal", start="\x1b[0;32mI (12) app: "),
    Manner("colours that are set back", start="\x1b[0;32mI (12) app: ", behind="\x1b[0m"),
    Manner("text before each line that is not ASCII", start="\u00b5C\x11: "),
    Manner("dots while an upload goes on", stuck={"m-load-done": "...."}),
    Manner("scores with an exponent", score="{:.6e}"),
    Manner("a prompt before the end", stuck={"m-ready": "tiny> "}),
    Manner("text without an end before a line", stuck={"m-infer-done": "copied 490 bytes"}),
    Manner("blanks at the end of each line", behind="  "),
    Manner("strings that end in NUL", behind="\0"),
    Manner("no scores behind many inferences", scores_of_many=""),
    Manner("empty scores behind many inferences", scores_of_many="m-results-[]"),
    Manner("no command for the scores", repeats_scores=False),
    Manner("whole numbers, and no command for them", score="{:.0f}", scale=255,
           repeats_scores=False),
    Manner("a blank line behind the buffer", blank_after_rows=True),
    Manner("rows of sixteen bytes in capitals", row="{:02X}", row_bytes=16),
    Manner("no lines about warming up", warms_up_aloud=False),
    Manner("unknown commands in other words", unknown="e-[{}: command not found]"),
    Manner("unknown commands without their name", unknown="e-[Unknown command]"),
    Manner("unknown commands are passed over", unknown=""),
    Manner("a clock of whole milliseconds", tick_hz=Fraction(1000)),
    Manner("a clock of 10 ms", tick_hz=Fraction(100)),
    Manner("a clock of 32768 Hz", tick_hz=Fraction(32768)),
    Manner("a clock of 72 MHz by 65536", tick_hz=Fraction(72_000_000, 65536)),
    Manner("a clock of 32 bits of 168 MHz", wraps_us=2**32 // 168),
)  # fmt: skip
