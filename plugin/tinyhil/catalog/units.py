"""Values and names for people: with their unit, and the digits that can be compared."""

from __future__ import annotations

import math

from tinyhil.catalog.facts import Metric


def format_seconds(seconds: float) -> str:
    """A time in the unit that suits its size, with six digits, as in ``12.3457 ms``."""
    return scaled(seconds, "s")


def format_metric(metric: Metric, value: float) -> str:
    """A metric's value for people, with its unit and six digits."""
    match metric.rpartition("_")[2]:
        case "s" | "j" | "w" as unit:
            return scaled(value, unit if unit == "s" else unit.upper())
        case "ips":
            return f"{value:.6g} inf/s"
        case "bytes":
            return f"{value / 1024:.6g} KiB" if value >= 1024 else f"{value:.0f} B"
        case "top1":
            return f"{100 * value:.6g} %"
        case "instructions" | "cycles":
            return f"{value:,.0f}"
    return f"{value:.6g}"


def unit_of(metric: Metric) -> str:
    """The unit that a metric's value has in records and for machines."""
    end = metric.rpartition("_")[2]
    named = {"s": "s", "j": "J", "w": "W", "ips": "1/s", "bytes": "B"}
    return named.get(end, "1")


def format_coarse(value: float, resolution: float, unit: str) -> str:
    """A value that is known to a resolution only, with the digits that it leaves, and with it.

    As in ``5.4 ms ± 0.1 ms``; a resolution that no digit shows is left out.
    """
    if resolution < 1e-6 * abs(value):
        return scaled(value, unit)
    digits = max(1, min(6, math.floor(math.log10(abs(value) / resolution)) + 1 if value else 1))
    told, space, scale = scaled(value, unit, digits).partition(" ")
    # A zero at the end is a digit that is known.
    lacks = digits - len(told.lstrip("-0.").replace(".", ""))
    if lacks > 0 and value:
        told += "." * ("." not in told) + "0" * lacks
    return f"{told}{space}{scale} ± {scaled(resolution, unit, 2)}"


def scaled(value: float, unit: str, digits: int = 6) -> str:
    """`value` with the SI prefix that leaves one to three digits before the point; a rate has no
    prefix."""
    if unit == "inf/s":
        return f"{_digits(value, digits)} {unit}"
    for prefix, size in (("", 1.0), ("m", 1e-3), ("µ", 1e-6), ("n", 1e-9)):
        if abs(value) >= size:
            return f"{_digits(value / size, digits)} {prefix}{unit}"
    return f"{value / 1e-9:.{digits}g} n{unit}" if value else f"0 {unit}"


def _digits(value: float, digits: int) -> str:
    """In so many digits; a large number of few digits has zeros and no exponent."""
    text = f"{value:.{digits}g}"
    return f"{float(text):.0f}" if "e+" in text and abs(value) < 1e6 else text


def station_label(station: str, board: str, *, emulated: bool = False) -> str:
    """A station, with its board type where that name differs: as in ``desk (nucleo-l4r5zi)``.

    Args:
        station: its name.
        board: its board type.
        emulated: whether to say that it is emulated.
    """
    told = [board] * (station != board) + ["emulated"] * emulated
    return f"{station} ({', '.join(told)})" if told else station
