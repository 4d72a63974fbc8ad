"""Data sets: read completely, checked sample by sample, and named by what they are.

A data set is ``official`` when every file matches the pinned sums, ``stand-in`` when it is the one
that our seeded generator makes, ``random`` when its inputs are drawn at random and have no right
answers, ``custom`` otherwise; the name goes with every figure.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from tinyhil.catalog.task import StandIn, Task
from tinyhil.data import standin
from tinyhil.data.official import is_official
from tinyhil.ground.errors import DataError
from tinyhil.ground.files import writing_to
from tinyhil.ground.paths import SUITES

Kind = Literal["official", "stand-in", "custom", "random"]

LABELS = "y_labels.csv"

_DATA_HINT = (
    "`tinyhil data list` says how to get it; --hil-data or TINYHIL_DATA is the folder that holds "
    "'datasets/'"
)


@dataclass(frozen=True)
class Sample:
    """One sample as it is sent to the device, with its true class."""

    name: str
    label: int
    data: bytes


@dataclass(frozen=True)
class DataSet:
    """All samples of a task, in the order of the label file."""

    kind: Kind
    folder: Path
    sha256: str
    samples: tuple[Sample, ...]
    labels: bytes = field(default=b"", repr=False)
    """The label file."""
    sums: bytes = field(default=b"", repr=False)
    """The list that `sha256` is of, see `sum_list`."""


@dataclass(frozen=True)
class Material:
    """What one run of a task is about: data set and model."""

    data: DataSet
    model_file: Path | None
    """None where task and firmware are the user's own."""
    model_sha256: str | None
    own_task: bool = False
    """Whether the task is none of the benchmark's."""
    own_model: bool = False
    """Whether the user brought another model for a task of the benchmark."""

    @property
    def model(self) -> Path:
        """The model to build firmware of.

        Raises:
            DataError: the user's own task names none.
        """
        if self.model_file is None:
            raise DataError(
                "the task's file names no model to build firmware of",
                hint="add the key 'own.model' to it, or flash an image with --hil-firmware",
            )
        return self.model_file

    def model_content(self, sha256: str) -> bytes:
        """The model's file, which must still be the one of this sum.

        Raises:
            DataError: it was changed, or can't be read.
        """
        _check_sum(self.model, sha256)
        return self.model.read_bytes()

    @property
    def division(self) -> str:
        """Division of the benchmark that a result would belong to."""
        if self.own_task:
            return "none"
        if self.own_model and self.data.kind == "official":
            return "open"
        return {"official": "closed", "custom": "open"}.get(self.data.kind, "none")


def sum_list(sums: Mapping[str, str]) -> bytes:
    """Lines ``<sha256>  <name>``, sorted by name, of sums by the file's name."""
    return "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode()


def digest(files: Mapping[str, bytes]) -> str:
    """One SHA-256 over many files: of the list of their sums."""
    return hashlib.sha256(_sums(files)).hexdigest()


def _sums(files: Mapping[str, bytes]) -> bytes:
    return sum_list({name: hashlib.sha256(data).hexdigest() for name, data in files.items()})


def brought_data(task: Task, root: Path | None) -> DataSet:
    """The data set that the user brings: of a task of his own where its file says, else the
    official one in a folder laid out as MLCommons gives it to its members.

    Raises:
        DataError: the folder, a file or a label is missing, damaged or unknown.
    """
    if task.own:
        folder = task.own.data
        if folder is None:
            return _random_data(task)
        files = _read_folder(folder, f"key 'own.data' of the task {task.name} names it")
        return _data_set(task, "custom", folder, digest(files), files)
    folder = (root or Path()) / task.official.data
    files = _read_folder(folder, _DATA_HINT)
    kind: Kind = "official" if is_official(task.name, folder, files) else "custom"
    return _data_set(task, kind, folder, digest(files), files)


def _random_data(task: Task) -> DataSet:
    """Inputs that are drawn at random: the same ones each time, for the same sizes."""
    assert task.own is not None
    count, size = task.own.random or 0, task.input.bytes
    draw = np.random.default_rng((count, size))
    made = (
        draw.standard_normal((count, size // 4)).astype("<f4")
        if task.input.encoding == "float32"
        else draw.integers(0, 256, (count, size), np.uint8)
    )
    names = [f"random{number:04}.bin" for number in range(count)]
    labels = "".join(f"{name},{len(task.classes)},0\n" for name in names)
    drawn = {name: row.tobytes() for name, row in zip(names, made, strict=True)}
    files = {LABELS: labels.encode(), **drawn}
    return _data_set(task, "random", Path("random inputs"), digest(files), files)


def stand_in_data(task: Task, cache: Path) -> DataSet:
    """The stand-in set, generated into `cache` unless a complete one is there already.

    Raises:
        DataError: what the generator made differs from the pinned sum.
        WriteError: `cache` can't be written.
    """
    stand_in = _stand_in(task)
    folder = cache / f"{task.name}-{stand_in.data_sha256[:16]}"
    if not folder.is_dir():
        with writing_to(folder):
            standin.write(task.name, folder)
    files = _read_folder(folder, _DATA_HINT)
    sha256 = digest(files)
    if sha256 != stand_in.data_sha256:
        raise DataError(
            f"{folder}: the stand-in set has the sum {sha256[:16]}…, not the pinned "
            f"{stand_in.data_sha256[:16]}…",
            hint="delete the folder, it is made again; if this repeats, the generator was changed",
        )
    return _data_set(task, "stand-in", folder, sha256, files)


def material(task: Task, root: Path | None, cache: Path, model: Path | None = None) -> Material:
    """Model and data set of a task: the user's own, the official ones below `root`, or the
    stand-in.

    Args:
        task: the task.
        root: the folder that the user brought, or None.
        cache: where the stand-in set is generated.
        model: the user's own, in the place of the task's.

    Raises:
        DataError: something is missing, damaged or changed.
    """
    if task.own:
        model = model or task.own.model
        sha256 = _sum(model) if model else None
        return Material(brought_data(task, None), model, sha256, own_task=True)
    if model:
        data = brought_data(task, root) if root else stand_in_data(task, cache)
        return Material(data, model, _sum(model), own_model=True)
    if root is None:
        stand_in = _stand_in(task)
        model = stand_in_model(task)
        return Material(stand_in_data(task, cache), model, stand_in.model_sha256)
    model = root / task.official.model
    _check_sum(model, task.official.model_sha256)
    return Material(brought_data(task, root), model, task.official.model_sha256)


def stand_in_model(task: Task) -> Path:
    """The model of the stand-in, checked against its pinned sum.

    Raises:
        DataError: the task has none, or the file is missing or altered.
    """
    stand_in = _stand_in(task)
    path = SUITES / stand_in.model
    _check_sum(path, stand_in.model_sha256)
    return path


def _stand_in(task: Task) -> StandIn:
    if task.stand_in is None:
        raise DataError(
            f"task '{task.name}' has no stand-in",
            hint="point --hil-data or TINYHIL_DATA at the official data",
        )
    return task.stand_in


def _check_sum(path: Path, sha256: str) -> None:
    found = _sum(path)
    if found != sha256:
        raise DataError(
            f"{path}: has the SHA-256 {found[:16]}…, not the pinned {sha256[:16]}…",
            hint="the file is cut short or another model; fetch it again",
        )


def _sum(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read: {error.strerror}",
            hint="`tinyhil data fetch DIR` gets it; --hil-data or TINYHIL_DATA is the DIR; a model "
            "of your own is named by the key 'own.model' of its task",
        ) from error


def _read_folder(folder: Path, hint: str) -> dict[str, bytes]:
    """The label file and every sample next to it, by name."""
    if not (folder / LABELS).is_file():
        raise DataError(f"{folder / LABELS}: no such file", hint=hint)
    paths = [folder / LABELS, *sorted(folder.glob("*.bin"))]
    try:
        return {path.name: path.read_bytes() for path in paths}
    except OSError as error:
        raise DataError(
            f"{error.filename}: cannot be read: {error.strerror}", hint="check its permissions"
        ) from error


def _data_set(
    task: Task, kind: Kind, folder: Path, sha256: str, files: Mapping[str, bytes]
) -> DataSet:
    text = files[LABELS].decode("utf-8", "replace")
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if row]
    samples = tuple(
        _sample(task, folder, number, row, files) for number, row in enumerate(rows, start=1)
    )
    if not samples:
        raise DataError(f"{folder / LABELS}: names no sample", hint="fetch the data set again")
    return DataSet(kind, folder, sha256, samples, files[LABELS], _sums(files))


def _sample(
    task: Task, folder: Path, number: int, row: list[str], files: Mapping[str, bytes]
) -> Sample:
    where = f"{folder / LABELS}, line {number}"
    if len(row) < 3:
        raise DataError(f"{where}: has {len(row)} of 3 columns", hint="fetch the data set again")
    name, classes, label = row[:3]
    if name not in files:
        raise DataError(
            f"{where}: names '{name}', which is not in the folder", hint="fetch the data set again"
        )
    if classes != str(len(task.classes)) or label not in map(str, range(len(task.classes))):
        raise DataError(
            f"{where}: class '{label}' of '{classes}'; {task.name} has {len(task.classes)} "
            f"classes, from 0 to {len(task.classes) - 1}",
            hint="check that the label file belongs to this task",
        )
    data = files[name]
    if len(data) != task.input.bytes:
        raise DataError(
            f"{folder / name}: has {len(data)} bytes, a sample of {task.name} has "
            f"{task.input.bytes}",
            hint="the file is cut short; fetch it again",
        )
    return Sample(name, int(label), data)
