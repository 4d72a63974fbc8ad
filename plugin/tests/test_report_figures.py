"""Pictures: well-formed, the same bytes each time, and honest about what they show."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray

from tinyhil.measure.measures import SingleStream
from tinyhil.publish.report.figures import confusion_matrix, latency_histogram
from tinyhil.publish.report.title import Title, title_of
from tinyhil.record import Subject

_INSTRUCTION_S = 32e-9
_SVG = "{http://www.w3.org/2000/svg}"


def _subject(*, emulated: bool = True, data_set: str = "stand-in") -> Subject:
    return Subject(
        "mps2-an386", "mps2-an386", "cortex-m4", emulated, "kws01", "serial", "none", data_set, "",
        None, "",
    )  # fmt: skip


def _texts(svg: bytes) -> list[str]:
    """All texts of a picture; raises when it is not well-formed."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - made here
    assert root.tag == f"{_SVG}svg"
    return ["".join(element.itertext()).strip() for element in root.iter(f"{_SVG}text")]


def _single(times_s: NDArray[np.float64], tick_hz: int = 25_000_000) -> SingleStream:
    return SingleStream(times_s, "timer", tick_hz, 1 / tick_hz)


_ONE_TICK_APART = (308_624 + np.arange(1024) % 2) / 25e6
_SPREAD = np.linspace(0.010, 0.020, 1000)


@pytest.mark.parametrize(
    "times_s",
    [np.full(1024, 308_624 / 25e6), _ONE_TICK_APART, _SPREAD, np.array([0.5])],
    ids=["all equal", "one tick apart", "spread", "a single query"],
)
def test_histogram_names_all_percentiles_and_its_bytes_depend_on_the_figures_alone(
    times_s: NDArray[np.float64],
) -> None:
    def draw() -> bytes:
        title = title_of(_subject(), "latency")
        return latency_histogram(_single(times_s), title=title, instruction_s=_INSTRUCTION_S)

    svg = draw()
    texts = _texts(svg)
    for mark in ("p50 = ", "p90 = ", "p99 = "):
        assert any(text.startswith(mark) for text in texts)
    assert svg == draw()


def test_histogram_marks_the_percentiles_that_the_metrics_report() -> None:
    title = title_of(_subject(emulated=False), "latency")
    texts = _texts(latency_histogram(_single(_SPREAD), title=title, instruction_s=None))
    for percent in (50, 90, 99):
        seconds = float(np.percentile(_SPREAD, percent, method="inverted_cdf"))
        assert f"p{percent} = {seconds * 1e3:.6g} ms" in texts


def test_histogram_of_an_emulated_board_says_so_and_counts_instructions() -> None:
    single = _single(np.full(40, 308_624 / 25e6))
    title = title_of(_subject(), "latency")
    texts = " ".join(_texts(latency_histogram(single, title=title, instruction_s=_INSTRUCTION_S)))
    assert "emulated: instruction count x 32 ns, not a time measured on silicon" in texts
    assert "p90 = 385,780 instructions" in texts


def test_histogram_of_silicon_speaks_of_no_instructions() -> None:
    title = title_of(_subject(emulated=False), "latency")
    texts = " ".join(_texts(latency_histogram(_single(_SPREAD), title=title, instruction_s=None)))
    assert "instruction" not in texts
    assert "emulated" not in texts


def test_histogram_shows_every_query_in_whole_ticks() -> None:
    """Bins narrower than a tick, or askew to it, would show a comb that is not in the data."""
    title = title_of(_subject(), "latency")
    svg = latency_histogram(_single(_ONE_TICK_APART), title=title, instruction_s=None)
    root = ElementTree.fromstring(svg)  # noqa: S314 - made here
    heights = set()
    for path in root.iter(f"{_SVG}path"):
        if "fill: #92c5de" in path.get("style", ""):
            numbers = [float(word) for word in path.get("d", "").split() if word[0].isdigit()]
            heights.add(round(max(numbers[1::2]) - min(numbers[1::2]), 2))
    assert len(heights - {0.0}) == 1  # two bars of 512 each, nothing else


def _of_two(title: Title) -> bytes:
    return confusion_matrix(np.array([[45, 5], [0, 0]]), ("a<b>&", "$person$"), title=title)


def _of_twelve(title: Title) -> bytes:
    counts = np.diag(np.arange(101, 113))
    return confusion_matrix(counts, [f"class {number}" for number in range(12)], title=title)


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (_of_two, ["45", "5", "a<b>&", "$person$"]),
        (_of_twelve, [*map(str, range(101, 113)), *(f"class {number}" for number in range(12))]),
    ],
    ids=["two classes, one without a sample", "twelve classes"],
)
def test_confusion_matrix_holds_all_counts_and_names(
    draw: Callable[[Title], bytes], expected: list[str]
) -> None:
    svg = draw(title_of(_subject(), "accuracy"))
    texts = _texts(svg)
    assert set(expected) <= set(texts)
    assert svg == draw(title_of(_subject(), "accuracy"))


@pytest.mark.parametrize(
    ("data_set", "label"), [("stand-in", "STAND-IN data"), ("official", "official data")]
)
def test_title_tells_which_data_the_figures_come_from(data_set: str, label: str) -> None:
    title = title_of(_subject(data_set=data_set), "accuracy")
    assert label in title
    assert "(emulated)" in title
    assert any(label in text for text in _texts(_of_two(title)))
