"""Writes a firmware project of the user's own: the harness, a board's port, an engine's template.

It is whole: it is built by CMake and the cross compiler alone, without tinyhil.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from errno import EEXIST
from pathlib import Path
from typing import TYPE_CHECKING

from tinyhil.catalog.board import Board
from tinyhil.catalog.task import Task
from tinyhil.ground.errors import ConfigError
from tinyhil.ground.files import writing_to
from tinyhil.ground.paths import FIRMWARE
from tinyhil.ground.text import printable
from tinyhil.image.build import adapter_of, compile_for, port_of
from tinyhil.image.limits import frames_carry, least_input
from tinyhil.image.linker import linker_memory

if TYPE_CHECKING:
    from tinyhil.image.compiler import CompiledModel

_TEMPLATES = FIRMWARE / "templates"
_COMPILED = FIRMWARE / "engines" / "compiled"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
NEEDS = {"tflm": " -DTFLM=FOLDER"}
"""What the user adds where an engine's project is configured."""
_GIT, _SHOWN = ".git", 5
_PLACE = re.compile(r"__([A-Z0-9_]+?)__")
_PORT = re.compile(r"(?:CMAKE_CURRENT_LIST_DIR}/\.\.|TINYHIL_PORTS})/([a-z0-9-]+)/")


def check_target(folder: Path) -> None:
    """Refuse a folder that can't become a project.

    Raises:
        ConfigError: it holds something, or can't be read, or its name does not do for a project.
    """
    name = folder.resolve().name
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"'{name}' is no name for a firmware: letters, digits, '-' and '_', at most 64",
            hint="choose another name",
        )
    if not os.path.lexists(folder):
        return
    try:
        found = sorted(one.name for one in folder.iterdir() if one.name != _GIT)
    except OSError as error:
        raise ConfigError(
            f"{folder} is there already and is no folder that can be read: {error.strerror}",
            hint="choose another name",
        ) from error
    if found:
        names = ", ".join(map(printable, found[:_SHOWN])) + ", …" * (len(found) > _SHOWN)
        raise ConfigError(
            f"{folder} is not empty: {names}",
            hint="nothing of yours is written over: name a new or an empty folder",
        )


def write_project(folder: Path, engine: str, board: Board, task: Task, model: Path) -> None:
    """Write the project, completely or not at all.

    Args:
        folder: which is made; its name is the firmware's.
        engine: what runs the model; a folder of ``firmware/templates``.
        board: whose port, compiler and memory map it has.
        task: which it says to run, and whose samples it takes.
        model: an int8 ``.tflite``; what the template runs until it is given something else.

    Raises:
        ConfigError: see `check_target`.
        ModelError: the model compiler refuses the model, or it is not of the task.
        BenchError: the extra `build` is not installed.
        WriteError: the folder can't be written.
    """
    check_target(folder)
    compiled = compile_for(task, model, board)
    facts = _facts(folder.resolve().name, board, task, compiled)
    facts["NEEDS"] = NEEDS.get(engine, "")
    target = folder.resolve()
    there = target.exists()
    with writing_to(folder):
        target.parent.mkdir(parents=True, exist_ok=True)
        place = target if there else target.parent
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=place) as scratch:
            made = Path(scratch) / target.name
            _copy(FIRMWARE / "core", made / "tinyhil")
            _write_board(made / "board", board, compiled, facts)
            _write_engine(made, engine, task, facts)
            if engine == "tflm":
                _copy(model, made / "engine" / "model.tflite")
            else:
                _write_model(made / "model", board, compiled)
            if there:
                _move_into(made, target)
            else:
                made.rename(target)


def _move_into(made: Path, folder: Path) -> None:
    """Move all of a project into a folder that a shell may be in; if one does not go, none does."""
    moved: list[tuple[Path, Path]] = []
    try:
        for source in made.iterdir():
            target = folder / source.name
            if os.path.lexists(target):
                raise FileExistsError(EEXIST, os.strerror(EEXIST), str(target))
            source.rename(target)
            moved.append((source, target))
    except OSError:
        for source, target in moved:
            target.rename(source)
        raise


def _facts(name: str, board: Board, task: Task, compiled: CompiledModel) -> dict[str, str]:
    """What stands in the templates, as ``__NAME__``."""
    return {
        "NAME": name,
        "BOARD": board.name,
        "PREFIX": board.toolchain.prefix,
        "FLAGS": " ".join(board.toolchain.flags),
        "KERNELS": " ".join(board.toolchain.kernels),
        "PORT": Path(port_of(board)).name,
        "BAUD": str(board.baud),
        "CLOCK_HZ": str(board.clock_hz),
        "INPUT_LEAST": str(least_input(board)),
        "TASK": task.name,
        "SAMPLE_BYTES": str(task.input.inference_bytes),
        "RESULTS": str(task.results),
        "ENCODING": task.input.encoding,
        "ADAPTER": adapter_of(task, compiled),
        "RESULT": task.result,
        "MODEL_SHA256": compiled.sha256,
        "EXTENSION": str(int(frames_carry(task, compiled))),
    }


def _write_board(
    folder: Path, board: Board, compiled: CompiledModel, facts: Mapping[str, str]
) -> None:
    ports = FIRMWARE / "ports"
    for name in _ports_of(ports, port_of(board)):
        _copy(ports / name, folder / Path(name).name)
    for file in ("main.c", "port.h"):
        _copy(ports / file, folder / file)
    (folder / "board.ld").write_text(linker_memory(board, compiled), encoding="utf-8")
    _fill([_TEMPLATES / "common" / "board.cmake"], folder, facts)


def _ports_of(ports: Path, name: str) -> set[str]:
    """The port's folder and those that it takes files from."""
    text = (ports / name / "port.cmake").read_text(encoding="utf-8")
    return {name}.union(*(_ports_of(ports, other) for other in set(_PORT.findall(text))))


def _write_engine(folder: Path, engine: str, task: Task, facts: Mapping[str, str]) -> None:
    common, own = _TEMPLATES / "common", _TEMPLATES / engine
    (folder / "engine").mkdir()
    at_top = ("CMakeLists.txt", "README.md", "hil_config.h")
    _fill([common / name for name in at_top], folder, facts)
    files = sorted(own.iterdir())
    _fill([file for file in files if file.name in at_top], folder, facts)
    _fill([file for file in files if file.name not in at_top], folder / "engine", facts)
    if engine == "tflm":
        _copy(FIRMWARE / "engines" / "th", folder / "engine")
        return
    for kind, name in (("input", facts["ADAPTER"]), ("result", task.result)):
        _copy(_COMPILED / f"{kind}_{name}.c", folder / "engine" / f"{kind}.c")


def _write_model(folder: Path, board: Board, compiled: CompiledModel) -> None:
    compiled.write(folder)
    kernels = FIRMWARE / "kernels"
    for name in ("CMakeLists.txt", "include", "portable", *board.toolchain.kernels):
        _copy(kernels / name, folder / "kernels" / name)


def _copy(source: Path, target: Path) -> None:
    """Copy a file, or those of a folder, without their modes: an installed one may be read-only."""
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        return
    for file in source.iterdir():
        _copy(file, target / file.name)


def _fill(templates: Iterable[Path], folder: Path, facts: Mapping[str, str]) -> None:
    """Write templates with the facts in their places."""
    for template in templates:
        text = template.read_text(encoding="utf-8")
        filled = _PLACE.sub(lambda place: facts[place[1]], text)
        (folder / template.name).write_text(filled, encoding="utf-8", newline="\n")
