"""What a run tells Allure; the only module that imports it. All of it is harmless without Allure.

Allure's own pytest plugin writes test results while ``--alluredir`` is given; `html` makes the
page of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import allure
from allure_commons import hookimpl, plugin_manager
from allure_commons.types import AttachmentType

from tinyhil.catalog.board import Board
from tinyhil.catalog.task import Task
from tinyhil.catalog.units import station_label
from tinyhil.catalog.wording import data_label
from tinyhil.ground.errors import WriteError
from tinyhil.ground.extras import installed
from tinyhil.ground.files import unwritable
from tinyhil.ground.paths import REPORTS
from tinyhil.ground.text import in_markdown, shown

_DYNAMIC: Any = allure.dynamic  # it has no type hints

_TITLE_CHARACTERS = 200
_TEXT_CHARACTERS = 200_000
_FILE_BYTES = 8 << 20
_TEXT_SUFFIXES = frozenset({".csv", ".json", ".jsonl", ".log", ".toml", ".txt"})


def active() -> bool:
    """Whether anybody takes what is told."""
    return bool(plugin_manager.get_plugins())


def draws() -> bool:
    """Whether pictures are wanted, and can be drawn: Matplotlib comes with an extra."""
    return active() and installed("matplotlib")


class Guard:
    """Wraps what Allure writes: a report that can't be written must not end a measurement.

    Args:
        results: the folder of Allure's results.
    """

    def __init__(self, results: Path) -> None:
        self.error: WriteError | None = None
        """The first thing that could not be written, after which the report is not complete."""
        self._results = results
        plugin_manager.register(self)

    def close(self) -> None:
        """Stop watching."""
        plugin_manager.unregister(self)

    def _guarded(self) -> Generator[None, object, object]:
        try:
            return (yield)
        except OSError as error:
            self.error = self.error or unwritable(self._results, error)
            for rest in self._results.glob("*.tmp"):
                rest.unlink(missing_ok=True)
            return None

    @hookimpl(wrapper=True)
    def report_result(self) -> Generator[None, object, object]:
        """See `allure_commons.logger`, as all of these."""
        return (yield from self._guarded())

    @hookimpl(wrapper=True)
    def report_container(self) -> Generator[None, object, object]:
        """A fixture's."""
        return (yield from self._guarded())

    @hookimpl(wrapper=True)
    def report_attached_file(self) -> Generator[None, object, object]:
        """A file."""
        return (yield from self._guarded())

    @hookimpl(wrapper=True)
    def report_attached_data(self) -> Generator[None, object, object]:
        """A text or a picture."""
        return (yield from self._guarded())

    @hookimpl(wrapper=True)
    def report_globals(self) -> Generator[None, object, object]:
        """Of the whole run."""
        return (yield from self._guarded())


def step(title: str) -> AbstractContextManager[None]:
    """A step of the running test, from here to the end of the ``with`` block."""
    return cast(AbstractContextManager[None], allure.step(_one_line(title)))


def describe(
    board: Board,
    task: Task,
    measure: str,
    *,
    data_set: str,
    station: str,
    title: str = "",
    said: str = "",
) -> None:
    """Name the running test after what it measures, and sort it under station and task.

    Call it when the set-up is over (`pytest_runtest_makereport` of ``setup``, or in the call
    itself): Allure's plugin overwrites the title at the end of the set-up.

    Args:
        board: the board type.
        task: the task.
        measure: as in the record: ``latency``, ``accuracy`` …
        data_set: kind of data set, or ``unknown`` where the set-up ended before it was read.
        station: the board's name on this bench.
        title: with the figure, its unit and its limit, where there is one.
        said: more of it: why, and since when.
    """
    data = data_label(data_set)
    label = station_label(station, board.name, emulated=board.emulated)
    _DYNAMIC.title(f"{title or measure}: {task.name} on {label}, {data} data")
    if said:
        _DYNAMIC.description(in_markdown(shown(said, _TEXT_CHARACTERS)))
    _DYNAMIC.epic(label)
    _DYNAMIC.feature(f"{task.title} ({task.name})")
    _DYNAMIC.story(measure)
    _DYNAMIC.tag(measure, f"data: {data}", *(["emulated"] if board.emulated else []))
    # Parametrized fixtures hold whole objects under the same names: these replace their repr.
    for name, value in (("board", station), ("task", task.name), ("data", data)):
        _DYNAMIC.parameter(name, value)


def attach_text(name: str, text: str) -> None:
    """Attach text as plain text; the middle of a long one is left out, with a note."""
    safe = shown(text.replace("\r\n", "\n"), None, keep="\n\t")
    if len(safe) > _TEXT_CHARACTERS:
        half = _TEXT_CHARACTERS // 2
        left_out = len(safe) - 2 * half
        safe = f"{safe[:half]}\n… {left_out} characters left out …\n{safe[-half:]}"
    allure.attach(safe, _one_line(name), AttachmentType.TEXT)


def attach_svg(name: str, svg: bytes) -> None:
    """Attach a picture of `figures`; never one from a device, as a picture may hold scripts."""
    allure.attach(svg, _one_line(name), AttachmentType.SVG)


def attach_svg_to_run(name: str, svg: bytes) -> None:
    """Attach a picture to the whole run: Allure shows it on its page of global attachments."""
    allure.global_attach(svg, _one_line(name), AttachmentType.SVG)


def attach_file(path: Path, name: str | None = None) -> None:
    """Attach a file: text files as plain text, others to download; none above 8 MiB.

    A file that can't be read is replaced by a note: a report must not end a measurement.
    """
    name = name or path.name
    try:
        size = path.stat().st_size
        if size > _FILE_BYTES:
            attach_text(name, f"{path.name}: {size} bytes are too many to attach")
        elif path.suffix in _TEXT_SUFFIXES:
            attach_text(name, path.read_bytes().decode(errors="backslashreplace"))
        else:
            allure.attach(path.read_bytes(), _one_line(name), "application/octet-stream", "bin")
    except OSError as error:
        attach_text(name, f"{path.name}: cannot be read: {error.strerror}")


def write_environment(results: Path, values: Mapping[str, str]) -> None:
    """Write ``environment.properties``: what the whole run was made with, shown on its first page.

    Raises:
        OSError: it can't be written.
    """
    results.mkdir(parents=True, exist_ok=True)
    lines = [f"{_property(key, key=True)} = {_property(value)}\n" for key, value in values.items()]
    (results / "environment.properties").write_text("".join(lines), encoding="ascii")


def write_categories(results: Path) -> None:
    """Copy the categories, for readers of the results that do not have our configuration.

    Raises:
        OSError: it can't be written.
    """
    results.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(REPORTS / "categories.json", results / "categories.json")


def _one_line(text: str) -> str:
    return shown(" ".join(text.split()), _TITLE_CHARACTERS)


def _property(text: str, *, key: bool = False) -> str:
    r"""`text` escaped as Java's property files have it: ASCII, others as UTF-16 ``\uXXXX``."""
    special = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}
    if key:
        special |= {character: f"\\{character}" for character in " =:#!"}
    lead = "\\" if text.startswith(" ") and not key else ""
    return lead + "".join(special.get(character) or _ascii(character) for character in text)


def _ascii(character: str) -> str:
    if " " <= character <= "~":
        return character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))
