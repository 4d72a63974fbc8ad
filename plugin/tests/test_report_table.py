"""The verdict table: one line a metric, readable without colour, and nothing left unsaid."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from tinyhil.catalog.board import load_boards
from tinyhil.catalog.facts import Limit, Metric
from tinyhil.catalog.measure import MeasureName
from tinyhil.catalog.units import format_metric
from tinyhil.catalog.verdict import judge
from tinyhil.publish.report.table import show_verdicts
from tinyhil.record import Entry, Subject

_LIMITS: Mapping[Metric, Limit] = {
    "latency_p90_s": Limit(max=0.012, source="a"),
    "top1": Limit(min=0.9, source="b"),
}


def _entry(
    metrics: Mapping[Metric, float],
    *,
    emulated: bool = True,
    data_set: str = "stand-in",
    unjudged: str | None = None,
    error: str | None = None,
    station: str | None = None,
) -> Entry:
    board = "mps2-an386" if emulated else "some-board"
    subject = Subject(
        board,
        station or board,
        "cortex-m4",
        emulated,
        "kws01",
        "serial",
        "none",
        data_set,
        "",
        None,
        "",
    )
    verdicts = judge(metrics, _LIMITS, unjudged=unjudged)
    now = datetime.now(UTC)
    return Entry(subject, MeasureName.SINGLE_STREAM, 512, metrics, verdicts, {}, now, 1.0, error)


def _lines(*entries: Entry) -> list[str]:
    """The table as a file or a log gets it: 100 columns, no colour."""
    file = io.StringIO()
    show_verdicts(entries, load_boards(), Console(file=file, width=100, no_color=True))
    return file.getvalue().splitlines()


def _line(lines: list[str], word: str) -> str:
    (line,) = [line for line in lines if word in line]
    return line


def test_a_line_holds_all_about_a_metric_even_in_a_log_of_100_columns() -> None:
    line = _line(_lines(_entry({"latency_p90_s": 308_625 / 25e6})), "latency_p90_s")
    words = ["mps2-an386", "kws01", "STAND-IN", "latency_p90_s", "12.345", "ms", "385,781"]
    assert line.split() == [*words, "max", "12", "ms", "FAIL"]


def test_two_units_of_one_board_type_are_told_apart_in_every_line() -> None:
    entries = (
        _entry({"latency_p50_s": 0.01}, station="unit1"),
        _entry({"latency_p50_s": 0.01}, station="unit2", error="it broke"),
    )
    text = "\n".join(_lines(*entries))
    for unit in ("unit1", "unit2"):
        assert any(line.startswith(f" {unit} (mps2-an386)") and "latency_p50_s" in line
                   for line in text.splitlines())  # fmt: skip
    assert "[1] unit2 (mps2-an386) kws01 single_stream: it broke" in text
    assert text.count("mps2-an386 is emulated") == 1, "what is true of the type is said once"


def test_a_kept_limit_passes_and_none_is_not_judged() -> None:
    lines = _lines(_entry({"top1": 0.917, "auc": 0.98765}))
    assert _line(lines, "top1").split()[-6:] == ["91.7", "%", "min", "90", "%", "pass"]
    assert _line(lines, "auc").split()[-4:] == ["0.98765", "-", "not", "judged"]


def test_emulated_times_and_stand_in_data_are_told_below_the_table_once() -> None:
    entry = _entry({"latency_p50_s": 0.01})
    text = " ".join(" ".join(_lines(entry, entry)).split())
    assert text.count("instruction counts (count x 32 ns), not times") == 1
    assert text.count("STAND-IN: ") == 1


def test_what_the_protocol_times_beside_an_inference_is_told_and_no_digit_too_many() -> None:
    coarse = {"clock": "time stamps", "resolution_s": 1e-6, "bracket_s": 46.5e-6}
    entry = replace(_entry({"latency_p90_s": 0.0123456}), details=coarse)
    lines = _lines(entry)
    assert "12.346 ms ± 1 µs" in _line(lines, "latency_p90_s")
    text = " ".join(" ".join(lines).split())
    assert "mps2-an386 kws01: 46.5 µs (1,453 instructions) of each latency are no inference" in text
    windows = [{"inferences": 10, "device_s": 10.0}]
    rate = replace(
        _entry({"throughput_ips": 12.3456789}), details={"resolution_s": 1e-2, "windows": windows}
    )
    assert "12.3 inf/s ± 0.025 inf/s" in _line(_lines(rate), "throughput_ips")


@pytest.mark.parametrize(
    ("details", "said"),
    [
        (
            {"checks": {"wraps": {"times": 2, "period_s": [25.43, 25.61]}}},
            "kws01 single_stream: the device's clock began anew, as one that wraps after 25.4 to "
            "25.6 s does (times seen: 2); no time is taken across that.",
        ),
        (
            {"wraps": {"times": 1, "period_s": [171.81]}, "healed": {"ClockError": 1}},
            "171.8 s does (times seen: 1); no time is taken across that; queries asked again for "
            "it: 1.",
        ),
        (
            {"checks": {"wraps": {"times": 3, "period_s": [25.56, 25.57], "inside": 2}}},
            "(times seen: 3); so much was added to a time across that (2 times).",
        ),
        (
            {"healed": {"ClockError": 3}},
            "ran backwards, as one that wraps does; queries asked again for it: 3.",
        ),
    ],
)
def test_a_clock_that_wraps_is_told(details: dict[str, Any], said: str) -> None:
    entry = replace(_entry({"latency_p90_s": 0.01}), details=details)
    assert said in " ".join(" ".join(_lines(entry)).split())


def test_silicon_with_official_data_has_no_remarks_and_no_instruction_counts() -> None:
    entry = _entry({"latency_p50_s": 0.01}, emulated=False, data_set="official")
    lines = [line for line in _lines(entry) if line.strip()]
    words = ["some-board", "kws01", "official", "latency_p50_s", "10", "ms", "-", "not", "judged"]
    assert lines[-1].split() == words


def test_an_emulated_board_that_no_file_knows_is_still_called_emulated() -> None:
    file = io.StringIO()
    entry = _entry({"latency_p50_s": 0.01})
    show_verdicts([entry], {}, Console(file=file, width=100))
    assert "mps2-an386 is emulated" in file.getvalue()


def test_a_limit_that_was_not_applied_says_why() -> None:
    text = "\n".join(_lines(_entry({"top1": 0.1}, unjudged="a quick run")))
    assert "FAIL" not in text
    assert "a quick run" in text


def test_an_entry_that_ended_in_an_error_keeps_its_metrics_and_explains_itself() -> None:
    error = "[mps2-an386 / infer] no answer\n  next step: check the wiring"
    lines = _lines(_entry({"latency_p50_s": 0.01}, error=error), _entry({}, error="second"))
    assert _line(lines, "latency_p50_s")
    assert _line(lines, "ERROR [1]").split()[3:] == [
        "single_stream",
        "512",
        "samples",
        "ERROR",
        "[1]",
    ]
    assert _line(lines, "ERROR [2]")
    explained = "[1] mps2-an386 kws01 single_stream: [mps2-an386 / infer] no answer"
    assert _line(lines, "no answer").strip() == explained
    assert _line(lines, "next step: check the wiring")


def test_text_of_a_device_neither_paints_nor_floods_the_terminal() -> None:
    text = "\n".join(_lines(_entry({}, error="\x1b[31m[bold]said\x07 " + "x" * 5000)))
    assert "\\x1b[31m[bold]said\\x07" in text
    assert "\x1b" not in text
    assert len(text) < 2500


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("latency_p50_s", 0.0123456789, "12.3457 ms"),
        ("latency_p90_s", 42e-6, "42 µs"),
        ("latency_p99_s", 1.5, "1.5 s"),
        ("latency_p99_s", 0.0, "0 s"),
        ("throughput_ips", 81.00441, "81.0044 inf/s"),
        ("top1", 0.89996, "89.996 %"),
        ("auc", 0.8512, "0.8512"),
        ("energy_j", 0.000321, "321 µJ"),
        ("power_w", 0.05, "50 mW"),
        ("flash_bytes", 81920, "80 KiB"),
        ("ram_bytes", 512, "512 B"),
        ("instructions", 12_345_678, "12,345,678"),
    ],
)
def test_a_metric_is_written_in_units_for_people(metric: Metric, value: float, text: str) -> None:
    assert format_metric(metric, value) == text


def _terminal(width: int, *entries: Entry) -> list[str]:
    """What a terminal of so many columns shows, without its colours."""
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=True, no_color=True, highlight=False)
    show_verdicts(entries, load_boards(), console)
    return re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue()).splitlines()


def test_80_columns_hold_each_name_whole_and_a_metric_a_line() -> None:
    entry = _entry({"latency_p90_s": 308_625 / 25e6, "ram_bytes": 51_912, "top1": 0.9})
    lines = _terminal(80, entry)
    assert _line(lines, "latency_p90_s").split()[:5] == [
        "mps2-an386", "kws01", "STAND-IN", "latency_p90_s", "12.345",
    ]  # fmt: skip
    assert _line(lines, "ram_bytes").split()[-2:] == ["not", "judged"]
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("width", [60, 80])
def test_what_a_narrow_table_leaves_out_is_said_below_it(width: int) -> None:
    long = "desk-on-the-third-floor"
    entry = _entry({"latency_p90_s": 0.01}, emulated=False, data_set="official", station=long)
    lines = _terminal(width, entry)
    text = " ".join(lines)
    assert long in _line(lines, "latency_p90_s") or f"Station: {long} (some-board)." in text
    assert "Data: official." in text
    assert "max" in _line(lines, "latency_p90_s") or "limits do not fit" in text


def test_several_stations_stay_in_the_lines_of_a_narrow_table() -> None:
    entries = [_entry({"latency_p90_s": 0.01}, station=f"desk-on-floor-{n}") for n in (1, 2)]
    lines = [line for line in _terminal(80, *entries) if "latency_p90_s" in line]
    assert [line.split()[0] for line in lines] == ["desk-on-floor-1", "desk-on-floor-2"]


def test_a_log_file_has_each_remark_in_one_line() -> None:
    path = "/somewhere/" + "with a long name/" * 12
    assert _line(_lines(_entry({}, error=path)), path)
