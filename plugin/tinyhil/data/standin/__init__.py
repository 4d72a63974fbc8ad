"""Stand-in data sets: made by a seeded generator, so that a clean clone runs offline.

They have the official shape and layout but nothing of the official content, and a record that ran
on one says so: a score on them is not a benchmark result. A task has a stand-in set when this
folder has a module of its name; adding one is adding that file (see `Generator`), nothing else.
What modules share is in those whose names begin with an underscore.
"""

from __future__ import annotations

import importlib
import pkgutil
import tempfile
from pathlib import Path
from typing import Any, Protocol, cast

from numpy.typing import NDArray

from tinyhil.ground.errors import ConfigError

__all__ = ["Generator", "tasks", "write"]

LABEL_FILE = "y_labels.csv"


class Generator(Protocol):
    """What a module in this folder offers; the same seed gives the same bytes everywhere."""

    CLASSES: tuple[str, ...]
    """Class names; a label is an index into them."""
    TEST_SEED: int
    """Seed of the held-out set that `write` writes."""
    TEST_COUNT: int
    """Number of samples in that set."""
    FILE_NAME: str
    """A sample file's name, to be formatted with `index`, `name` of the class, and `label`."""
    LABEL_COLUMNS: tuple[int, ...]
    """What each line of the label file has after the class, as the official one has."""

    def generate(self, count: int, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Samples, one along the first axis, in the type that is sent; and int64 labels."""


def tasks() -> tuple[str, ...]:
    """Names of the tasks that have a stand-in set, sorted."""
    names = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in names if not name.startswith("_")))


def write(task: str, folder: Path) -> None:
    """Write a task's held-out set in the layout of the official runner.

    One file a sample, for example ``kws01_000000_Stop_7.bin`` (index, class name, label), with its
    raw bytes; and ``y_labels.csv`` with a line ``file,classes,class`` for each, ``classes`` being
    their number, and with further columns where the task has any. The set is written next to
    ``folder`` and then renamed, so ``folder`` is either complete or absent. If it holds this set
    already, for example from another process, that one is kept.

    Args:
        task: name of the task, for example ``kws01``.
        folder: folder of this set; its parents are made.

    Raises:
        ConfigError: the task has no stand-in set, or ``folder`` holds something else.
        OSError: the files can't be written.
    """
    generator = _generator(task)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        whole = Path(scratch) / folder.name
        whole.mkdir()
        _write_samples(generator, whole)
        try:
            whole.rename(folder)
        except OSError:
            if not folder.exists():
                raise
            if not _same_labels(whole, folder):
                raise ConfigError(
                    f"{folder} exists, so the stand-in set of {task} is not written there",
                    hint="remove it, or name another folder",
                ) from None


def _same_labels(ours: Path, theirs: Path) -> bool:
    """Whether the other folder holds this set; its bytes are checked by the sums."""
    other = theirs / LABEL_FILE
    return other.is_file() and other.read_bytes() == (ours / LABEL_FILE).read_bytes()


def _generator(task: str) -> Generator:
    """The module that makes a task's samples; `ConfigError` when there is none."""
    known = tasks()
    if task not in known:
        raise ConfigError(
            f"there is no stand-in set for task {task!r}",
            hint=f"stand-in sets exist for {', '.join(known)}; for others name a folder with the"
            " official data (--hil-data)",
        )
    return cast(Generator, importlib.import_module(f"{__name__}.{task}"))


def _write_samples(generator: Generator, folder: Path) -> None:
    """Fill an empty folder with sample files and the label file."""
    samples, labels = generator.generate(generator.TEST_COUNT, generator.TEST_SEED)
    lines = []
    for index, (sample, label) in enumerate(zip(samples, labels.tolist(), strict=True)):
        name = generator.FILE_NAME.format(index=index, name=generator.CLASSES[label], label=label)
        (folder / name).write_bytes(sample.tobytes())
        columns = (len(generator.CLASSES), label, *generator.LABEL_COLUMNS)
        lines.append(",".join((name, *map(str, columns))) + "\n")
    (folder / LABEL_FILE).write_bytes("".join(lines).encode("ascii"))
